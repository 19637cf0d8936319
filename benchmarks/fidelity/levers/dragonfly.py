"""Dragonfly at two nodes against what has been reported of it.

The reports are of releases before 2, with other pieces and another scheduler: only the order is judged, as a bound.
Nothing is fitted.
"""

from __future__ import annotations

from typing import Final

from benchmarks.fidelity.levers.pull import HOST, IMAGE, LEAST, Check
from pullsim.run import run
from pullsim.scenario import from_mapping

NODES: Final = 2


def checks() -> list[Check]:
    """Predict all rows."""
    return [
        Check("v0, two nodes: the last pull, over the registry alone", 1.0, _last("dragonfly") / _last(None), LEAST, "")
    ]


def unsaid() -> list[str]:
    """Return a line for each source: what it did not say."""
    return [
        (
            "Dragonfly v0 (2018): 12 min 39 s with it and 6 min 57 s without at two nodes, an image of the 5 GB "
            "class. Not said: links, disks, layers. Here: 10 Gbit/s, a disk of 500 MB/s, five layers of 1 GB, one seed."
        )
    ]


def _last(peers: str | None) -> float:
    node = {"name": "n", "count": NODES, "maxPods": 1, "nic": "10Gbit/s", "disk": {"write": "500MB/s"}}
    result = run(
        from_mapping(
            {
                "images": {"define": [{"image": IMAGE, "layers": [{"size": f"{1000 + n}MB"} for n in range(5)]}]},
                "registries": [{"host": HOST, "egress": "10Gbit/s"}],
                "nodes": [{**node, **({"peers": {"kind": peers, "seeds": 1}} if peers else {})}],
                "workloads": [{"name": "w", "pods": {"image": IMAGE, "count": NODES}}],
            }
        )
    )
    return max(pull.ended for pull in result.pulls)
