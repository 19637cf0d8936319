from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullsim.kernel.clock import nanoseconds, run_until
from pullsim.kernel.environment import Environment
from pullsim.kernel.event import LAST, Call, happen


def test_order_within_an_instant():
    env = Environment()
    order = []
    Call(env, lambda _: order.append("settle"), 1.0, LAST)
    Call(env, lambda _: Call(env, lambda _: order.append("caused")), 1.0)
    Call(env, lambda _: order.append("ordinary"), 1.0)
    env.run()
    assert order == ["ordinary", "caused", "settle"]


@pytest.mark.parametrize(("seconds", "expected"), [(0.1 + 0.2, 300_000_000), (10.0, 10**10), (1e-9, 1), (0.0, 0)])
def test_nanoseconds(seconds, expected):
    assert nanoseconds(seconds) == expected


def test_the_horizon_is_inclusive_with_settles_and_what_they_cause():
    env = Environment()
    seen = []
    Call(env, lambda _: Call(env, lambda _: Call(env, lambda _: seen.append(env.now)), priority=LAST), 2.0)
    Call(env, lambda _: seen.append("too late"), 2.0000001)
    assert run_until(env, 2.0, env.event()) == env.now == 2.0
    assert seen == [2.0]


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_the_clock_stands_at_the_horizon_when_something_is_left(now, more):
    env = Environment(now)
    horizon = now + more
    env.timeout(more + 1.0)
    assert run_until(env, horizon, env.event()) == env.now == pytest.approx(horizon, rel=1e-15)


def test_what_comes_just_after_the_horizon_does_not_happen():
    """Here the present plus (horizon - present) is the next number after the horizon."""
    bit = 2.0**-52
    env = Environment(1.5 * bit)
    horizon = 1.0 + 3 * bit
    late = Call(env, lambda _: None, 1.0 + 2 * bit)
    assert env.peek() == horizon + bit
    assert run_until(env, horizon, env.event()) <= horizon
    assert not late.processed


def test_the_end_of_an_empty_queue_is_the_last_event():
    env = Environment()
    env.timeout(3.0)
    assert run_until(env, 10.0, env.event()) == env.now == 3.0
    assert run_until(env, None, env.event()) == 3.0


def test_the_stop_ends_its_instant_and_abandoned_timers_do_not_count():
    env = Environment()
    stop, seen = env.event(), []
    Call(env, lambda _: stop.succeed(), 1.0)
    Call(env, lambda _: seen.append("same instant"), 1.0, LAST)
    env.timeout(500.0)
    assert run_until(env, None, stop) == env.now == 1.0
    assert seen == ["same instant"]
    assert run_until(env, None, stop) == 1.0  # it has happened


def test_a_past_horizon_is_refused():
    with pytest.raises(ValueError, match="before the present"):
        run_until(Environment(5.0), 4.0, Environment().event())


def test_failures_come_through():
    env = Environment()
    stop = env.event()
    Call(env, lambda _: stop.fail(RuntimeError("boom")), 1.0)
    with pytest.raises(RuntimeError, match="boom"):
        run_until(env, None, stop)


def test_the_environment_is_that_of_simpy():
    env = Environment(3.0)
    seen = []

    def process():
        seen.append((env.now, (yield env.timeout(1.5, "value"))))
        yield env.timeout(0.5)

    env.process(process())
    env.run(until=4.0)
    assert env.now == 4.0
    env.run()
    assert (env.now, seen) == (5.0, [(3.0, "value")])
    with pytest.raises(ValueError, match="-1"):
        env.timeout(-1.0)


def test_a_failed_event_that_nobody_handles_ends_the_run():
    env = Environment()
    env.event().fail(KeyError("lost"))
    with pytest.raises(KeyError, match="lost"):
        run_until(env, None, env.event())


def test_what_is_made_to_happen_has_happened_before_its_consequences():
    env = Environment()
    first, second = env.event(), env.event()
    seen = []
    first.callbacks.append(lambda _: seen.append((first.processed, second.triggered, second.processed)))
    happen([first, second])
    assert seen == [(True, True, False)]
    assert second.processed
    assert second.ok


def test_the_clock_begins_as_a_float_so_that_results_are_the_same_texts_compiled_or_not():
    assert repr(Environment().now) == "0.0"
