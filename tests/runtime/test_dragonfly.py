"""Dragonfly's tasks: pieces, parents, seeds, and the registry where there is nobody else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pullsim
from pullsim.errors import InputErrors
from pullsim.kernel.environment import Environment
from pullsim.network.network import Network
from pullsim.oci.catalog import Catalog
from pullsim.registry.host import Registry
from pullsim.results.invariants import check
from pullsim.runtime.peers.swarm.dragonfly import DragonflyTask, piece_size
from pullsim.runtime.peers.swarm.network import Newcomer
from pullsim.runtime.peers.swarm.source import SourceFetch
from pullsim.runtime.peers.swarm.swarm import Swarm
from pullsim.runtime.peers.swarm.torrent import FRONT, Torrent
from pullsim.spec.registry import RegistrySpec
from pullsim.streams import Streams

IMAGE = "r.test/app:1"
MIB = 1 << 20


@pytest.mark.parametrize(
    ("size", "mebibytes"),
    [(1, 4), (2e9, 4), (500 * 4 * MIB, 4), (500 * 4 * MIB + 500, 8), (3e9, 8), (10e9, 32), (17e9, 64), (100e9, 64)],
)
def test_a_piece_is_the_next_power_of_two_of_a_500th(size, mebibytes):
    assert piece_size(int(size)) == mebibytes * MIB


def run(count, *, sizes=(40, 80), peers=None, every="0s", registry=None, **keys):
    made = pullsim.from_mapping(
        {
            "images": {"define": [{"image": IMAGE, "layers": [{"size": f"{size}MB"} for size in sizes]}]},
            "registries": [{"host": "r.test", "egress": "1Gbit/s", **(registry or {})}],
            "nodes": [
                {
                    "name": "n",
                    "count": count,
                    "join": {"every": every},
                    "maxPods": 1,
                    "nic": "1Gbit/s",
                    "peers": {"kind": "dragonfly", **(peers or {})},
                    **keys,
                }
            ],
            "workloads": [{"name": "app", "pods": {"image": IMAGE, "count": count}}],
        }
    )
    result = pullsim.run(made)
    assert check(result) == []
    assert all(pull.ok for pull in result.pulls)
    return result


def received(result):
    return {peer.node: peer.received for peer in result.peers if peer.node.startswith("n-")}


@pytest.mark.parametrize("runtime", [{"containerd": "2.1"}, {"crio": "1.35"}])
def test_a_seed_fetches_each_layer_once_for_all(runtime):
    result = run(5, runtime=runtime)
    assert 120e6 <= result.registries[0].sent < 120e6 + 100_000
    assert received(result) == {f"n-{number:04d}": 120_000_000 for number in range(5)}
    assert sum(peer.sent for peer in result.peers) == 5 * 120_000_000


def test_without_seeds_the_first_node_goes_to_the_registry_and_others_take_its_pieces_from_it():
    result = run(4, peers={"seeds": 0}, every="1s")
    assert 120e6 <= result.registries[0].sent < 2 * 120e6
    assert sum(received(result).values()) + result.registries[0].sent >= 4 * 120e6


def test_a_hop_over_a_seed_takes_longer_than_the_registry_alone():
    """The reason why two nodes lose."""
    alone = pullsim.run(
        pullsim.from_mapping(
            {
                "images": {"define": [{"image": IMAGE, "layers": [{"size": "80MB"}]}]},
                "registries": [{"host": "r.test", "egress": "10Gbit/s"}],
                "nodes": [{"name": "n", "count": 2, "maxPods": 1, "nic": "1Gbit/s"}],
                "workloads": [{"name": "app", "pods": {"image": IMAGE, "count": 2}}],
            }
        )
    )
    both = run(2, sizes=(80,), registry={"egress": "10Gbit/s"})
    assert max(pull.ended for pull in both.pulls) > max(pull.ended for pull in alone.pulls)


def source_of(env):
    """A registry that sends 8 MiB/s, and the port of a node that takes as much."""
    network = Network(env)
    registry = Registry(env, network, RegistrySpec("r.test", goodput=1.0, egress=8.0 * MIB), Catalog(), Streams(1))
    return registry, network.port("n", 8.0 * MIB)


def sized_task(env):
    """A swarm, its task of 8 MiB, and what lets a member of it go to the registry."""
    swarm = Swarm(env, 0.05, float("inf"))
    task = DragonflyTask(swarm, 8 * MIB, np.random.default_rng(1), 1e9)
    registry, port = source_of(env)

    def source(member):
        return SourceFetch(env, registry, Newcomer(0, port, None), task.torrent, member, lambda: None)

    return swarm, task, source


def test_a_seed_is_a_parent_of_those_alone_who_have_it_in_their_sample():
    """Of 15 among 60 others that is a quarter. Nobody else is a parent before it has found one itself."""
    swarm, task, source = sized_task(Environment())
    seed = task.seed(swarm.host(1e9, 1e9, -1), source)
    for _ in range(60):
        task.join(swarm.host(1e9, 1e9, -1), 0.0, lambda: None, source)
    task.maintain(0.0)
    parents = [len(conns) for member, conns in enumerate(task.torrent.conns) if member != seed]
    assert 5 <= len(task.torrent.conns[seed]) <= 25
    assert parents.count(0) < 60 - 5


def test_those_who_have_left_are_in_no_sample():
    """Else who comes would find one of 300 that had it at a time, and not the seed, nineteen times of twenty."""
    swarm, task, source = sized_task(Environment())
    seed = task.seed(swarm.host(1e9, 1e9, -1), source)
    for _ in range(300):
        task.leave(task.join(swarm.host(1e9, 1e9, -1), 0.0, lambda: None, source))
    member = task.join(swarm.host(1e9, 1e9, -1), 0.0, lambda: None, source)
    task.maintain(0.0)
    assert list(task.torrent.conns[member]) == [seed]


def test_who_leaves_takes_no_more_from_the_registry():
    env = Environment()
    registry, port = source_of(env)
    torrent = Torrent(8 * MIB, MIB, 1, FRONT, np.random.default_rng(1))
    member = torrent.join(0, -1)
    fetch = SourceFetch(env, registry, Newcomer(0, port, None), torrent, member, lambda: None)
    begins = registry.site.round_trip + registry.site.first_byte
    env.run(until=begins + 0.5)
    fetch.stop()
    env.run(until=begins + 0.6)
    assert port.transfers == 0
    assert registry.sent == pytest.approx(4 * MIB, abs=8)
    assert [torrent.claim(member) for _ in range(9)] == [*range(8), -1]


@settings(max_examples=10, deadline=None)
@given(
    count=st.integers(1, 6),
    every=st.sampled_from(["0s", "50ms", "2s"]),
    sizes=st.lists(st.sampled_from([1, 30, 60]), min_size=1, max_size=3),
    seeds=st.integers(0, 2),
    tick=st.sampled_from(["0s", "50ms"]),
)
def test_each_node_gets_each_byte_once(count, every, sizes, seeds, tick):
    sizes = [size + number / 1000 for number, size in enumerate(sizes)]
    result = run(count, sizes=sizes, peers={"seeds": seeds, "tick": tick}, every=every)
    total = sum(round(size * 1e6) for size in sizes)
    sent = sum(peer.sent for peer in result.peers)
    layers = result.registries[0].sent - count * 10_000  # documents take less than that
    assert sent == sum(peer.received for peer in result.peers)
    assert sent <= count * total <= sent + layers + count * 10_000
    if seeds:
        assert sent == count * total
    rate = 1e9 / 8 * 0.957
    assert all(pull.ended - pull.started > max(sizes) * 1e6 / rate for pull in result.pulls)


def test_keys_of_others_are_refused():
    with pytest.raises(InputErrors, match="warm is a key of kraken, not of dragonfly"):
        run(2, peers={"warm": True})
