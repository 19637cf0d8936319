"""Intervals of the fidelity report: which rows they are judged on, and how."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from benchmarks.fidelity import coverage_report
from benchmarks.fidelity.coverage import GRID, OURS, Judged, mixture, spread_around
from benchmarks.fidelity.fit_variation import fit
from benchmarks.fidelity.moved_rows import FACTORS, Moved, rows
from benchmarks.fidelity.node_levels import Levels


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


def moved(nodes, off=0.0, by=None, number=0):
    by = {"registry": 0.0, "latency": 0.0} | (by or {"disk": -0.5, "unpack": -0.5})
    return Moved("perfstudy", "p", f"c{number}", number, False, 1.0, math.exp(off), nodes, by)


def levels(disk, unpack, pull):
    return Levels(*({"": each} for each in (disk, unpack, pull)))


@pytest.mark.parametrize("nodes", [3, 9, 51])
def test_the_median_over_nodes_differs_as_medians_of_draws_do(nodes):
    rng = np.random.default_rng(5)
    of_nodes = 0.5 * rng.normal(0, 0.08, (4000, nodes)) + 0.5 * rng.normal(0, 0.04, (4000, nodes))
    medians = np.median(of_nodes + 0.5 * 0.05 * rng.standard_t(2, (4000, nodes)), axis=1)
    normal, alone = levels(0.08, 0.04, 0.05).median_differs(moved(nodes))
    assert alone == 0.0
    assert normal == pytest.approx(stats.iqr(medians, scale="normal"), rel=0.15)


def test_a_single_pull_is_as_far_off_as_pulls_are():
    assert levels(0.08, 0.0, 0.05).median_differs(moved(1)) == (pytest.approx(0.04), pytest.approx(0.025))
    assert levels(0.08, 0.0, 0.05).median_differs(moved(2))[1] == pytest.approx(0.025 / math.sqrt(2))


def test_spreads_are_found_again_in_rows_that_were_drawn_with_them():
    rng = np.random.default_rng(2)
    made = []
    for number in range(300):
        disk, unpack = (0.9, 0.1) if number % 2 else (0.1, 0.9)
        off = -disk * rng.normal(0, 0.3) + 0.03 * float(rng.standard_t(2))
        made.append(moved(50, off, {"disk": -disk, "unpack": -unpack}, number))
    found = fit(made, levels(0.01, 0.01, 0.01))
    assert set(found.cluster) == set(FACTORS)
    assert found.cluster["disk"] > 2 * found.cluster["unpack"]
