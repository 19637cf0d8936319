"""What once cost a hang or a wrong answer."""

from __future__ import annotations

import math

import pytest

from benchmarks.workloads.node_model import over, simulate
from benchmarks.workloads.workload import make_j, make_w
from pullsim.kernel.clock import run_until
from pullsim.kernel.environment import Environment
from pullsim.kernel.event import Call
from pullsim.network.flows import REBASE
from pullsim.network.isolated import Isolated
from pullsim.network.network import Network
from pullsim.network.reference import ReferenceNetwork
from pullsim.network.several_bottlenecks import SeveralBottlenecks
from pullsim.network.single_bottleneck import SingleBottleneck

INF = math.inf


def assert_equal_times(workload, nics):
    fast, slow = (simulate(workload, over(net, workload, nics)) for net in (Network, ReferenceNetwork))
    assert fast.layers == pytest.approx(slow.layers, rel=1e-9)
    for got, expected in zip(fast.ready, slow.ready, strict=True):
        assert got == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("shares", [(1.0,), (1.0, 0.5, 0.1)])
def test_full_classes_stay_the_first_ones(seed, shares):
    """A class that is made below the level is full from the start; only W with needed_by NICs notices if it is not."""
    workload = make_w(4, seed=seed)
    assert_equal_times(workload, [workload.nic * shares[i % len(shares)] for i in range(4)])


def test_all_nics_different():
    workload = make_w(8)
    assert_equal_times(workload, [workload.nic * (0.05 + 0.95 * i / 8) for i in range(8)])


def test_staggered_starts():
    assert_equal_times(make_j(6), None)


@pytest.mark.parametrize("links", [(1e9 / 3,), (INF,), (1e9 / 3, 1e9 / 7), (1e9 / 3, INF)])
@pytest.mark.parametrize("begin", [0.0, 1e9 / 3])
def test_the_clock_never_stalls(links, begin):
    """Late in time a wake-up lands beside its end and steps are below the clock's precision: each ends something."""
    env = Environment(begin)
    net = Network(env)
    made = [net.link(f"link{i}", capacity) for i, capacity in enumerate(links)]
    ports = [net.port(f"node{i}", 1e9 / (7 + i)) for i in range(5)]
    done = []

    def chain(number):
        for i in range(40):
            yield net.transfer(made[(number + i) % len(made)], ports[number % 5], 1 + (i * 7919 + number) % 1000)
        done.append(number)

    net.transfer(made[0], ports[0], 3e11)
    for number in range(15):
        env.process(chain(number))
    for _ in range(15 * 40 * 12):
        if len(done) == 15:
            break
        env.step()
    assert sorted(done) == list(range(15))
    assert net.settles <= 2 * 15 * 40


@pytest.mark.parametrize("bottlenecks", [1, 2])
def test_a_fast_clock_that_became_slow_does_not_stall(bottlenecks):
    """After 60 GB at 1 GB/s, the clock's last bit is far more than the last bit of the time at 1 MB/s."""
    for i in range(20):
        env = Environment()
        net = Network(env)
        a, b = net.link("a", 1e9), net.link("b", 1e6)
        p, q = net.port("p", INF), net.port("q", INF)
        transfer = net.transfer(a, p, 6e10 + 1e3 + i / 7)
        if bottlenecks == 2:
            net.transfer(b, p, 1e9)
        env.run(until=60.0 - 1 / (3 + i))
        for j in range(1000):
            net.transfer(a, q, 1e9 + j)
        assert run_until(env, None, transfer) > 60.0
        assert net.settles == 3


@pytest.mark.parametrize("links", [1, 2])
def test_a_class_without_a_rate_as_yet_ends_nothing(links):
    """A transfer starts in the instant of another's end, before the wake-up; its class has had no settle."""
    env = Environment()
    net = Network(env)
    made = [net.link(f"link{i}", 10.0) for i in range(2)]
    p, q = net.port("p", 100.0), net.port("q", 3.0)
    late = []
    Call(env, lambda _: late.append(net.transfer(made[links - 1], q, 6)), 5.0)  # scheduled before the wake-up for 5.0
    first = net.transfer(made[0], p, 50)
    if links == 2:
        net.transfer(made[1], p, 10)
    assert run_until(env, None, first) == 5.0
    assert not late[0].triggered
    assert run_until(env, None, late[0]) == 7.0


