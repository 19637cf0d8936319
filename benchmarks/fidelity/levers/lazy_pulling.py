"""Images that are mounted before they are there against what has been published about them.

The speed of a core is fitted to one row with overlayfs (what a file in stargz's cache takes goes by it, too), and the
size of the image of Llama, which its source does not say, to its pull with overlayfs. How long eStargz takes is judged,
with the settings that stargz-snapshotter has in its code. SOCI's background fetch, of which no measurement was found,
brings the 8 MiB/s that its settings say (tests/runtime/test_lazy_pulling.py).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from benchmarks.fidelity.levers.pull import HOST, IMAGE, Check, core, fitted
from benchmarks.fidelity.published import CLOUD, LARGE
from pullsim.run import run
from pullsim.scenario import from_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA: Final = Path(__file__).parents[1] / "data" / "lazy-pulling.json"
STARGZ: Final = {"snapshotter": "stargz"}
#: A registry on the same machine, and a machine that its source does not describe.
LOCAL: Final = {"roundTrip": "0.2ms", "firstByte": "2ms"}
MACHINE: Final = {"nic": "20Gbit/s", "disk": {"write": "1500MB/s"}, "cores": 8}
FEW, MANY = 8, 80_000  # files of 8 GB


class Clocks(NamedTuple):
    """Seconds from a pod's creation until its image was pulled, its container started and its process was ready."""

    pulled: float
    started: float
    ready: float


def clocks(
    layers: list[dict[str, Any]], pool: dict[str, Any], registry: dict[str, Any], reads: dict[str, Any]
) -> Clocks:
    """Return the three clocks of a pod that is alone on its node."""
    made = from_mapping(
        {
            "images": {"define": [{"image": IMAGE, "layers": layers}]},
            "registries": [{"host": HOST, **registry}],
            "nodes": [{"name": "node", **pool}],
            "workloads": [{"name": "pod", "reads": reads, "pods": {"image": IMAGE}}],
        }
    )
    result = run(made)
    (pull,), (pod,) = result.pulls, result.pods
    assert pod.started is not None
    assert pod.ready is not None
    return Clocks(pull.ended - pod.created, pod.started - pod.created, pod.ready - pod.created)


def checks() -> list[Check]:
    """Predict all rows."""
    data = json.loads(DATA.read_text(encoding="utf-8"))
    return [*_vertexcover(data["vertexcover"]), *_llama(data["llama"]), *_nerdctl(data["nerdctl"])]


def unsaid() -> list[str]:
    """Return a line for each source: what it did not say."""
    data = json.loads(DATA.read_text(encoding="utf-8"))
    parts = (data[key] for key in ("vertexcover", "llama", "nerdctl"))
    return [f"{part['source']}. Not said: {part['unsaid']}." for part in parts]


def _stored(gigabytes: float, files: int) -> list[dict[str, Any]]:
    """Return a layer of random data, which gzip does not compress."""
    return [{"size": f"{gigabytes:.4f}GB", "unpacked": f"{1.0001 * gigabytes:.4f}GB", "files": files}]


def _vertexcover(data: dict[str, Any]) -> Iterator[Check]:
    def took(speed: float, files: int, share: float = 1.0, gigabytes: float = 8, **runtime: Any) -> Clocks:
        pool = {**MACHINE, "unpack": core(speed), "runtime": runtime}
        return clocks(_stored(gigabytes, files), pool, LOCAL, {"share": share})

    goal = data["whole"][0]["overlayfs"]
    speed = fitted(lambda speed: took(speed, FEW).ready, goal, 0.1, 6.0)
    for position, row in enumerate(data["whole"]):
        files = FEW if row["files"] == "few large" else MANY
        name = f"8 GB in {row['files']} files from {row['registry']}, all read"
        role = "judged" if position else "fitted"
        fit = "" if position else f"; a core as fast as {speed:.2f} of the lab's"
        yield Check(f"{name}, overlayfs{fit}", row["overlayfs"], took(speed, files).ready, role)
        yield Check(f"{name}, eStargz", row["stargz"], took(speed, files, **STARGZ).ready, "judged")
    part = data["part"]
    own = took(speed, FEW, part["read"], 2)
    lazy = took(speed, FEW, part["read"], 2, **STARGZ)
    yield Check("2 GB, 3 % read: pull, overlayfs", part["overlayfs_pull"], own.pulled, "judged")
    yield Check("2 GB, 3 % read: pull, eStargz", part["stargz_pull"], lazy.pulled, "judged")
    yield Check("2 GB, 3 % read: ready, eStargz", part["stargz_ready"], lazy.ready, "judged")
    whole = took(speed, FEW).ready
    even = fitted(lambda share: -took(speed, FEW, share, **STARGZ).ready, -whole, 0.05, 1.0)
    first = data["whole"][0]
    name = "share that is read from which on eStargz is later, on a line between the source's times"
    yield Check(name, 100 * first["overlayfs"] / first["stargz"], 100 * even, "judged", "%")


def _llama(data: dict[str, Any]) -> Iterator[Check]:
    """Three quarters of the image are weights, which do not compress; it computes as long as with overlayfs."""
    reads = {"share": 1.0, "think": f"{data['overlayfs']['start']}s"}

    def took(gigabytes: float, **runtime: Any) -> Clocks:
        rest = {"size": f"{gigabytes / 4:.4f}GB", "unpacked": f"{gigabytes / 2:.4f}GB"}
        return clocks([rest, *_stored(gigabytes * 3 / 4, 20)], {**LARGE, "runtime": runtime}, CLOUD, reads)

    size = fitted(lambda gigabytes: -took(gigabytes).pulled, -data["overlayfs"]["pull"], 1.0, 40.0)
    plain, optimised = took(size, **STARGZ), took(size, **STARGZ, lazy={"prefetch": "100%"})
    name = "Llama 3.2"
    pulled = took(size).pulled
    yield Check(f"{name}: pull, overlayfs; an image of {size:.1f} GB", data["overlayfs"]["pull"], pulled, "fitted")
    yield Check(f"{name}: pull, eStargz not optimised", data["plain"]["pull"], plain.pulled, "judged")
    yield Check(f"{name}: in all, eStargz not optimised", sum(data["plain"].values()), plain.ready, "judged")
    create = optimised.started - optimised.pulled
    yield Check(f"{name}: create, eStargz optimised", data["optimised"]["create"], create, "judged")
    yield Check(f"{name}: in all, eStargz optimised", sum(data["optimised"].values()), optimised.ready, "judged")


def _nerdctl(data: dict[str, Any]) -> Iterator[Check]:
    each = data["bytes"] // data["layers"]
    layers = [{"size": f"{each}B", "unpacked": f"{2.6 * each + number:.0f}B"} for number in range(data["layers"])]
    link = {**MACHINE, "nic": f"{data['rate']}B/s"}
    registry = {"roundTrip": "20ms", "auth": "basic"}
    reads = {"share": 0.064, "order": "random"}
    own = clocks(layers, link, registry, reads)
    lazy = clocks(layers, {**link, "runtime": {**STARGZ, "lazy": {"prefetch": "6.4%"}}}, registry, reads)
    yield Check("python:3.7 over 7.7 MiB/s, overlayfs", data["overlayfs"], own.ready, "judged")
    yield Check("python:3.7 over 7.7 MiB/s, eStargz optimised", data["stargz"], lazy.ready, "judged")
