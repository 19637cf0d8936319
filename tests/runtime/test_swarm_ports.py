"""Swarms and other transfers to the same node: the port of its NIC carries both, no more than it can, and fairly."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pullsim.kernel.environment import Environment
from pullsim.network.network import Network
from pullsim.runtime.peers.swarm.kraken import KrakenTorrent
from pullsim.runtime.peers.swarm.shared_port import SharedPort
from pullsim.runtime.peers.swarm.swarm import Swarm
from pullsim.spec.hardware import Burst
from pullsim.spec.peers import KrakenSpec

PIECE = 65_536
GOODPUT = 0.5  # of the bytes on the wire


class World:
    """Hosts with a port each, in one torrent with one origin, and a registry that sends to these ports too."""

    def __init__(self, rates, pieces=8, *, seed_up=1e6, tick=0.0, egress=math.inf, burst=None, seed=1):
        self.env = Environment()
        self.network = Network(self.env)
        self.registry = self.network.link("registry", egress)
        spec = KrakenSpec(seeds=1, replicas=1, seed_upload=seed_up, piece_size=PIECE, tick=tick)
        self.size = PIECE * pieces
        self.swarm = Swarm(self.env, tick, math.inf)
        self.policy = KrakenTorrent(spec, self.size, np.random.default_rng(seed))
        self.policy.join(self.swarm.host(seed_up, 1e9, -1), 0.0, None, origin=True)
        self.ports = [self.network.port(f"port{number}", rate, burst) for number, rate in enumerate(rates)]
        self.hosts = [
            self.swarm.host(1e6, port.capacity * GOODPUT, -1, SharedPort(port, GOODPUT)) for port in self.ports
        ]
        self.ends = {}
        self.transfers = []

    def join(self, number):
        self.policy.join(self.hosts[number], self.env.now, lambda: self.ends.setdefault(number, self.env.now))
        self.swarm.changed(self.policy)

    def begin(self, number, at, size, cap=math.inf):
        def start(_):
            transfer = self.network.transfer(self.registry, self.ports[number], size, cap)
            transfer.callbacks.append(lambda _: self.ends.setdefault(("transfer", at), self.env.now))
            self.transfers.append((number, cap, transfer))

        self.env.timeout(at).callbacks.append(start)

    def run(self):
        self.env.run(until=5000.0)
        return self.ends

    def received(self):
        """Return the payload bytes/s of pieces by host."""
        edges = self.policy.torrent.edges
        active = self.policy.torrent.active()
        child = self.policy.torrent.members["host"][edges["child"][active]]
        return np.bincount(child, edges["rate"][active], len(self.swarm.hosts))


def check_shares(world, *, fair):
    """No port is over its rate. If ``fair``, each transfer has its cap, or the highest rate over a full port."""
    pieces = world.received()
    torrent, edges = world.policy.torrent, world.policy.torrent.edges
    for port, host in zip(world.ports, world.hosts, strict=True):
        rates = [] if port.component is None else port.component.rates(port)
        wire = sum(len(group.ends) * rate for group, rate in rates) + pieces[host] / GOODPUT
        if rates:
            assert wire <= port.full_rate * (1 + 1e-9)
        if fair and rates:
            shares = [
                edges["rate"][edge] / edges["length"][edge] / GOODPUT
                for edge in torrent.active()
                if torrent.members["host"][edges["child"][edge]] == host
            ]
            most = max([*shares, *(rate for _, rate in rates)])
            for group, rate in rates:
                full = wire >= port.full_rate * (1 - 1e-9) and rate >= most * (1 - 1e-9)
                assert full or rate >= group.cap * (1 - 1e-9)


@pytest.mark.parametrize("tick", [0.0, 0.05])
def test_both_together_take_as_long_as_one_after_the_other(tick):
    world = World([1e6], pieces=40, seed_up=1e9, tick=tick)
    world.join(0)
    world.begin(0, 0.0, 1.5e6)
    whole = world.size / GOODPUT + 1.5e6
    assert max(world.run().values()) == pytest.approx(whole / 1e6, rel=1e-6 if not tick else 0.02)


@settings(max_examples=10, deadline=None)
@given(
    rates=st.lists(st.sampled_from([1e6, 2e6, 4e6]), min_size=1, max_size=4),
    transfers=st.lists(
        st.tuples(
            st.integers(0, 3),
            st.sampled_from([0.0, 0.1, 0.5, 1.0]),
            st.sampled_from([2e4, 3e5, 2e6]),
            st.sampled_from([math.inf, 1e5, 5e5]),
        ),
        max_size=6,
    ),
    seed_up=st.sampled_from([5e5, 1e6, 1e7]),
    exact=st.booleans(),
    egress=st.sampled_from([math.inf, 1e6]),
)
def test_no_port_carries_more_than_it_can_and_who_is_slowed_down_has_a_fair_share(
    rates, transfers, seed_up, exact, egress
):
    world = World(rates, pieces=10, seed_up=seed_up, tick=0.0 if exact else 0.05, egress=egress)
    for number in range(len(rates)):
        world.join(number)
    for number, at, size, cap in transfers:
        world.begin(number % len(rates), at, size, cap)
    while world.env.peek() < 5000.0:
        world.env.step()
        if exact and world.env.peek() > world.env.now:
            check_shares(world, fair=egress == math.inf)
    rows = world.policy.torrent.members
    assert len([end for end in world.ends if isinstance(end, int)]) == len(rates)
    assert all(transfer.triggered for _, _, transfer in world.transfers)
    assert rows["sent"].sum() == rows["received"].sum()
    assert not any(port.reserved for port in world.ports)


@pytest.mark.parametrize("tick", [0.0, 0.05])
def test_a_registry_that_is_slow_leaves_the_rest_of_the_port_to_the_swarm(tick):
    """It sends a tenth of what the port can take; a twentieth more of that is kept free."""
    world = World([1e6], pieces=40, seed_up=1e9, tick=tick, egress=1e5)
    world.join(0)
    world.begin(0, 0.0, 1e9)
    world.env.run(until=20.0)
    alone = world.size / GOODPUT / 9e5
    assert alone <= world.ends[0] <= alone * 1.02


def test_a_port_without_a_limit_is_not_shared():
    world = World([math.inf], pieces=40, seed_up=1e6, egress=1e5)
    world.join(0)
    world.begin(0, 0.0, 1e5)
    assert world.run() == {0: pytest.approx(world.size / 1e6), ("transfer", 0.0): pytest.approx(1.0)}


@pytest.mark.parametrize("tick", [0.0, 0.05])
def test_pieces_use_up_burst_credit(tick):
    """Three seconds at 2 MB/s use up the credit of 3 MB above 1 MB/s; the rest comes at 1 MB/s."""
    world = World([1e6], pieces=100, seed_up=1e9, tick=tick, burst=Burst(2e6, 3e6))
    world.join(0)
    assert world.run()[0] == pytest.approx(3.0 + (world.size / GOODPUT - 6e6) / 1e6, rel=0.01 if tick else 1e-6)


def test_burst_credit_comes_back_while_a_swarm_takes_less_than_the_sustained_rate():
    """An origin of half the sustained rate gives the port 1.5 MB of credit in three seconds."""
    world = World([1e6], pieces=100, seed_up=2.5e5, burst=Burst(2e6, 3e6))
    credit = world.ports[0].credit
    credit.balance = 0.0
    credit.switch(spent=True)
    world.join(0)
    world.begin(0, 0.5, 1.0)
    world.env.run(until=3.0)
    assert credit.read(3.0) == pytest.approx(1.5e6, rel=0.01)