def test_dust_in_the_sum_of_full_ports_does_not_stay():
    env = Environment()
    net = Network(env)
    link = net.link("registry", 1e10)
    ports = [net.port(f"node{i}", 1e9 / 3 + i * math.pi) for i in range(4)]
    rest = net.port("rest", 1e12)

    def churn(port, size):
        while True:
            yield net.transfer(link, port, size)

    for i, port in enumerate(ports):
        env.process(churn(port, 1e6 + i / 7))
    env.process(churn(rest, 1e8))
    env.run(until=1.0)
    component = rest.component
    assert isinstance(component, SingleBottleneck)
    component._full_rate += 1e3
    env.run(until=3.0)
    exact = math.fsum(cls.count * cls.limit for cls in component._active[: component._full])
    assert exact > 1e9
    assert component._full_rate == pytest.approx(exact, rel=1e-14)


def test_dust_in_the_rate_of_a_link_that_never_binds_does_not_stay():
    env = Environment()
    net = Network(env)
    link = net.link("registry")
    for i in range(10):
        for j in range(3):
            net.transfer(link, net.port(f"node{i}", 1e9 / (3 + i)), 1e6 * (1 + j), cap=1e8 / (3 + j))
    env.run()
    env.timeout(1e6)
    carried = link.carried
    env.run()
    assert link.carried == carried
    assert carried == pytest.approx(6e7, rel=1e-12)


@pytest.mark.parametrize(
    ("links", "path", "nic", "duration"),
    [
        ([1e8], SingleBottleneck, INF, 7e-4),
        ([4e9 / 3], SingleBottleneck, 1e6, 0.01),
        ([1e13], SingleBottleneck, 1e6, 0.01),
        ([4e9 / 3, 1e9], SeveralBottlenecks, 1e6, 0.01),
        ([INF], Isolated, 1e6, 0.01),
    ],
)
def test_days_of_traffic_do_not_wear_the_clocks_out(links, path, nic, duration):
    """A network that is never idle, its ports free, mixed or full: clocks start again before a byte is lost in them."""
    env = Environment()
    net = Network(env)
    made = [net.link(f"link{i}", capacity) for i, capacity in enumerate(links)]
    ports = [net.port(f"node{i}", 1e9 / (1 + i % 3)) for i in range(6)]
    durations = []

    def background(port, size):
        while True:
            yield net.transfer(made[0], port, size)

    def probe():
        port = net.port("probe", nic)
        while True:
            yield env.timeout(3000.0)
            began = env.now
            yield net.transfer(made[-1], port, 1e4)
            durations.append(env.now - began)

    for i, port in enumerate(ports):
        env.process(background(port, 7e10 + 1e9 * i))
        for link in made[1:]:
            net.transfer(link, port, 1e16)
    env.process(probe())
    env.run(until=5 * 86_400.0)
    component = ports[0].component
    assert isinstance(component, path)
    clocks = [group.clock for port in ports for group in port.groups.values()]
    if isinstance(component, SingleBottleneck):
        clocks += [component._clock, *(component._clock_of(cls) for cls in component._active)]
    if isinstance(component, SeveralBottlenecks):
        aggregates = [aggregate for cls in component._classes.values() if cls.count for aggregate in cls.aggregates]
        clocks += [aggregate.read(env.now) for aggregate in aggregates]
        clocks += [bottleneck.clock for bottleneck in component._sources.values()]
    assert max(clocks) < 10 * REBASE
    # the time itself, 4e5 s, keeps 6e-11 s
    assert durations == pytest.approx([duration] * len(durations), abs=1e-9)


@pytest.mark.parametrize(
    ("links", "path"), [([1e9], SingleBottleneck), ([INF], Isolated), ([1e9, 1e9], SeveralBottlenecks)]
)
def test_withdrawn_entries_do_not_pile_up(links, path):
    """A long transfer is entered anew whenever a short one beside it ends; the old entries lie far in the future."""
    env = Environment()
    net = Network(env)
    made = [net.link(f"link{i}", capacity) for i, capacity in enumerate(links)]
    ports = [net.port(f"node{i}", 1e6) for i in range(2)]
    for port in ports:  # two of a kind: their class is never empty
        for link in made:
            net.transfer(link, port, 1e15)

    def churn():
        for _ in range(4000):
            yield net.transfer(made[0], ports[0], 1000)
            yield env.timeout(1e-3)

    run_until(env, None, env.process(churn()))
    component = ports[1].component
    assert isinstance(component, path)
    if isinstance(component, Isolated):
        assert len(component._due) < 2000
    if isinstance(component, SingleBottleneck):
        assert sum(len(cls.entries) for cls in component._active) < 2000
    if isinstance(component, SeveralBottlenecks):
        aggregates = [aggregate for cls in component._classes.values() for aggregate in cls.aggregates]
        entered = len(component._by_time) + sum(len(bottleneck.ends) for bottleneck in component._sources.values())
        assert entered + sum(len(aggregate.entries) for aggregate in aggregates) < 2000
