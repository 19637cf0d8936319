"""Transfers over several links, and many links that bind: the general solver against the slow reference."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from script import Script, Start, play
from ties import RATIOS, TOLERANCE, difference, tie_script

from pullsim.kernel.environment import Environment
from pullsim.kernel.event import Call
from pullsim.network.mesh import Mesh, fill
from pullsim.network.network import Network
from pullsim.network.reference import ReferenceNetwork
from pullsim.network.several_bottlenecks import SeveralBottlenecks
from pullsim.network.single_bottleneck import SingleBottleneck

INF = math.inf
NETWORKS = pytest.mark.parametrize("network", [Network, ReferenceNetwork])


@pytest.mark.parametrize("ratio", RATIOS)
def test_random_scripts_over_paths_agree_with_the_reference(ratio):
    rng = random.Random(f"paths {ratio}")
    for _ in range(150):
        script = tie_script(rng, ratio, paths=True)
        assert difference(script) < TOLERANCE, script


@NETWORKS
def test_a_path_is_as_fast_as_its_tightest_link(network):
    # two transfers leave the first node's uplink of 10; one of them crosses a zone's link of 4
    steps = Start(0.0, (0, 1), 0, 40, INF), Start(0.0, 0, 1, 60, INF)
    out = play(network, Script((10.0, 4.0), (100.0, 100.0), steps))
    assert out.ended == {(0, 0): 10.0, (1, 0): 10.0}
    assert out.carried == [100.0, 40.0]
    assert out.transfers[0, 0].limited == (10.0, 0.0, 0.0)


@NETWORKS
def test_nodes_that_serve_one_another_in_a_ring(network):
    # each has an uplink of 5 and a downlink of 20, and two fetch from each: 2.5 a transfer
    steps = [Start(0.0, (up,), (up + hop) % 6, 10, INF) for up in range(6) for hop in (1, 2)]
    out = play(network, Script((5.0,) * 6, (20.0,) * 6, tuple(steps)))
    assert set(out.ended.values()) == {4.0}


@pytest.mark.parametrize("seed", range(4))
def test_uplinks_of_many_nodes_as_the_reference(seed):
    """As many links as make a mesh, each transfer over one of them, or two."""
    rng = random.Random(seed)
    links = [rng.choice((5.0, 10.0)) for _ in range(24)]
    steps = [
        Start(
            float(rng.choice((0, 0, 1))),
            link if rng.random() < 0.7 else (link, (link + 1) % 24),
            rng.randrange(24),
            rng.choice((10, 20, 35)),
            INF,
        )
        for link in range(24)
        for _ in range(2)
    ]
    assert difference(Script(tuple(links), (10.0,) * 24, tuple(steps))) < TOLERANCE


def test_who_needs_it_moves_and_moves_back():
    env = Environment()
    net = Network(env)
    registry, up, zone = net.link("registry", 10.0), net.link("up", 10.0), net.link("zone", 50.0)
    near, far = net.port("near", 8.0), net.port("far", 8.0)
    net.transfer(registry, near, 1000)
    net.transfer(registry, far, 1000)
    env.run(until=1)
    assert type(near.component) is SingleBottleneck
    net.transfer((up, zone), far, 8)
    env.run(until=1.5)
    assert type(near.component) is Mesh  # it shares the registry with the other one
    assert near.component is far.component
    for second in range(2, 8):  # settles without a path
        Call(env, lambda _: net.transfer(registry, near, 0.5), second - env.now)
    env.run(until=9)
    assert type(near.component) is type(far.component) is SingleBottleneck


def test_few_links_are_no_mesh_and_many_are():
    for number, kind in ((20, SeveralBottlenecks), (21, Mesh)):
        net = Network(Environment())
        port = net.port("node", 100.0)
        for i in range(number):
            net.transfer(net.link(f"link{i}", 10.0), port, 100)
        net.env.run(until=1)
        assert type(port.component) is kind


def test_links_that_never_bind_can_be_part_of_a_path():
    out = play(Network, Script((INF, INF), (4.0,), (Start(0.0, (0, 1), 0, 8, INF), Start(0.0, (1, 0), 0, 8, 1.0))))
    assert out.ended == {(0, 0): pytest.approx(8 / 3), (1, 0): pytest.approx(8 / 3 + (8 - 8 / 3) / 1.0)}
    assert out.carried == [16.0, 16.0]


def test_filling_needs_few_rounds_and_no_link_is_over_its_capacity():
    rng = np.random.default_rng(1)
    path = np.column_stack([rng.integers(1, 101, 4000), rng.integers(101, 201, 4000)])
    capacity = np.array([INF, *rng.choice([5.0, 10.0, 25.0], 200)])
    rate = fill(path, np.ones(4000), np.full(4000, INF), capacity)
    used = np.bincount(path.ravel(), np.repeat(rate, 2), 201)
    assert (used <= capacity * (1 + 1e-9)).all()
    most = np.zeros(201)
    np.maximum.at(most, path, rate[:, np.newaxis])
    full = used >= capacity * (1 - 1e-9)
    assert (full[path] & (rate[:, np.newaxis] >= most[path] * (1 - 1e-9))).any(axis=1).all()
