"""Swarms of Kraken: no byte is lost or made, links are shared exactly, and steps come near to what is exact."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pullsim.kernel.environment import Environment
from pullsim.runtime.peers.swarm.kraken import KrakenTorrent
from pullsim.runtime.peers.swarm.swarm import Swarm
from pullsim.runtime.peers.swarm.torrent import RAREST, Torrent
from pullsim.spec.peers import KrakenSpec

PIECE = 65_536


class World:
    """Hosts in one torrent, with origins that have it."""

    def __init__(self, ups, downs, pieces=8, *, seeds=1, seed_up=1e6, tick=0.0, last=PIECE, seed=1, cap=float("inf")):
        self.env = Environment()
        self.size = PIECE * (pieces - 1) + last
        spec = KrakenSpec(seeds=seeds, replicas=seeds, seed_upload=seed_up, piece_size=PIECE, tick=tick)
        self.swarm = Swarm(self.env, tick, cap)
        zones = self.swarm.hosts
        self.policy = KrakenTorrent(spec, self.size, np.random.default_rng(seed), lambda host: int(zones["zone"][host]))
        self.torrent = self.policy.torrent
        for _ in range(seeds):
            self.policy.join(self.swarm.host(seed_up, 1e6, -1), 0.0, None, origin=True)
        self.ends = {}
        self.hosts = [
            self.swarm.host(up, down, number % 2) for number, (up, down) in enumerate(zip(ups, downs, strict=True))
        ]
        self.members = {}

    def begin(self, number, at=0.0):
        def join(_):
            done = lambda: self.ends.setdefault(number, self.env.now - at)  # noqa: E731
            self.members[number] = self.policy.join(self.hosts[number], self.env.now, done)
            self.swarm.changed(self.policy)

        self.env.timeout(at).callbacks.append(join)

    def run(self, at=0.0):
        for number in range(len(self.hosts)):
            self.begin(number, at)
        self.env.run(until=2000.0)
        return self.ends


def check_sharing(world):
    """No host is over its rates, and each edge has a full link or its cap."""
    rates, hosts = world.torrent.edges["rate"], world.swarm.hosts
    edges = world.torrent.active()
    host = world.torrent.members["host"]
    up = np.bincount(host[world.torrent.edges["parent"][edges]], rates[edges], len(hosts))
    down = np.bincount(host[world.torrent.edges["child"][edges]], rates[edges], len(hosts))
    assert (up <= hosts["up"] * (1 + 1e-9)).all()
    assert (down <= hosts["down"] * (1 + 1e-9)).all()
    full_up, full_down = up >= hosts["up"] * (1 - 1e-9), down >= hosts["down"] * (1 - 1e-9)
    for edge in edges:
        parent, child = (host[world.torrent.edges[end][edge]] for end in ("parent", "child"))
        assert full_up[parent] or full_down[child]


@pytest.mark.parametrize(("up", "down", "rate"), [(1e6, 2e6, 1e6), (3e6, 1e6, 1e6)])
def test_one_host_and_one_origin(up, down, rate):
    world = World([1e6], [down], seed_up=up)
    assert world.run() == {0: pytest.approx(world.size / rate)}


def test_two_hosts_that_an_origin_of_half_their_rate_feeds_exchange_what_they_have():
    """Without an exchange the origin would send all twice."""
    world = World([1e6, 1e6], [1e6, 1e6], pieces=40, seed_up=1e6)
    ends = world.run()
    assert max(ends.values()) < 1.5 * world.size / 1e6


@settings(max_examples=20, deadline=None)
@given(
    rates=st.lists(st.sampled_from([(1e6, 1e6), (2e6, 1e6), (1e6, 3e6), (0.5e6, 1e6)]), min_size=1, max_size=8),
    pieces=st.integers(1, 12),
    last=st.sampled_from([1, PIECE // 2, PIECE]),
    seeds=st.integers(1, 3),
    tick=st.sampled_from([0.0, 0.01, 0.05]),
    seed=st.integers(0, 3),
)
def test_bytes_are_kept_and_no_swarm_is_faster_than_a_fluid(rates, pieces, last, seeds, tick, seed):
    ups, downs = zip(*rates, strict=True)
    world = World(ups, downs, pieces, seeds=seeds, tick=tick, last=last, seed=seed)
    for number in range(len(rates)):
        world.begin(number)
    while world.env.peek() < 2000.0:
        world.env.step()
        if tick == 0.0:
            check_sharing(world)
    assert len(world.ends) == len(rates)
    rows, size, count = world.torrent.members, world.size, len(rates)
    assert rows["sent"].sum() == rows["received"].sum()
    assert (rows["received"][seeds:] >= size).all()  # pieces that came twice at the end count twice
    assert (rows["missing"] == 0).all()
    assert (rows["need"] == 0).all()
    assert not rows["received"][:seeds].any()
    assert max(world.ends.values()) >= size * count / (seeds * 1e6 + sum(ups)) * (1 - 1e-9)
    assert all(world.ends[number] >= size / down * (1 - 1e-9) for number, down in enumerate(downs))


def test_steps_come_near_to_what_is_exact():
    ends = {}
    for tick in (0.0, 0.05):
        found = []
        for seed in range(3):
            world = World([1e6] * 12, [1e6] * 12, pieces=40, seeds=2, tick=tick, seed=seed)
            found += world.run().values()
        ends[tick] = np.median(found)
    assert ends[0.05] == pytest.approx(ends[0.0], rel=0.05)


def test_who_leaves_takes_his_pieces_along_and_the_others_end_all_the_same():
    world = World([1e6] * 6, [1e6] * 6, pieces=30, tick=0.01)
    for number in range(6):
        world.begin(number)
    world.env.run(until=0.8)
    world.policy.leave(world.members[0])
    world.swarm.changed(world.policy)
    world.env.run(until=2000.0)
    assert sorted(world.ends) == [1, 2, 3, 4, 5]
    rows = world.torrent.members
    assert rows["sent"].sum() == rows["received"].sum()


def test_zones_are_told_apart():
    world = World([1e6] * 4, [1e6] * 4, pieces=20, tick=0.01)
    world.run()
    rows = world.torrent.members
    assert 0 < rows["across"].sum() < rows["received"].sum()
    assert not rows["across"][rows["zone"] < 0].any()


def test_the_rarest_piece_is_asked_for_first():
    torrent = Torrent(3 * PIECE, PIECE, 3, RAREST, np.random.default_rng(1))
    me, one, other = torrent.join(0, -1), torrent.join(1, -1), torrent.join(2, -1)
    for member, piece in ((one, 0), (one, 1), (one, 2), (other, 0), (other, 2)):
        torrent.give(member, piece)
    torrent.connect(me, one, (1, 0), 0.0)
    torrent.connect(me, other, (0, 0), 0.0)
    torrent.request(0.0)
    assert torrent.queue[torrent.conns[me][one][0], 0] == 1
    torrent.expire(1.0)
    assert torrent.members["need"][me] == 3
    assert torrent.idle(0.0) == [(me, one), (me, other)]
    torrent.disconnect(me, one)
    assert torrent.known[me].tolist() == [1, 0, 1]


def test_what_was_under_way_to_who_has_left_does_not_come():
    torrent = Torrent(3 * PIECE, PIECE, 3, RAREST, np.random.default_rng(1))
    me, other = torrent.join(0, -1), torrent.join(1, -1, complete=True)
    torrent.connect(me, other, (3, 0), 0.0)
    torrent.request(0.0)
    edges = torrent.active()
    torrent.edges["rate"][edges] = PIECE
    torrent.disconnect(me, other)
    torrent.advance(edges, 2.0, 2.0)
    assert not torrent.have[me].any()
    assert not torrent.members["received"].any()


def test_a_piece_from_elsewhere_is_claimed_once():
    torrent = Torrent(2 * PIECE + 1, PIECE, 1, RAREST, np.random.default_rng(1))
    member = torrent.join(0, -1)
    assert [torrent.claim(member) for _ in range(4)] == [0, 1, 2, -1]
    torrent.disclaim(member, 1)
    assert torrent.claim(member) == 1
    for piece in (2, 0, 1):
        assert not torrent.complete(member)
        torrent.give(member, piece)
    assert torrent.complete(member)
    assert torrent.sizes.tolist() == [PIECE, PIECE, 1]
