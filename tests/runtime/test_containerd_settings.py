"""What containerd's settings make of a pull: who pulls, chunks, layers side by side, syncfs, discarded blobs."""

from __future__ import annotations

from dataclasses import replace
from heapq import heapify, heapreplace
from typing import TYPE_CHECKING

import pytest

from pullsim.results import check
from pullsim.spec.hardware import DiskSpec, PageCacheSpec
from pullsim.spec.registry import Fault, Limit
from tests.support.outcome import ended, layers, pull, stages, whole
from tests.support.world import (
    FAR,
    HOST,
    RATE,
    UNIT,
    containerd,
    image,
    layer,
    named,
    node,
    pod,
    registry,
    run_containerd,
)

if TYPE_CHECKING:
    from pullsim.spec.runtime import ContainerdSpec


def settings(version=(2, 2), downloads=3, **given) -> ContainerdSpec:
    costs = {key: given.pop(key) for key in ("metadata_write", "while_downloading") if key in given}
    return replace(containerd(version, downloads, **costs), **given)


def alone(*content, source=None, spec=None, **given):
    """Pull an image of these layers with these settings; `spec`: of the node."""
    result = run_containerd({"a:1": image(*content)}, spec=node(settings(**given), **(spec or {})), source=source)
    assert check(result) == []
    assert all(whole(each) for each in (*result.pulls, *result.pods))
    return result, pull(result, "a")


# ---------------------------------------------------------------- who pulls


@pytest.mark.parametrize(
    ("version", "local", "ends"),
    [
        ((2, 0), False, {0: 4.0, 1: 6.0}),  # a slot until the blob is durable
        ((2, 1), False, {0: 5.0, 1: 4.0}),  # until the last byte, the last layer first
        ((2, 1), True, {0: 5.0, 1: 4.0}),  # the CRI plugin pulls by itself: the same
    ],
)
def test_from_2_1_a_slot_is_free_at_the_last_byte_whoever_pulls(version, local, ends):
    """1 s of bytes and of fsync for manifest and config, then each of two layers, one at a time."""
    result, _ = alone(layer("x"), layer("y"), version=version, downloads=1, local_pull=local, spec={"fsync": 1.0})
    assert {each.position: each.committed for each in result.layers} == pytest.approx(ends)


@pytest.mark.parametrize(("version", "local", "last"), [((2, 0), False, 4), ((2, 1), True, 2), ((2, 1), False, 2)])
def test_from_2_1_it_is_one_limit_for_the_node_whoever_pulls(version, local, last):
    """Two pulls of four layers; `last`: of how many at most the requests overlap."""
    images = {f"{name}:1": image(*(layer(f"{name}{n}") for n in range(4))) for name in "ab"}
    result = run_containerd(images, spec=node(settings(version, 2, local_pull=local)))
    at = sorted((each.requested + each.fetched) / 2 for each in result.layers)
    overlap = max(sum(each.requested <= t < each.fetched for each in result.layers) for t in at)
    assert overlap == last


# ---------------------------------------------------------------- layers in chunks


