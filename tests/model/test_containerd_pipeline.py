"""containerd's pull pipeline, with costs that make everything computable by hand."""

from __future__ import annotations

from itertools import accumulate, pairwise

import pytest
from world import (
    AMD64,
    HOST,
    RATE,
    SERIAL,
    catalog,
    containerd,
    ended,
    fetches,
    image,
    layer,
    layers,
    messages,
    named,
    node,
    pod,
    pull,
    registry,
    row,
    run,
    stages,
    started,
    times,
    whole,
)

from pullsim.cluster.spec import Node
from pullsim.oci.catalog import Catalog
from pullsim.oci.manifest import Index
from pullsim.oci.platform import Platform
from pullsim.registry.spec import Fault

ARM64 = Platform.parse("linux/arm64")
OLD, NEW = (2, 0), (2, 1)  # slots of each pull; slots of the node
BOTH = pytest.mark.parametrize("version", [OLD, NEW], ids=["2.0", "2.1"])
ALL = pytest.mark.parametrize("version", [(1, 6), (1, 7), (2, 0), (2, 1), (2, 2)], ids=str)
#: A round trip of 1 s and no slow start.
FAR = {"round_trip": 1.0, "initial_window": 10**15, "max_window": 10**15}


def go(images, wanted=None, *, spec=None, source=None, nodes=1, **cluster):
    """Run pods a, b, … of images a:1, b:1, … on nodes of `spec`."""
    wanted = wanted or [pod(name.split(":")[0], named(name)) for name in images]
    return run(
        wanted, spec or node(containerd()), nodes=nodes, registries=[source or registry()], images=images, **cluster
    )


def one(*content, **given):
    """Pull one image alone."""
    result = go({"a:1": image(*content)}, **given)
    return result, pull(result, "a")


def simultaneous(fetch, slots):
    """Ends of fetches that share a link equally, `slots` at a time, in order: a step by step simulation."""
    left, ends, now = dict(enumerate(fetch)), {}, 0.0
    while left:
        active = list(left)[:slots]
        step = min(left[each] for each in active)
        now += step * len(active)
        for each in active:
            left[each] -= step
            if left[each] <= 1e-12:
                ends[each] = now
                del left[each]
    return [ends[each] for each in range(len(fetch))]


def unpacked(fetched, work):
    """E_i = max(F_i, E_{i-1}) + A_i."""
    return list(
        accumulate(zip(fetched, work, strict=True), lambda end, each: max(end, each[0]) + each[1], initial=0.0)
    )[1:]


# ---------------------------------------------------------------- one pull alone


@ALL
@pytest.mark.parametrize(("fetch", "unpack"), [(2.0, 3.0), (2.0, 0.0), (0.0, 3.0), (0.25, 0.125)])
def test_one_layer(version, fetch, unpack):
    result, record = one(layer("x", fetch, unpack), spec=node(containerd(version)))
    assert record.ended == pytest.approx(fetch + unpack)
    assert stages(record) == {k: v for k, v in {"download_egress": fetch, "unpack_cpu": unpack}.items() if v}
    assert (record.layers, record.layers_fetched) == (1, 1)
    (only,) = result.layers
    assert only.source == HOST
    assert (only.size, only.unpacked) == (fetch * RATE, unpack * RATE)
    assert only.fetched == pytest.approx(fetch)
    assert only.unpack_ended == pytest.approx(fetch + unpack)
    assert started(result) == {"a": pytest.approx(fetch + unpack)}


PULLS = [  # (fetch, unpack) of each layer
    [(1, 3), (4, 2)],
    [(1, 1), (1, 1), (1, 1), (1, 1), (1, 1)],
    [(5, 5), (1, 0.5), (1, 0.5), (1, 0.5)],  # the big layer first …
    [(1, 0.5), (1, 0.5), (1, 0.5), (5, 5)],  # … and last
    [(3, 0.25), (2, 4), (1, 0), (0.5, 2), (6, 1), (0.25, 0.25), (2, 1)],
    [(0.5, 2)] * 8,
]


@pytest.mark.parametrize("slots", [1, 2, 3, 10])
@pytest.mark.parametrize("content", PULLS)
@pytest.mark.parametrize("version", [(1, 6), (2, 0)], ids=str)
def test_layers_are_unpacked_in_order_while_later_ones_are_fetched(content, slots, version):
    """Slots go to layers in the manifest's order, connections share the link equally."""
    fetch, work = zip(*content, strict=True)
    result, record = one(
        *(layer(f"l{n}", *each) for n, each in enumerate(content)), spec=node(containerd(version, slots))
    )
    found = layers(result, "a")
    expected = simultaneous(fetch, slots)
    assert [each.fetched for each in found] == pytest.approx(expected)
    assert [each.unpack_ended for each in found] == pytest.approx(unpacked(expected, work))
    assert record.ended == pytest.approx(unpacked(expected, work)[-1])
    assert whole(record)


@pytest.mark.parametrize("slots", [1, 2, 3, 10])
@pytest.mark.parametrize("content", PULLS)
def test_from_2_1_the_last_layer_is_asked_for_first(content, slots):
    fetch, work = zip(*content, strict=True)
    result, record = one(*(layer(f"l{n}", *each) for n, each in enumerate(content)), spec=node(containerd(NEW, slots)))
    ends = simultaneous([fetch[-1], *fetch[:-1]], slots)
    expected = [*ends[1:], ends[0]]
    assert [each.fetched for each in layers(result, "a")] == pytest.approx(expected)
    assert record.ended == pytest.approx(unpacked(expected, work)[-1])


