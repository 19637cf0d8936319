"""containerd's pull pipeline, with costs that make everything computable by hand."""

from __future__ import annotations

from itertools import accumulate, pairwise

import pytest

from tests.support.world import (
    EVERY,
    HOST,
    NEW,
    OLD,
    RATE,
    SERIAL,
    containerd,
    ended,
    image,
    layer,
    layers,
    named,
    node,
    pod,
    pull,
    pull_alone,
    row,
    run_containerd,
    stages,
    started,
    whole,
)

BOTH = pytest.mark.parametrize("version", [OLD, NEW], ids=["2.0", "2.1"])
ALL = pytest.mark.parametrize("version", EVERY, ids=str)


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
    result, record = pull_alone(layer("x", fetch, unpack), spec=node(containerd(version)))
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
    result, record = pull_alone(
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
    result, record = pull_alone(
        *(layer(f"l{n}", *each) for n, each in enumerate(content)), spec=node(containerd(NEW, slots))
    )
    ends = simultaneous([fetch[-1], *fetch[:-1]], slots)
    expected = [*ends[1:], ends[0]]
    assert [each.fetched for each in layers(result, "a")] == pytest.approx(expected)
    assert record.ended == pytest.approx(unpacked(expected, work)[-1])


@pytest.mark.parametrize("content", PULLS)
@ALL
def test_bounds_of_a_pull(content, version):
    fetch, work = zip(*content, strict=True)
    _, record = pull_alone(*(layer(f"l{n}", *each) for n, each in enumerate(content)), spec=node(containerd(version)))
    assert max(sum(fetch), sum(work)) <= record.ended + 1e-9
    assert record.ended <= sum(fetch) + sum(work) + 1e-9


@pytest.mark.parametrize(
    ("content", "slots", "expected"),
    [
        # the last layer comes late: its download is on the critical path
        ([(1, 1), (3, 2)], 3, {"download_egress": 4.0, "unpack_cpu": 2.0}),
        # unpacking is: x is fetched at 2 (sharing with y), unpacked at 5, y at 7
        ([(1, 3), (3, 2)], 3, {"download_egress": 2.0, "unpack_cpu": 5.0}),
        # one connection at a time: y waits for the slot of x, which is what x does meanwhile
        ([(1, 1), (3, 2)], 1, {"download_egress": 4.0, "unpack_cpu": 2.0}),
        ([(1, 9), (3, 2)], 1, {"download_egress": 1.0, "unpack_cpu": 11.0}),
    ],
)
def test_stages_follow_the_critical_path(content, slots, expected):
    _, record = pull_alone(
        *(layer(f"l{n}", *each) for n, each in enumerate(content)), spec=node(containerd(OLD, slots))
    )
    assert stages(record) == expected


def test_a_pods_stages_are_those_of_its_pulls_and_its_waits():
    images = {"a:1": image(layer("x", 1, 1), layer("y", 3, 2)), "b:1": image(layer("z", 2, 1))}
    result = run_containerd(images, spec=node(containerd(OLD, 1), kubelet=SERIAL))
    assert stages(row(result, "a")) == {"download_egress": 4.0, "unpack_cpu": 2.0}
    assert stages(row(result, "b")) == {"queue": 6.0, "download_egress": 2.0, "unpack_cpu": 1.0}


@ALL
def test_a_layer_that_an_image_has_twice_is_fetched_once_and_unpacked_twice(version):
    result, record = pull_alone(layer("x", 1, 1), layer("x", 1, 1), spec=node(containerd(version)))
    assert record.ended == pytest.approx(3.0)
    assert (record.layers, record.layers_fetched, record.downloaded) == (2, 1, RATE)
    assert sorted(each.source for each in result.layers) == ["local", HOST]


def test_an_image_without_layers():
    _, record = pull_alone(spec=node(containerd()))
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
    _, record = pull_alone(layer("x", 1.0, 2.0, files=100), spec=node(containerd(**costs)))
    assert stages(record) == {"download_egress": 1.0, "unpack_cpu": pytest.approx(seconds)}


def test_unpacking_is_slower_while_the_node_downloads():
    """x is unpacked from 1 on, at half speed until y is fetched at 4: 1.5 s of 4 s are done."""
    content = [layer("x", 1.0, 4.0), layer("y", 3.0, 0.0)]
    _, record = pull_alone(*content, spec=node(containerd(OLD, 1, while_downloading=2.0)))
    assert record.ended == pytest.approx(6.5)


def test_data_that_does_not_compress_is_cheaper():
    _, record = pull_alone(layer("x", 1.0, 1.0), spec=node(containerd(gzip=RATE, stored=4 * RATE)))
    assert stages(record)["unpack_cpu"] == 0.25


# ---------------------------------------------------------------- slots


def four_layers(names="ab"):
    return {f"{name}:1": image(*(layer(f"{name}{n}") for n in range(4))) for name in names}


AT_HALF = [pod("a", named("a:1")), pod("b", named("b:1"), at=0.5)]


def test_to_2_0_each_pull_has_slots_of_its_own():
    """One connection of each: they share the link from 0.5 on, so a has 3.5 s left for 7 s."""
    result = run_containerd(four_layers(), AT_HALF, spec=node(containerd(OLD, 1)))
    assert ended(result) == {"a": pytest.approx(7.5), "b": pytest.approx(8.0)}


def test_from_2_1_all_pulls_of_a_node_share_the_slots_first_come_first_served():
    result = run_containerd(four_layers(), AT_HALF, spec=node(containerd(NEW, 1)))
    assert ended(result) == {"a": pytest.approx(4.0), "b": pytest.approx(8.0)}
    assert all(
        first.fetched <= second.requested + 1e-9
        for first, second in pairwise(sorted(result.layers, key=lambda x: x.slot))
    )


def test_from_2_1_other_nodes_have_slots_of_their_own():
    wanted = [pod("a", named("a:1"), node="n-0"), pod("b", named("b:1"), at=0.5, node="n-1")]
    result = run_containerd(four_layers(), wanted, spec=node(containerd(NEW, 1)), nodes=2)
    assert ended(result) == {"a": pytest.approx(7.5), "b": pytest.approx(8.0)}


@pytest.mark.parametrize(("version", "begin"), [(OLD, 0.5), (NEW, 10.0)], ids=["2.0", "2.1"])
def test_from_2_1_a_manifest_needs_a_slot_too(version, begin):
    images = {"a:1": image(layer("x", 10)), "b:1": image(layer("y", 1))}
    result = run_containerd(images, AT_HALF, spec=node(containerd(version, 1)))
    assert layers(result, "b")[0].queued == pytest.approx(begin)


@pytest.mark.parametrize("slots", [1, 2, 3, 4])
def test_at_most_so_many_layers_are_fetched_at_once(slots):
    for version, nodewide in ((OLD, False), (NEW, True)):
        result = run_containerd(four_layers("abc"), spec=node(containerd(version, slots)))
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
    result, record = pull_alone(layer("x"), layer("y"), spec=node(containerd(version, 1), fsync=1.0))
    assert {each.position: each.committed for each in result.layers} == pytest.approx(ends)
    assert record.ended == pytest.approx(max(ends.values()))


# ---------------------------------------------------------------- metadata


@pytest.mark.parametrize("version", [(1, 6), (1, 7), (2, 0)], ids=str)
@pytest.mark.parametrize("count", [1, 2, 5])
def test_metadata_writes_of_a_pull(version, count):
    """3 a blob (manifest and config too), 2 an unpack, 4 at the end, one at a time."""
    content = [layer(f"l{n}", 0.0) for n in range(count)]
    _, record = pull_alone(*content, spec=node(containerd(version, metadata_write=1.0)))
    assert record.ended == pytest.approx(3 * (2 + count) + 2 * count + 4)


@ALL
def test_a_pull_of_a_present_image_makes_four_metadata_writes(version):
    spec = node(containerd(version, metadata_write=1.0), cached=[named("a:1")])
    result = run_containerd({"a:1": image(layer("x"))}, [pod("p", named("a:1"), policy="Always")], spec=spec)
    assert stages(pull(result, "p")) == {"commit": 4.0}


@BOTH
@pytest.mark.parametrize("count", [2, 3, 7])
def test_metadata_writes_are_one_at_a_time_on_a_node(version, count):
    names = "abcdefg"[:count]
    images = {f"{name}:1": image(layer(name, 0.0)) for name in names}
    alone = ended(run_containerd({"a:1": images["a:1"]}, spec=node(containerd(version, metadata_write=1.0))))["a"]
    together = run_containerd(images, spec=node(containerd(version, metadata_write=1.0)))
    assert max(ended(together).values()) == pytest.approx(count * alone)
    spread = [pod(name, named(f"{name}:1"), node=f"n-{n}") for n, name in enumerate(names)]
    apart = run_containerd(images, spread, spec=node(containerd(version, metadata_write=1.0)), nodes=count)
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
    result = run_containerd(images, spec=node(containerd(), cores=cores, efficiency=efficiency))
    assert [ended(result)[f"p{n}"] for n in range(len(work))] == pytest.approx(ends)


def test_one_pull_never_unpacks_on_more_than_one_core():
    _, record = pull_alone(*(layer(f"l{n}", 0.0, 1.0) for n in range(4)), spec=node(containerd(), cores=8))
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
    result, record = pull_alone(layer("x", 0.0, 2.0), spec=node(containerd(), write=write))
    assert stages(record) == {stage: pytest.approx(seconds)}
    assert layers(result, "a")[0].unpack_limit == stage.removeprefix("unpack_")


def test_unpacks_share_the_disk():
    """2 s and 4 s of writing at RATE: 4 s for the first, 6 s for both."""
    images = {"a:1": image(layer("x", 0.0, 2.0)), "b:1": image(layer("y", 0.0, 4.0))}
    result = run_containerd(images, spec=node(containerd(), write=RATE))
    assert ended(result) == {"a": pytest.approx(4.0), "b": pytest.approx(6.0)}


@BOTH
@pytest.mark.parametrize(
    ("write", "fsync", "commit"), [(None, 0.0, 0.0), (2 * RATE, 0.0, 0.0), (RATE / 2, 0.0, 1.0), (None, 0.5, 0.5)]
)
def test_a_blob_is_durable_when_the_disk_has_it(version, write, fsync, commit):
    """1 s of bytes; writing overlaps the download, so a disk of half the speed is 1 s behind at the last byte."""
    result, _ = pull_alone(layer("x", 1.0), spec=node(containerd(version), write=write, fsync=fsync))
    (only,) = result.layers
    assert only.committed - only.fetched == pytest.approx(commit)
    assert only.unpack_started >= only.committed


def test_many_layers_of_which_all_blobs_are_there_take_no_deep_stack():
    """Each fetch ends as it begins, and hands its slot to the next one."""
    content = [layer(f"l{n}", 0.0) for n in range(600)]
    images = {"a:1": image(*content), "b:1": image(*reversed(content))}
    wanted = [pod("p", named("a:1")), pod("q", named("b:1"), at=1.0)]
    result = run_containerd(images, wanted, spec=node(containerd((2, 0))))
    assert all(record.ok for record in result.pulls)
    assert sum(record.layers_fetched for record in result.pulls) == 600
