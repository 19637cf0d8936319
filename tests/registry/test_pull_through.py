"""Pull-through caches: how many bytes come from upstream, when a node has its image, and what it is told in between."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pullsim.oci.catalog import Catalog
from pullsim.oci.manifest import Index
from pullsim.spec.hosts import HostSpec, RegistryHosts
from pullsim.spec.pull_through import CacheDisk, CacheSpec
from pullsim.spec.registry import Fault
from tests.support.caches import CONTENT, MIRROR, RUNTIMES, preset, world
from tests.support.outcome import pull, stages
from tests.support.world import AMD64, ARM64, FAR, FAST, HOST, RATE, UNIT, containerd, image, layer, named


def seconds(result, name="p0"):
    record = pull(result, name)
    return record.ended - record.started


def images_upstream(result):
    """How many times the image's bytes came from upstream, as the cache and as the registry count them."""
    (cache,) = result.caches
    sent = next(each.sent for each in result.registries if each.host == HOST)
    assert cache.received == sent
    return cache.received / CONTENT.total_size


# ---------------------------------------------------------------- bytes

UPSTREAM = [
    # cache, images from upstream for two nodes at once, in turn
    ("distribution", 2, 1),  # distribution/distribution#3969: RX 2 images, RX 1 image
    ("harbor", 3, 2),  # each client streams, and one copy is stored
    ("zot", 1, 1),
    ("nginx", 1, 1),  # within the 5 s of its lock
    ("ecr-pull-through", 1, 1),
]


@pytest.mark.parametrize(("name", "at_once", "in_turn"), UPSTREAM)
@RUNTIMES
def test_images_from_upstream_for_two_nodes(name, at_once, in_turn, runtime):
    for at, images in (((0.0, 0.0), at_once), ((0.0, 100.0), in_turn)):
        result = world(preset(name), at=at, runtime=runtime)
        assert all(record.ok for record in result.pulls)
        assert images_upstream(result) == images
        assert result.caches[0].sent == 2 * CONTENT.total_size


FILLS = [
    # fill, coalesce, images from upstream for N = 4 at once
    ("streamThrough", "none", 4),
    ("streamThrough", "blob", 1),
    ("storeThenServe", "none", 4),
    ("storeThenServe", "blob", 1),
    ("storeThenServe", "image", 1),
    ("backgroundCopy", "none", 5),
    ("backgroundCopy", "blob", 2),
]


@pytest.mark.parametrize(("fill", "coalesce", "images"), FILLS)
@RUNTIMES
def test_images_from_upstream_by_fill(fill, coalesce, images, runtime):
    result = world(CacheSpec(fill=fill, coalesce=coalesce), at=(0.0,) * 4, runtime=runtime)
    assert images_upstream(result) == images
    assert {record.registry for record in result.pulls} == {MIRROR}


def test_who_comes_before_the_end_of_the_first_streams_by_itself():
    """The first has x, of 2 s, at 3 s (it shares the egress with y), and y, of 1 s, at 2 s."""
    assert [images_upstream(world(CacheSpec(), at=(0.0, at))) * 3 for at in (0.0, 2.5, 3.0)] == [6, 5, 3]


def test_the_hosts_of_certs_d_lead_to_a_cache_too():
    """Two nodes whose containerd has it in hosts.toml, and a registry without mirrors."""
    hosts = (RegistryHosts("_default", (HostSpec(MIRROR),)),)
    result = world(preset("zot"), runtime=replace(containerd(), hosts=hosts), upstream={"mirrors": ()})
    assert images_upstream(result) == 1
    assert {row.source for row in result.layers} == {MIRROR}


def test_all_platforms_of_an_image_are_stored_by_a_cache_of_images():
    """zot copies what a tag stands for, which is the index."""
    catalog = Catalog()
    arm = image(layer("arm", 1))
    index = Index.of([(AMD64, CONTENT), (ARM64, arm)], size=0)
    catalog.add(named("a:1"), index)
    for name, total in (("zot", CONTENT.total_size + arm.total_size), ("distribution", CONTENT.total_size)):
        result = world(preset(name), at=(0.0,), content=catalog)
        assert result.caches[0].received == result.caches[0].stored == total


def test_what_is_held_from_the_start_needs_nothing_from_upstream_but_the_tag():
    down = {"faults": (Fault(status=None),)}
    for cache in (CacheSpec(holds=("a",)), CacheSpec(holds=("a:1",), recheck=math.inf)):
        result = world(cache, upstream=down)
        assert (result.caches[0].received, result.caches[0].misses) == (0, 0)
        assert all(record.ok for record in result.pulls)


# ---------------------------------------------------------------- time

TIMES = [
    # cache, its host, seconds of one node, of two at once; upstream sends 1 unit/s, a node takes 1 unit/s
    (CacheSpec(), {}, 3, 6),  # upstream's egress is shared
    (CacheSpec(downlink=RATE / 2), {}, 6, 12),
    (CacheSpec(), {"egress": RATE / 2}, 6, 12),
    (CacheSpec(disk=CacheDisk(write=RATE / 4)), {}, 12, 12),  # the slow store holds the first node, not the others
    (CacheSpec(fill="storeThenServe", coalesce="image"), {}, 6, 6),  # 3 s to the cache, 3 s to the NIC
    (CacheSpec(fill="storeThenServe", coalesce="image"), {"egress": RATE}, 6, 9),
    (CacheSpec(fill="storeThenServe", coalesce="image", disk=CacheDisk(read=RATE / 2)), {}, 9, 15),
    (CacheSpec(fill="backgroundCopy"), {}, 6, 9),  # as many bytes again are copied over the same egress
    (CacheSpec(downlink=RATE / 2, replicas=2, balance="client"), {}, 6, 6),  # a link each, with which two fill
]