@pytest.mark.parametrize("content", PULLS)
@ALL
def test_bounds_of_a_pull(content, version):
    fetch, work = zip(*content, strict=True)
    _, record = one(*(layer(f"l{n}", *each) for n, each in enumerate(content)), spec=node(containerd(version)))
    assert max(sum(fetch), sum(work)) <= record.ended + 1e-9
    assert record.ended <= sum(fetch) + sum(work) + 1e-9


@pytest.mark.parametrize(
    ("content", "slots", "expected"),
    [
        # the last layer comes late: its download is on the critical path
        ([(1, 1), (3, 2)], 3, {"download_egress": 4.0, "unpack_cpu": 2.0}),
        # unpacking is: x is fetched at 2 (sharing with y), unpacked at 5, y at 7
        ([(1, 3), (3, 2)], 3, {"download_egress": 2.0, "unpack_cpu": 5.0}),
        # one connection at a time: y waits for its slot while x is fetched
        ([(1, 1), (3, 2)], 1, {"slot": 1.0, "download_egress": 3.0, "unpack_cpu": 2.0}),
        ([(1, 9), (3, 2)], 1, {"download_egress": 1.0, "unpack_cpu": 11.0}),
    ],
)
def test_stages_follow_the_critical_path(content, slots, expected):
    _, record = one(*(layer(f"l{n}", *each) for n, each in enumerate(content)), spec=node(containerd(OLD, slots)))
    assert stages(record) == expected


def test_a_pods_stages_are_those_of_its_pulls_and_its_waits():
    images = {"a:1": image(layer("x", 1, 1), layer("y", 3, 2)), "b:1": image(layer("z", 2, 1))}
    result = go(images, spec=node(containerd(OLD, 1), kubelet=SERIAL))
    assert stages(row(result, "a")) == {"slot": 1.0, "download_egress": 3.0, "unpack_cpu": 2.0}
    assert stages(row(result, "b")) == {"queue": 6.0, "download_egress": 2.0, "unpack_cpu": 1.0}


@ALL
def test_a_layer_that_an_image_has_twice_is_fetched_once_and_unpacked_twice(version):
    result, record = one(layer("x", 1, 1), layer("x", 1, 1), spec=node(containerd(version)))
    assert record.ended == pytest.approx(3.0)
    assert (record.layers, record.layers_fetched, record.downloaded) == (2, 1, RATE)
    assert sorted(each.source for each in result.layers) == ["local", HOST]


def test_an_image_without_layers():
    _, record = one(spec=node(containerd()))
    assert (record.ok, record.ended, record.layers) == (True, 0.0, 0)


@pytest.mark.parametrize(
    ("costs", "seconds"),
    [
        ({}, 2.0),
        ({"per_layer": 0.5}, 2.5),
        ({"per_file": 0.01}, 3.0),
        ({"gzip": RATE / 2}, 4.0),
        ({"while_downloading": 1.5}, 2.0),
    ],
)
def test_costs_of_unpacking(costs, seconds):
    """2 s at RATE, 100 files."""
    _, record = one(layer("x", 1.0, 2.0, files=100), spec=node(containerd(**costs)))
    assert stages(record) == {"download_egress": 1.0, "unpack_cpu": pytest.approx(seconds)}


def test_unpacking_is_slower_while_the_node_downloads():
    """x is unpacked from 1 on, at half speed until y is fetched at 4: 1.5 s of 4 s are done."""
    content = [layer("x", 1.0, 4.0), layer("y", 3.0, 0.0)]
    _, record = one(*content, spec=node(containerd(OLD, 1, while_downloading=2.0)))
    assert record.ended == pytest.approx(6.5)


def test_data_that_does_not_compress_is_cheaper():
    _, record = one(layer("x", 1.0, 1.0), spec=node(containerd(gzip=RATE, stored=4 * RATE)))
    assert stages(record)["unpack_cpu"] == 0.25


# ---------------------------------------------------------------- slots


def four_layers(names="ab"):
    return {f"{name}:1": image(*(layer(f"{name}{n}") for n in range(4))) for name in names}


AT_HALF = [pod("a", named("a:1")), pod("b", named("b:1"), at=0.5)]


def test_to_2_0_each_pull_has_slots_of_its_own():
    """One connection of each: they share the link from 0.5 on, so a has 3.5 s left for 7 s."""
    result = go(four_layers(), AT_HALF, spec=node(containerd(OLD, 1)))
    assert ended(result) == {"a": pytest.approx(7.5), "b": pytest.approx(8.0)}


def test_from_2_1_all_pulls_of_a_node_share_the_slots_first_come_first_served():
    result = go(four_layers(), AT_HALF, spec=node(containerd(NEW, 1)))
    assert ended(result) == {"a": pytest.approx(4.0), "b": pytest.approx(8.0)}
    assert all(
        first.fetched <= second.requested + 1e-9
        for first, second in pairwise(sorted(result.layers, key=lambda x: x.slot))
    )


def test_from_2_1_other_nodes_have_slots_of_their_own():
    wanted = [pod("a", named("a:1"), node="n-0"), pod("b", named("b:1"), at=0.5, node="n-1")]
    result = go(four_layers(), wanted, spec=node(containerd(NEW, 1)), nodes=2)
    assert ended(result) == {"a": pytest.approx(7.5), "b": pytest.approx(8.0)}


@pytest.mark.parametrize(("version", "begin"), [(OLD, 0.5), (NEW, 10.0)], ids=["2.0", "2.1"])
def test_from_2_1_a_manifest_needs_a_slot_too(version, begin):
    images = {"a:1": image(layer("x", 10)), "b:1": image(layer("y", 1))}
    result = go(images, AT_HALF, spec=node(containerd(version, 1)))
    assert layers(result, "b")[0].queued == pytest.approx(begin)


