"""Nodes that join and leave while others pull: whatever is on its way to one that leaves is cut at one instant."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pullsim.kernel.environment import Environment
from pullsim.kernel.event import Call
from pullsim.network.network import Network
from pullsim.network.reference import ReferenceNetwork

ROOT2, ROOT3, ROOT5 = math.sqrt(2), math.sqrt(3), math.sqrt(5)

nodes = st.fixed_dictionaries(
    {
        "joins": st.integers(0, 12).map(lambda n: n * ROOT5),
        "stays": st.integers(1, 12).map(lambda n: n * ROOT3) | st.just(math.inf),
        "nic": st.integers(1, 9).map(lambda n: n * ROOT2),
        "cap": st.sampled_from([math.inf, 1.5, 4.0]),
        "pulls": st.lists(st.tuples(st.integers(0, 2), st.integers(1, 80)), min_size=1, max_size=5),
    }
)


def play(network, links, fleet):
    """Return when each transfer ended, and what was left of those that a leaving node had."""
    env = Environment()
    net = network(env)
    registries = [net.link(f"registry{i}", capacity) for i, capacity in enumerate(links)]
    ended, left = {}, {}

    def join(number, node):
        port = net.port(f"node{number}", node["nic"])
        transfers = {}
        for index, (link, size) in enumerate(node["pulls"]):
            key = number, index
            transfers[key] = transfer = net.transfer(registries[link % len(links)], port, size, node["cap"])
            transfer.callbacks.append(lambda _, key=key: ended.setdefault(key, env.now))
        if node["stays"] < math.inf:
            Call(env, lambda _: leave(transfers), node["stays"])

    def leave(transfers):
        for key, transfer in transfers.items():
            if not transfer.triggered:
                left[key] = transfer.cancel()

    for number, node in enumerate(fleet):
        Call(env, lambda _, number=number, node=node: join(number, node), node["joins"])
    env.run()
    return ended, left, [link.carried for link in registries]


@settings(max_examples=120)
@given(
    st.lists(st.integers(2, 20).map(float) | st.just(math.inf), min_size=1, max_size=3),
    st.lists(nodes, min_size=1, max_size=7),
)
def test_times_and_bytes_are_those_of_the_reference(links, fleet):
    fast, slow = (play(network, links, fleet) for network in (Network, ReferenceNetwork))
    for got, expected in zip(fast, slow, strict=True):
        assert got == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_what_a_leaving_node_had_goes_to_the_others():
    pulls = [(0, 60)]
    fleet = [
        {"joins": 0.0, "stays": math.inf, "nic": 100.0, "cap": math.inf, "pulls": pulls},
        {"joins": 0.0, "stays": 4.0, "nic": 100.0, "cap": math.inf, "pulls": pulls},
        {"joins": 8.0, "stays": math.inf, "nic": 100.0, "cap": math.inf, "pulls": [(0, 10)]},
    ]
    ended, left, carried = play(Network, [10.0], fleet)
    # 5/s each for 4 s, then all 10/s: all 60 are there at 8 s, and the third has its 10 a second later
    assert ended == pytest.approx({(0, 0): 8.0, (2, 0): 9.0})
    assert left == pytest.approx({(1, 0): 40.0})
    assert carried == pytest.approx([90.0])
