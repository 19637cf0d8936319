"""Rates as they are printed: a mean, and its peak where that says something."""

import pytest

from pullsim.results.statistics import Rate, flow_rate
from pullsim.results.text import _rate


@pytest.mark.parametrize(
    ("rate", "printed"),
    [
        (Rate(2.0, 5.0, 10.0), "2 on average, 5 in the best 10.0 s"),
        (Rate(2.0, 2.0, 10.0), "2 on average, 2 in the best 10.0 s"),
        (Rate(2.0, 5.0, 7.0), "2 on average"),
        (Rate(2.0, 1.5, 10.0), "2 on average"),
        (flow_rate([(0.0, 5.0, 10.0), (10.0, 15.0, 10.0)], 10.0), "1 on average"),  # bursts at both ends of 15 s
    ],
)
def test_a_peak_is_printed_where_it_says_something(rate, printed):
    assert _rate(rate, 10.0, "{:.0f}".format) == printed
