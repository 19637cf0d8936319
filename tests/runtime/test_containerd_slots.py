"""The slots in which containerd fetches layers: of each pull to 2.0, of the node from 2.1 on."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.support.outcome import ended, layers
from tests.support.world import NEW, OLD, containerd, image, layer, named, node, pod, pull_alone, run_containerd


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
