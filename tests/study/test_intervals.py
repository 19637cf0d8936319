from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullsim.study.intervals import bootstrap


def test_few_values():
    assert bootstrap([]) == (None, None, None, 0)
    assert bootstrap([None]) == (None, None, None, 0)
    assert bootstrap([2.0]) == (2.0, None, None, 1)
    assert bootstrap([2.0, None]) == (2.0, None, None, 1)
    assert bootstrap([2.0, 2.0, 2.0]) == (2.0, 2.0, 2.0, 3)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30))
def test_the_interval_lies_within_the_values_and_around_the_mean(values):
    mean, low, high, runs = bootstrap(values)
    assert runs == len(values)
    slack = 1e-9 * max(map(abs, values))
    assert min(values) - slack <= low <= mean + slack
    assert mean - slack <= high <= max(values) + slack


@pytest.mark.long
def test_it_covers_the_true_mean_about_as_often_as_it_says():
    """Of 300 samples of 40 normal values, 95 % of the intervals have the mean in them, of a bootstrap a little less."""
    draws = np.random.default_rng(1).normal(5.0, 2.0, size=(300, 40))
    covered = sum(low <= 5.0 <= high for _, low, high, _ in (bootstrap(row.tolist()) for row in draws))
    assert 0.90 <= covered / 300 <= 0.98


def test_equal_values_give_equal_intervals():
    assert bootstrap([1.0, 2.0, 4.0]) == bootstrap([1.0, 2.0, 4.0])
