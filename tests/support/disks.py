"""Nodes with containerd and a disk of so many units: a layer of fetch f and unpack u takes f + u of them."""

from __future__ import annotations

from pullsim.results import check
from pullsim.run import Result, simulate
from pullsim.spec.cluster import ClusterSpec, Node
from tests.support.world import MINIMAL, NEW, UNIT, UNLIMITED, catalog, containerd, node, registry

QUIET = {**UNLIMITED, "evictionHard": {"nodefs.available": "0%"}, "imageGCHighThresholdPercent": 100}
EVICTS = {**UNLIMITED, "imageGCHighThresholdPercent": 100}
COLLECTS = {**UNLIMITED, "evictionHard": {"nodefs.available": "0%"}}


def cluster(
    wanted, images, *, size, used=0, version=NEW, kubelet=QUIET, nodes=1, release=(1, 35), horizon=None, **given
):
    """Nodes with containerd and a disk of `size` units, `used` of them by others."""
    spec = node(
        containerd(version),
        kubelet=kubelet,
        size=round(size * UNIT),
        used=round(used * UNIT),
        loop=MINIMAL,
        version=release,
        **given,
    )
    return ClusterSpec(
        tuple(Node(f"n-{n}", spec) for n in range(nodes)),
        tuple(sorted(wanted, key=lambda each: each.created)),
        registries=(registry(),),
        catalog=catalog(images),
        horizon=horizon,
    )


def small(wanted, images, **given) -> Result:
    result = simulate(cluster(wanted, images, **given))
    assert check(result) == []
    return result
