"""Intervals of the fidelity report: which rows they are judged on, and how."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from benchmarks.fidelity import coverage_report
from benchmarks.fidelity.coverage import GRID, OURS, Judged, mixture, spread_around
from benchmarks.fidelity.fit_variation import fit
from benchmarks.fidelity.moved_rows import FACTORS, Moved, median_differs, rows


def judged(measured, quantiles):
    return Judged("chonks", "p", "c", 1, measured, {OURS: np.asarray(quantiles)})


def test_rows_that_a_preset_was_fitted_on_are_not_judged():
    fitted = {(row.cluster, row.image) for row in rows() if row.calibration}
    found = {(row.cluster, row.image) for row in coverage_report.read()}
    assert not fitted & found
    assert found == {(row.cluster, row.image) for row in rows() if not row.calibration}


def test_the_report_has_what_is_kept():
    text = (coverage_report.CHART.parent / "REPORT.md").read_text(encoding="utf-8")
    assert "\n".join(coverage_report.lines()) in text
    assert coverage_report.CHART.exists()


def test_the_score_of_a_single_value_is_its_distance():
    assert judged(1.0, [0.25] * GRID).score(OURS) == pytest.approx(0.75)


def test_the_score_of_the_normal_distribution_is_in_closed_form():
    shares = (np.arange(2000) + 0.5) / 2000
    expected = 2 * stats.norm.pdf(0.0) - 1 / math.sqrt(math.pi)  # Gneiting and Raftery, 2007, at the mean
    assert judged(0.0, stats.norm.ppf(shares)).score(OURS) == pytest.approx(expected, rel=0.01)


def test_an_interval_holds_its_share():
    quantiles = spread_around(0.0, np.linspace(-1, 1, 101))
    low, high = judged(0.0, quantiles).interval(0.5)
    assert (low, high) == (pytest.approx(-0.5, abs=0.02), pytest.approx(0.5, abs=0.02))
    assert judged(0.46, quantiles).holds(0.5)
    assert not judged(0.54, quantiles).holds(0.5)


def test_a_mixture_around_one_centre_is_the_distribution_itself():
    assert np.quantile(mixture(np.array([1.0]), 0.2, 0.0), 0.75) == pytest.approx(1 + 0.2 * 0.6745, abs=0.02)


@pytest.mark.parametrize("nodes", [1, 5, 50])
def test_medians_of_nodes_differ_less_than_nodes(nodes):
    assert median_differs(0.1, nodes) <= 0.1 * 1.2534 / math.sqrt(nodes) + (nodes == 1)


def test_spreads_are_found_again_in_rows_that_were_drawn_with_them():
    rng = np.random.default_rng(2)
    made = []
    for number in range(300):
        disk, unpack = (0.9, 0.1) if number % 2 else (0.1, 0.9)
        off = -disk * rng.normal(0, 0.3) + 0.03 * float(rng.standard_t(2))
        by = {"disk": -disk, "unpack": -unpack, "registry": 0.0, "latency": 0.0}
        row = ("perfstudy", "p", f"c{number}", number, False, 1.0, math.exp(off), 50, 0.01, by)
        made.append(Moved(*row))
    found = fit(made)
    assert set(found.cluster) == set(FACTORS)
    assert found.cluster["disk"] > 2 * found.cluster["unpack"]
