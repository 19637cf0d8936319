"""TCP slow start, as a stage before the bytes of a transfer share the links with those of others."""

from __future__ import annotations


def slow_start(window: int, max_window: int, size: int, rate: float, round_trip: float) -> tuple[int, int, int]:
    """Return the round trips of slow start, the bytes sent in them, and the window in bytes after the transfer.

    Each round trip of ``round_trip`` seconds sends one window of bytes and doubles it. Slow start ends when the window
    covers the rest of ``size`` bytes, fills the path (``rate`` bytes/s times the round trip), or reaches
    ``max_window``. The bytes that are left then are sent at the rate that sharing gives them. If they are more than
    one window, the window has grown to ``max_window`` in the end. Raises ValueError for a window below one byte.
    Source: RFC 5681, section 3.1, without losses.
    """
    if window < 1:
        raise ValueError(f"a window is at least one byte, not {window}")
    in_flight = rate * round_trip if round_trip > 0.0 else 0.0  # inf * 0 would be NaN
    rounds, left = 0, size
    while window < max_window and window < left and window < in_flight:
        left -= window
        rounds += 1
        window = min(2 * window, max_window)
    return rounds, size - left, max_window if window < left else window
