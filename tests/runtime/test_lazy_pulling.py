"""Images that are mounted before they are there: three clocks (pulled, started, ready), by closed forms."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullsim.reads import Reads
from pullsim.results.invariants import check
from pullsim.results.summary.summary import summarize
from pullsim.spec.cluster import Leave
from pullsim.spec.lazy import KINDS, BackgroundSpec, LazySpec
from pullsim.spec.registry import BlobHost, Fault
from tests.support.world import (
    FAST,
    RATE,
    SERIAL,
    UNIT,
    catalog,
    containerd,
    image,
    layer,
    named,
    node,
    pod,
    registry,
    run,
)

WAIT = 0.25  # seconds until the first byte of each request to the store
STORE = {"blob_host": BlobHost(0.0, FAST, RATE, WAIT), "egress": FAST}
#: A snapshotter that is free but for its requests: units of a second of inflating nothing.
PLAIN = LazySpec(UNIT, 1, verifies=False, gzip=False)
ALL = Reads()
NO_EVICTION = {**SERIAL, "evictionHard": {"imagefs.available": "0%"}}
QUICK = 1e9  # bytes/s of inflating where it is not gzip's


def reading(name, reads, at=0.0, **given_):
    made = pod(name, named("a:1"), at=at, **given_)
    return replace(made, spec=replace(made.spec, reads=reads))


def cluster(*layers, spec=PLAIN, pods=(("a", ALL, 0.0),), source=None, per_file=0.0, **given_):
    runtime = replace(containerd(per_file=per_file), snapshotter="stargz", local_pull=True, lazy={"stargz": spec})
    on = node(runtime, **{"kubelet": SERIAL, **given_})
    result = run(
        [reading(name, reads, at) for name, reads, at in pods],
        on,
        registries=[registry(**{**STORE, **(source or {})})],
        images=catalog({"a:1": image(*layers)}),
    )
    assert not check(result)
    return result


def wanting(amount, order="sequential", readers=1):
    """A share, or bytes."""
    share, some = (amount, None) if isinstance(amount, float) else (1.0, amount)
    return Reads(some, share, readers, order=order, size=UNIT // 8)


def waits(result, name="a"):
    """When a pod's image was pulled, when the pod started, and when it was ready, after its creation."""
    (row,) = (each for each in result.pods if each.pod == name)
    pulled = [each.ended for each in result.pulls if each.pod == name]
    ready = None if row.ready is None else row.ready - row.created
    return (pulled[0] - row.created if pulled else 0.0), row.started - row.created, ready


def unit_times(units: int, packed: float, unit: float = 1.0) -> float:
    """Seconds of so many units that are read one after the other: request, bytes and inflating."""
    return units * (WAIT + packed + unit * RATE / QUICK)


def test_a_pod_starts_without_its_image_and_is_ready_when_it_has_read_it():
    result = cluster(layer("x", 4.0, 8.0))
    pulled, started, ready = waits(result)
    assert pulled == pytest.approx(2 * WAIT, abs=1e-6)  # of the config, and of the request that finds the blob
    assert started == pulled
    assert ready - started == pytest.approx(unit_times(8, 0.5), abs=1e-6)
    assert result.pods[0].stages["read"] == pytest.approx(ready - started)


def test_each_unit_is_a_request_and_each_layer_a_row():
    result = cluster(layer("x", 4.0, 8.0), layer("y", 1.0, 2.5))
    assert [(row.requests, row.fetched, row.read) for row in result.reads] == [
        (8, 4 * UNIT, 8 * UNIT),
        (3, UNIT, round(2.5 * UNIT)),
    ]
    assert result.registries[0].ranges == 11
    assert all(row.ok for row in result.reads)


@pytest.mark.parametrize(("amount", "units"), [(0.05, 1), (0.25, 2), (0.26, 3), (1.0, 8), (3 * UNIT, 3)])
def test_a_part_of_an_image_takes_the_units_that_it_needs(amount, units):
    result = cluster(layer("x", 4.0, 8.0), pods=[("a", wanting(amount), 0.0)])
    assert result.reads[0].requests == units
    _, started, ready = waits(result)
    assert ready - started == pytest.approx(unit_times(units, 0.5), abs=1e-6)


@pytest.mark.parametrize(("readers", "rounds"), [(1, 8), (2, 4), (4, 2), (20, 1)])
@pytest.mark.parametrize("order", ["sequential", "random"])
def test_several_readers_share_the_units(order, readers, rounds):
    """Each over a connection of its own, on cores of its own."""
    source = {"blob_host": BlobHost(0.0, FAST, FAST, 1.0)}
    reads = Reads(concurrency=readers, order=order, size=UNIT)
    _, started, ready = waits(cluster(layer("x", 4.0, 8.0), pods=[("a", reads, 0.0)], source=source))
    assert ready - started == pytest.approx(rounds * (1.0 + RATE / QUICK), rel=0.01)


