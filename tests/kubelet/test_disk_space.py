"""Disks that fill up: pulls without space, what comes back, and runs that still end.

A layer of fetch f and unpack u takes (f + u) * 100 MB, which are f + u units here.
"""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pullsim.errors import InputError
from pullsim.kubelet.housekeeping import ImageHousekeeping
from pullsim.results import check
from pullsim.run import simulate
from pullsim.spec.cluster import ClusterSpec, Node
from pullsim.spec.runtime import FixedImage
from tests.support.disks import COLLECTS, EVICTS, QUIET, cluster, small
from tests.support.outcome import fetches, pull, row, stages, story, whole
from tests.support.world import (
    NEW,
    OLD,
    RATE,
    UNIT,
    catalog,
    containerd,
    fixed,
    image,
    layer,
    named,
    node,
    opened,
    pod,
    registry,
    run,
)

# ---------------------------------------------------------------- pulls without space


@pytest.mark.parametrize("version", [OLD, NEW], ids=["2.0", "2.1"])
def test_a_download_goes_on_until_the_disk_is_full(version):
    """3 of 4 units are free for a layer of 5: the pull fails after 3 s, and everything comes back 0.245 s later."""
    result = small([pod("a", named("a:1"))], {"a:1": image(layer("x", 5, 1))}, size=4, used=1, version=version)
    first = pull(result, "a")
    assert (first.ok, first.cause, first.ended) == (False, "noSpace", pytest.approx(3.0))
    assert stages(first) == {"download_egress": 3.0}
    assert first.downloaded == 3 * RATE
    assert (result.disks[0].peak, result.disks[0].capacity) == (4 * UNIT, 4 * UNIT)
    assert row(result, "a").reason == "ErrImagePull"


def test_the_text_of_a_download_without_space():
    result = small([pod("a", named("a:1"))], {"a:1": image(layer("x", 5))}, size=4)
    assert re.fullmatch(
        rf'failed to pull and unpack image "{named("a:1")}": failed to copy: write /var/lib/containerd/'
        r"io\.containerd\.content\.v1\.content/ingest/[0-9a-f]{64}/data: no space left on device",
        pull(result, "a").error,
    )


@pytest.mark.parametrize(
    ("version", "text"),
    [
        ((1, 6), "failed to extract layer {diff}: write {root}: no space left on device: unknown"),
        ((2, 0), "failed to extract layer {diff}: write {root}: no space left on device: unknown"),
        ((2, 1, 1), "failed to extract layer {diff}: write {root}: no space left on device"),
        (
            (2, 1, 2),
            (
                "failed to extract layer (application/vnd.oci.image.layer.v1.tar+gzip {digest}) to overlayfs as "
                '"extract-{key} {chain}": write {root}: no space left on device'
            ),
        ),
    ],
)
def test_the_text_of_an_unpacking_without_space(version, text):
    content = image(layer("x", 2, 4))
    result = small([pod("a", named("a:1"))], {"a:1": content}, size=5, version=version)
    failed, (x,) = pull(result, "a"), content.layers
    assert (failed.cause, failed.ended) == ("noSpace", pytest.approx(2 + 3))  # 3 of 4 units fit
    expected = re.escape(
        f'failed to pull and unpack image "{named("a:1")}": '
        + text.format(
            diff=x.diff_id,
            digest=x.digest,
            chain=content.chain_ids[0],
            key="KEY",
            root="/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/1/fs",
        )
    )
    assert re.fullmatch(expected.replace("KEY", r"\d+-AAAA"), failed.error)
    assert failed.downloaded == 2 * UNIT


def test_a_pull_without_space_is_an_err_image_pull_with_the_usual_back_off():
    result = small([pod("big", named("big:1"))], {"big:1": image(layer("y", 5))}, size=4, used=1, kubelet=COLLECTS)
    assert story(result, "big")[:7] == [
        (0.0, "Pulling"),
        (3.0, "Failed"),
        (3.0, "Failed"),
        (13.0, "Pulling"),
        (16.0, "Failed"),
        (16.0, "Failed"),
        (26.0, "BackOff"),
    ]


def test_a_pull_has_the_space_again_when_another_has_failed():
    """b finds 1 of 4 units free and fails; what it left is gone by the time of its next attempt."""
    images = {"a:1": image(layer("x", 3)), "b:1": image(layer("y", 1.5, 0))}
    wanted = [pod("a", named("a:1")), pod("b", named("b:1"), at=0.5)]
    result = simulate(cluster(wanted, images, size=4))
    assert next(record.cause for record in result.pulls if record.pod == "b") == "noSpace"
    assert pull(result, "a").ok


