"""The order of entries is that of their times, priorities and numbers, in both kinds of heap."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullsim.compiled import compiled
from pullsim.kernel import agenda
from pullsim.kernel.agenda import Agenda
from pullsim.kernel.event import Event

DELAYS = st.sampled_from([0.0, 0.0, 1.0, 1.0, 2.0, 0.1 + 0.2, 0.3, 5.0, math.inf])  # few, so that many tie
STEPS = st.lists(st.one_of(st.none(), st.tuples(DELAYS, st.integers(0, 3))), max_size=60)  # None: take one

#: Whether the heap is of entries, or of tuples; compiled there is only the one of entries.
HEAPS = pytest.mark.parametrize("of_entries", [True] if compiled() else [False, True])


@HEAPS
@given(STEPS)
def test_entries_come_in_the_order_of_a_sorted_list(of_entries, steps):
    with pytest.MonkeyPatch.context() as patch:
        if not compiled():
            patch.setattr(agenda, "_COMPILED", of_entries)
        ours, expected, number = Agenda(7.0), [], 0
        for step in [*steps, *[None] * len(steps)]:
            if step is None:
                due = min(expected, default=None, key=lambda each: each[:3])
                assert ours.peek() == (math.inf if due is None else due[0])
                first = ours.take(1e300)
                if due is None or due[0] > 1e300:
                    assert first is None
                else:
                    expected.remove(due)
                    assert first is due[3]
                    assert ours.now == due[0]
            else:
                delay, priority = step
                event, number = Event(ours), number + 1
                ours.add(event, delay, priority)
                expected.append((ours.now + delay, priority, number, event))
            assert len(ours) == len(expected)
        assert ours.scheduled == number


def test_nothing_is_taken_that_comes_after_the_end():
    ours = Agenda()
    event = Event(ours)
    ours.add(event, 2.0, 1)
    assert ours.take(1.999) is None
    assert ours.now == 0.0
    assert ours.take(2.0) is event
    assert ours.now == 2.0
    assert ours.peek() == math.inf
