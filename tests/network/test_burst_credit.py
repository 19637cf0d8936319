"""Ports with a burst rate: the fast network against the slow one, and what follows in closed form."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from script import Script, Start, play, scripts
from test_sharing import assert_same_times, close

from pullsim.kernel.environment import Environment
from pullsim.kernel.event import Call
from pullsim.network.network import Network
from pullsim.network.reference import ReferenceNetwork
from pullsim.spec.hardware import Burst

INF = math.inf


def assert_within_credit(out, script):
    """No port has had more than its sustained rate and its credit allow, nor more than its burst rate."""
    moved = [0.0] * len(script.ports)
    for key, size in out.size_of.items():
        moved[out.port_of[key]] += size - (out.left[key][1] if key in out.left else 0.0)
    assert sum(out.carried) == pytest.approx(sum(moved), rel=1e-9, abs=1e-6)
    for capacity, meter in zip(script.links, out.meters, strict=True):
        assert all(rate <= capacity * (1 + 1e-9) for _, _, rate in meter.samples())
    for sustained, burst, log, carried in zip(script.ports, script.bursts, out.busy, moved, strict=True):
        spans = list(zip(log[::2], log[1::2], strict=True))
        if not spans:
            continue
        busy = sum(end[1] - start[1] for start, end in spans)
        if burst is None:
            assert carried <= sustained * busy * (1 + 1e-9) + 1e-9
        else:
            assert carried <= burst.rate * busy * (1 + 1e-9) + 1e-9
            elapsed = spans[-1][1][1] - spans[0][0][1]
            assert carried <= (sustained * elapsed + burst.credit) * (1 + 1e-9) + 1e-9


@settings(max_examples=200)
@given(scripts(ties=True, bursting=True), st.sampled_from([0.0, 1e5 / 3]))
def test_times_are_those_of_the_reference_when_much_happens_at_once(script, begin):
    fast = play(Network, script, begin)
    assert_same_times(fast, play(ReferenceNetwork, script, begin))
    assert_within_credit(fast, script)


@settings(max_examples=200)
@given(scripts(ties=False, bursting=True))
def test_times_and_limits_are_those_of_the_reference(script):
    fast, slow = play(Network, script), play(ReferenceNetwork, script)
    assert_same_times(fast, slow)
    assert_within_credit(fast, script)
    for key, transfer in slow.transfers.items():
        limited = fast.transfers[key].limited
        assert limited == close(transfer.limited)
        end = fast.ended[key] if key in fast.ended else fast.left[key][0]
        assert sum(limited) == close(end - fast.transfers[key]._start)


def ends(links, ports, bursts, *steps, network=Network):
    out = play(network, Script(tuple(links), tuple(ports), steps, tuple(bursts)))
    return [out.ended[i, 0] for i in range(len(steps))]


NETWORKS = pytest.mark.parametrize("network", [Network, ReferenceNetwork])
#: Every algorithm: a link that never binds, one that can, two of them, and a mix.
LINKS = pytest.mark.parametrize("links", [(INF,), (1000.0,), (1000.0, 1000.0), (INF, 1000.0)])


@NETWORKS
@LINKS
def test_the_burst_rate_lasts_as_long_as_the_credit(links, network):
    # 20/s for 60 bytes above 5/s, that is 4 s and 80 bytes; then 5/s
    starts = [Start(0, link, 0, 90 // len(links), INF) for link in range(len(links))]
    assert ends(links, [5.0], [Burst(20.0, 60.0)], *starts, network=network) == [close(6.0)] * len(links)


@NETWORKS
@LINKS
def test_idle_time_earns_credit(links, network):
    first, second = Start(0, 0, 0, 80, INF), Start(10, len(links) - 1, 0, 80, INF)
    # spent at 4; earned 5/s until 10, that is 30, which last for 2 s and 40 bytes; the other 40 take 8 s
    assert ends(links, [5.0], [Burst(20.0, 60.0)], first, second, network=network) == [close(4.0), close(20.0)]


@NETWORKS
def test_credit_is_never_more_than_its_limit(network):
    late = Start(1000, 0, 0, 90, INF)
    assert ends((INF,), [5.0], [Burst(20.0, 60.0)], late, network=network) == [close(1006.0)]


@NETWORKS
def test_what_something_else_holds_back_is_earned(network):
    """A link of 10 for two ports: each takes its 5/s, one has 8/s sustained, so it earns 3/s and never pays."""
    steps = Start(0, 0, 0, 40, INF), Start(0, 0, 1, 40, INF), Start(9, 0, 0, 45, INF)
    # at 8 both have ended; spending 15 - 8 at 10/s, limited by the link, costs 2/s and the credit of 1 lasts 0.5 s
    times = ends((10.0,), [8.0, 100.0], [Burst(15.0, 1.0), None], *steps, network=network)
    assert times == [close(8.0), close(8.0), close(9.0 + 0.5 + 40 / 8)]


@NETWORKS
def test_a_port_that_runs_out_leaves_the_rest_to_the_others(network):
    steps = Start(0, 0, 0, 60, INF), Start(0, 0, 1, 60, INF)
    # 10 each until the first has paid 18 at 2 s; then 1 and 19
    assert ends((20.0,), [1.0, 100.0], [Burst(50.0, 18.0), None], *steps, network=network) == [
        close(2 + 40 / 1),
        close(2 + 40 / 19),
    ]


def test_a_fleet_in_step_pays_in_step():
    env = Environment()
    net = Network(env)
    link = net.link("registry")
    flows = [net.transfer(link, net.port(f"node{i}", 5.0, Burst(20.0, 60.0)), 90) for i in range(50)]
    env.run()
    assert env.now == close(6.0)
    assert all(flow.processed for flow in flows)
    assert net.settles == 3  # the start, the end of all credit, the end


def test_a_cancelled_transfer_stops_paying():
    env = Environment()
    net = Network(env)
    link, port = net.link("registry"), net.port("node", 5.0, Burst(20.0, 60.0))
    first = net.transfer(link, port, 1000)
    left = []
    Call(env, lambda _: left.append(first.cancel()), 2.0)  # has paid 30
    Call(env, lambda _: net.transfer(link, port, 60), 4.0)  # has earned 10 of them again
    env.run()
    assert left == [close(960.0)]
    # 40 of credit last 40/15 s, 53.3 bytes; the rest at 5/s
    assert env.now == close(4 + 40 / 15 + (60 - 20 * 40 / 15) / 5)


@pytest.mark.parametrize("burst", [Burst(5.0, 10.0), Burst(4.0, 10.0), Burst(10.0, 0.0)])
def test_a_burst_rate_is_above_the_sustained_one_and_has_credit(burst):
    with pytest.raises(ValueError, match="not"):
        Network(Environment()).port("node", 5.0, burst)


def test_seconds_are_counted_once_where_credit_ends_in_the_instant_of_another_change():
    burst = Burst(math.sqrt(8), math.sqrt(7))
    steps = [Start(0.0, 1, 0, 5, INF), Start(0.0, 2, 1, 1, INF), Start(0.0, 0, 1, 1, INF), Start(0.0, 2, 0, 1, INF)]
    steps += [Start(0.0, 0, 1, 1, INF), Start(0.0, 0, 2, 1, INF), Start(math.sqrt(5), 0, 0, 1, INF)]
    out = play(Network, Script((1.0, 3.0, INF), (math.sqrt(2),) * 3, tuple(steps), (burst,) * 3))
    for key, transfer in out.transfers.items():
        assert sum(transfer.limited) == close(out.ended[key] - steps[key[0]].at)
