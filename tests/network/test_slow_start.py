from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullsim.network.slow_start import slow_start

windows = st.integers(1, 10_000_000)
rates = st.floats(1e3, 1e10) | st.just(math.inf)


@given(windows, windows, st.integers(1, 10**10), rates, st.floats(0, 1))
def test_invariants(window, max_window, size, rate, round_trip):
    rounds, sent, after = slow_start(window, max_window, size, rate, round_trip)
    assert 0 <= sent < size
    assert (rounds == 0) == (sent == 0)
    assert after >= min(window, max_window)
    assert after <= max(window, max_window)
    # as many windows, each twice the last, as were sent
    assert sent == sum(min(window * 2**i, max_window) for i in range(rounds))
    # nothing more can be gained: what is left fits, the path is full, or the window is at its largest
    last = min(window * 2**rounds, max_window) if rounds else window
    assert size - sent <= last or last >= rate * round_trip or last >= max_window
    # a shorter slow start would not have covered it
    if rounds:
        before = min(window * 2 ** (rounds - 1), max_window)
        assert before < min(size - sent + before, rate * round_trip, max_window)


@given(windows, st.integers(1, 10**10), st.floats(1e3, 1e10), st.floats(0, 1))
def test_larger_windows_never_take_more_rounds(window, size, rate, round_trip):
    def rounds(first):
        return slow_start(first, 10_000_000, size, rate, round_trip)[0]

    assert rounds(min(2 * window, 10_000_000)) <= rounds(window)


def test_a_kept_connection_sends_a_small_layer_in_one_burst():
    _, _, window = slow_start(14_480, 3_000_000, 50_000_000, math.inf, 0.02)
    assert window == 3_000_000
    assert slow_start(window, 3_000_000, 2_000_000, math.inf, 0.02) == (0, 0, 3_000_000)


def test_by_hand():
    assert slow_start(10, 1000, 100, math.inf, 0.1) == (3, 70, 80)  # 10 + 20 + 40, then 30 fit
    assert slow_start(10, 40, 1000, math.inf, 0.1) == (2, 30, 40)
    assert slow_start(10, 1000, 1000, 300.0, 0.1) == (2, 30, 1000)  # 30 bytes fill the path
    assert slow_start(10, 1000, 1000, math.inf, 0.0) == (0, 0, 1000)


def test_no_window_is_refused():
    with pytest.raises(ValueError, match="not 0"):
        slow_start(0, 10, 10, 1.0, 1.0)
