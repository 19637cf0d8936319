"""The network alone: transfers and servers under the bare node, and a network of several registries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.workloads.node_model import over, simulate
from benchmarks.workloads.workload import NIC, Workload, make_f, make_j, make_w
from pullsim.network.network import Network

if TYPE_CHECKING:
    from collections.abc import Callable

    import simpy

    from pullsim.kernel.environment import Environment


def counted(workload: Workload, registries: int, nics: list[float]) -> dict[str, int]:
    """Run the bare node, layer i from registry i % registries; return what was done."""
    envs: list[Environment] = []

    def connect(env: Environment) -> Callable[[int, int], simpy.Event]:
        envs.append(env)
        if registries == 1:
            return over(Network, workload, nics)(env)
        net = Network(env)
        links = [net.link(f"registry-{i}", workload.egress / registries) for i in range(registries)]
        ports = [net.port(f"node-{i}", nic) for i, nic in enumerate(nics)]
        return lambda node, size: net.transfer(links[size % registries], ports[node], size)

    times = simulate(workload, connect)
    pulls = sum(map(len, workload.pods))
    return {"events": envs[0].scheduled, "pulls": pulls, "layers": len(times.layers)}


@pytest.mark.parametrize("workload", [make_w(100), make_j(1000), make_f(1000)], ids=lambda workload: workload.name)
def test_network(timed: Callable[..., None], workload: Workload) -> None:
    timed("network", lambda: counted(workload, 1, [workload.nic] * workload.nodes))


@pytest.mark.parametrize("registries", [1, 3])
@pytest.mark.parametrize("rates", [1, 3, 100])
def test_diversity(timed: Callable[..., None], registries: int, rates: int) -> None:
    workload = make_w(100)
    nics = [NIC * (0.05 + 0.95 * (i % rates + 1) / rates) for i in range(workload.nodes)]
    timed("network", lambda: counted(workload, registries, nics), rounds=1)
