"""Every way into pullsim: a command, the files that it reads and what else it takes."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import tempfile
import traceback
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SEEDS = Path(__file__).parent / "seeds"
SCENARIOS = Path(__file__).parents[2] / "scenarios"
#: What tools print of images.
FORMS = Path(__file__).parents[1] / "formats" / "data"
#: What kubectl and others print of a cluster.
DUMPS = Path(__file__).parents[1] / "data" / "cluster-dumps"
#: A scenario and the files of every kind that it refers to, but for blobs, which are named by their digests.
REFERRED = ("scenario.yaml", "kubelet.yaml", "config.toml", "docker.json", "providers.yaml", "manifest.json")
REFERRED += ("index.json", "catalog.json", "objects.yaml", "times.csv", "preset.yaml", "conf.d/10.toml")
REFERRED += ("certs.d/registry.example.com/hosts.toml",)
#: Cheap scenarios of the repository, by what they have that the seed has not.
_QUICK = ("image-volumes", "moving-tag", "cold-node", "serial-vs-parallel", "runtimes", "verification-outage")
_ALL = "*"


@dataclass(frozen=True)
class Door:
    """A command with its arguments; `files` are there when it runs, and `changed` are those that are mutated."""

    arguments: tuple[str, ...]
    files: dict[str, bytes]
    changed: tuple[str, ...]


def small() -> bytes:
    """Return a small scenario."""
    return (SEEDS / "small.yaml").read_bytes()


@cache
def doors() -> tuple[Door, ...]:
    """Return all doors; what pullsim reads back is made by it first."""
    seeds = {path.relative_to(SEEDS).as_posix(): path.read_bytes() for path in SEEDS.rglob("*") if path.is_file()}
    other = {path.relative_to(SCENARIOS).as_posix(): path.read_bytes() for path in SCENARIOS.rglob("*.yaml")}
    study = {name: seeds[name] for name in ("small.yaml", "study.yaml")}
    whole = {name: text for name, text in seeds.items() if name in REFERRED or name.startswith("sha256-")}
    made = study | _made(study)
    found = []

    def door(arguments: str, files: dict[str, bytes], *changed: str) -> None:
        found.append(Door(tuple(arguments.split()), files, changed))

    for name in REFERRED:
        door("validate scenario.yaml", whole, name)
    door("run scenario.yaml --no-charts --out out", whole, *REFERRED)
    door("describe scenario.yaml web-00000 --at 90s", whole, "scenario.yaml", "kubelet.yaml", "config.toml")
    door("run scenario.yaml --watch", whole, "objects.yaml", "scenario.yaml")
    for path in SCENARIOS.glob("*.yaml"):
        door(f"validate {path.name}", other, path.name)
    for name in _QUICK:
        door(f"run {name}.yaml -o json --detail pods", other, f"{name}.yaml")
    for name in ("events.json", "metrics.txt", "pulls.csv", "pulls.jsonl"):
        door(f"fit {name} -o json", {name: seeds[name]}, name)
    fitted = {name: seeds[name] for name in ("pulls.csv", "catalog.json", "manifest.json")}
    door("fit pulls.csv --catalog catalog.json --manifests redis:3.2=manifest.json --where zone=x", fitted, *fitted)
    dumps = {
        path.name: path.read_bytes() for path in sorted(DUMPS.glob("odd-aks/*.json")) if path.name != "expected.json"
    }
    settings = ("small-kubeadm/kubeadm-init.yaml", "small-kubeadm/containerd-config.toml", "small-k3s/registries.yaml")
    settings += ("small-kubeadm/describe-node-wk-1.txt", "medium-eks/nodeadm-gpu.txt", "medium-eks/karpenter.yaml")
    settings += ("forms/workloads/helm-template.yaml", "forms/workloads/jobset.yaml")
    dumps |= {Path(name).name: (DUMPS / name).read_bytes() for name in settings}
    for name in dumps:
        door("init . --question cold-node -o scenario.yaml", dumps, name)
    door("describe a web-00000", made, "a/summary.json", "a/pods.csv", "a/status.csv", "a/events.jsonl")
    traced = {name: seeds[name] for name in ("traced.yaml", "shop.sktrace")}
    door("validate traced.yaml", traced, *traced)
    exported = "--export perfetto,events,kwok,kube-burner,perfdata"
    door(f"run traced.yaml --out out --no-charts -q {exported}", traced, "traced.yaml")
    door("validate objects.yaml --nodes 3", seeds, "objects.yaml")
    door("run objects.yaml", seeds, "objects.yaml")
    forms = [*(FORMS / "images").iterdir(), *(FORMS / "node-images").iterdir()]
    printed = {"images.yaml": seeds["images.yaml"]} | {f"images/{path.name}": path.read_bytes() for path in forms}
    door("validate images.yaml", printed, *printed)
    door("validate images.yaml --missing", printed, "images.yaml")
    door("run images.yaml --set images.unknown=notFound --splits -q --detail pods", printed, "images.yaml")
    entries = {name: seeds[name] for name in ("docker.json", "secret.yaml", "providers.yaml")}
    options = "--config docker.json --secret secret.yaml --providers providers.yaml"
    for name in entries:
        door(f"explain-credentials registry.example.com/team/app:v1 {options}", entries, name)
    for _ in range(3):  # one file, many fields
        door("ci small.yaml --baseline baseline.json --junit j.xml --markdown m.md --github", made, "baseline.json")
    door(
        "ci small.yaml --baseline baseline.json --update-baseline --tolerance pods.*=2%",
        made,
        "baseline.json",
        "small.yaml",
    )
    for side in ("a", "b"):
        for name in ("summary.json", "scenario.effective.yaml"):
            door("compare a b", made, f"{side}/{name}")
    door("compare small.yaml --set seed=1,2 --seeds 1 -j 1 -o markdown", made, "small.yaml")
    door("sweep study.yaml -j 1 --out sweep --resume", made, "sweep/runs.jsonl", "study.yaml")
    door("sweep study.yaml -j 1 --out sweep --resume", made, "sweep/runs.jsonl")
    door("sweep small.yaml -j 1 --set nodes[workers].count=1,2 --seeds 1 -o csv", made, "small.yaml")
    door("solve small.yaml --knob nodes[workers].count --range 1..3 --slo <90s --seeds 1 -j 1", made, "small.yaml")
    door("advise small.yaml --seeds 1 -j 1 --max-runs 4 -o markdown", made, "small.yaml")
    for name in ("images/skopeo-raw-postgres.json", "images/crane-manifest-wordpress-index.json"):
        door(f"image-advice {name} --nodes 2 --seeds 1 -j 1 --max-runs 4 -o markdown", printed, name)
    door("image-advice images --seeds 1 -j 1 --max-runs 2 --out out -o csv", printed, *printed)
    for arguments in (
        "run small.yaml --set nodes[workers].nic=25Gbit/s --seed 3 --assert pods.start.p99<90s",
        "run small.yaml --metrics m.txt --metrics-interval 30s --metrics-by pool --detail pulls --no-charts",
        "validate small.yaml --set workloads[web].pods.count=5 --set kubelet.registryPullQPS=5",
        "describe small.yaml default/web-00000 --at 15m --seed 2",
        "explain small.yaml default/web-00000 --seed 2 -o json",
        "sweep small.yaml -j 1 --set seed=1,2 --metric pods.start.p99 --cost bytes.downloaded --paired --seeds 1",
        "compare small.yaml small.yaml --a seed=3 --b seed=4 -m pods.lastReadyAt --seeds 1 -j 1 -o csv",
        "image-advice redis:3.2 --scenario small.yaml --zstd 3=0.9 --weights 5MB --base redis:3.2 --max-runs 6",
        "image-advice example.com/app:v1 --nodes 2 --preset aws/m5.large --unpack-ratio 2 --set seed=3 --json",
        "solve small.yaml --knob registries[example.com].egress --range 1Gbit/s..3Gbit/s --want best --seeds 1 -j 1",
        "advise small.yaml --objective pods.lastReadyAt --set seed=3 --seeds 1 -j 1 --max-runs 2 -o csv",
        "solve small.yaml --coverage 99% --objective workloads.web.start --seeds 1 -j 1 -o json",
        "metrics small.yaml --set seed=3 -o paths",
        "run small.yaml --assert workloads.web.start.p99.9<90s --assert images.example.com/app:v1.total==3 --no-charts",
        "ci small.yaml --assert pods.total>1 --tolerance pods.start.*=0.5s --set seed=2",
        "image registry.example.com/team/app:v1@sha256:0 --kubelet-version 1.30",
        "catalogs nginx -o json",
        "presets aws/m6i.large-gp3",
        "diagnostics PS012",
        "explain-credentials nginx:1 --config small.yaml -o json",
        "fit small.yaml --where a=b --containerd 1.7 --seed 3 --manifests a=b",
    ):
        door(arguments, study)
        door(arguments, study)
    return tuple(found)


def _made(study: dict[str, bytes]) -> dict[str, bytes]:
    """Give what pullsim writes and reads back."""
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):
        for path, content in study.items():
            Path(path).write_bytes(content)
        for command in (
            "run small.yaml --no-charts --out a -q",
            "run small.yaml --no-charts --out b -q --seed 2",
            "ci small.yaml --baseline baseline.json --update-baseline -q",
            "sweep study.yaml -j 1 --out sweep -q",
        ):
            if (code := call(command.split())[0]) != 0:
                raise RuntimeError(f"{command} ends with {code}")
        wanted = ("a/summary.json", "a/scenario.effective.yaml", "b/summary.json", "b/scenario.effective.yaml")
        wanted += ("a/pods.csv", "a/status.csv", "a/events.jsonl", "baseline.json", "sweep/runs.jsonl")
        return {path: Path(path).read_bytes() for path in wanted}


def call(arguments: list[str]) -> tuple[int | str, str, str]:
    """Run the command line in this process; return its exit code, or a traceback, and standard output and error."""
    from pullsim.cli import main  # noqa: PLC0415

    before, ended = (sys.argv, sys.stdout, sys.stderr), signal.getsignal(signal.SIGTERM)
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="surrogateescape") for _ in range(2))
    sys.argv, sys.stdout, sys.stderr = ["pullsim", *arguments], out, err
    code: int | str | None = 0
    try:
        main()
    except SystemExit as exited:
        code = exited.code if exited.code is None or isinstance(exited.code, int) else 1
    except BaseException:  # noqa: BLE001  # whatever it is, it must not leave the command line
        code = traceback.format_exc()
    finally:
        out.flush()
        err.flush()
        sys.argv, sys.stdout, sys.stderr = before
        signal.signal(signal.SIGTERM, ended)
    texts = (stream.buffer.getvalue().decode(errors="replace") for stream in (out, err))
    return (0 if code is None else code, *texts)


os.environ.setdefault("MPLBACKEND", "Agg")
