"""TCP slow start as a stage before a transfer joins the sharing of links."""

from __future__ import annotations


def slow_start(window: int, max_window: int, size: int, rate: float, round_trip: float) -> tuple[int, int, int]:
    """Return the round trips spent, the bytes sent in them, and the connection's window after the transfer.

    Each round trip (``round_trip`` seconds) sends one window (bytes) and doubles it, until the window covers what is
    left of ``size``, fills the path (``rate`` bytes/s times the round trip), or is ``max_window``. The bytes that are
    not sent join the sharing; while they keep the path full, the window grows to ``max_window``. Raises ValueError for
    a window below one byte. Source: RFC 5681, section 3.1, without losses.
    """
    if window < 1:
        raise ValueError(f"a window is at least one byte, not {window}")
    in_flight = rate * round_trip if round_trip > 0.0 else 0.0  # an infinite rate has no path to fill at no distance
    rounds, left = 0, size
    while window < max_window and window < left and window < in_flight:
        left -= window
        rounds += 1
        window = min(2 * window, max_window)
    return rounds, size - left, max_window if window < left else window
