"""A kubelet trace as a scenario: its input in the keys of the scenario file, and whether a run matches it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pullsim
from pullsim.results.invariants import check
from pullsim.results.tables import write_events_jsonl

TRACES = Path(__file__).parent.parent / "data" / "traces" / "kubelet"

SETS = ("core_", "kubelet_nojitter", "kubelet_jitter_")  # of variants, by the beginning of their names
TOLERANCE = 2e-3  # seconds
FIELDS = ("container", "type", "reason", "message", "image")


def load(name: str) -> dict[str, Any]:
    return json.loads((TRACES / f"{name}.json").read_text())


def names() -> list[str]:
    return sorted(path.stem for path in TRACES.glob("*.json"))


def variants(trace: dict[str, Any]) -> list[str]:
    return list(trace["traces"])


def deterministic(trace: dict[str, Any], variant: str) -> bool:
    """Whether the trace came out the same each time; otherwise it is one valid run."""
    return trace["traces"][variant]["order_deterministic"]


def replay(trace: dict[str, Any], variant: str, load_scenario: Any = pullsim.from_mapping) -> list[dict[str, Any]]:
    """The events of a run of the trace's input, read back from events.jsonl."""
    result = pullsim.run(load_scenario(scenario(trace, variant)))
    assert check(result) == []
    lines = io.StringIO()
    write_events_jsonl(result.events, lines)
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def mismatch(
    trace: dict[str, Any], variant: str, events: list[dict[str, Any]], *, strict: bool
) -> tuple[Any, Any] | None:
    """The first event that the trace has otherwise, as wanted and as got; None: they match.

    Times agree within 2 ms, everything else to the letter. Events of different pods at one instant have no order among
    themselves; those of a pod keep theirs, unless not ``strict``: then what happens at one instant has no order either.
    """
    want = [entry for entry in trace["traces"][variant]["entries"] if entry["kind"] == "event"]
    if variant.startswith("core_"):  # the image manager's own events only: nothing starts containers there
        events = [event for event in events if not _from_runtime_manager(event)]
    for pod in sorted({event["pod"] for event in (*want, *events)}):
        wanted, got = (_story([e for e in each if e["pod"] == pod], strict=strict) for each in (want, events))
        for first, second in zip(wanted, got, strict=False):
            if first[1:] != second[1:] or abs(first[0] - second[0]) > TOLERANCE:
                return first, second
        if len(wanted) != len(got):
            return f"{len(wanted)} events of {pod}", f"{len(got)} events"
    return None


def _story(events: list[dict[str, Any]], *, strict: bool) -> list[list[Any]]:
    rows = [[event["t"], *(event.get(field) for field in FIELDS)] for event in events]
    if not strict:
        rows.sort(key=lambda row: (round(row[0], 3), str(row[1:])))
    return rows


def _from_runtime_manager(event: dict[str, Any]) -> bool:
    return event["reason"] in ("Created", "Started") or event["message"].startswith("Error: ")


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