@pytest.mark.parametrize("slots", [1, 2, 3, 4])
def test_at_most_so_many_layers_are_fetched_at_once(slots):
    for version, nodewide in ((OLD, False), (NEW, True)):
        result = go(four_layers("abc"), spec=node(containerd(version, slots)))
        for each in result.layers:
            begins = (each.requested + each.fetched) / 2
            beside = [x for x in result.layers if (nodewide or x.pod == each.pod) and x.requested <= begins < x.fetched]
            assert len(beside) <= slots


@pytest.mark.parametrize(
    ("version", "ends"),
    [
        # manifest, config 2 s of fsync; then 1 s of bytes and 1 s of fsync for each of two layers, one at a time
        (OLD, {0: 4.0, 1: 6.0}),
        # the slot is free at the last byte: the last layer 2-3, the first 3-4, each durable 1 s later
        (NEW, {0: 5.0, 1: 4.0}),
    ],
    ids=["2.0", "2.1"],
)
def test_a_slot_is_held_until_the_commit_or_until_the_last_byte(version, ends):
    result, record = one(layer("x"), layer("y"), spec=node(containerd(version, 1), fsync=1.0))
    assert {each.position: each.committed for each in result.layers} == pytest.approx(ends)
    assert record.ended == pytest.approx(max(ends.values()))


# ---------------------------------------------------------------- what is fetched


@BOTH
def test_only_layers_above_the_first_missing_chain_id_are_fetched(version):
    images = {
        "a:1": image(layer("x", 1, 1), layer("y", 2, 1)),
        "b:1": image(layer("x", 1, 1), layer("y", 2, 1), layer("z", 3, 1)),
        "c:1": image(layer("x", 1, 1)),
    }
    wanted = [pod(name, named(f"{name}:1"), at=100.0 * n) for n, name in enumerate("abc")]
    result = go(images, wanted, spec=node(containerd(version)))
    assert [(each.pod, each.position) for each in result.layers] == [("a", 0), ("a", 1), ("b", 2)]
    assert (pull(result, "b").layers, pull(result, "b").layers_fetched) == (3, 1)
    assert pull(result, "b").ended == pytest.approx(104.0)
    assert pull(result, "c").ended == pytest.approx(200.0)
    assert pull(result, "c").downloaded == 0
    assert stages(pull(result, "c")) == {}


@BOTH
def test_a_blob_at_another_chain_position_is_unpacked_again_but_not_fetched_again(version):
    images = {"a:1": image(layer("x", 1, 1), layer("y", 2, 1)), "b:1": image(layer("w", 1, 1), layer("y", 2, 1))}
    wanted = [pod("a", named("a:1")), pod("b", named("b:1"), at=100.0)]
    result = go(images, wanted, spec=node(containerd(version)))
    assert [each.source for each in layers(result, "b")] == [HOST, "local"]
    assert pull(result, "b").ended == pytest.approx(103.0)  # w: 1 + 1, y: 1
    assert pull(result, "b").downloaded == RATE
    assert layers(result, "b")[1].size == 2 * RATE
    assert layers(result, "b")[1].unpack_ended == pytest.approx(103.0)


@BOTH
def test_a_blob_that_another_pull_fetches_is_waited_for(version):
    """a: x, y from 0 on; b: w from 0.5 on, and y with a. Three connections: x and w end at 2.75 and 3.25, y at 4."""
    images = {"a:1": image(layer("x", 1, 1), layer("y", 2, 1)), "b:1": image(layer("w", 1, 1), layer("y", 2, 1))}
    result = go(images, AT_HALF, spec=node(containerd(version, 4)))
    assert [each.fetched for each in layers(result, "a")] == pytest.approx([2.75, 4.0])
    assert [each.fetched for each in layers(result, "b")] == pytest.approx([3.25, 4.0])
    assert [each.source for each in layers(result, "b")] == [HOST, "local"]
    assert ended(result) == {"a": pytest.approx(5.0), "b": pytest.approx(5.25)}


def test_to_2_0_a_wait_for_a_blob_takes_a_slot():
    """b has two slots: one waits for y with a, so w and v go one after the other. From 2.1 the lock comes first."""
    images = {"a:1": image(layer("y", 10)), "b:1": image(layer("w"), layer("y", 10), layer("v"))}
    old = go(images, AT_HALF, spec=node(containerd(OLD, 2)))
    w, _, v = layers(old, "b")
    assert v.requested == pytest.approx(w.fetched)
    new = go(images, AT_HALF, spec=node(containerd(NEW, 3)))
    w, _, v = layers(new, "b")
    assert w.requested == v.requested == pytest.approx(0.5)


@BOTH
def test_a_shared_base_holds_the_second_pull_until_it_is_unpacked(version):
    """Nothing of b's own is asked for before; the link idles meanwhile."""
    images = {"a:1": image(layer("base", 1, 3), layer("x", 1, 1)), "b:1": image(layer("base", 1, 3), layer("y", 2, 1))}
    result = go(images, spec=node(containerd(version)))
    # base and x share the link until 2; base is unpacked at 5
    assert layers(result, "a")[0].unpack_ended == pytest.approx(5.0)
    assert [each.position for each in layers(result, "b")] == [1]
    assert layers(result, "b")[0].queued == layers(result, "b")[0].requested == pytest.approx(5.0)
    assert ended(result) == {"a": pytest.approx(6.0), "b": pytest.approx(8.0)}
    assert stages(pull(result, "b")) == {"lock": 5.0, "download_egress": 2.0, "unpack_cpu": 1.0}


