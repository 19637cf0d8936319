from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from script import Cancel, Script, Start, play, scripts

from pullsim.kernel.clock import run_until
from pullsim.kernel.environment import Environment
from pullsim.kernel.event import Call
from pullsim.network.network import Network
from pullsim.network.reference import ReferenceNetwork

INF = math.inf


def close(value):
    return pytest.approx(value, rel=1e-9, abs=1e-9)


def assert_same_times(fast, slow):
    assert fast.ended.keys() == slow.ended.keys()
    for key, time in slow.ended.items():
        assert fast.ended[key] == close(time)
    assert fast.left.keys() == slow.left.keys()
    for key, left in slow.left.items():
        assert fast.left[key] == close(left)
    assert fast.carried == close(slow.carried)


def assert_conserved(out, script):
    moved = [0.0] * len(script.ports)
    for key, size in out.size_of.items():
        moved[out.port_of[key]] += size - (out.left[key][1] if key in out.left else 0.0)
    assert sum(out.carried) == pytest.approx(sum(moved), rel=1e-9, abs=1e-6)
    for capacity, meter in zip(script.links, out.meters, strict=True):
        assert all(rate <= capacity * (1 + 1e-9) for _, _, rate in meter.samples())
    for capacity, log, bytes_moved in zip(script.ports, out.busy, moved, strict=True):
        assert [busy for busy, _ in log] == [True, False] * (len(log) // 2)
        busy_time = sum(end[1] - start[1] for start, end in zip(log[::2], log[1::2], strict=True))
        assert bytes_moved <= capacity * busy_time * (1 + 1e-9) + 1e-9


@settings(max_examples=150)
@given(scripts(ties=True), st.sampled_from([0.0, 1e5 / 3]))
def test_times_are_those_of_the_reference_when_much_happens_at_once(script, begin):
    fast = play(Network, script, begin)
    assert_same_times(fast, play(ReferenceNetwork, script, begin))
    assert_conserved(fast, script)


@settings(max_examples=150)
@given(scripts(ties=False))
def test_times_and_limits_are_those_of_the_reference(script):
    fast, slow = play(Network, script), play(ReferenceNetwork, script)
    assert_same_times(fast, slow)
    assert_conserved(fast, script)
    for key, transfer in slow.transfers.items():
        limited = fast.transfers[key].limited
        assert limited == close(transfer.limited)
        end = fast.ended[key] if key in fast.ended else fast.left[key][0]
        assert sum(limited) == close(end - fast.transfers[key]._start)


def test_ends_are_the_same_to_the_bit_when_repeated():
    script = Script(
        (7.0, 5.0, INF), (3.0, 4.0), tuple(Start(i % 3, i % 3, i % 2, 10 + i, INF, (1, 0)) for i in range(9))
    )
    assert play(Network, script).ended == play(Network, script).ended


def run(links, ports, *steps):
    script = Script(tuple(links), tuple(ports), steps)
    out = play(Network, script)
    return [out.ended[i, 0] for i, step in enumerate(steps) if isinstance(step, Start)], out


def test_two_equal_flows_share_equally():
    ends, out = run([10.0], [100.0], Start(0, 0, 0, 50, INF), Start(0, 0, 0, 50, INF))
    assert ends == [10.0, 10.0]
    assert out.transfers[0, 0].limited == (10.0, 0.0, 0.0)
    assert out.meters[0].samples()[0] == (0.0, 1.0, 10.0)


def test_a_port_that_cannot_use_its_share_leaves_it_to_the_others():
    ends, out = run([10.0], [2.0, 100.0], Start(0, 0, 0, 20, INF), Start(0, 0, 1, 80, INF))
    assert ends == [10.0, 10.0]
    assert out.transfers[0, 0].limited == (0.0, 0.0, 10.0)
    assert out.transfers[1, 0].limited == (10.0, 0.0, 0.0)


def test_caps_bind_each_transfer():
    ends, out = run([INF], [10.0], *(Start(0, 0, 0, 12, 3.0) for _ in range(2)))
    assert ends == [4.0, 4.0]
    assert out.transfers[0, 0].limited == (0.0, 4.0, 0.0)
    ends, out = run([INF], [10.0], *(Start(0, 0, 0, 20, 3.0) for _ in range(4)))
    assert ends == [8.0] * 4
    assert out.transfers[0, 0].limited == (0.0, 0.0, 8.0)


def test_registries_meet_in_a_port():
    # 2/s are all that the first registry has for the port; the other one may have the remaining 8/s
    ends, out = run([2.0, 100.0], [10.0], Start(0, 0, 0, 20, INF), Start(0, 1, 0, 80, INF))
    assert ends == [10.0, 10.0]
    assert out.transfers[0, 0].limited == (10.0, 0.0, 0.0)
    assert out.transfers[1, 0].limited == (0.0, 0.0, 10.0)
    assert out.carried == [20.0, 80.0]


@pytest.mark.parametrize(
    ("links", "port", "starts"),
    [
        ((10.0,), 10.0, (Start(0, 0, 0, 20, 10.0),)),  # all three at once
        ((10.0, 100.0), 20.0, (Start(0, 0, 0, 20, INF), Start(0, 1, 0, 20, INF))),
        ((INF,), 10.0, (Start(0, 0, 0, 20, 5.0), Start(0, 0, 0, 20, 5.0))),
        ((100.0,), 10.0, (Start(0, 0, 0, 20, 5.0), Start(0, 0, 0, 20, 5.0))),
        ((INF, 100.0), 10.0, (Start(0, 0, 0, 20, 5.0), Start(0, 1, 0, 20, 5.0))),
    ],
)
def test_of_limits_at_one_rate_egress_counts_before_nic_before_connection(links, port, starts):
    script = Script(links, (port,), starts)
    fast, slow = play(Network, script), play(ReferenceNetwork, script)
    assert [flow.limited for flow in fast.transfers.values()] == [flow.limited for flow in slow.transfers.values()]
    assert all(flow.limited[1] == 0.0 for flow in fast.transfers.values())


@pytest.mark.parametrize("nodes", [1, 3, 40, 200])
def test_fan_out_in_closed_form(nodes):
    """Nodes of capacity 10 pull 10 layers of 20 three at a time from a registry of 100: the busier link decides."""
    env = Environment()
    net = Network(env)
    link = net.link("registry", 100.0)

    def worker(port, todo):
        while todo:
            todo.pop()
            yield net.transfer(link, port, 20.0)

    for i in range(nodes):
        port, todo = net.port(f"node{i}", 10.0), list(range(10))
        for _ in range(3):
            env.process(worker(port, todo))
    env.run()
    # the tenth layer comes alone, which only matters to a port that is not full anyway
    assert env.now == pytest.approx(max(200.0 / 10.0, nodes * 200.0 / 100.0))
    assert net.settles == 5
    assert link.carried == pytest.approx(nodes * 200.0)


def test_without_any_limit_and_without_bytes_transfers_end_at_once():
    env = Environment()
    net = Network(env)
    port = net.port("node", INF)
    unlimited = net.transfer(net.link("registry"), port, 1000)
    empty = net.transfer(net.link("other", 5.0), port, 0, cap=1.0)
    assert unlimited.triggered
    assert empty.triggered
    assert empty.limited == unlimited.limited == (0.0, 0.0, 0.0)
    assert port.transfers == 0
    capped = net.transfer(net.link("third"), port, 10, cap=4.0)
    env.run()
    assert env.now == 2.5
    assert capped.limited == (0.0, 2.5, 0.0)


def test_a_cancelled_transfer_never_happens_and_tells_what_is_left():
    env = Environment()
    net = Network(env)
    link, port = net.link("registry", 10.0), net.port("node", 100.0)
    first, second = net.transfer(link, port, 100), net.transfer(link, port, 100)
    left = []
    Call(env, lambda _: left.append(first.cancel()), 4.0)
    assert run_until(env, None, second) == 12.0  # the wake-up for the first one is still to come, at 20
    assert left == [80.0]
    assert not first.triggered
    assert first.cancel() == 0.0
    assert second.cancel() == 0.0
    assert first.limited == (4.0, 0.0, 0.0)
    assert link.carried == 120.0


@pytest.mark.parametrize("links", [[10.0], [INF], [10.0, 30.0], [INF, INF]])
@pytest.mark.parametrize(
    ("sizes", "expected"), [((20, 20, 28, 28), [10, 10, 12, 12]), ((20, 28, 28, 28), [10, 13, 13, 13])]
)
def test_cancelling_the_transfer_that_is_due_ends_no_other_one(links, sizes, expected):
    """It is cancelled in the instant of its end, before the network's wake-up: then its last byte has come."""
    env = Environment()
    net = Network(env)
    made = [net.link(f"link{i}", capacity) for i, capacity in enumerate(links)]
    port = net.port("node", 8.0)
    flows, ends = [], {}
    left = []
    Call(env, lambda _: left.append(flows[0].cancel()), 10.0)
    for i, size in enumerate(sizes):
        flow = net.transfer(made[i % len(made)], port, size)
        flow.callbacks.append(lambda _, i=i: ends.setdefault(i, env.now))
        flows.append(flow)
    env.run()
    assert ends == {i: close(end) for i, end in enumerate(expected)}
    assert left == [0.0]


@pytest.mark.parametrize("link", [6.0, INF])
def test_limits_can_be_read_on_the_way(link):
    env = Environment()
    net = Network(env)
    registry, port = net.link("registry", link), net.port("node", 8.0)
    first = net.transfer(registry, port, 60, cap=5.0)
    Call(env, lambda _: net.transfer(registry, port, 60, cap=5.0), 3.0)
    env.run(until=2.0)
    assert first.limited == (0.0, 2.0, 0.0)
    env.run(until=7.0)
    assert first.limited == ((4.0, 3.0, 0.0) if link < INF else (0.0, 3.0, 4.0))
    run_until(env, None, first)
    assert env.now == 3.0 + (60 - 15) / (min(link, 8.0) / 2)


def test_ports_announce_when_they_become_busy_and_idle():
    _, out = run([1.0], [1.0], Start(1, 0, 0, 4, INF), Start(2, 0, 0, 1, INF), Cancel(20.0, 0), Start(30, 0, 0, 1, INF))
    assert out.busy[0] == [(True, 1.0), (False, 6.0), (True, 30.0), (False, 31.0)]


@pytest.mark.parametrize(
    "call",
    [
        lambda net: net.link("x", 0.0),
        lambda net: net.port("x", -1.0),
        lambda net: net.transfer(net.link("x"), net.port("y", 1.0), -1),
        lambda net: net.transfer(net.link("x"), net.port("y", 1.0), 1, cap=0.0),
    ],
)
def test_bad_numbers_are_refused(call):
    with pytest.raises(ValueError, match="not"):
        call(Network(Environment()))
