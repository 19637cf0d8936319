"""Units of lazily mounted layers that two want at once, that come too late, and that lie behind others in a cache."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from pullsim.reads import Reads
from pullsim.results.invariants import check
from pullsim.spec.lazy import BackgroundSpec, LazySpec
from pullsim.spec.registry import BlobHost
from tests.support.caches import MIRROR, preset
from tests.support.world import (
    FAST,
    HOST,
    RATE,
    SERIAL,
    UNIT,
    containerd,
    image,
    layer,
    named,
    node,
    pod,
    registry,
    run,
)

PLAIN = LazySpec(UNIT, 1, verifies=False, gzip=False)
STORE = registry(blob_host=BlobHost(0.0, FAST, RATE, 0.25), egress=FAST)
READERS = [("b", Reads(), 60.0), ("c", Reads(), 60.0)]
INFLATE = RATE / 150e6  # seconds of a core for a unit of gzip
QUICK = RATE / 1e9  # for one of another codec


def lazy(spec, **given):
    runtime = replace(containerd(), snapshotter="stargz", local_pull=True, lazy={"stargz": spec})
    return node(runtime, **{"kubelet": SERIAL, **given})


def reading(name, image_, reads, **given):
    made = pod(name, image_, **given)
    return replace(made, spec=replace(made.spec, reads=reads))


def test_what_was_on_its_way_to_an_image_that_is_removed_takes_no_space():
    """Two background readers still have a unit each under way when the kubelet removes the unused image."""
    on = lazy(
        replace(PLAIN, background=BackgroundSpec(2)),
        kubelet={**SERIAL, "imageMinimumGCAge": "1s"},
        size=500 * UNIT,
    )
    pods = [pod("a", named("a:1"), lives=10.0), pod("b", named("b:1"), at=900.0)]
    images = {"a:1": image(layer("x", 4000.0, 4000.0)), "b:1": image()}
    result = run(pods, on, registries=[STORE], images=images)
    assert [each.reason for each in result.removals] == ["space"]
    assert result.disks[0].used == 0


@pytest.mark.parametrize(("size", "used"), [(10**12, 8.0), (4.25, 4.0)])
def test_what_came_in_the_background_is_inflated_once_for_all_who_read_it(size, used):
    """Two pods read the same 8 units at the same time, on one core; inflated they may find no room."""
    spec = replace(PLAIN, gzip=True, background=BackgroundSpec(1), inflates_later=True)
    kubelet = {**SERIAL, "evictionHard": {"imagefs.available": "0%"}}
    pods = [reading(name, named("a:1"), reads, at=at) for name, reads, at in [("a", None, 0.0), *READERS]]
    on = lazy(spec, kubelet=kubelet, size=round(size * UNIT), cores=1)
    result = run(pods, on, registries=[STORE], images={"a:1": image(layer("x", 4.0, 8.0))})
    assert not check(result)
    assert [row.ready - row.started for row in result.pods if row.pod != "a"] == pytest.approx([8 * INFLATE] * 2)
    assert result.disks[0].used == used * UNIT


@pytest.mark.parametrize("name", ["x", "y"])
def test_a_unit_comes_through_nginx_when_all_before_it_has_come(name):
    """Of 8 units, which take 1 s each, one is read: its place is the first of the layer's order."""
    content, wanted = image(layer(name, 8.0, 8.0)), f"{MIRROR}/a:1"
    reads = Reads(UNIT, order="random", size=UNIT)
    cache = registry(MIRROR, egress=FAST, cache=preset("nginx", upstream=HOST))
    on = lazy(replace(PLAIN, layer_requests=0))
    images = {wanted: content, "a:1": content}
    result = run([reading("a", wanted, reads)], on, registries=[registry(), cache], images=images)
    places = list(range(8))
    Random(content.layers[0].digest).shuffle(places)
    assert result.pods[0].ready - result.pods[0].started == pytest.approx(places[0] + 1 + QUICK)
