from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullsim.kernel.clock import run_until
from pullsim.kernel.environment import Environment
from pullsim.kernel.event import Call
from pullsim.kernel.processor_sharing import _REBASE, ProcessorSharing


def cores(n):
    """Two cores, of which each keeps 0.85 of its speed when both are busy."""
    return 1.0 if n == 1 else 0.85 * min(n, 2)


def integrate(capacity, jobs, cancels, speeds):
    """The same by brute force: all jobs' work is brought up to date at each event."""
    left, done, now, speed = {}, {}, 0.0, 1.0
    changes = sorted(
        [(at, 0, i, work) for i, (at, work) in enumerate(jobs)]
        + [(at, 1, i, 0.0) for i, at in cancels.items()]
        + [(at, 2, -1, factor) for at, factor in speeds]
    )
    while left or changes:
        rate = capacity(len(left)) * speed / len(left) if left else 0.0
        end = min(((work / rate, i) for i, work in left.items()), default=(float("inf"), -1))
        if changes and changes[0][0] <= now + end[0]:
            at, kind, i, value = changes.pop(0)
            left = {j: work - rate * (at - now) for j, work in left.items()}
            now = at
            if kind == 0:
                left[i] = value
            elif kind == 1:
                if i in left:
                    done[i] = "cancelled", left.pop(i)
            else:
                speed = value
        else:
            wait, i = end
            left = {j: work - rate * wait for j, work in left.items()}
            now += wait
            del left[i]
            done[i] = "done", now
    return done


def simulate(capacity, jobs, cancels, speeds, awaited=None):
    """``awaited``: when a job is first waited for, by its number; inf: never, and all others from the start."""
    env = Environment()
    server = ProcessorSharing(env, capacity)
    done, running = {}, {}

    def start(i, work):
        if i in (awaited or {}):
            running[i] = server.begin(work)
            if awaited[i] < math.inf:
                Call(env, lambda _: wait(i), max(0.0, awaited[i] - env.now))
            return
        job = running[i] = server.run(work)
        job.callbacks.append(lambda _: done.update({i: ("done", env.now)}))

    def wait(i):
        if i in done:  # cancelled
            return
        job = running[i].wait()
        if job is None:
            done[i] = "done by", env.now
        else:
            job.callbacks.append(lambda _: done.update({i: ("done", env.now)}))

    def cancel(i):
        if i in running and i not in done:
            left = running[i].cancel()
            done[i] = ("cancelled", left) if left else ("done by", env.now)

    for i, (at, work) in enumerate(jobs):
        Call(env, lambda _, i=i, work=work: start(i, work), at)
    for i, at in cancels.items():
        Call(env, lambda _, i=i: cancel(i), at)
    for at, factor in speeds:
        Call(env, lambda _, factor=factor: server.set_speed(factor), at)
    env.run()
    env.run(until=1e3)  # the end of a job that nobody waits for is no event
    assert server.jobs == 0
    return done


times = st.floats(0, 20)
work = st.floats(1e-3, 10)


@given(
    st.lists(st.tuples(times, work), min_size=1, max_size=12),
    st.dictionaries(st.integers(0, 11), times, max_size=4),
    st.lists(
        st.tuples(times, st.sampled_from([0.5, 1 / 1.09, 1.0, 2.0])), max_size=4, unique_by=lambda speed: speed[0]
    ),
    st.sampled_from([cores, lambda _: 3.0, float]),
)
def test_against_brute_force(jobs, cancels, speeds, capacity):
    expected = integrate(capacity, jobs, cancels, speeds)
    got = simulate(capacity, jobs, cancels, speeds)
    assert got.keys() == expected.keys()
    for i, (how, value) in got.items():
        if how == expected[i][0]:
            assert value == pytest.approx(expected[i][1], rel=1e-9, abs=1e-9)
        else:  # cancelled in the very instant in which it ended
            at = cancels[i]
            assert at == pytest.approx(expected[i][1] if how == "cancelled" else value, rel=1e-9, abs=1e-9)