def test_space_is_claimed_when_a_write_begins():
    """Both fit one by one, not together: the one that asks later gets what is left."""
    images = {"a:1": image(layer("x", 3)), "b:1": image(layer("y", 3))}
    result = simulate(cluster([pod("a", named("a:1")), pod("b", named("b:1"), at=0.1)], images, size=5))
    assert [record.ok for record in result.pulls if record.pod == "a"] == [True]
    assert {record.ok for record in result.pulls if record.pod == "b"} == {False}


def test_the_fixed_runtime_fills_its_disk_evenly():
    spec = node(fixed({"x:1": FixedImage(10.0, size=80)}), kubelet=QUIET, size=100, used=60)
    result = run([pod("p", "x:1")], spec)
    failed = pull(result, "p")
    assert (failed.cause, failed.ended) == ("noSpace", pytest.approx(5.0))
    assert failed.error.endswith("no space left on device")


@pytest.mark.parametrize(
    "runtime", [fixed({"x": FixedImage(1.0, size=80, present=True)}), containerd()], ids=["fixed", "containerd"]
)
def test_images_of_a_node_that_do_not_fit_are_an_input_error(runtime):
    cached = () if not hasattr(runtime, "version") else (named("a:1"),)
    spec = node(runtime, size=60, cached=cached)
    with pytest.raises(InputError, match="no room"):
        run([], spec, registries=[registry()], images={"a:1": image(layer("x", 1))})


# ---------------------------------------------------------------- what comes back


def test_shared_layers_come_back_with_the_last_image():
    """a and b share a base of 1 + 2 units: removing a gives back its own 1 + 2, removing b 1 + 2 and the base."""
    base = layer("base", 1, 2)
    images = {name: image(base, layer(name, 1, 2), documents=(10, 5)) for name in ("a:1", "b:1")}
    wanted = [pod("a", named("a:1"), lives=50.0), pod("b", named("b:1"), at=20.0, lives=400.0)]
    kubelet = {**COLLECTS, "imageGCLowThresholdPercent": 0}
    result = small(wanted, images, size=10.1, kubelet=kubelet, horizon=700.0)
    assert [(each.t, each.reason, each.size, each.freed) for each in result.removals] == [
        (600.0, "space", 2 * UNIT + 15, 3 * UNIT + 15),
        (600.0, "space", 2 * UNIT + 15, 6 * UNIT + 15),
    ]
    kubelet["imageMaximumGCAge"] = "3m"
    result = small(wanted, images, size=20, kubelet=kubelet, horizon=1000.0)
    assert [(each.t, each.reason, each.size, each.freed) for each in result.removals] == [
        (300.0, "age", 2 * UNIT + 15, 3 * UNIT + 15),
        (600.0, "age", 2 * UNIT + 15, 6 * UNIT + 15),
    ]
    assert result.disks[0].used == 0
    assert result.disks[0].peak == 9 * UNIT + 30


def test_an_image_goes_under_all_its_names():
    content = image(layer("x", 1))
    images = {"a:1": content, "a:2": content, "b:1": content}
    wanted = [pod(name, named(f"{name}:1"), at=5.0 * n, lives=40.0) for n, name in enumerate("ab")]
    wanted += [pod("c", named("a:2"), at=10.0, lives=40.0), pod("d", named("a:1"), at=400.0)]
    result = small(wanted, images, size=10, kubelet={**COLLECTS, "imageMaximumGCAge": "3m"})
    (removal,) = result.removals
    target = content.digest
    assert set(removal.images) == {named(n) for n in ("a:1", "a:2", "b:1")} | {named(f"{r}@{target}") for r in "ab"}
    assert pull(result, "d").refetched == UNIT


def test_bytes_fetched_again_are_told():
    images = {"a:1": image(layer("x", 2), layer("y", 1))}
    wanted = [pod("p", named("a:1"), lives=30.0), pod("q", named("a:1"), at=400.0)]
    result = small(wanted, images, size=10, kubelet={**COLLECTS, "imageMaximumGCAge": "3m"})
    assert [(record.pod, record.downloaded, record.refetched) for record in result.pulls] == [
        ("p", 3 * UNIT, 0),
        ("q", 3 * UNIT, 3 * UNIT),
    ]


def test_what_a_pull_under_way_needs_is_not_collected():
    """b takes the base that a has unpacked, a fails at 9, and what it has left is removed: m, not b's base."""
    base, m = layer("base", 1, 2), layer("m", 0, 4)
    images = {"a:1": image(base, m, layer("x", 0, 30)), "b:1": image(base, layer("y", 9))}
    wanted = [pod("a", named("a:1")), pod("b", named("b:1"), at=2.0)]
    result = small(wanted, images, size=18)
    assert (pull(result, "a").cause, pull(result, "a").ended) == ("noSpace", pytest.approx(9.0))
    assert (pull(result, "b").ok, pull(result, "b").ended) == (True, pytest.approx(12.0))
    assert (fetches(result)["n-0", base.digest], fetches(result)["n-0", m.digest]) == (1, 2)  # m by a's second attempt


