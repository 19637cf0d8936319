import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pullsim.results.statistics import Distribution, distribution, event_rate, flow_rate

SECONDS = st.floats(0, 1e5)


def test_no_values():
    assert distribution([]) == Distribution(0)


@given(st.lists(SECONDS, min_size=1, max_size=50))
def test_percentiles_are_those_of_numpy_and_pandas(values):
    figures = distribution(values)
    assert figures.count == len(values)
    for name, q in (("p50", 50), ("p90", 90), ("p95", 95), ("p99", 99), ("max", 100)):
        assert getattr(figures, name) == pytest.approx(np.percentile(values, q))
    assert figures.p50 <= figures.p90 <= figures.p95 <= figures.p99 <= figures.max


def test_percentiles_interpolate():
    assert distribution([1.0, 2.0]).p90 == pytest.approx(1.9)


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
