"""A pull that has ended is garbage at once: looks for cycles are rare in a run (`pullsim.garbage`)."""

from __future__ import annotations

import gc
from collections import Counter

import pytest

from pullsim.runtime.containerd.fetch import Fetch
from pullsim.runtime.containerd.pull import Pull
from pullsim.runtime.crio.copy import Copy
from pullsim.runtime.crio.fetch import BlobCopy
from pullsim.spec.cluster import ClusterSpec, Node
from pullsim.spec.runtime import CrioSpec
from tests.support.world import HOST, catalog, containerd, image, layer, node, opened, pod, registry

IMAGES = {f"app{n}:1": image(layer("base"), layer(f"own{n}", unpack=0.5)) for n in range(3)}
PARTS = (Pull, Fetch, Copy, BlobCopy)


@pytest.mark.parametrize("runtime", [containerd((2, 0)), containerd((2, 2)), CrioSpec()], ids=["2.0", "2.2", "crio"])
def test_nothing_is_left_of_the_pulls_of_a_run(runtime):
    pods = tuple(pod(f"p{n}", f"{HOST}/app{n}:1") for n in range(3))
    missing = pod("missing", f"{HOST}/app9:1")
    spec = ClusterSpec(
        (Node("n-0", node(runtime)),), (*pods, missing), registries=(registry(),), catalog=catalog(IMAGES)
    )
    gc.collect()
    before = alive()
    gc.disable()
    try:
        world, result = opened(spec)
        world.run()
        assert len(result.layers) >= 4  # there were some
        assert alive() == before
    finally:
        gc.enable()


def alive() -> Counter[type]:
    return Counter(type(each) for each in gc.get_objects() if type(each) in PARTS)
