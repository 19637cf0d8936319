"""Images on volumes of snapshots against what has been published about them.

The one report that has a size and a time says neither what was read nor how. How far away a block is is fitted to its
ten minutes, twice: as if all of the image were read, and with the preset of a Python server. The default is 20 ms.
The volumes that have a credit of fast restore are those of the published rule.
"""

from __future__ import annotations

from typing import Any, Final

from benchmarks.fidelity.levers.pull import HOST, IMAGE, LEAST, Check, fitted
from pullsim.run import Result, run
from pullsim.scenario import from_mapping

#: aws-samples/bottlerocket-images-cache issue #13: bytes, the seconds of a start at the least, and those after a pull.
SIZE: Final = 15e9
START: Final = 600.0
PULLED: Final = 10.0  # "a few seconds"
#: Amazon EBS User Guide, volume creation credits: GiB of a volume, and how many have one after an hour.
CREDITS: Final = {100: 10, 500: 2, 1024: 1}
BURST: Final = 50


def checks() -> list[Check]:
    """Predict all rows."""
    found = []
    for name, reads in (("all of it", {}), ("python-web", {"preset": "python-web"})):

        def start(rate: float, reads: dict[str, Any] = reads) -> float:
            return _start(1 / rate, reads)

        rate = fitted(start, START, 1.0, 1000.0)
        case = f"15 GB on a snapshot, {name} is read; a block is {1000 / rate:.0f} ms away"
        found.append(Check(case, START, start(rate), "fitted"))
    found.append(Check("15 GB on a snapshot, python-web; 20 ms", START, _start(0.02, {"preset": "python-web"}), LEAST))
    for gib, volumes in CREDITS.items():
        result = _run({"snapshot": {"size": f"{gib}GiB", "fastRestore": "1h"}, "count": BURST}, {"think": "1s"}, BURST)
        restored = sum(each.restored for each in result.volumes)
        found.append(Check(f"{BURST} volumes of {gib} GiB at once, restored fast", volumes, restored, "judged", ""))
    return found


def unsaid() -> list[str]:
    """Return a line for each source: what it did not say."""
    slow = (
        "aws-samples/bottlerocket-images-cache issue #13 (2025): g4dn.xlarge, an image of about 15 GB on a snapshot; "
        "its Python application takes ten minutes and more to start, a few seconds where the image was pulled from "
        "ECR. Not said: what is read, the volume's type and size, whether 15 GB are compressed (taken as unpacked); a "
        "few seconds are taken as 10. A start of the preset python-web reads less than this one must have."
    )
    restore = (
        "Amazon EBS User Guide, fast snapshot restore: the rule of the credits, from which the figures follow. Not "
        "said: how fast blocks come where there is no credit."
    )
    return [slow, restore]


def _start(latency: float, reads: dict[str, Any]) -> float:
    """Return the seconds of a start, with those that it has where the image was pulled; ``latency`` of a block."""
    (pod,) = _run({"snapshot": {"latency": f"{latency}s"}}, {**reads, "think": f"{PULLED}s"}, 1).pods
    assert pod.ready is not None
    return pod.ready - pod.created


def _run(pool: dict[str, Any], reads: dict[str, Any], pods: int) -> Result:
    """Start pods whose image lies on the volumes of their nodes."""
    layers = [{"size": f"{SIZE / 2.6:.0f}B", "unpacked": f"{SIZE:.0f}B"}]
    made = from_mapping(
        {
            "images": {"define": [{"image": IMAGE, "layers": layers}]},
            "registries": [{"host": HOST}],
            "nodes": [{"name": "node", "cached": [IMAGE], "maxPods": 1, **pool}],
            "workloads": [{"name": "pod", "pods": {"image": IMAGE, "count": pods}, "reads": reads}],
        }
    )
    return run(made)