# ---------------------------------------------------------------- runs end


def test_an_image_too_large_for_the_disk_ends_the_run_when_nothing_can_change():
    """Nothing collects: the first attempt is the last that counts."""
    result = small([pod("a", named("a:1"))], {"a:1": image(layer("x", 9))}, size=4)
    assert (result.ended, row(result, "a").pulls) == ("settled", 1)


def test_with_garbage_collection_it_ends_after_the_node_has_been_calm():
    result = small([pod("a", named("a:1"))], {"a:1": image(layer("x", 9))}, size=4, kubelet=COLLECTS)
    assert result.ended == "settled"
    assert 600.0 < result.end < 2200.0


def test_a_pod_that_waits_for_space_gets_it_from_the_collection():
    images = {"a:1": image(layer("x", 8)), "b:1": image(layer("y", 5))}
    wanted = [pod("a", named("a:1"), lives=60.0), pod("b", named("b:1"), at=70.0)]
    kubelet = {**COLLECTS, "imageGCHighThresholdPercent": 70, "imageGCLowThresholdPercent": 60}
    result = small(wanted, images, size=10, kubelet=kubelet)
    assert row(result, "b").started is not None
    assert {record.cause for record in result.pulls if record.pod == "b"} == {"noSpace", None}
    assert [(removal.t, removal.freed) for removal in result.removals] == [(600.0, 8 * UNIT)]  # first seen at 300 s


def test_a_node_whose_disk_is_always_full_takes_no_pod_and_the_run_ends():
    """The first look, at the join, is before the pods come: they are never placed."""
    result = small([pod("a", named("a:1"), at=1.0)], {"a:1": image(layer("x", 1))}, size=10, used=9, kubelet=EVICTS)
    assert (row(result, "a").node, result.ended) == (None, "settled")
    assert result.end < 3600.0


def test_without_a_size_nothing_looks_at_the_disk():
    wanted = [pod("a", named("a:1"))]
    spec = ClusterSpec(
        (Node("n-0", node(containerd())),), tuple(wanted), registries=(registry(),),
        catalog=catalog({"a:1": image(layer("x", 1))}),
    )  # fmt: skip
    world, _ = opened(spec)
    world.run()
    assert not isinstance(world._scheduler.node("n-0").kubelet.housekeeping, ImageHousekeeping)


# ---------------------------------------------------------------- what always holds


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(data=st.data())
def test_bytes_on_disk_are_those_of_the_content_and_never_more_than_there_are(data):
    """Looked at every 7 s: used = others + finished content + what is left or being written; images are whole."""
    pieces = [layer(f"l{n}", data.draw(st.sampled_from([0.0, 0.5, 2.0])), n % 3) for n in range(5)]
    images = {
        f"{name}:1": image(*data.draw(st.lists(st.sampled_from(pieces), min_size=1, max_size=3)), documents=(9, 7))
        for name in "abcd"
    }
    wanted = [
        pod(
            f"p{n}",
            named(f"{data.draw(st.sampled_from('abcd'))}:1"),
            at=data.draw(st.sampled_from([0.0, 0.3, 50.0, 290.0, 400.0])),
            lives=data.draw(st.sampled_from([None, 3.0, 120.0])),
        )
        for n in range(data.draw(st.integers(1, 8)))
    ]
    kubelet = data.draw(st.sampled_from([QUIET, COLLECTS, EVICTS, {**COLLECTS, "imageMaximumGCAge": "4m"}]))
    size = data.draw(st.sampled_from([6, 9, 14]))
    spec = cluster(
        wanted,
        images,
        size=size,
        used=1,
        kubelet=kubelet,
        version=data.draw(st.sampled_from([OLD, NEW])),
        horizon=900.0,
    )
    world, result = opened(spec)

    def inspect():
        while True:
            yield world.env.timeout(7.0)
            kubelet_ = world._scheduler.node("n-0").kubelet
            store = kubelet_._images._service.store
            content = store.bytes + UNIT
            assert content <= store.filesystem.used <= store.filesystem.capacity
            if not store.leases:
                assert store.filesystem.used == content
            for stored in store.images.values():
                assert all(digest in store.blobs for digest, _ in stored.blobs())
                assert all(key in store.snapshots for key in stored.snapshots())
            for image_id, handler in kubelet_.containers.in_use():
                assert store.image_of(image_id, handler) is not None

    world.env.process(inspect())
    result.end, result.ended = world.run()
    assert check(result) == []
    assert all(whole(record) for record in result.pods)
    assert all(removal.freed <= size * UNIT for removal in result.removals)
