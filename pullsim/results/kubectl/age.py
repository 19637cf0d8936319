"""Ages as kubectl writes them."""

from __future__ import annotations

MINUTE, HOUR, DAY, YEAR = 60, 3600, 86_400, 365 * 86_400


def age(seconds: float) -> str:
    """Write an age in seconds as kubectl does: ``119s``, ``9m59s``, ``15m``, ``3h5m``, ``2d``; truncated, not rounded.

    Models apimachinery/pkg/util/duration/duration.go HumanDuration (since 1.12).
    """
    whole = int(seconds)
    if whole < -1:
        return "<invalid>"
    for limit, unit, letter, below, small in _FORMS:
        if whole < limit:
            count, rest = divmod(max(whole, 0), unit)
            fraction = rest // below if below else 0
            return f"{count}{letter}{fraction}{small}" if fraction else f"{count}{letter}"
    return f"{whole // YEAR}y"


#: The age below which a form is used, its unit, and the unit of its second figure (0: it has none).
_FORMS = (
    (2 * MINUTE, 1, "s", 0, ""),
    (10 * MINUTE, MINUTE, "m", 1, "s"),
    (3 * HOUR, MINUTE, "m", 0, ""),
    (8 * HOUR, HOUR, "h", MINUTE, "m"),
    (2 * DAY, HOUR, "h", 0, ""),
    (8 * DAY, DAY, "d", HOUR, "h"),
    (2 * YEAR, DAY, "d", 0, ""),
    (8 * YEAR, YEAR, "y", DAY, "d"),
)
