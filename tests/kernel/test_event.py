"""Events of this package do what SimPy's do, in SimPy's own processes, conditions and environment too."""

from __future__ import annotations

import pytest
import simpy

from pullsim.kernel.environment import Environment
from pullsim.kernel.event import Call, Event, Timeout
from pullsim.kernel.process import Process

#: SimPy itself, which says what is right; and its processes and this package's in this package's environment.
WORLDS = pytest.mark.parametrize(
    ("environment", "process"),
    [(simpy.Environment, simpy.Process), (Environment, simpy.Process), (Environment, Process)],
)


def call(env, callback, delay):
    """Have a function called after a delay, in any environment."""
    env.timeout(delay).callbacks.append(callback)


@WORLDS
def test_processes_wait_for_them(environment, process):
    env, seen = environment(), []
    gate = env.event()

    def wait(name):
        for event in (gate, env.timeout(3.0, "later"), gate):  # which is long over then
            value = yield event
            seen.append((env.now, name, value))

    for name in "ab":
        process(env, wait(name))
    call(env, lambda _: gate.succeed("open"), 1.0)
    env.run()
    assert seen == [
        (1.0, "a", "open"),
        (1.0, "b", "open"),
        (3.0, "a", "later"),
        (3.0, "a", "open"),
        (3.0, "b", "later"),
        (3.0, "b", "open"),
    ]
    assert gate.processed
    assert gate.ok
    assert gate.callbacks is None


@WORLDS
def test_an_interrupt_takes_the_process_off_the_event(environment, process):
    env, seen = environment(), []
    gate = env.event()

    def wait():
        try:
            yield gate
        except simpy.Interrupt as interrupt:
            seen.append((env.now, interrupt.cause))
            yield env.timeout(5.0)
            seen.append(env.now)

    waiting = process(env, wait())
    others = []
    call(env, lambda _: gate.callbacks.append(others.append), 0.5)
    call(env, lambda _: waiting.interrupt("why"), 1.0)
    call(env, lambda _: gate.succeed(), 2.0)
    env.run()
    assert seen == [(1.0, "why"), 6.0]
    assert others == [gate]


@pytest.mark.parametrize("environment", [simpy.Environment, Environment])
def test_conditions_take_them(environment):
    env = environment()
    first, second = env.timeout(1.0, "first"), env.event()
    either = first | second
    call(env, lambda _: second.succeed(), 3.0)
    both = simpy.AllOf(env, [first, second])
    env.run(either)
    assert env.now == 1.0
    env.run(both)
    assert env.now == 3.0


@WORLDS
def test_a_failure_is_raised_where_it_is_waited_for_else_in_the_run(environment, process):
    env, seen = environment(), []

    def wait(event):
        try:
            yield event
        except KeyError as error:
            seen.append(error.args)

    handled = env.event()
    process(env, wait(handled))
    call(env, lambda _: handled.fail(KeyError("lost")), 1.0)
    env.run(until=2.0)
    assert seen == [("lost",)]
    env.event().fail(KeyError("nobody's"))
    with pytest.raises(KeyError, match="nobody's"):
        env.run(until=3.0)


def test_callbacks_are_called_in_the_order_in_which_they_came():
    env, seen = Environment(), []
    event = Event(env)
    event.call(lambda _: seen.append(1))
    event.call(lambda _: seen.append(2))
    event.callbacks.append(lambda _: seen.append(3))  # as SimPy does
    event.call(lambda _: seen.append(4))
    event.succeed()
    env.run()
    assert seen == [1, 2, 3, 4]


def test_what_happens_at_once_does_so_before_the_process_goes_on():
    env, seen = Environment(), []
    gate = Event(env)

    def wait():
        yield gate
        seen.append(("waited", env.active_process is waiting))
        yield Timeout(env, 1.0)

    def open_it():
        yield Timeout(env, 1.0)
        gate.happen()
        seen.append(("goes on", env.active_process is opening))

    waiting = Process(env, wait())
    opening = Process(env, open_it())
    env.run()
    assert seen == [("waited", True), ("goes on", True)]


def test_who_waits_for_a_process_goes_on_before_anything_else():
    env, seen = Environment(), []

    def inner():
        yield Timeout(env, 1.0)
        Call(env, lambda _: seen.append("later in this instant"))

    def outer(process):
        yield process
        seen.append("outer")

    Process(env, outer(Process(env, inner())))
    env.run()
    assert seen == ["outer", "later in this instant"]


def test_an_error_that_nobody_waits_for_ends_the_run():
    env = Environment()

    def broken():
        yield Timeout(env, 1.0)
        raise KeyError("lost")

    Process(env, broken())
    with pytest.raises(KeyError, match="lost"):
        env.run()


def test_a_process_can_be_waited_for_before_it_begins():
    env, seen = Environment(), []
    late = Process(env)

    def work():
        yield Timeout(env, 1.0)
        return "done"

    def wait():
        seen.append((yield late))

    Process(env, wait())
    Call(env, lambda _: late.start(work()), 3.0)
    assert late.is_alive
    env.run()
    assert (env.now, seen) == (4.0, ["done"])
