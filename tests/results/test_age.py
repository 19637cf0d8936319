"""Ages in the form of kubectl."""

from __future__ import annotations

import pytest

from pullsim.results.kubectl.age import age

DAY, YEAR = 86_400, 365 * 86_400


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-2.0, "<invalid>"),
        (-1.9, "0s"),  # clocks may differ a little
        (-0.5, "0s"),
        (0.0, "0s"),
        (0.999, "0s"),
        (119.999, "119s"),
        (120, "2m"),
        (121, "2m1s"),
        (599.9, "9m59s"),
        (600, "10m"),
        (659, "10m"),
        (3600, "60m"),
        (3 * 3600 - 1, "179m"),
        (3 * 3600, "3h"),
        (3 * 3600 + 60, "3h1m"),
        (8 * 3600 - 1, "7h59m"),
        (8 * 3600 + 1799, "8h"),
        (2 * DAY - 1, "47h"),
        (2 * DAY, "2d"),
        (2 * DAY + 3600, "2d1h"),
        (8 * DAY - 1, "7d23h"),
        (8 * DAY + 3600, "8d"),
        (2 * YEAR - 1, "729d"),
        (2 * YEAR, "2y"),
        (2 * YEAR + DAY, "2y1d"),
        (8 * YEAR - 1, "7y364d"),
        (8 * YEAR + 40 * DAY, "8y"),
    ],
)
def test_two_or_three_figures(seconds, text):
    assert age(seconds) == text