@BOTH
def test_a_shared_base_is_handed_from_layer_to_layer(version):
    shared = [layer("x", 1, 2), layer("y", 1, 2)]
    images = {name: image(*shared, layer(name, 1, 1)) for name in ("a:1", "b:1", "c:1")}
    result = go(images, spec=node(containerd(version)))
    assert fetches(result).most_common(1)[0][1] == 1
    base = layers(result, "a")[1].unpack_ended
    assert layers(result, "b")[0].queued == layers(result, "c")[0].queued == pytest.approx(base)


@BOTH
@pytest.mark.parametrize("late", [0.0, 0.5, 1.5, 3.9])
def test_the_same_image_twice_is_fetched_once_and_both_pulls_end_together(version, late):
    images = {"a:1": image(layer("x", 1, 1), layer("y", 2, 1))}
    wanted = [pod("p", named("a:1")), pod("q", named("a:1"), at=late)]
    result = go(images, wanted, spec=node(containerd(version)))
    alone = go(images, [pod("p", named("a:1"))], spec=node(containerd(version)))
    assert ended(result) == {name: pytest.approx(ended(alone)["p"]) for name in "pq"}
    assert len(result.layers) == 2
    assert (pull(result, "q").downloaded, pull(result, "q").layers_fetched) == (0, 0)
    assert stages(pull(result, "q")) == {"lock": pytest.approx(ended(alone)["p"] - late)}


def test_nodes_share_nothing():
    images = {"a:1": image(layer("x", 1, 1))}
    wanted = [pod("p", named("a:1"), node="n-0"), pod("q", named("a:1"), node="n-1")]
    result = go(images, wanted, nodes=2)
    assert ended(result) == {"p": pytest.approx(3.0), "q": pytest.approx(3.0)}
    assert set(fetches(result).values()) == {1}
    assert len(fetches(result)) == 2


def test_the_order_of_three_pulls_that_wait_for_one_base_is_first_come_first_served():
    images = {f"{name}:1": image(layer("base", 1, 3), layer(name, 2, 1)) for name in "abc"}
    wanted = [pod(name, named(f"{name}:1"), at=0.1 * n) for n, name in enumerate("abc")]
    result = go(images, wanted, spec=node(containerd(NEW, 1)))
    assert list(ended(result)) == ["a", "b", "c"]


# ---------------------------------------------------------------- round trips

AUTHS = [
    # auth, TLS, round trips of HEAD, of the rest before the first layer's request
    ("none", False, 2, 3),  # connection, HEAD | connection, manifest, config
    ("none", True, 3, 4),
    ("basic", False, 3, 4),  # a 401 before each of the two
    ("basic", True, 4, 5),
    ("bearer", False, 5, 6),  # 401, connection to the token server, token; twice
    ("bearer", True, 7, 8),
]


@pytest.mark.parametrize(("auth", "tls", "head", "rest"), AUTHS)
@ALL
def test_round_trips_of_a_cold_pull(auth, tls, head, rest, version):
    _, record = one(layer("x", 1, 2), spec=node(containerd(version)), source=registry(auth=auth, tls=tls, **FAR))
    assert stages(record) == {"resolve": head + rest, "request": 1.0, "download_egress": 1.0, "unpack_cpu": 2.0}


@pytest.mark.parametrize(("auth", "tls", "head", "rest"), AUTHS)
@ALL
def test_pulling_a_present_image_again_is_a_head_request(auth, tls, head, rest, version):
    images = {"a:1": image(layer("x", 1, 2), layer("y", 1, 2))}
    source = registry(auth=auth, tls=tls, **FAR)
    spec = node(containerd(version), cached=[named("a:1")])
    result = go(images, [pod("p", named("a:1"), policy="Always")], spec=spec, source=source)
    assert stages(pull(result, "p")) == {"resolve": head}
    assert (pull(result, "p").downloaded, len(result.layers)) == (0, 0)


@pytest.mark.parametrize(("auth", "tls", "head", "rest"), AUTHS)
def test_an_index_is_one_request_more(auth, tls, head, rest):
    images = Catalog()
    images.add(named("a:1"), Index.of([(AMD64, image(layer("x"))), (ARM64, image(layer("y")))], size=0))
    result = go(images, [pod("a", named("a:1"))], source=registry(auth=auth, tls=tls, **FAR))
    assert stages(pull(result, "a")) == {"resolve": head + rest + 1, "request": 1.0, "download_egress": 1.0}


@pytest.mark.parametrize(("auth", "tls", "head", "rest"), AUTHS)
def test_a_second_image_with_the_same_content_asks_for_nothing_but_its_name(auth, tls, head, rest):
    """Manifest, config and snapshots are on the node."""
    content = image(layer("x", 1, 1))
    wanted = [pod("p", named("a:1")), pod("q", named("b:1"), at=100.0)]
    result = go({"a:1": content, "b:1": content}, wanted, source=registry(auth=auth, tls=tls, **FAR))
    assert stages(pull(result, "q")) == {"resolve": head}


def test_times_of_the_server():
    """A HEAD, then manifest, config and layer."""
    _, record = one(layer("x", 1), source=registry(head=0.5, first_byte=0.25))
    assert stages(record) == {"resolve": 1.0, "request": 0.25, "download_egress": 1.0}


def test_documents_are_transferred_too():
    result = go({"a:1": image(layer("x", 1), documents=(int(RATE / 4), int(RATE / 2)))})
    assert stages(pull(result, "a")) == {"resolve": 0.75, "download_egress": 1.0}
    assert pull(result, "a").size == 1.75 * RATE