@pytest.mark.parametrize(("grain", "size"), [(1, 8), (8, 8), (8, 4), (2, 4)])
def test_a_read_anywhere_brings_a_grain_and_one_in_order_a_unit(grain, size):
    """A quarter of 8 units; both are parts of a unit. A read is a request, unless what it reads came with another."""
    spec = replace(PLAIN, grain=UNIT // grain)
    reads = Reads(share=0.25, order="random", size=UNIT // size)
    (row,) = cluster(layer("x", 8.0, 8.0), spec=spec, pods=[("a", reads, 0.0)]).reads
    if grain >= size:
        assert (row.requests, row.fetched) == (2 * size, 2 * UNIT)
    else:
        assert 2 * grain <= row.requests <= 2 * size
        assert row.fetched == row.requests * UNIT // grain
    in_order = replace(reads, order="sequential")
    (row,) = cluster(layer("x", 8.0, 8.0), spec=spec, pods=[("a", in_order, 0.0)]).reads
    assert (row.requests, row.fetched) == (2, 2 * UNIT)


def test_a_program_thinks_between_its_reads():
    without, with_ = (
        waits(cluster(layer("x", 4.0, 8.0), pods=[("a", replace(ALL, think=think), 0.0)]))[2] for think in (0.0, 6.0)
    )
    assert with_ - without == pytest.approx(6.0)


def test_units_are_fetched_once_for_all_pods_of_a_node():
    result = cluster(layer("x", 4.0, 8.0), pods=[("a", ALL, 0.0), ("b", ALL, 1.0), ("c", ALL, 60.0)])
    assert sum(row.requests for row in result.reads) == 8
    assert result.registries[0].ranges == 8
    _, started, ready = waits(result, "c")
    assert ready == started


def test_what_is_unpacked_takes_no_time_but_thinking():
    on = node(containerd())
    images = catalog({"a:1": image(layer("x", 4.0, 8.0))})
    result = run([reading("a", replace(ALL, think=2.0))], on, registries=[registry()], images=images)
    _, started, ready = waits(result)
    assert ready - started == pytest.approx(2.0)
    assert not result.reads


def test_gzip_is_inflated_and_hashed_unit_by_unit():
    slow = waits(cluster(layer("x", 4.0, 8.0), spec=replace(PLAIN, gzip=True, verifies=True)))[2]
    quick = waits(cluster(layer("x", 4.0, 8.0)))[2]
    assert slow - quick == pytest.approx(8 * RATE / 150e6 + 8 * RATE / 1e9 - 8 * RATE / QUICK)


@pytest.mark.parametrize(("size", "files"), [(0, 0), (UNIT, 4), (UNIT // 2, 8), (3 * UNIT, 2)])
def test_what_comes_is_cached_in_files_that_take_time(size, files):
    content = layer("x", 4.0, 8.0)
    slow = waits(cluster(content, spec=replace(PLAIN, cache_chunk=size), per_file=0.5))[2]
    assert slow - waits(cluster(content))[2] == pytest.approx(files * 0.5)


# Metadata, and layers that are pulled whole


def test_metadata_come_before_the_mount_and_take_space():
    spec = replace(PLAIN, meta_per_unit=UNIT // 4, meta_per_file=1000, layer_requests=3)
    result = cluster(layer("x", 4.0, 8.0, files=500), spec=spec, size=10**12, pods=[("a", None, 0.0)])
    meta = 8 * UNIT // 4 + 500 * 1000
    assert waits(result)[0] == pytest.approx(4 * WAIT + meta / RATE, abs=1e-6)
    assert result.disks[0].used == meta


def test_layers_below_a_size_and_images_without_the_format_are_pulled_whole():
    layers = layer("x", 0.5, 1.0), layer("y", 4.0, 8.0)
    result = cluster(*layers, spec=replace(PLAIN, least_layer=UNIT), size=10**12)
    assert waits(result)[0] == pytest.approx(WAIT + WAIT + 0.5 + 1.0, abs=1e-6)
    assert (result.reads[0].requests, result.disks[0].used) == (8, 9 * UNIT)
    result = cluster(*layers, spec=replace(PLAIN, images=("other/*",)))
    assert [row.downloaded for row in result.layers] == [UNIT // 2, 4 * UNIT]
    assert not result.reads


def test_a_layer_whose_metadata_take_too_long_is_pulled_whole():
    spec = replace(PLAIN, meta_per_unit=UNIT, mount_limit=4.0)
    result = cluster(layer("x", 4.0, 8.0), spec=spec, pods=[("a", None, 0.0)])
    pulled, _, _ = waits(result)
    assert pulled == pytest.approx(WAIT + 4.0 + WAIT + 4.0 + 8.0, abs=0.01)
    assert result.pulls[0].downloaded == 4 * UNIT


# Prefetch, background, disk


@pytest.mark.parametrize(("wait", "start"), [(0.0, 0.0), (1.0, 1.0), (10.0, WAIT + 1.0 + 2 * RATE / QUICK)])
def test_a_container_waits_for_the_front_of_its_image_but_not_for_ever(wait, start):
    """A quarter of 4 s is fetched by one request when the layer is mounted."""
    spec = replace(PLAIN, prefetch=0.25, prefetch_wait=wait)
    result = cluster(layer("x", 4.0, 8.0), spec=spec, pods=[("a", Reads(share=0.25, order="random", size=UNIT), 0.0)])
    pulled, started, ready = waits(result)
    assert started - pulled == pytest.approx(start, abs=1e-6)
    assert result.reads[0].requests == 0  # they are in front, or on their way
    assert ready - pulled == pytest.approx(WAIT + 1.0 + 2 * RATE / QUICK, abs=1e-6)


def test_a_mount_waits_for_the_front_where_the_snapshotter_does_that():
    spec = replace(PLAIN, prefetch=UNIT, prefetch_wait=float("inf"))
    pulled, started, _ = waits(cluster(layer("x", 4.0, 8.0), spec=spec))
    assert pulled == started == pytest.approx(3 * WAIT + 1.0 + 2 * RATE / QUICK, abs=1e-6)


@pytest.mark.parametrize(("at", "units"), [(20.0, 0), (34.0, 8), (50.0, 40), (300.0, 540)])
def test_soci_brings_a_span_in_half_a_second_after_half_a_minute(at, units):
    """Whatever the link: 8 MiB/s of unpacked bytes, of the whole node. Batches of 33 units count when they end."""
    spec = replace(KINDS["soci-lazy"], unit=UNIT // 100, meta_per_unit=0, meta_per_file=0, layer_requests=1)
    pods = [("a", None, 0.0), ("b", replace(ALL, concurrency=8), at)]
    result = cluster(layer("x", 4.0, 8.0), spec=spec, pods=pods, source={"blob_host": BlobHost(0.0, FAST, FAST, 0.0)})
    (row,) = result.reads
    assert row.requests == pytest.approx(800 - units, abs=34)
    assert row.read == 8 * UNIT


def test_stargz_waits_for_five_quiet_seconds_and_gives_way_to_reads():
    spec = replace(PLAIN, background=BackgroundSpec(1, quiet=5.0))
    quiet = cluster(layer("x", 4.0, 8.0), spec=spec, pods=[("a", None, 0.0), ("b", ALL, 4.0), ("c", ALL, 60.0)])
    assert [row.requests for row in quiet.reads] == [8, 0]
    late = cluster(layer("x", 4.0, 8.0), spec=spec, pods=[("a", None, 0.0), ("b", ALL, 30.0)])
    assert late.reads[0].requests == 0


def test_units_stay_on_the_disk_until_it_is_full_and_are_read_all_the_same():
    content = layer("x", 4.0, 8.0)
    roomy = cluster(content, size=10**12, pods=[("a", ALL, 0.0), ("b", ALL, 60.0)])
    assert roomy.disks[0].used == 8 * UNIT
    assert [row.requests for row in roomy.reads] == [8, 0]
    full = cluster(content, size=UNIT // 2, kubelet=NO_EVICTION)
    assert full.disks[0].used == 0
    assert [(row.ok, row.requests) for row in full.reads] == [(True, 8)]


def test_what_a_failed_pull_has_fetched_beforehand_takes_no_space_any_more():
    """The fronts of both layers, of 2 units each, leave no room for the metadata of the first one."""
    spec = replace(PLAIN, meta_per_unit=UNIT // 2, prefetch=UNIT, prefetch_wait=float("inf"))
    layers = layer("x", 4.0, 8.0), layer("y", 4.0, 8.0)
    result = cluster(*layers, spec=spec, pods=[("a", None, 0.0)], size=4 * UNIT, kubelet=NO_EVICTION)
    assert {row.cause for row in result.pulls} == {"noSpace"}
    assert result.disks[0].used == 0


def test_what_a_full_disk_cannot_keep_is_fetched_in_the_background_once():
    """The second pod is there to let the time pass."""
    pods = [("a", None, 0.0), ("b", None, 300.0)]
    spec = replace(PLAIN, background=BackgroundSpec(1))
    result = cluster(layer("x", 4.0, 8.0), spec=spec, pods=pods, size=UNIT // 2, kubelet=NO_EVICTION)
    assert result.registries[0].sent <= UNIT


# The registry is gone


def test_reads_fail_when_the_registry_is_gone_and_go_on_when_it_is_back():
    """The first batch is there at 2.25 s; the container starts again 10 and 20 s after its reads have failed."""
    down = Fault(3.0, 20.0, status=None)
    spec = replace(PLAIN, unit=UNIT // 8, retries=2)
    result = cluster(layer("x", 8.0, 8.0), spec=spec, source={"faults": (down,)})
    assert [row.ok for row in result.reads] == [False, False, True]
    assert sum(row.requests for row in result.reads) == 64
    assert [event.reason for event in result.events].count("BackOff") == 2
    _, started, ready = waits(result)
    assert started < 1.0
    assert 23.0 < ready < 60.0


def test_a_pod_whose_image_never_comes_is_never_ready_and_the_run_ends():
    gone = Fault(3.0, status=None)
    result = cluster(layer("x", 8.0, 8.0), spec=replace(PLAIN, unit=UNIT // 8), source={"faults": (gone,)})
    (row,) = result.pods
    assert (row.started is not None, row.ready) == (True, None)
    assert result.end < 3600
    assert result.ended == "settled"


def test_a_full_pull_does_not_need_the_registry_any_more():
    images = catalog({"a:1": image(layer("x", 1.0, 1.0))})
    source = registry(faults=(Fault(3.0, status=None),))
    result = run([reading("a", replace(ALL, think=60.0))], node(containerd()), registries=[source], images=images)
    assert result.pods[0].ready is not None


@pytest.mark.parametrize(
    ("reads", "spec"),
    [
        (ALL, PLAIN),
        (None, replace(PLAIN, background=BackgroundSpec(1))),
        (replace(ALL, concurrency=2), replace(PLAIN, prefetch=1.0, prefetch_wait=1.0, background=BackgroundSpec(2))),
    ],
)
def test_a_node_that_leaves_fetches_nothing_any_more(reads, spec):
    """Of 80 units that take 20 s and 40 s to come, or 40 s by one request."""
    runtime = replace(containerd(), snapshotter="stargz", local_pull=True, lazy={"stargz": spec})
    leaving = replace(node(runtime, kubelet=SERIAL), leave=Leave(0.2, 1e6))
    images = catalog({"a:1": image(layer("x", 40.0, 80.0))})
    result = run([reading("a", reads)], leaving, registries=[registry(**STORE)], images=images, horizon=500.0)
    left = result.departures[0].t
    assert 1.0 < left < 20.0
    assert result.registries[0].sent < left * RATE + UNIT


# Laws


@given(
    sizes=st.lists(st.sampled_from([0.1, 0.5, 1.0, 1.0, 2.5]), min_size=1, max_size=4),
    ratio=st.sampled_from([1.0, 2.0, 2.6]),
    amounts=st.lists(st.sampled_from([0.0, 0.064, 0.3, 0.3, 1.0]), min_size=1, max_size=3),
    kind=st.sampled_from(sorted(KINDS)),
    order=st.sampled_from(["sequential", "random"]),
    readers=st.sampled_from([1, 3]),
    prefetch=st.sampled_from([0, 0.2]),
)
def test_programs_read_what_they_want_and_no_unit_comes_twice(sizes, ratio, amounts, kind, order, readers, prefetch):
    grain = UNIT // 32 if KINDS[kind].grain else 0
    spec = replace(KINDS[kind], unit=UNIT // 4, grain=grain, prefetch=prefetch, least_layer=0, background=None)
    layers = [layer(f"{n}", size, size * ratio) for n, size in enumerate(sizes)]
    pods = [(f"p{n}", wanting(amount, order, readers), 20.0 * n) for n, amount in enumerate(amounts)]
    result = cluster(*layers, spec=spec, pods=pods, size=10**13)
    whole = sum(each.unpacked for each in layers)
    units = sum(ceil(each.unpacked / (spec.grain or spec.unit)) for each in layers)
    assert sum(row.requests for row in result.reads) <= units
    assert sum(row.fetched for row in result.reads) <= sum(each.size for each in layers)
    assert sum(row.read for row in result.reads) == sum(wanting(amount).amount(whole) for amount in amounts)
    assert all(row.ok for row in result.reads)
    for row in result.pods:
        assert row.created <= row.started <= row.ready


def test_the_summary_tells_what_was_mounted_from_what_was_there():
    result = cluster(layer("x", 4.0, 8.0), layer("y", 1.0, 2.5))
    found = summarize(result)
    assert (found.layers.fetched, found.layers.reused, found.bytes.local) == (0, 0, 0)
    (use,) = found.reads.values()
    assert (use.requests, use.fetched_bytes, use.read_bytes, use.failed) == (11, 5 * UNIT, round(10.5 * UNIT), 0)
