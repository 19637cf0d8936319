"""A node's interface has a link for each direction, and nodes can serve one another."""

from __future__ import annotations

from pullsim.hardware.nic import Nic
from pullsim.kernel.environment import Environment
from pullsim.network.network import Network
from pullsim.spec.hardware import Burst, NicSpec


def test_what_a_node_sends_takes_nothing_from_what_it_receives():
    env = Environment()
    network = Network(env)
    registry = network.link("registry", 100.0)
    first, second, third = (Nic(network, f"node-{i}", NicSpec(10.0)) for i in range(3))
    ends = []
    for path, nic in (((registry,), first), ((first.up,), second), ((first.up,), third)):
        network.transfer(path, nic.down, 50.0).callbacks.append(lambda _: ends.append(env.now))
    env.run()
    assert ends == [5.0, 10.0, 10.0]  # the first receives at 10; what it sends is shared by two
    assert first.up is first.up


def test_a_burst_rate_is_that_of_the_incoming_direction():
    network = Network(Environment())
    nic = Nic(network, "node", NicSpec(5.0, Burst(20.0, 60.0)))
    assert (nic.down.capacity, nic.up.capacity) == (20.0, 5.0)