@pytest.mark.parametrize(("tls", "new"), [(False, 2.0), (True, 3.0)])
@BOTH
def test_concurrent_layers_need_connections_of_their_own(tls, new, version):
    """The first wave's last request takes the connection that is open; later ones go over kept connections."""
    content = [layer(f"l{n}", 1e-6) for n in range(3)]
    result, _ = one(*content, spec=node(containerd(version, 3)), source=registry(tls=tls, **FAR))
    waits = [each.first_byte - each.requested for each in layers(result, "a")]
    assert waits == pytest.approx([new, new, 1.0])


@BOTH
def test_a_kept_connection_needs_one_round_trip(version):
    content = [layer(f"l{n}", 1e-6) for n in range(5)]
    result, record = one(*content, spec=node(containerd(version, 1)), source=registry(tls=True, **FAR))
    assert [each.first_byte - each.requested for each in layers(result, "a")] == pytest.approx([1.0] * 5)
    assert record.ended == pytest.approx(7.0 + 5.0, abs=1e-4)


@pytest.mark.parametrize(
    ("size", "rounds"),
    [(10_000, 0), (14_480, 0), (14_481, 1), (43_440, 1), (43_441, 2), (100_000, 2), (1_000_000, 6)],
)
def test_slow_start_doubles_a_window_of_ten_segments_each_round_trip(size, rounds):
    """After k round trips 14 480 * (2^k - 1) bytes are there; at most 3 MB are in flight. The lab: 6 for 1 MB."""
    _, record = one(layer("x", size / RATE), source=registry(round_trip=0.05, egress=1e12))
    rest = size - 14_480 * (2**rounds - 1)
    assert record.ended == pytest.approx(0.05 * (5 + 1 + rounds) + rest / (3e6 / 0.05))


def test_a_connection_is_limited_by_its_window():
    """3 MB each 50 ms; slow start costs less than 0.4 s."""
    _, record = one(layer("x", 10.0), source=registry(round_trip=0.05, egress=1e12))
    assert stages(record)["download_connection"] == pytest.approx(10 * RATE / 60e6, rel=0.02)
    assert 0.3 < record.ended - 10 * RATE / 60e6 < 0.7


# ---------------------------------------------------------------- metadata


@pytest.mark.parametrize("version", [(1, 6), (1, 7), (2, 0)], ids=str)
@pytest.mark.parametrize("count", [1, 2, 5])
def test_metadata_writes_of_a_pull(version, count):
    """3 a blob (manifest and config too), 2 an unpack, 4 at the end, one at a time."""
    content = [layer(f"l{n}", 0.0) for n in range(count)]
    _, record = one(*content, spec=node(containerd(version, metadata_write=1.0)))
    assert record.ended == pytest.approx(3 * (2 + count) + 2 * count + 4)


@ALL
def test_a_pull_of_a_present_image_makes_four_metadata_writes(version):
    spec = node(containerd(version, metadata_write=1.0), cached=[named("a:1")])
    result = go({"a:1": image(layer("x"))}, [pod("p", named("a:1"), policy="Always")], spec=spec)
    assert stages(pull(result, "p")) == {"commit": 4.0}


@BOTH
@pytest.mark.parametrize("count", [2, 3, 7])
def test_metadata_writes_are_one_at_a_time_on_a_node(version, count):
    names = "abcdefg"[:count]
    images = {f"{name}:1": image(layer(name, 0.0)) for name in names}
    alone = ended(go({"a:1": images["a:1"]}, spec=node(containerd(version, metadata_write=1.0))))["a"]
    together = go(images, spec=node(containerd(version, metadata_write=1.0)))
    assert max(ended(together).values()) == pytest.approx(count * alone)
    spread = [pod(name, named(f"{name}:1"), node=f"n-{n}") for n, name in enumerate(names)]
    apart = go(images, spread, spec=node(containerd(version, metadata_write=1.0)), nodes=count)
    assert set(ended(apart).values()) == {alone}


# ---------------------------------------------------------------- cores and disk


@pytest.mark.parametrize(
    ("cores", "efficiency", "work", "ends"),
    [
        (4, 1.0, [2, 2, 2], [2.0, 2.0, 2.0]),
        (1, 1.0, [2, 2, 2], [6.0, 6.0, 6.0]),
        (2, 0.85, [2], [2.0]),  # one alone keeps its speed
        (2, 0.85, [2, 2, 2], [6 / 1.7] * 3),
        # 1.7 / 3 each until 1 is done at 3 / 1.7; then 0.85 each; the last second alone
        (2, 0.85, [1, 2, 3], [3 / 1.7, 3 / 1.7 + 1 / 0.85, 3 / 1.7 + 1 / 0.85 + 1.0]),
    ],
)
def test_unpacking_shares_the_cores(cores, efficiency, work, ends):
    images = {f"p{n}:1": image(layer(f"p{n}", 0.0, seconds)) for n, seconds in enumerate(work)}
    result = go(images, spec=node(containerd(), cores=cores, efficiency=efficiency))
    assert [ended(result)[f"p{n}"] for n in range(len(work))] == pytest.approx(ends)


def test_one_pull_never_unpacks_on_more_than_one_core():
    _, record = one(*(layer(f"l{n}", 0.0, 1.0) for n in range(4)), spec=node(containerd(), cores=8))
    assert record.ended == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("write", "stage", "seconds"),
    [
        (None, "unpack_cpu", 2.0),
        (2 * RATE, "unpack_cpu", 2.0),
        (0.5 * RATE, "unpack_disk", 4.0),
        (0.1 * RATE, "unpack_disk", 20.0),
    ],
)
def test_unpacking_is_limited_by_the_disk_or_by_the_core(write, stage, seconds):
    result, record = one(layer("x", 0.0, 2.0), spec=node(containerd(), write=write))
    assert stages(record) == {stage: pytest.approx(seconds)}
    assert layers(result, "a")[0].unpack_limit == stage.removeprefix("unpack_")


