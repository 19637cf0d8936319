"""Which algorithm serves whom, and that changing it changes nothing else."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from script import Script, Start, play

from pullsim.compiled import compiled
from pullsim.kernel.environment import Environment
from pullsim.kernel.event import Call
from pullsim.network.isolated import Isolated
from pullsim.network.network import Network
from pullsim.network.reference import ReferenceNetwork
from pullsim.network.several_bottlenecks import SeveralBottlenecks
from pullsim.network.single_bottleneck import SingleBottleneck

INF = math.inf


class Watch:
    """A network with two registries that bind and one that does not, and a look at its components over time."""

    def __init__(self, ports=4):
        self.env = Environment()
        self.net = Network(self.env)
        self.a, self.b, self.free = self.net.link("a", 10.0), self.net.link("b", 20.0), self.net.link("free")
        self.ports = [self.net.port(f"node{i}", 8.0) for i in range(ports)]

    def at(self, time, call):
        Call(self.env, lambda _: call(), time)

    def kinds(self, time):
        self.env.run(until=time)
        return [type(port.component) for port in self.ports]


def test_each_path_for_its_case():
    watch = Watch()
    net, (p, q, r, s) = watch.net, watch.ports
    net.transfer(watch.a, p, 1000)
    net.transfer(watch.b, q, 1000)
    net.transfer(watch.free, r, 1000)
    net.transfer(watch.free, r, 1000, cap=1.0)
    assert watch.kinds(1) == [SingleBottleneck, SingleBottleneck, Isolated, type(None)]
    assert p.component is not q.component
    net.transfer(watch.a, s, 10, cap=2.0)
    assert watch.kinds(2) == [SingleBottleneck, SingleBottleneck, Isolated, SingleBottleneck]
    net.transfer(watch.b, s, 10)
    assert watch.kinds(3) == [SeveralBottlenecks, SeveralBottlenecks, Isolated, SeveralBottlenecks]
    assert p.component is q.component is s.component


def test_two_caps_for_one_pair_take_the_general_path():
    watch = Watch()
    for cap in (1.0, 2.0):
        watch.net.transfer(watch.a, watch.ports[0], 100, cap=cap)
    assert watch.kinds(1)[0] is SeveralBottlenecks


def test_the_fast_path_returns_after_as_many_settles_as_there_are_ports():
    watch = Watch(ports=6)
    for port in watch.ports:
        watch.net.transfer(watch.a, port, 10_000)
    watch.net.transfer(watch.b, watch.ports[0], 10)
    assert set(watch.kinds(1)) == {SeveralBottlenecks}
    changes = []
    for i in range(30):
        watch.at(10 + i, lambda: watch.net.transfer(watch.a, watch.ports[1], 0.25))
    for i in range(30):
        kind = watch.kinds(10.9 + i)[0]
        if not changes or changes[-1][0] is not kind:
            changes.append((kind, i))
    assert [kind for kind, _ in changes] == [SeveralBottlenecks, SingleBottleneck]
    assert 1 <= changes[1][1] <= 6


@pytest.mark.parametrize("more", [0, 5])
def test_a_group_about_to_fall_apart_can_join_another_one(more):
    """In one settle, the calm group of c and d meets that of a and b; both stay together, whichever is larger."""
    env = Environment()
    net = Network(env)
    a, b, c, d = (net.link(name, 10.0) for name in "abcd")
    p, q, r = (net.port(name, 100.0) for name in "pqr")
    for _ in range(2):
        net.transfer(a, p, 10_000)
        net.transfer(b, p, 10_000)
    for i in range(more):
        net.transfer(a, net.port(f"more{i}", 100.0), 10_000)
    net.transfer(c, q, 10_000)
    net.transfer(c, r, 10_000)
    net.transfer(d, q, 1)
    env.run(until=1)
    for i in range(10):
        Call(env, lambda _: net.transfer(d, net.port("s", 1.0), 1e-3), 1 + i)
        env.run(until=env.now + 1.5)
        if r.component.needs_rebase:
            break
    assert r.component is not p.component
    assert isinstance(r.component, SeveralBottlenecks)
    net.transfer(a, q, 100)
    env.run(until=env.now + 1)
    assert p.component is q.component is r.component
    assert {bottleneck.component for bottleneck in (a, b, c, d)} == {p.component}


def test_an_idle_network_starts_on_the_fast_path_again():
    watch = Watch()
    p = watch.ports[0]
    watch.net.transfer(watch.a, p, 10)
    watch.net.transfer(watch.b, p, 10)
    assert watch.kinds(1)[0] is SeveralBottlenecks
    assert watch.kinds(50)[0] is type(None)
    watch.net.transfer(watch.a, p, 100)
    watch.kinds(51)
    watch.at(1.0, lambda: watch.net.transfer(watch.a, watch.ports[1], 100))
    assert watch.kinds(53)[:2] == [SingleBottleneck, SingleBottleneck]


def test_alternating_use_of_a_second_registry_does_not_thrash(monkeypatch):
    moved = []
    evict = Network._evict

    def counted(net, component, now):
        moved.append(len(component.ports))
        evict(net, component, now)

    monkeypatch.setattr(Network, "_evict", counted)
    watch = Watch(ports=100)
    for port in watch.ports:
        watch.net.transfer(watch.a, port, 1e6)
    for i in range(300):
        watch.at(1 + i, lambda: watch.net.transfer(watch.b, watch.ports[0], 1))
    watch.env.run(until=400)
    assert sum(moved) <= 2 * 100  # not 300 * 100


@pytest.mark.skipif(compiled(), reason="compiled modules do not look up the method that is watched")
def test_ports_that_share_nothing_do_not_disturb_each_other(monkeypatch):
    placed = []
    place = Isolated.place
    monkeypatch.setattr(Isolated, "place", lambda self, port, now: (placed.append(port.name), place(self, port, now)))
    watch = Watch(ports=200)
    for port in watch.ports:
        watch.net.transfer(watch.free, port, 1e6)
    watch.env.run(until=1)
    placed.clear()
    watch.net.transfer(watch.free, watch.ports[7], 8)
    watch.env.run(until=5)
    assert placed == ["node7", "node7"]  # as it starts and as it ends


@settings(max_examples=70)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 60)), min_size=20, max_size=45))
def test_long_alternation_is_exact(draws):
    """Three registries, four nodes, and pauses: networks that go back and forth between the paths several times."""
    steps = [Start(at * 7 * math.sqrt(2), i % 3, j, 30 + 7 * i, (INF, 2.5)[j == 3]) for i, j, at in draws]
    script = Script((5.0, 7.0, INF), (3.0, 4.0 * math.pi, 5.0, 11.0), tuple(steps))
    fast, slow = play(Network, script), play(ReferenceNetwork, script)
    assert fast.ended == pytest.approx(slow.ended, rel=1e-9)
    assert fast.carried == pytest.approx(slow.carried, rel=1e-9)
