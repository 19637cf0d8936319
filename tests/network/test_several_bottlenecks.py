"""Several links that meet in many ports: classes that are free, full and bound, against the slow reference."""

from __future__ import annotations

import math
import random

import pytest

from pullsim.kernel.environment import Environment
from pullsim.kernel.event import Call
from pullsim.network.network import Network
from pullsim.network.port_class import State
from pullsim.network.reference import ReferenceNetwork
from pullsim.network.several_bottlenecks import SeveralBottlenecks

ROOT2, ROOT3 = math.sqrt(2), math.sqrt(3)  # limits that are never equal: which one binds does not hang on rounding


def play(network, seed, links, nics, caps, look):
    """Let 16 ports pull from the links, up to four transfers at a time; return the ends, limits and what links sent."""
    env = Environment()
    net = network(env)
    rng = random.Random(seed)
    made = [net.link(f"link{i}", capacity) for i, capacity in enumerate(links)]
    ends, transfers = {}, {}

    def pull(port, steps):
        for key, link, size, cap, pause in steps:
            yield env.timeout(pause)
            transfers[key] = net.transfer(made[link], port, size, cap)
            yield transfers[key]
            ends[key] = env.now

    for number in range(16):
        port = net.port(f"node{number}", ROOT2 * rng.choice(nics))
        Call(env, lambda _, port=port: look(port), rng.uniform(0.0, 20.0))
        for worker in range(4):
            steps = [
                (
                    (number, worker, step),
                    rng.randrange(len(links)),
                    rng.uniform(1, 100),
                    rng.choice(caps),
                    rng.expovariate(1.0),
                )
                for step in range(8)
            ]
            env.process(pull(port, steps))
    env.run()
    return ends, {key: transfer.limited for key, transfer in transfers.items()}, [link.carried for link in made]


SHAPES = pytest.mark.parametrize(
    ("links", "nics", "caps", "states"),
    [
        ([50.0, 80.0, 90.0], [100.0, 200.0], [1e9], {State.FREE}),
        ([5e4, 8e4, 9e4], [7.0, 9.0, 31.0], [1e9], {State.FULL}),
        ([50.0, 9e4], [7.0, 9.0, 31.0], [1e9, 3.0], {State.BOUND, State.FULL}),
        ([60.0, 50.0, 130.0], [5.0, 17.0, 60.0], [2.0, 11.0, 1e9], {State.FREE, State.FULL, State.BOUND}),
    ],
)


@SHAPES
@pytest.mark.parametrize("seed", range(3))
def test_ends_limits_and_bytes_are_those_of_the_reference(links, nics, caps, states, seed):
    seen = set()

    def look(port):
        if isinstance(port.component, SeveralBottlenecks):
            seen.update(cls.state for cls in port.component._classes.values() if cls.count)

    fast = play(Network, seed, links, nics, caps, look)
    slow = play(ReferenceNetwork, seed, links, nics, caps, lambda _: None)
    assert fast[0] == pytest.approx(slow[0], rel=1e-9)
    for key, limited in slow[1].items():
        assert fast[1][key] == pytest.approx(limited, rel=1e-6, abs=1e-6)
    assert fast[2] == pytest.approx(slow[2], rel=1e-9)
    assert states <= seen
