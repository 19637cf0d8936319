from __future__ import annotations

import pytest
import simpy

from pullsim.kernel.environment import Environment
from pullsim.kernel.process import Part, Process, part


def waiter(env, seen, delay=1.0):
    try:
        value = yield env.timeout(delay, "value")
    except simpy.Interrupt as interrupt:
        seen.append((env.now, "interrupted", interrupt.cause))
        return "cut"
    seen.append((env.now, value))
    return "done"


def test_a_process_returns_what_its_generator_does_and_can_be_waited_for_by_several():
    env, seen = Environment(), []
    inner = Process(env, waiter(env, seen))
    assert inner.is_alive

    def outer(name):
        value = yield inner
        seen.append((env.now, name, value))

    Process(env, outer("a"))
    Process(env, outer("b"))
    env.run()
    assert seen == [(1.0, "value"), (1.0, "a", "done"), (1.0, "b", "done")]
    assert inner.processed


def test_the_end_that_nobody_waits_for_is_no_event():
    env = Environment()
    inner = Process(env, waiter(env, []))
    env.run(until=1.5)
    before = env.scheduled
    assert inner.processed
    assert inner.value == "done"

    def late():
        return (yield inner)

    outer = Process(env, late())
    env.run(until=2)
    assert outer.value == "done"
    assert env.scheduled - before <= 4  # the begin of it, and of `run`'s own event


def test_a_process_begins_before_what_else_is_to_happen_but_not_within_its_maker():
    env, seen = Environment(), []

    def inner():
        seen.append("inner")
        yield env.timeout(0)

    def outer():
        env.timeout(0).callbacks.append(lambda _: seen.append("ordinary"))
        Process(env, inner())
        seen.append("outer")
        yield env.timeout(1)

    Process(env, outer())
    env.run()
    assert seen == ["outer", "inner", "ordinary"]


def test_interrupts_reach_the_part():
    env, seen = Environment(), []

    def outer():
        value = yield from part(env, waiter(env, seen, 5.0))
        seen.append(value)

    process = Process(env, outer())
    env.run(until=2)
    process.interrupt("why")
    env.run()
    assert seen == [(2.0, "interrupted", "why"), "cut"]


def test_an_interrupt_that_the_part_does_not_handle_ends_the_whole():
    env = Environment()

    def inner():
        yield env.timeout(5)

    def outer():
        with pytest.raises(simpy.Interrupt) as caught:
            yield from part(env, inner())
        return caught.value.cause

    process = Process(env, outer())
    env.run(until=2)
    process.interrupt("left")
    env.run(until=3)
    assert process.value == "left"


@pytest.mark.parametrize("late", [False, True])
def test_the_error_of_a_part_is_that_of_the_whole(late):
    env = Environment()

    def inner():
        if late:
            yield env.timeout(1)
        raise KeyError("lost")

    def outer():
        yield Part(env, inner())

    Process(env, outer())
    with pytest.raises(KeyError, match="lost"):
        env.run()


def test_a_part_is_the_active_process_and_leaves_it_as_it_was():
    env, seen = Environment(), []

    def inner():
        seen.append(env.active_process)
        yield env.timeout(1)
        seen.append(env.active_process)

    def outer():
        piece = Part(env, inner())
        seen.append(env.active_process)
        yield piece
        seen.append(env.active_process)
        seen.append(piece)

    process = Process(env, outer())
    env.run()
    piece = seen.pop()
    assert seen == [piece, process, piece, process]