def test_unpacks_share_the_disk():
    """2 s and 4 s of writing at RATE: 4 s for the first, 6 s for both."""
    images = {"a:1": image(layer("x", 0.0, 2.0)), "b:1": image(layer("y", 0.0, 4.0))}
    result = go(images, spec=node(containerd(), write=RATE))
    assert ended(result) == {"a": pytest.approx(4.0), "b": pytest.approx(6.0)}


@BOTH
@pytest.mark.parametrize(
    ("write", "fsync", "commit"), [(None, 0.0, 0.0), (2 * RATE, 0.0, 0.0), (RATE / 2, 0.0, 1.0), (None, 0.5, 0.5)]
)
def test_a_blob_is_durable_when_the_disk_has_it(version, write, fsync, commit):
    """1 s of bytes; writing overlaps the download, so a disk of half the speed is 1 s behind at the last byte."""
    result, _ = one(layer("x", 1.0), spec=node(containerd(version), write=write, fsync=fsync))
    (only,) = result.layers
    assert only.committed - only.fetched == pytest.approx(commit)
    assert only.unpack_started >= only.committed


# ---------------------------------------------------------------- a layer that fails


def failing_at(at, until, status=500):
    return registry(faults=(Fault(at, until - at, status=status),))


def test_a_layer_that_fails_fails_the_pull_and_finished_blobs_are_kept():
    """One connection: x is there at 1, y's request fails. The second attempt has x: 3 s of unpacking, y meanwhile."""
    images = {"a:1": image(layer("x", 1, 3), layer("y", 3, 1))}
    result = go(images, spec=node(containerd(OLD, 1)), source=failing_at(0.5, 5.0))
    first, second = pull(result, "a", 1), pull(result, "a", 2)
    assert (first.ok, first.ended, first.cause) == (False, pytest.approx(1.0), "serverError")
    assert stages(first) == {"download_egress": 1.0}
    assert (second.ok, second.started, second.ended) == (True, pytest.approx(11.0), pytest.approx(15.0))
    assert stages(second) == {"unpack_cpu": 4.0}
    assert (first.layers_fetched, second.layers_fetched) == (1, 1)
    assert second.downloaded == 3 * RATE
    assert set(fetches(result).values()) == {1}


@BOTH
def test_a_layer_that_fails_cancels_the_others(version):
    """Two connections; the third request fails when the first small layer is there, at 2, and x is cancelled."""
    images = {"a:1": image(layer("x", 10, 3), layer("y", 1, 1), layer("z", 1, 1)), "b:1": image(layer("w", 2, 0))}
    wanted = [pod("a", named("a:1")), pod("b", named("b:1"), at=5.0)]
    result = go(images, wanted, spec=node(containerd(version, 2)), source=failing_at(0.5, 4.5))
    assert pull(result, "a", 1).ended == pytest.approx(2.0)
    # The link and both slots are free: b has all of it.
    assert pull(result, "b").ended == pytest.approx(7.0)
    assert pull(result, "a", 2).ok


@BOTH
def test_what_limited_a_download_that_was_cancelled(version):
    images = {"a:1": image(layer("x", 10, 3), layer("y", 1, 1), layer("z", 1, 1))}
    result = go(images, spec=node(containerd(version, 2)), source=failing_at(0.5, 4.5))
    assert stages(pull(result, "a", 1)) == {"download_egress": 2.0}


@BOTH
def test_a_failed_pull_lets_go_of_the_base_that_others_wait_for(version):
    """a fails at 2 while it unpacks the base; b, which waits for it, takes over: the blob is there."""
    images = {"a:1": image(layer("base", 1, 5), layer("x", 1, 1), layer("y", 1, 1)), "b:1": image(layer("base", 1, 5))}
    faults = (Fault(1.5, 3.0, image="a:1", status=500),)
    wanted = [pod("a", named("a:1")), pod("b", named("b:1"), at=0.1)]
    # Two slots: base and another share until 2, the third request fails then
    result = go(images, wanted, spec=node(containerd(version, 2)), source=registry(faults=faults))
    assert (pull(result, "a", 1).ok, pull(result, "a", 1).ended) == (False, pytest.approx(2.0))
    assert pull(result, "b").ok
    assert pull(result, "a", 2).ok
    assert started(result)["a"] is not None
    assert sum(each.position == 0 and each.source == HOST for each in result.layers) == 1


def test_a_waiting_pull_fetches_the_base_itself_when_the_holder_fails_before_it_has_it():
    images = {
        "a:1": image(layer("base", 9, 0), layer("x", 1), layer("y", 1)),
        "b:1": image(layer("base", 9, 0), layer("z", 1)),
    }
    faults = (Fault(1.5, 3.0, image="a:1", status=500),)
    wanted = [pod("a", named("a:1")), pod("b", named("b:1"), at=0.1)]
    result = go(images, wanted, spec=node(containerd(OLD, 2)), source=registry(faults=faults))
    assert pull(result, "a", 1).ended == pytest.approx(2.0)
    base = layers(result, "b")[0]
    assert base.source == HOST
    assert base.requested == pytest.approx(2.0)
    assert pull(result, "a", 2).ok
    assert whole(pull(result, "b"))


# ---------------------------------------------------------------- what a registry answers

NAME = named("a:1")
RESOLVE = f'failed to pull and unpack image "{NAME}": failed to resolve reference "{NAME}": '
HEAD = f"unexpected status from HEAD request to https://{HOST}/v2/a/manifests/1: "


