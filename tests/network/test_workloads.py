"""The bare node model on the reference workloads: times that several independent solvers agree on."""

from __future__ import annotations

import dataclasses
import json

import pytest

from benchmarks.workloads.node_model import over, simulate
from benchmarks.workloads.workload import Workload, make_f, make_j, make_w
from pullsim.network.network import Network

KNOWN = [
    (make_w(10), 200, 702, 17.537539039310, 1710.779267158051),
    (make_w(100), 2000, 6879, 54.156676993315, 60486.605654891),
    (make_f(10), 10, 100, 14.0, 140.0),
    (make_f(100), 100, 1000, 50.0, 5000.0),
    (make_f(1000), 1000, 10_000, 410.0, 410_000.0),
    (make_j(10), 10, 100, 20.0743373694, 161.08091),
    (make_j(100), 100, 1000, 50.1387811186, 4741.24670),
]


@pytest.mark.parametrize(
    ("workload", "pods", "downloads", "last", "total"), KNOWN, ids=lambda x: getattr(x, "name", "")
)
def test_known_times(workload, pods, downloads, last, total):
    times = simulate(workload, over(Network, workload))
    ready = [time for node in times.ready for time in node]
    assert len(ready) == pods
    assert len(times.layers) == workload.flows() == downloads
    assert max(ready) == pytest.approx(last, rel=1e-9)
    digits = len(str(total).partition(".")[2])
    assert sum(ready) == pytest.approx(total, rel=1e-9, abs=0.5 * 10**-digits)


def test_lockstep_settles_once_an_instant():
    workload = make_f(50)
    nets = []

    def network(env):
        nets.append(Network(env))
        return nets[0]

    simulate(workload, over(network, workload))
    assert nets[0].settles == 5


def test_a_wake_up_that_lands_beside_its_time_costs_no_settle():
    workload = make_j(100)
    nets = []

    def network(env):
        nets.append(Network(env))
        return nets[0]

    times = simulate(workload, over(network, workload))
    arrivals = {pods[0][0] for pods in workload.pods}
    assert nets[0].settles == len(arrivals | set(times.layers.values()))


def test_workloads_are_json():
    workload = make_w(2, 3, 2)
    read = Workload(**json.loads(json.dumps(dataclasses.asdict(workload))))
    assert read.flows() == workload.flows()
    assert [[tuple(pod) for pod in pods] for pods in read.pods] == workload.pods
