"""A kubelet trace as a scenario: the mapping of its input to the keys of the scenario file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TRACES = Path(__file__).parent.parent / "data" / "traces" / "kubelet"


def load(name: str) -> dict[str, Any]:
    return json.loads((TRACES / f"{name}.json").read_text())


def names() -> list[str]:
    return sorted(path.stem for path in TRACES.glob("*.json"))


def scenario(trace: dict[str, Any], variant: str) -> dict[str, Any]:
    """The scenario that replays a variant of a trace."""
    given = trace["input"]
    kubelet, core = given["kubelet"], variant.startswith("core_")
    version = trace["traces"][variant]["kubernetes"]
    simulation: dict[str, Any] = {
        "imageBackoff": {
            "initial": f"{kubelet['image_backoff_initial_s']}s",
            "max": f"{kubelet['image_backoff_max_s']}s",
        }
    }
    if core:
        retry = {"core_b10": "10s", "core_b13": "13s"}[variant]
        simulation |= {"loop": "minimal", "retry": {"base": retry, "jitter": 0}}
    else:
        simulation |= {"loop": "full", "tickPhase": "0.7s", "relistPhase": "0.3s"}
        if variant.startswith("kubelet_nojitter"):
            simulation |= {"retry": {"base": "10s", "jitter": 0}, "resync": {"base": "60s", "jitter": 0}}
        else:
            draws: dict[str, list[str]] = {}
            for entry in trace["traces"][variant]["entries"]:
                if entry["kind"] == "requeue":
                    draws.setdefault(entry["pod"], []).append(f"{entry['delay_s']:.9f}s")
            simulation["requeueDraws"] = draws
    config: dict[str, Any] = {
        "serializeImagePulls": kubelet["serialize_image_pulls"],
        "registryPullQPS": kubelet["registry_pull_qps"],
        "registryBurst": kubelet["registry_burst"],
    }
    if not kubelet["serialize_image_pulls"] and kubelet["max_parallel_image_pulls"] is not None:
        config["maxParallelImagePulls"] = kubelet["max_parallel_image_pulls"]
    if core and not version.startswith("v1.32"):
        config["imagePullCredentialsVerificationPolicy"] = "NeverVerify"
    return {
        "version": 1,
        "name": f"{trace['name']} {variant}",
        "horizon": f"{given['horizon_s']}s",
        "nodes": [
            {
                "name": "node",
                "count": 1,
                "kubelet": config,
                "kubeletVersion": ".".join(version.lstrip("v").split(".")[:2]),
                "runtime": {"fixed": {"images": {_cri(ref): _image(i) for ref, i in given["images"].items()}}},
                "simulation": simulation,
            }
        ],
        "workloads": [_workload(pod) for pod in given["pods"]],
    }


def _cri(ref: str) -> str:
    return ref if ":" in ref.rsplit("/", 1)[-1] or "@" in ref else f"{ref}:latest"


def _image(image: dict[str, Any]) -> dict[str, Any]:
    fixed: dict[str, Any] = {
        "pull": f"{image['pull_s']}s",
        "repull": f"{image['repull_s']}s",
        "size": image["size_bytes"],
        "present": image["present"],
    }
    if image.get("removed_at_s"):
        fixed["removedAt"] = [f"{t}s" for t in image["removed_at_s"]]
    if fail := image.get("fail"):
        fixed["fail"] = {"after": f"{fail['after_s']}s", "error": fail["error"]}
        fixed["fail"] |= {key: fail[key] for key in ("times", "pattern") if fail.get(key) is not None}
    return fixed


def _workload(pod: dict[str, Any]) -> dict[str, Any]:
    def container(given: dict[str, Any]) -> dict[str, Any]:
        made = {"name": given["name"], "image": given["image"], "imagePullPolicy": given["policy"]}
        if "run_s" in given:
            made["run"] = f"{given['run_s']}s"
        return made

    spec = {"containers": [container(each) for each in pod["containers"]]}
    if pod["init_containers"]:
        spec["initContainers"] = [container(each) for each in pod["init_containers"]]
    return {"name": pod["name"], "at": f"{pod['arrival_s']}s", "pod": spec}
