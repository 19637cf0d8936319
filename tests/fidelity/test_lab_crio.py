"""The lab's pulls of a real CRI-O against the model with its default costs: see benchmarks/fidelity/lab_crio.py."""

from __future__ import annotations

import statistics
from functools import lru_cache

import pytest

from benchmarks.fidelity.lab_crio import LAB, rows
from benchmarks.fidelity.report import errors, judged


@lru_cache(maxsize=1)
def found():
    return rows()


def test_pulls_that_no_cost_was_fitted_on():
    own = judged(found(), "crio")
    assert len(own) == 17
    median, p90, _ = errors(own)
    assert median < 0.03
    assert p90 < 0.08


def test_all_pulls_of_a_fifth_of_a_second_or_more_noisy_ones_too():
    own = [row for row in found() if row.measured >= 0.2]
    assert len(own) == 48
    assert statistics.median(row.predicted / row.measured for row in own) == pytest.approx(1.0, abs=0.03)
    median, p90, worst = errors(own)
    assert median < 0.035
    assert p90 < 0.10
    assert worst < 0.15


def test_no_short_pull_is_far_off():
    short = [row for row in found() if row.measured < 0.2]
    assert {row.case for row in short} | {row.case for row in found()} == {case["id"] for case in LAB["cases"]}
    assert all(row.predicted == pytest.approx(row.measured, rel=0.2, abs=0.006) for row in short)
