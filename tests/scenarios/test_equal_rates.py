"""Registries and nodes of one speed, the most ordinary cluster: limits tie, and what comes out must not hang on it."""

from __future__ import annotations

import random

import pytest

import pullsim
from pullsim.results.invariants import check

RATES = (1, 2.5, 5, 10, 25)  # Gbit/s


def two_registries():
    images = {
        "a.test/x:1": ["400MB"],
        "b.test/y:1": ["200MB", "200MB"],
        "b.test/z:1": ["100MB"],
    }
    return {
        "images": {
            "define": [{"image": name, "layers": [{"size": s} for s in sizes]} for name, sizes in images.items()]
        },
        "registries": [{"host": host, "egress": "10Gbit/s", "roundTrip": "0ms"} for host in ("a.test", "b.test")],
        "nodes": [
            {"name": name, "nic": "10Gbit/s", "kubelet": {"serializeImagePulls": False}} for name in ("one", "two")
        ],
        "workloads": [
            {"name": "x", "on": {"pool": "one"}, "pods": {"image": "a.test/x:1"}},
            {"name": "y", "on": {"pool": "one"}, "pods": {"image": "b.test/y:1"}},
            {"name": "z", "on": {"pool": "two"}, "pods": {"image": "b.test/z:1"}},
        ],
    }


def cluster(seed, more=1.0):
    """Make a scenario of two to four registries as fast as a NIC, or ``more`` times as fast."""
    rng = random.Random(seed)
    rate = rng.choice(RATES)
    hosts = [f"r{number}.test" for number in range(rng.randint(2, 4))]
    images = [
        {
            "image": f"{host}/app{number}:1",
            "layers": [{"size": f"{rng.choice((20, 50, 100, 200, 400))}MB"} for _ in range(rng.randint(1, 4))],
        }
        for host in hosts
        for number in range(2)
    ]
    kubelet = {"maxParallelImagePulls": rng.choice((2, 3, 5))}
    pools = [
        {"name": f"pool{number}", "count": rng.randint(1, 3), "nic": f"{rate}Gbit/s", "cores": 64, "kubelet": kubelet}
        for number in range(rng.randint(1, 3))
    ]
    registry = {"egress": f"{rate * more}Gbit/s", "roundTrip": rng.choice(("0ms", "10ms"))}
    if rng.random() < 0.5:
        registry["perConnection"] = f"{rng.choice(RATES)}Gbit/s"
    workloads = [
        {
            "name": f"w{number}",
            "on": {"pool": rng.choice(pools)["name"]},
            "pods": {"image": rng.choice(images)["image"]},
            "arrivals": {"at": [f"{rng.choice((0, 0, 1))}s" for _ in range(rng.randint(1, 3))]},
        }
        for number in range(rng.randint(6, 14))
    ]
    return {
        "images": {"define": images},
        "registries": [{"host": host, **registry} for host in hosts],
        "nodes": pools,
        "workloads": workloads,
    }


def starts(scenario):
    result = pullsim.run(scenario)
    assert check(result) == []
    return {(pod.namespace, pod.pod): pod.start_seconds for pod in result.pods}


def test_two_registries_as_fast_as_a_node_by_hand():
    """Each transfer of the second registry has the whole link, then a half, then a third, as the next ones begin.

    A third is what the node with three transfers could give each of them, too: egress and NIC are limits at one rate.
    """
    result = pullsim.run(pullsim.from_mapping(two_registries()))
    assert check(result) == []
    layers = sorted(
        (layer for layer in result.layers if layer.image.startswith("b.test/")), key=lambda row: row.first_byte
    )
    small, (second, third) = layers[0], (layer.first_byte for layer in layers[1:])
    assert small.image == "b.test/z:1"
    alone = second - small.first_byte + (third - second) / 2
    left = small.size / (1.25e9 * 0.957) - alone  # seconds of the whole link; 0.957 is the payload's share of it
    assert small.fetched == pytest.approx(third + 3 * left, rel=1e-9)
    assert (small.connection, small.nic) == (0.0, 0.0)


@pytest.mark.parametrize("block", range(8))
def test_starts_do_not_jump_where_limits_tie(block):
    """An egress of a millionth more changes no start by more than a thousandth, in 25 clusters a block."""
    for seed in range(25 * block, 25 * (block + 1)):
        before, after = (starts(pullsim.from_mapping(cluster(seed, more))) for more in (1.0, 1.000001))
        assert before.keys() == after.keys()
        for pod, seconds in before.items():
            assert after[pod] == pytest.approx(seconds, rel=1e-3), (seed, pod)
