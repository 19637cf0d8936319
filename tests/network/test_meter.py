from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullsim.network.meter import Meter

pieces = st.lists(st.tuples(st.floats(0, 20_000), st.floats(0, 3_000), st.floats(0, 1e9)), max_size=12)


@given(pieces)
def test_nothing_is_lost_and_the_record_is_bounded(added):
    meter = Meter()
    for start, length, rate in added:
        meter.add(start, start + length, rate)
    exact = math.fsum(rate * ((start + length) - start) for start, length, rate in added)
    samples = meter.samples()
    assert meter.total == pytest.approx(exact, rel=1e-12)
    assert math.fsum((end - start) * rate for start, end, rate in samples) == pytest.approx(exact, rel=1e-9, abs=1e-3)
    assert len(meter._bins) <= 2048
    assert all(a[1] == b[0] for a, b in pairwise(samples))


def test_short_records_have_bins_of_a_second():
    meter = Meter()
    meter.add(0.5, 2.25, 8.0)
    assert meter.samples() == [(0.0, 1.0, 4.0), (1.0, 2.0, 8.0), (2.0, 2.25, 8.0)]


def test_bins_double_as_time_goes_on():
    meter = Meter()
    meter.add(0.0, 1.0, 6.0)
    meter.add(5000.0, 5001.0, 4.0)
    samples = meter.samples()
    assert samples[0] == (0.0, 4.0, 1.5)
    assert samples[-1] == (5000.0, 5001.0, 4.0)
    assert meter.total == 10.0


def test_no_record_no_samples():
    assert Meter().samples() == []


def test_the_record_is_bounded_at_the_edge_of_a_bin():
    meter = Meter()
    meter.add(0.0, 4096.0, 1.0)
    assert len(meter._bins) <= 2048
    assert meter.samples() == [(4.0 * i, 4.0 * i + 4.0, 1.0) for i in range(1024)]
