"""The lab's pulls of a real containerd against the model with its default costs: see benchmarks/fidelity/lab.py."""

from __future__ import annotations

import statistics
from typing import Any

import pytest

from benchmarks.fidelity.lab import LAB, SHORT, predict

# Not the CRI: group i.
JUDGED = [case for case in LAB["cases"] if case["group"] != "i"]


def errors(cases: list[dict[str, Any]]) -> dict[str, float]:
    return {case["id"]: abs(predict(case) - case["makespan"][1]) / case["makespan"][1] for case in cases}


def test_error_over_the_quiet_pulls_of_a_fifth_of_a_second_or_more() -> None:
    judged = [case for case in JUDGED if not case["all_noisy"] and case["makespan"][1] >= SHORT]
    found = sorted(errors(judged).values())
    assert len(found) == 58
    median, p90 = statistics.median(found), found[int(0.9 * (len(found) - 1) + 0.5)]
    print(f"median {median:.1%}, p90 {p90:.1%}, worst {found[-1]:.1%} of {len(found)} cases")  # noqa: T201
    assert median <= 0.015
    assert p90 <= 0.07


@pytest.mark.parametrize("case", [c for c in JUDGED if not c["all_noisy"]], ids=lambda case: case["id"])
def test_no_case_is_far_off(case: dict[str, Any]) -> None:
    """The worst are bursts on a link without delay, where real TCP is unfair to latecomers, and short repulls."""
    measured = case["makespan"][1]
    assert predict(case) == pytest.approx(measured, rel=0.30, abs=0.070)
