"""Fits of real measurements: those of the repository, and larger ones where they are beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

import pullsim
from pullsim.study.fit.lab import Lab
from pullsim.study.fit.outcome import Errors

if TYPE_CHECKING:
    from pullsim.study.fit import Fit

pytest.importorskip("scipy")

SHARED = Path(__file__).parents[4] / "shared"
CARRIED = Path(__file__).parents[2] / "data" / "lab" / "measurements.json"
LAB = SHARED / "lab" / "measurements.json"
PULLS = SHARED / "data" / "events" / "hpc_pulls.jsonl"

needs_lab = pytest.mark.skipif(not LAB.exists(), reason="the lab's full measurements are not beside the repository")
needs_pulls = pytest.mark.skipif(not PULLS.exists(), reason="the clusters' pulls are not beside the repository")


def values(fit: Fit) -> dict[str, float]:
    return {each.parameter.name: each.value for each in fit.fitted}


@pytest.mark.long
@needs_lab
def test_the_lab_is_fitted_on_single_images_and_predicts_the_rest() -> None:
    fit = pullsim.fit(LAB)
    assert values(fit)["unpack.gzip"] == pytest.approx(1e6 / 8.7e-3, rel=0.15)  # 8.7 ms/MB by another fit
    assert values(fit)["metadata.write"] == pytest.approx(1.6e-3, rel=0.5)  # as between two unpacks
    assert fit.errors.median < 0.02
    held_out = Errors.of(row for row in fit.rows if not row.used and row.observed >= 0.2)
    assert held_out.rows > 15
    assert held_out.median < 0.05


@pytest.mark.long
def test_measurements_of_benchmarks_lab_are_fitted_and_predict_the_rest() -> None:
    """Nearly all cases were measured beside other work, which the fit says."""
    fit = pullsim.fit(CARRIED)
    assert values(fit)["unpack.gzip"] == pytest.approx(1e6 / 8.7e-3, rel=0.35)
    assert any("noisy" in note for note in fit.notes)
    assert fit.errors.median < 0.06
    assert {row.label[0] for row in fit.rows if not row.used} == set("cdef")
    assert fit.held_out_errors.median < 0.08
    preset = yaml.safe_load(fit.preset())
    assert set(preset) <= {"unpack", "metadata", "registry"}
    assert set(preset.get("registry", {})) <= {"firstByte"}  # the link is the lab's own


@needs_lab
def test_every_case_of_the_lab_can_be_read() -> None:
    lab = Lab.read(json.loads(LAB.read_text()), str(LAB))
    assert {case.group for case in lab.cases} == set("abcdefghijk")
    kept, left_out = lab.comparable()
    assert len(kept) + sum(left_out.values()) == len(lab.cases)
    assert {str(case.version) for case in kept} == {"1.6.20"}


def fit_cluster(name: str) -> Fit:
    return pullsim.fit(PULLS, catalogs=["hpc-2024"], where={"cluster": name}, containerd=(1, 7))


@needs_pulls
def test_a_cluster_of_c5a_with_gp2_disks() -> None:
    """AWS gives gp2 volumes of 150 GB 128 MiB/s; the images are zeros, which unpack fast."""
    fit = fit_cluster("chonks/pulling-aws/run1/16")
    assert values(fit)["disk.write"] == pytest.approx(128 * 2**20, rel=0.03)
    assert values(fit)["unpack.gzip"] == pytest.approx(340e6, rel=0.03)
    assert values(fit)["disk.pageCache.limit"] == pytest.approx(6e9, rel=0.1)
    assert fit.errors.median < 0.01
    assert fit.held_out_errors.p90 < 0.04


@pytest.mark.long
@needs_pulls
def test_a_cluster_that_pulls_real_images() -> None:
    fit = fit_cluster("perfstudy/aws/eks/cpu/size64")
    assert fit.errors.median < 0.06
    assert fit.held_out_errors.median < 0.06
