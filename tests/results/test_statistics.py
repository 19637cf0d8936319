import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pullsim.results.statistics import (
    PERCENTILE_METHOD,
    THOUSANDTHS,
    Distribution,
    Waits,
    distribution,
    event_rate,
    flow_rate,
    percentile,
    waits,
)

SECONDS = st.floats(0, 1e5)


def test_no_values():
    assert distribution([]) == Distribution(0)


#: The percentiles as exact numbers; floats would not do, as 0.999 times some counts is not what it is on paper.
SHARES = {name: Fraction(thousandths, 1000) for name, thousandths in THOUSANDTHS.items()}
TIES = st.integers(0, 5).map(float)


def percentiles(figures):
    return [getattr(figures, name) for name in SHARES]


def first_that_is_reached(values, share):
    """The definition: the smallest of the values that at least this share of them does not exceed."""
    return min(v for v in values if sum(other <= v for other in values) >= share * len(values))


@given(st.lists(SECONDS | TIES, min_size=1, max_size=60))
def test_percentiles_are_by_definition_of_the_values_and_never_fall(values):
    figures = distribution(values)
    assert figures.count == len(values)
    assert percentiles(figures) == [first_that_is_reached(values, share) for share in SHARES.values()]
    assert {*percentiles(figures)} <= {*values}
    assert percentiles(figures) == sorted(percentiles(figures))


@given(st.lists(SECONDS | TIES, min_size=1, max_size=60))
def test_percentiles_are_numpys_inverted_cdf(values):
    for q in (50, 90, 95, 99):
        if (q * len(values)) % 100:  # at a whole rank numpy's is one further where q / 100 is above what it should be
            assert percentile(sorted(values), 10 * q) == np.percentile(values, q, method=PERCENTILE_METHOD)


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (1, [1, 1, 1, 1, 1, 1]),
        (2, [1, 2, 2, 2, 2, 2]),
        (10, [5, 9, 10, 10, 10, 10]),
        (100, [50, 90, 95, 99, 100, 100]),
        (999, [500, 900, 950, 990, 999, 999]),
        (1000, [500, 900, 950, 990, 999, 1000]),
        (1001, [501, 901, 951, 991, 1000, 1001]),
        (3000, [1500, 2700, 2850, 2970, 2997, 3000]),
    ],
)
def test_percentiles_of_known_values(count, expected):
    assert percentiles(distribution([float(each) for each in range(1, count + 1)])) == expected


@given(st.lists(SECONDS | TIES, max_size=60), st.integers(0, 20))
def test_what_never_came_is_later_than_everything(values, never):
    figures = waits(values, never)
    assert (figures.count, figures.never) == (len(values) + never, never)
    if not figures.count:
        assert figures == Waits(0)
        return
    everything = [*values, *[math.inf] * never]
    assert percentiles(figures) == [first_that_is_reached(everything, share) for share in SHARES.values()]
    assert figures.mean == (math.inf if never else pytest.approx(sum(values) / len(values)))


def test_two_of_a_hundred_never():
    figures = waits([float(each) for each in range(98)], 2)
    assert (figures.p95, figures.p99, figures.p99_9, figures.max, figures.mean) == (94.0, *[math.inf] * 4)
    assert waits([1.0] * 99, 1).p99 == 1.0


def fullest(times, window):
    """The obvious way: count from every instant on."""
    return max(sum(start <= time <= start + window for time in times) for start in times)


@given(st.lists(st.integers(1, 300), min_size=1, max_size=40))
def test_event_rate(times):
    rate = event_rate(times, 0.0, 60.0)
    assert rate.window == min(60, max(times))
    assert rate.mean == pytest.approx(len(times) / max(times))
    assert rate.peak == pytest.approx(fullest(times, rate.window) / rate.window)


def test_event_rate_of_nothing_and_of_no_time():
    assert event_rate([], 0.0, 60.0).mean is None
    assert event_rate([5.0, 5.0], 5.0, 60.0).mean is None


def arrived(spans, time):
    return sum(amount * min(max((time - start) / (end - start), 0), 1) for start, end, amount in spans)


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(1, 30), st.integers(1, 1000)), min_size=1, max_size=12),
    st.sampled_from([1.0, 5.0, 10.0]),
)
@settings(max_examples=100)
def test_flow_rate_has_the_steepest_window(shapes, window):
    spans = [(float(start), float(start + length), float(amount)) for start, length, amount in shapes]
    rate = flow_rate(spans, window)
    first, last = min(span[0] for span in spans), max(span[1] for span in spans)
    assert rate.mean == pytest.approx(sum(span[2] for span in spans) / (last - first))
    assert rate.window == min(window, last - first)
    scan = max(
        arrived(spans, t / 4 + rate.window) - arrived(spans, t / 4) for t in range(int(4 * first), int(4 * last) + 1)
    )
    assert rate.peak == pytest.approx(scan / rate.window)


def test_flow_rate_of_nothing():
    assert flow_rate([], 10.0).peak is None
    assert flow_rate([(1.0, 2.0, 0.0)], 10.0).peak is None
