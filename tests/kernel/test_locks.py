from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullsim.kernel.environment import Environment
from pullsim.kernel.locks import KeyedLocks, Slots


def test_free_slots_need_no_event():
    slots = Slots(Environment(), 2)
    assert slots.acquire() is None
    assert slots.acquire() is None
    assert slots.acquire() is not None
    assert slots.waiting == 1


def test_without_limit_nothing_waits():
    slots = Slots(Environment(), None)
    assert all(slots.acquire() is None for _ in range(100))
    slots.release()


def test_no_slots_at_all_is_refused():
    with pytest.raises(ValueError, match="not 0"):
        Slots(Environment(), 0)


def test_a_slot_is_handed_over_and_cannot_be_taken_on_the_way():
    env = Environment()
    slots = Slots(env, 1)
    slots.acquire()
    first = slots.acquire()
    slots.release()
    assert first.triggered
    assert slots.acquire() is not None  # behind the first one, although its event is not processed yet


@given(st.integers(1, 4), st.lists(st.tuples(st.integers(0, 20), st.integers(0, 10)), max_size=30))
def test_slots_serve_in_order_of_arrival_and_never_too_many(n, jobs):
    env = Environment()
    slots = Slots(env, n)
    busy, starts, arrivals = [0], [], []

    def job(number, arrival, length):
        yield env.timeout(arrival)
        arrivals.append(number)
        if (turn := slots.acquire()) is not None:
            yield turn
        starts.append(number)
        busy[0] += 1
        assert busy[0] <= n
        yield env.timeout(length)
        busy[0] -= 1
        slots.release()

    for number, (arrival, length) in enumerate(jobs):
        env.process(job(number, arrival, length))
    env.run()
    assert starts == arrivals
    assert sorted(starts) == list(range(len(jobs)))


def test_cancelled_requests_are_passed_over():
    env = Environment()
    slots = Slots(env, 1)
    slots.acquire()
    a, b, c = (slots.acquire() for _ in range(3))
    slots.cancel(a)
    slots.release()
    assert not a.triggered
    assert b.triggered
    slots.cancel(b)  # handed over already: goes on to the next
    assert c.triggered
    slots.release()
    assert slots.acquire() is None


def test_keyed_locks_are_independent_and_forget_idle_keys():
    env = Environment()
    locks = KeyedLocks(env)
    assert locks.acquire("a") is None
    assert locks.acquire("b") is None
    first, second, third = (locks.acquire("a") for _ in range(3))
    locks.cancel("a", second)
    locks.release("a")
    assert first.triggered
    assert not third.triggered
    locks.cancel("a", first)
    assert third.triggered
    assert not second.triggered
    locks.release("a")
    assert len(locks) == 1
    locks.release("b")
    assert len(locks) == 0
    with pytest.raises(KeyError):
        locks.release("a")