@pytest.mark.parametrize(
    ("downloads", "chunk", "seconds"),
    [
        (3, 0, 16.0),  # one connection, a quarter of the link
        (1, UNIT, 16.0),
        (2, UNIT, 8.0),
        (4, UNIT, 4.0),
        (4, 2 * UNIT, 8.0),  # two chunks
        (8, UNIT // 2, 4.0),  # eight, which share the link
        (4, 4 * UNIT, 16.0),  # not more than a chunk
        (4, 511, 16.0),  # less than the least
    ],
)
def test_a_layer_comes_over_as_many_connections_as_there_are_downloads(downloads, chunk, seconds):
    """4 s at the link's rate, a quarter of it for a connection."""
    source = registry(per_connection=RATE / 4)
    result, record = alone(layer("x", 4.0, 1.0), source=source, downloads=downloads, layer_fetch_buffer=chunk)
    assert record.ended == pytest.approx(seconds + 1.0)
    (only,) = result.layers
    assert (only.downloaded, only.source) == (4 * UNIT, HOST)
    assert only.egress + only.connection == pytest.approx(seconds)


@pytest.mark.parametrize("local", [False, True])
def test_chunks_take_the_slots_of_the_node(local):
    """Two layers, two slots: four chunks in two pairs, whoever pulls."""
    source = registry(per_connection=RATE / 4, egress=4 * RATE)
    result, _ = alone(
        layer("x", 2), layer("y", 2), source=source, downloads=2, layer_fetch_buffer=UNIT, local_pull=local
    )
    assert max(each.fetched for each in result.layers) == pytest.approx(8.0)


@pytest.mark.parametrize(("tls", "new"), [(False, 1.0), (True, 2.0)])
def test_every_chunk_needs_a_connection_of_its_own(tls, new):
    """The first goes over the config's; ranges have no end, so connections are closed after all but the last."""
    source = registry(tls=tls, **FAR)
    _, whole_layer = alone(layer("x", 3), source=source, downloads=1)
    _, chunks = alone(layer("x", 3), source=source, downloads=1, layer_fetch_buffer=UNIT)
    assert chunks.ended - whole_layer.ended == pytest.approx(2 * (new + 1.0))


def test_chunks_after_the_first_begin_with_its_answer():
    """One round trip and connection for the first, another for the three others together."""
    source = registry(per_connection=RATE, egress=4 * RATE, **FAR)
    result, _ = alone(layer("x", 4), source=source, downloads=4, layer_fetch_buffer=UNIT)
    (only,) = result.layers
    assert only.first_byte - only.requested == pytest.approx(1.0)
    assert only.fetched - only.first_byte == pytest.approx(2.0 + 1.0)


def test_a_chunk_that_is_refused_fails_the_pull():
    """What was fetched in a row from the start stays for the next attempt: it asks for the rest."""
    source = registry(limits=(Limit(per=5.0, requests=3, of="blobs", status=403),))
    spec = node(settings(downloads=1, layer_fetch_buffer=UNIT, collect_after=float("inf")))
    result = run_containerd({"a:1": image(layer("x", 3))}, spec=spec, source=source)
    assert check(result) == []
    first, second = result.pulls
    assert (first.cause, first.ended, first.downloaded) == ("forbidden", pytest.approx(2.0), 2 * UNIT)
    assert (second.ok, second.downloaded) == (True, UNIT)


def test_a_failed_layer_stops_the_chunks_of_the_others():
    source = registry(faults=(Fault(at=2.0, duration=2.0, status=None),))
    spec = node(settings(downloads=4, layer_fetch_buffer=UNIT))
    result = run_containerd({"a:1": image(layer("x", 4), layer("y", 8))}, spec=spec, source=source)
    assert check(result) == []
    assert [each.ok for each in result.pulls] == [False, True]
    assert result.pulls[0].ended == pytest.approx(2.0)


# ---------------------------------------------------------------- layers unpacked side by side


def scheduled(content, slots):
    """When all layers are unpacked that take their slots in order, and hold them while they are downloaded too."""
    free = [0.0] * slots
    heapify(free)
    last = 0.0
    for fetched, work in content:
        end = max(free[0], fetched) + work
        heapreplace(free, end)
        last = max(last, end)
    return last


@pytest.mark.parametrize("slots", [2, 3, 4, 9])
@pytest.mark.parametrize(
    "content",
    [
        [(0, 1)] * 4,
        [(0, 4), (0, 1), (0, 1), (0, 1)],
        [(0, 1), (0, 1), (0, 1), (0, 4)],
        [(0, 0.5), (0, 3), (0, 0.25), (0, 2), (0, 1), (0, 0.75)],
    ],
)
def test_unpacks_are_a_list_schedule(content, slots):
    result, record = alone(
        *(layer(f"l{n}", *each) for n, each in enumerate(content)), max_concurrent_unpacks=slots, spec={"cores": 16}
    )
    assert record.ended == pytest.approx(scheduled(content, slots))
    assert [each.position for each in result.layers] == list(range(len(content)))  # committed in order


def test_a_slot_is_taken_before_the_blob_is_there():
    """l0 is fetched at 4 and has one of two slots until 5; the others pass through the other one."""
    content = [layer("l0", 4, 1), *(layer(f"l{n}", 0.0, 2) for n in (1, 2, 3))]
    _, record = alone(*content, max_concurrent_unpacks=2, spec={"cores": 16})
    assert record.ended == pytest.approx(scheduled([(4, 1), (0, 2), (0, 2), (0, 2)], 2))


def test_one_core_is_still_one_core():
    content = [layer(f"l{n}", 0.0, 1) for n in range(4)]
    _, record = alone(*content, max_concurrent_unpacks=4, spec={"cores": 1})
    assert record.ended == pytest.approx(4.0)
    assert stages(record) == {"unpack_cpu": pytest.approx(4.0)}


def test_pulls_share_the_unpack_slots_of_the_node():
    images = {f"{name}:1": image(*(layer(f"{name}{n}", 0.0, 1) for n in range(3))) for name in "abc"}
    for slots, seconds in ((2, 5.0), (3, 3.0), (9, 1.0)):
        result = run_containerd(images, spec=node(settings(max_concurrent_unpacks=slots)))
        assert max(ended(result).values()) == pytest.approx(seconds)
        assert check(result) == []
        assert all(whole(each) for each in result.pulls)


@pytest.mark.parametrize(("slots", "begins"), [(1, 1.0), (2, 5.0), (4, 1.0)])
def test_commits_wait_until_all_layers_have_been_started(slots, begins):
    """base 1, x 5, y 5, z 1: with two slots z begins at 5, and a pull that shares base waits until then for it."""
    base = layer("base", 0.0, 1)
    images = {
        "a:1": image(base, layer("x", 0.0, 5), layer("y", 0.0, 5), layer("z", 0.0, 1)),
        "b:1": image(base, layer("w", 1)),
    }
    result = run_containerd(images, spec=node(settings(max_concurrent_unpacks=slots)))
    assert layers(result, "b")[0].queued == pytest.approx(begins)


def test_the_same_image_twice_is_unpacked_once():
    images = {"a:1": image(*(layer(f"l{n}", 0.5, 1) for n in range(4)))}
    wanted = [pod("p", named("a:1")), pod("q", named("a:1"), at=0.25)]
    result = run_containerd(images, wanted, spec=node(settings(max_concurrent_unpacks=3)))
    assert len(result.layers) == 4
    assert ended(result)["p"] == pytest.approx(ended(result)["q"])


def test_metadata_writes_are_as_many():
    content = [layer(f"l{n}", 0.0) for n in range(3)]
    _, record = alone(*content, max_concurrent_unpacks=3, metadata_write=1.0)
    _, other = alone(*content, metadata_write=1.0)
    assert record.ended == pytest.approx(other.ended)


def test_a_failed_pull_gives_locks_slots_and_space_back():
    """There is no room for x; when a has failed, b comes, with all that a had locked."""
    base = layer("base", 1, 1)
    images = {"a:1": image(base, layer("x", 2.25, 8), layer("z", 1, 1)), "b:1": image(base, layer("y", 1, 1))}
    wanted = [pod("a", named("a:1")), pod("b", named("b:1"), at=12.0)]
    spec = node(settings(max_concurrent_unpacks=2), size=10 * UNIT)
    result = run_containerd(images, wanted, spec=spec, horizon=17.0)
    assert (pull(result, "a").cause, pull(result, "a").ended) == ("noSpace", pytest.approx(8.0))
    assert pull(result, "b").ok
    assert result.disks[0].used == 4 * UNIT


def test_a_layer_that_is_not_there_ends_the_pull_while_others_unpack():
    source = registry(limits=(Limit(per=3600.0, requests=2, of="blobs", status=403),))
    spec = node(settings(max_concurrent_unpacks=2, downloads=1))
    content = image(layer("x", 1, 30), layer("y", 1, 1), layer("z", 1, 30))
    result = run_containerd({"a:1": content}, spec=spec, source=source, horizon=9.0)
    (failed,) = result.pulls
    assert (failed.cause, failed.ended) == ("forbidden", pytest.approx(1.0))
    assert whole(failed)


# ---------------------------------------------------------------- syncfs and discard


def test_syncfs_waits_for_the_disk_after_each_layer():
    """Two layers of 1 s: with the cache alone nothing waits; with syncfs 1 s of writing after each."""
    content = [layer("x", 0.0, 1), layer("y", 0.0, 1)]
    cached = replace(node(settings()), disk=DiskSpec(RATE, page_cache=PageCacheSpec(limit=1e12, background=1e12)))
    ends = {}
    for sync in (False, True):
        spec = replace(cached, runtime=settings(sync_fs=sync, local_pull=sync))
        result = run_containerd({"a:1": image(*content)}, spec=spec)
        ends[sync] = pull(result, "a").ended
        assert check(result) == []
    assert ends == {False: pytest.approx(2.0), True: pytest.approx(4.0)}


def test_syncfs_costs_a_flush_too():
    _, record = alone(layer("x", 0.0, 1), layer("y", 0.0, 1), sync_fs=True, local_pull=True, spec={"fsync": 1.0})
    _, other = alone(layer("x", 0.0, 1), layer("y", 0.0, 1), local_pull=True, spec={"fsync": 1.0})
    assert record.ended - other.ended == pytest.approx(2.0)


@pytest.mark.parametrize(("discard", "used"), [(False, 3 + 4), (True, 4)])
def test_discarded_blobs_are_collected_once_the_image_is_there(discard, used):
    content = image(layer("x", 1, 2), layer("y", 2, 2))
    spec = node(settings((2, 0), discard_unpacked_layers=discard), size=100 * UNIT)
    result = run_containerd({"a:1": content}, spec=spec, horizon=30.0)
    (disk,) = result.disks
    assert (disk.peak, disk.used) == (7 * UNIT, used * UNIT)


def test_a_discarded_base_is_not_fetched_again_but_a_blob_elsewhere_is():
    images = {
        "a:1": image(layer("base", 1, 1), layer("y", 1, 1)),
        "b:1": image(layer("base", 1, 1), layer("w", 1, 1), layer("y", 1, 1)),
    }
    wanted = [pod("a", named("a:1")), pod("b", named("b:1"), at=100.0)]
    for discard, fetched in ((False, ["w"]), (True, ["w", "y"])):
        spec = node(settings((2, 0), discard_unpacked_layers=discard))
        result = run_containerd(images, wanted, spec=spec)
        names = {layer(name).digest: name for name in ("base", "w", "y")}
        assert [names[each.digest] for each in layers(result, "b") if each.source == HOST] == fetched


# ---------------------------------------------------------------- everything present


@pytest.mark.parametrize("version", [(1, 6), (1, 7), (2, 0), (2, 1), (2, 2)], ids=str)
@pytest.mark.parametrize(("auth", "challenges", "tokens"), [("none", 0, 0), ("basic", 1, 0), ("bearer", 1, 1)])
def test_always_with_everything_present_is_a_head(version, auth, challenges, tokens):
    """Three requests with a token, none that a limit of manifests counts."""
    source = registry(auth=auth, limits=(Limit(per=3600.0, requests=0, of="manifests"),))
    spec = node(settings(version, max_concurrent_unpacks=4 if version >= (2, 2) else 1), cached=[named("a:1")])
    result = run_containerd(
        {"a:1": image(layer("x"))}, [pod("p", named("a:1"), policy="Always")], spec=spec, source=source
    )
    assert pull(result, "p").ok
    (asked,) = result.registries
    assert (asked.heads, asked.manifests, asked.blobs) == (1, 0, 0)
    assert (asked.challenges, asked.tokens) == (challenges, tokens)
