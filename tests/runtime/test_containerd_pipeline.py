"""containerd's pull pipeline of one pull, with costs that make everything computable by hand."""

from __future__ import annotations

import pytest

from tests.support.outcome import layers, row, stages, started, whole
from tests.support.pipeline import PULLS, simultaneous, unpacked
from tests.support.world import (
    ALL,
    HOST,
    NEW,
    OLD,
    RATE,
    SERIAL,
    containerd,
    image,
    layer,
    node,
    pull_alone,
    run_containerd,
)


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
        ({"by_compressed": 0.5}, 2.0),
        ({"while_downloading": 1.5}, 2.0),
    ],
)
def test_costs_of_unpacking(costs, seconds):
    """2 s at RATE, 100 files."""
    _, record = pull_alone(layer("x", 1.0, 2.0, files=100), spec=node(containerd(**costs)))
    assert stages(record) == {"download_egress": 1.0, "unpack_cpu": pytest.approx(seconds)}


def test_what_compresses_better_than_usual_inflates_faster():
    """4.48 s at RATE, of which a half goes by the compressed bytes: there are half as many as usual."""
    _, record = pull_alone(layer("x", 1.0, 4.48), spec=node(containerd(by_compressed=0.5)))
    assert stages(record)["unpack_cpu"] == pytest.approx(4.48 * 0.75)


def test_unpacking_is_slower_while_the_node_downloads():
    """x is unpacked from 1 on, at half speed until y is fetched at 4: 1.5 s of 4 s are done."""
    content = [layer("x", 1.0, 4.0), layer("y", 3.0, 0.0)]
    _, record = pull_alone(*content, spec=node(containerd(OLD, 1, while_downloading=2.0)))
    assert record.ended == pytest.approx(6.5)


def test_data_that_does_not_compress_is_cheaper():
    _, record = pull_alone(layer("x", 1.0, 1.0), spec=node(containerd(gzip=RATE, stored=4 * RATE)))
    assert stages(record)["unpack_cpu"] == 0.25