@pytest.mark.parametrize(
    ("status", "error", "cause", "to_2_0", "from_2_1"),
    [
        (404, f"rpc error: code = NotFound desc = {RESOLVE}{NAME}: not found", "notFound", 2, 2),
        (503, f"{RESOLVE}{HEAD}503 Service Unavailable", "serverError", 2, 3),  # one more try at once
        (500, f"{RESOLVE}{HEAD}500 Internal Server Error", "serverError", 2, 3),
        (504, f"{RESOLVE}{HEAD}504 Gateway Timeout", "serverError", 2, 3),
        (502, f"{RESOLVE}{HEAD}502 Bad Gateway", "serverError", 2, 2),  # not among those that are tried again
        (429, f"{RESOLVE}{HEAD}429 Too Many Requests", "tooManyRequests", 7, 7),  # six requests
        (403, f"{RESOLVE}{HEAD}403 Forbidden", None, 2, 2),
    ],
)
@ALL
def test_errors_of_a_registry(status, error, cause, to_2_0, from_2_1, version):
    faults = (Fault(status=status),)
    result = go(
        {"a:1": image(layer("x"))}, spec=node(containerd(version)), source=registry(faults=faults, **FAR), horizon=9.0
    )
    record = pull(result, "a")
    if version < (1, 7):
        error = error.replace(HEAD, f"pulling from host {HOST} failed with status code [manifests 1]: ")
    assert record.error == error
    assert f'Failed to pull image "{NAME}": {error}' in messages(result, "Failed")
    assert cause in (None, record.cause)
    assert record.ended == pytest.approx(from_2_1 if version >= NEW else to_2_0)
    assert stages(record) == {"resolve": record.ended}


@ALL
def test_no_connection(version):
    """The refusal takes a round trip."""
    faults = (Fault(status=None),)
    result = go(
        {"a:1": image(layer("x"))}, spec=node(containerd(version)), source=registry(faults=faults, **FAR), horizon=9.0
    )
    record = pull(result, "a")
    assert record.error.startswith(f'{RESOLVE}failed to do request: Head "https://{HOST}/v2/a/manifests/1": dial tcp ')
    assert record.error.endswith("connect: connection refused")
    assert record.cause == "unavailable"
    assert record.ended == pytest.approx(1.0)


@ALL
def test_an_image_that_the_registry_does_not_have(version):
    result = go({}, [pod("a", NAME)], spec=node(containerd(version)), source=registry(**FAR), horizon=9.0)
    record = pull(result, "a")
    assert record.error == f"rpc error: code = NotFound desc = {RESOLVE}{NAME}: not found"
    assert (record.cause, record.ended) == ("notFound", pytest.approx(2.0))
    assert row(result, "a").reason == "ErrImagePull"


@pytest.mark.parametrize(("auth", "seconds"), [("basic", 7.0), ("bearer", 9.0)])
@ALL
def test_a_429_after_a_challenge_has_five_requests_left(auth, seconds, version):
    """The 401 is one of the six: connection, 401, (connection and token,) five times 429."""
    source = registry(auth=auth, faults=(Fault(status=429),), **FAR)
    result = go({"a:1": image(layer("x"))}, spec=node(containerd(version)), source=source, horizon=20.0)
    assert pull(result, "a").ended == pytest.approx(seconds)


@pytest.mark.parametrize(("until", "ok"), [(1.8, True), (2.5, False)])
def test_an_immediate_retry_helps_when_the_fault_is_over(until, ok):
    """From 2.1: HEAD from 1 to 2, and again from 2 on."""
    source = registry(faults=(Fault(0.0, until, status=503),), **FAR)
    result = go({"a:1": image(layer("x"))}, spec=node(containerd(NEW)), source=source, horizon=20.0)
    assert pull(result, "a").ok is ok
    if ok:
        assert stages(pull(result, "a")) == {"resolve": 6.0, "request": 1.0, "download_egress": 1.0}


def test_a_429_is_asked_again_until_it_is_over():
    """HEADs from 1, 2, 3 and 4 on."""
    source = registry(faults=(Fault(0.0, 3.5, status=429),), **FAR)
    result = go({"a:1": image(layer("x"))}, source=source, horizon=20.0)
    assert stages(pull(result, "a")) == {"resolve": 8.0, "request": 1.0, "download_egress": 1.0}


def test_a_fault_that_is_over_when_the_request_goes_out_does_not_matter():
    """The connection is open at 1, the HEAD goes out then."""
    source = registry(faults=(Fault(0.0, 0.8, status=503),), **FAR)
    result = go({"a:1": image(layer("x"))}, spec=node(containerd(OLD)), source=source, horizon=20.0)
    assert pull(result, "a").ok


def test_a_503_window():
    """Attempts fail at 0, 10, 30, 70 s and succeed at 150 s."""
    source = registry(faults=(Fault(0.0, 100.0, status=503),))
    result = go({"a:1": image(layer("x"))}, source=source)
    assert times(result, "Pulling") == pytest.approx([0.0, 10.0, 30.0, 70.0, 150.0])
    assert started(result) == {"a": pytest.approx(151.0)}
    assert stages(row(result, "a")) == {"backoff": 150.0, "download_egress": 1.0}


@BOTH
def test_a_fault_after_the_resolve(version):
    """The config's request, at 4, meets it."""
    source = registry(faults=(Fault(3.5, 1000.0, status=503),), **FAR)
    result = go({"a:1": image(layer("x"))}, spec=node(containerd(version)), source=source, horizon=9.0)
    record = pull(result, "a")
    assert not record.ok
    assert record.ended == pytest.approx(5.0 if version == OLD else 6.0)
    assert f'failed to pull and unpack image "{NAME}": failed to copy: httpReadSeeker: failed open: ' in record.error
    assert record.error.endswith("503 Service Unavailable")


