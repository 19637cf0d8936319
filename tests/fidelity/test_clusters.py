"""Pulls of real clusters, as carried in benchmarks/fidelity/data, against the model with its presets.

A part of what `python -m benchmarks.fidelity.clusters` judges; bounds are a little above what it finds.
"""

from __future__ import annotations

import pytest

from benchmarks.fidelity.clusters import CHONKS, PERFSTUDY, clusters, data, impossible, predict, summary
from pullsim.scenario.presets import builtin

GROUPS = {group.preset: group for group in (*CHONKS, *PERFSTUDY)}


@pytest.mark.parametrize(
    ("preset", "cluster", "median", "p90"),
    [
        ("aws/c5a.4xlarge-gp2", "chonks/pulling-aws/run1/16", 0.02, 0.05),
        ("gcp/n1-standard-16-local-ssd", "chonks/pulling-test/run3/16", 0.12, 0.32),
        ("gcp/n1-standard-16-local-ssd", "chonks/pulling/run3/8", 0.05, 0.07),
        ("gcp/n1-standard-16-pd-balanced", "chonks/pulling-test/run1/8", 0.10, 0.20),
        ("aws/p3dn.24xlarge-gp2", "perfstudy/aws/eks/gpu", 0.15, 0.30),
        ("gcp/c2d-standard-112-pd-balanced", "perfstudy/google/gke/cpu/size64#1", 0.22, 0.40),
        ("gcp/n1-standard-32-pd-balanced", "perfstudy/google/gke/gpu/size32#1", 0.15, 0.55),
    ],
)
def test_errors_on_pulls_that_no_preset_was_fitted_on(preset, cluster, median, p90):
    judged = [row for row in predict(GROUPS[preset], cluster) if not row.calibration]
    errors = summary(judged)
    assert errors["median"] <= median
    assert errors["p90"] <= p90


def test_the_knee_of_the_page_cache_is_where_the_eks_nodes_have_it():
    rows = predict(GROUPS["aws/c5a.4xlarge-gp2"], "chonks/pulling-aws/run1/16")
    large = [row for row in rows if row.measured > 15]
    assert len(large) == 4
    assert all(row.error < 0.02 for row in large)


def test_every_group_has_a_preset_calibration_rows_and_others():
    for group in GROUPS.values():
        assert group.preset in builtin()
        assert group.calibration in clusters(group)


def test_what_is_left_out_is_what_no_node_can_have_inflated():
    left_out = [
        pull
        for group in PERFSTUDY
        for cluster in clusters(group)
        for pull in data()["clusters"][cluster]["pulls"]
        if impossible(pull)
    ]
    assert len(left_out) == 11