@pytest.mark.parametrize(("cache", "host", "one", "two"), TIMES)
def test_seconds_of_a_pull(cache, host, one, two):
    assert seconds(world(cache, at=(0.0,), host=host, nic=RATE)) == pytest.approx(one)
    result = world(cache, host=host, nic=RATE)
    assert max(seconds(result, "p0"), seconds(result, "p1")) == pytest.approx(two)


def test_a_cache_of_images_keeps_the_node_at_the_manifest():
    """A second node, which comes when half is there, waits for the other half."""
    result = world(CacheSpec(fill="storeThenServe", coalesce="image"), at=(0.0, 1.5))
    assert stages(pull(result, "p0"))["resolve"] == 3.0 == pytest.approx(seconds(result, "p0"))
    assert stages(pull(result, "p1"))["resolve"] == 1.5


PARTS = [
    # what a cache does with parts, seconds of the first chunk and of the layer, images from upstream, stored
    ("relay", math.inf, 4, 4, 1.0, 0),
    ("fill", math.inf, 1, 4, 1.0, 4 * UNIT),
    ("fill", 2.0, 1, 7, 1.75, 4 * UNIT),  # at 3 s three chunks go upstream, beside the last second of the fill
]


@pytest.mark.parametrize(("parts", "patience", "first", "last", "images", "stored"), PARTS)
def test_chunks_of_a_layer_by_way_of_a_cache(parts, patience, first, last, images, stored):
    """A node fetches a layer of 4 s in 4 chunks, three of them when the first has begun to come."""
    runtime = replace(containerd(downloads=4), layer_fetch_buffer=UNIT)
    cache = CacheSpec(coalesce="blob", coalesce_timeout=patience, parts=parts)
    result = world(cache, at=(0.0,), runtime=runtime, content=image(layer("x", 4)))
    assert result.layers[0].first_byte == pytest.approx(0.0 if parts == "relay" else first)
    assert seconds(result) == pytest.approx(last)
    assert images_upstream(result) * 3 == pytest.approx(images * 4)
    assert result.caches[0].stored >= stored


def test_a_part_of_a_blob_that_upstream_refuses_is_refused():
    runtime = replace(containerd(downloads=4), layer_fetch_buffer=UNIT)
    cache = CacheSpec(coalesce="blob", parts="fill")
    down = {"faults": (Fault(status=500, of="blobs"),)}
    result = world(cache, at=(0.0,), runtime=runtime, content=image(layer("x", 4)), upstream=down)
    assert not pull(result, "p0").ok
    assert result.caches[0].received == 0


def test_a_request_waits_no_longer_than_its_time_for_another():
    """Of a blob of 10 s the second has nothing for 5 s, and streams with half the egress then."""
    result = world(preset("nginx"), content=image(layer("x", 10)))
    assert [seconds(result, name) for name in ("p0", "p1")] == [pytest.approx(15.0), pytest.approx(20.0)]
    assert result.caches[0].received == 2 * 10 * UNIT


def test_round_trips_to_upstream_come_on_top_of_those_to_the_cache():
    """Cache: connection, HEAD; connection, manifest, config. Upstream: connection, HEAD, manifest, config. A layer."""
    far = {"upstream": FAR, "host": {**FAR, "egress": FAST, "round_trip": 0.5}}
    result = world(CacheSpec(), at=(0.0,), content=image(layer("x", 3)), **far)
    assert stages(pull(result, "p0")) == {"resolve": 5 * 0.5 + 4, "request": 0.5 + 1, "download_egress": 3.0}


@pytest.mark.parametrize(("busy", "refused"), [("wait", False), ("refuse", True)])
def test_gets_beyond_the_connections_to_upstream(busy, refused):
    result = world(CacheSpec(upstream_connections=1, when_busy=busy), at=(0.0,) * 3)
    sources = [[row.source for row in result.layers if row.pod == f"p{number}"] for number in range(3)]
    assert (HOST in {host for hosts in sources for host in hosts}) is refused
    assert all(record.ok for record in result.pulls)


# ---------------------------------------------------------------- laws


@settings(max_examples=15, deadline=None)
@given(
    st.sampled_from(FILLS),
    st.lists(st.sampled_from([0.0, 0.0, 1.0, 2.0, 2.5, 3.0, 9.0]), min_size=1, max_size=5),
    st.sampled_from([CacheSpec(), CacheSpec(size=UNIT), CacheSpec(ttl=2.0), CacheSpec(replicas=2, balance="hash")]),
    st.sampled_from([None, 1, 2]),
    st.sampled_from([{}, {"egress": RATE}]),
)
def test_bytes_are_conserved_and_every_get_is_a_hit_or_a_miss(fill, at, cache, connections, host):
    """What the cache got is what the registry sent; what it sent is what nodes have; nobody waits for ever."""
    cache = replace(cache, fill=fill[0], coalesce=fill[1], upstream_connections=connections)
    result = world(cache, at=sorted(at), host=host)
    (record,) = result.caches
    use = {each.host: each for each in result.registries}
    assert record.received + len(at) * CONTENT.total_size == use[HOST].sent + record.sent
    assert sum(each.downloaded for each in result.pulls) == len(at) * CONTENT.total_size
    assert record.sent == use[MIRROR].sent
    if fill[1] != "image":  # such a cache has a blob with its manifest or not at all, and the registry sends it then
        assert record.sent == len(at) * CONTENT.total_size
        assert record.hits + record.misses == use[MIRROR].manifests + use[MIRROR].blobs
    assert record.stored <= cache.size * cache.replicas
    least = CONTENT.total_size if fill[1] in ("image", "blob") else 0
    assert least <= record.received