@pytest.mark.parametrize(
    ("pattern", "hit"),
    [(None, "abc"), ("a:1", "a"), ("a", "a"), ("team/*", "c"), ("team/gone:*", "c"), ("*:2", "b"), ("b:1", "")],
)
def test_a_fault_meets_the_images_of_its_pattern(pattern, hit):
    images = {"a:1": image(layer("x")), "b:2": image(layer("y")), f"{HOST}/team/gone:1": image(layer("z"))}
    wanted = [pod("a", named("a:1")), pod("b", named("b:2")), pod("c", f"{HOST}/team/gone:1")]
    result = go(images, wanted, source=registry(faults=(Fault(image=pattern, status=404),)), horizon=9.0)
    assert {each.pod for each in result.pulls if not each.ok} == set(hit)


# ---------------------------------------------------------------- platforms and tags


def test_each_node_pulls_what_is_for_its_platform():
    images = Catalog()
    content = {AMD64: image(layer("amd", 1)), ARM64: image(layer("arm", 2))}
    images.add(named("a:1"), Index.of(content.items(), size=0))
    nodes = [Node("x", node(containerd())), Node("y", node(containerd(), platform=ARM64))]
    result = run(
        [pod("p", NAME, node="x"), pod("q", NAME, node="y")],
        nodes,
        registries=[registry(egress=2 * RATE)],
        images=images,
    )
    assert [each.digest for each in layers(result, "p")] == [content[AMD64].layers[0].digest]
    assert [each.digest for each in layers(result, "q")] == [content[ARM64].layers[0].digest]
    assert row(result, "p").image_refs != row(result, "q").image_refs


def test_an_index_without_the_platform():
    images = Catalog()
    images.add(named("a:1"), Index.of([(ARM64, image(layer("x")))], size=0))
    result = go(images, [pod("a", NAME)], source=registry(**FAR), horizon=9.0)
    record = pull(result, "a")
    text = f'failed to pull and unpack image "{NAME}": no match for platform in manifest: not found'
    assert record.error == f"rpc error: code = NotFound desc = {text}"
    assert (record.cause, record.ended) == ("platform", pytest.approx(4.0))  # connection, HEAD, connection, index
    assert len(result.layers) == 0


def test_a_manifest_alone_is_taken_on_any_platform():
    result = go({"a:1": image(layer("x"))}, spec=node(containerd(), platform=ARM64))
    assert pull(result, "a").ok


@BOTH
def test_a_tag_that_moves(version):
    """Who has the old content keeps it, unless the policy is Always."""
    images = catalog({"a:1": image(layer("old", 1))})
    images.add(NAME, image(layer("new", 2)), at=50.0)
    wanted = [
        pod("before", NAME, node="n-0"),
        pod("kept", NAME, at=60.0, node="n-0"),
        pod("other", NAME, at=60.0, node="n-1"),
        pod("always", NAME, at=100.0, node="n-0", policy="Always"),
        pod("after", NAME, at=200.0, node="n-0"),
    ]
    result = go(images, wanted, spec=node(containerd(version)), nodes=2)
    refs = {each.pod: each.image_refs[0] for each in result.pods}
    assert refs["before"] == refs["kept"] != refs["other"] == refs["always"] == refs["after"]
    assert started(result) == {"before": 1.0, "kept": 60.0, "other": 62.0, "always": 102.0, "after": 200.0}


def test_a_missing_tag_that_comes_to_be():
    images = catalog({"b:1": image(layer("y"))})
    images.add(NAME, image(layer("x", 1)), at=25.0)
    result = go(images, [pod("a", NAME)])
    assert times(result, "Pulling") == pytest.approx([0.0, 10.0, 30.0])
    assert started(result) == {"a": pytest.approx(31.0)}


def test_images_that_a_node_has_from_the_start_are_not_pulled():
    result = go({"a:1": image(layer("x", 1, 1))}, spec=node(containerd(), cached=[NAME]))
    assert started(result) == {"a": 0.0}
    assert not result.pulls


def test_the_base_of_a_cached_image_is_not_fetched():
    images = {"a:1": image(layer("base", 5, 5)), "b:1": image(layer("base", 5, 5), layer("y", 1, 1))}
    result = go(images, [pod("b", named("b:1"))], spec=node(containerd(), cached=[named("a:1")]))
    assert pull(result, "b").ended == pytest.approx(2.0)


def test_a_registry_that_is_not_listed_has_the_defaults():
    images = {"other.test/a:1": image(layer("x", 1, 1))}
    result = run([pod("a", "other.test/a:1")], node(containerd(), nic=10 * RATE), images=images)
    assert pull(result, "a").ok
    assert pull(result, "a").registry == "other.test"
    # TLS: 3 round trips of 1 ms and 3.5 ms; 4 and twice 3.7 ms
    assert stages(pull(result, "a"))["resolve"] == pytest.approx(3e-3 + 3.5e-3 + 4e-3 + 2 * 3.7e-3, abs=1e-6)


def test_what_a_pull_record_says():
    images = {"a:1": image(layer("x", 1, 1), layer("y", 2, 1), documents=(700, 1300))}
    result = go(images, [pod("p", NAME)])
    record = pull(result, "p")
    assert record.size == 3 * RATE + 2000
    assert record.image_ref in (images["a:1"].digest, images["a:1"].config_digest)
    assert record.registry == HOST
    assert f"Image size: {record.size} bytes." in messages(result, "Pulled")[0]
    assert record.downloaded == 3 * RATE + 2000  # bytes this pull fetched: manifest and config too