@given(
    st.lists(st.tuples(times, work), min_size=1, max_size=12),
    st.dictionaries(st.integers(0, 11), times, max_size=4),
    st.dictionaries(st.integers(0, 11), st.one_of(st.just(math.inf), st.floats(0, 40)), max_size=12),
    st.sampled_from([cores, lambda _: 3.0, float]),
)
def test_jobs_that_nobody_waits_for_take_their_share_all_the_same(jobs, cancels, awaited, capacity):
    expected = integrate(capacity, jobs, cancels, [])
    got = simulate(capacity, jobs, cancels, [], awaited)
    for i, (how, value) in got.items():
        if how == expected[i][0]:
            assert value == pytest.approx(expected[i][1], rel=1e-9, abs=1e-9)
        elif how == "done by":  # it is only known that it was done by then
            end = expected[i][1] if expected[i][0] == "done" else cancels[i]
            assert value >= end - 1e-9
        else:
            at = cancels[i]
            assert at == pytest.approx(value if how == "done" else expected[i][1], rel=1e-9, abs=1e-9)
    assert {i for i in expected if awaited.get(i, 0.0) < math.inf} <= got.keys()


def test_jobs_that_nobody_waits_for_are_no_events():
    env = Environment()
    server = ProcessorSharing(env, lambda _: 1.0)
    short, long = server.begin(2.0), server.begin(10.0)
    assert not len(env)
    env.run(until=4.0)  # the short one ended in this very instant, with 2 of the long one's 10 done
    assert short.wait() is None
    assert long.wait() is long
    run_until(env, None, long)
    assert env.now == 12.0


def test_equal_jobs_end_together():
    done = simulate(lambda _: 4.0, [(0.0, 2.0), (0.0, 2.0)], {}, [])
    assert done == {0: ("done", 1.0), 1: ("done", 1.0)}


def test_a_latecomer_slows_the_first():
    # 100 units alone for 1 s at 50/s; then 25/s each: 50 left take 2 s, and the other has 10 left for 0.2 s alone
    assert simulate(lambda _: 50.0, [(0.0, 100.0), (1.0, 60.0)], {}, []) == {0: ("done", 3.0), 1: ("done", 3.2)}


def test_efficiency_of_cores():
    assert simulate(cores, [(0.0, 1.0)], {}, [])[0] == ("done", 1.0)
    assert simulate(cores, [(0.0, 1.0), (0.0, 1.0)], {}, [])[1][1] == pytest.approx(2 / 1.7)


def test_the_clock_does_not_stall_where_steps_are_below_its_precision():
    """Late in time, and with service read to fewer digits than the work: each wake-up must still end its job."""
    env = Environment(1e7 / 3)
    server = ProcessorSharing(env, lambda _: 1e12)
    ended = []

    def chain(step):
        for i in range(50):
            yield server.run(1.0 / 3 + step * i)
        ended.append(step)

    server.run(3e13)
    for step in (1e-3, 1e3, 1e9):
        env.process(chain(step))
    for _ in range(2000):
        if env.peek() == float("inf"):
            break
        env.step()
    assert sorted(ended) == [1e-3, 1e3, 1e9]
    assert server.jobs == 0


def test_one_wake_up_at_a_time():
    env = Environment()
    server = ProcessorSharing(env, lambda _: 1.0)
    for _ in range(1000):
        server.run(10.0)
    assert len(env) == 1


def test_no_work_is_done_at_once_and_a_done_job_is_not_cancelled():
    env = Environment()
    server = ProcessorSharing(env, lambda _: 1.0)
    job = server.run(0.0)
    assert job.triggered
    assert job.cancel() == 0.0
    for bad in (lambda: server.run(-1.0), lambda: server.set_speed(0.0)):
        with pytest.raises(ValueError, match="not"):
            bad()


def test_a_server_that_is_never_idle_does_not_wear_its_clock_out():
    env = Environment()
    server = ProcessorSharing(env, lambda _: 1e9)

    def chain(size):
        while True:
            yield server.run(size)

    env.process(chain(1e9))
    env.process(chain(1e9 / math.pi))
    env.run(until=1000.0)
    assert server._clock < 2 * _REBASE
    began, job = env.now, server.run(1.0)
    run_until(env, None, job)
    assert env.now - began == pytest.approx(3e-9, abs=1e-12)
