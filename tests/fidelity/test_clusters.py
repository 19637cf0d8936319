"""Pulls of real clusters, as carried in benchmarks/fidelity/data, against the model with its presets.

A part of what `python -m benchmarks.fidelity.clusters` judges; bounds are a little above what it finds.
"""

from __future__ import annotations

import pytest

pytest.importorskip("scipy")

from benchmarks.fidelity import fit_clusters, priors
from benchmarks.fidelity.cluster_data import HEAVY, HEAVY_RATIO, data, fitted, ratios, rebuilt, unpacked, untold
from benchmarks.fidelity.clusters import CHONKS, PERFSTUDY, clusters, left_out, node, predict, summary
from pullsim.oci.manifest import UNPACK_RATIO
from pullsim.scenario.presets.nodes import builtin

GROUPS = {group.preset: group for group in (*CHONKS, *PERFSTUDY)}


@pytest.mark.parametrize(
    ("preset", "cluster", "median", "p90"),
    [
        ("aws/c5a.4xlarge-gp2", "chonks/pulling-aws/run1/16", 0.02, 0.05),
        ("gcp/n1-standard-16-local-ssd", "chonks/pulling-test/run3/16", 0.08, 0.27),
        ("gcp/n1-standard-16-local-ssd", "chonks/pulling/run3/16", 0.06, 0.09),
        ("gcp/n1-standard-16-pd-balanced", "chonks/pulling-test/run1/8", 0.05, 0.12),
        ("gcp/n1-standard-16-pd-balanced", "chonks/pulling/run1/8", 0.13, 0.20),
        ("aws/p3dn.24xlarge-gp2", "perfstudy/aws/eks/gpu", 0.12, 0.22),
        ("gcp/c2d-standard-112-pd-balanced", "perfstudy/google/gke/cpu/size64#1", 0.10, 0.18),
        ("gcp/c2d-standard-112-pd-balanced", "perfstudy/google/gke/cpu/size128#1", 0.11, 0.18),
        ("gcp/n1-standard-32-pd-balanced", "perfstudy/google/gke/gpu/size32#1", 0.07, 0.22),
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
        assert group.calibration
        assert set(group.calibration) <= set(clusters(group))


def test_what_is_left_out_is_what_the_log_cannot_tell():
    why = {row.case: reason for row, reason in left_out()}
    assert len(why) == 16
    rules = ("cannot have come", "the log is incomplete", "the kubelet removes images")
    assert [sum(rule in reason for reason in why.values()) for rule in rules] == [11, 3, 2]
    assert not {case for case in why if "docker-cleanup" in case}  # it shares no layer with what may be gone


def pull_of(cluster, image):
    numbers = [number for number, (name, *_) in enumerate(data()["images"]) if image in name]
    return next(pull for pull in data()["clusters"][cluster]["pulls"] if pull["image"] in numbers)


@pytest.mark.parametrize(
    ("cluster", "image", "change", "reason"),
    [
        ("perfstudy/google/gke/gpu/size8/attempt-2", "metric-stream", {}, "images of 9"),
        ("perfstudy/google/gke/gpu/size8/attempt-2", "metric-stream", {"before": []}, ""),
        ("perfstudy/azure/aks/cpu/size256", "metric-lammps-cpu", {}, "4647 MB were new by its nodes' pulls, 1148 by"),
        ("perfstudy/azure/aks/cpu/size256", "metric-lammps-cpu", {"seen": []}, ""),
        ("perfstudy/azure/aks/cpu/size256", "metric-lammps-cpu", {"p50": 5.0}, "4647 MB cannot have come in 5 s"),
    ],
)
def test_rules_by_which_pulls_are_left_out(cluster, image, change, reason):
    found = untold(cluster, pull_of(cluster, image) | change)
    assert reason in found
    assert bool(found) is bool(reason)


def test_a_step_that_was_built_again_unpacks_to_the_same():
    sizes = [round(size / 1e6, 1) for size, _ in data()["layers"]]
    osu = [layer for layer, size in enumerate(sizes) if size in (365.5, 368.4)]
    assert len(osu) == 3
    assert len({rebuilt()[layer] for layer in osu}) == 1
    assert len({ratios()[layer] for layer in osu}) == 1
    small = [layer for layer, size in enumerate(sizes) if size < 5]
    assert all(rebuilt()[layer] == layer for layer in small)


def test_layers_that_no_calibration_pull_brought_have_the_usual_ratio():
    known = ratios()
    others = {layer: size for layer, (size, told) in enumerate(data()["layers"]) if layer not in known and told is None}
    assert max(others.values()) >= HEAVY > min(others.values())
    for layer, size in others.items():
        assert unpacked(layer, known) == round((HEAVY_RATIO if size >= HEAVY else UNPACK_RATIO) * size)


def test_every_fitted_ratio_is_one_that_a_layer_can_have_and_names_calibration_pulls():
    cases = {pull.case for group in PERFSTUDY for pull in fit_clusters.calibration(group)}
    assert len(fitted()) > 50
    for entry in fitted():
        assert 1.0 < entry["ratio"] < 6.0
        assert entry["pulls"]
        assert set(entry["pulls"]) <= cases


@pytest.mark.long
def test_fitting_again_gives_the_figures_of_the_preset():
    preset = "aws/c5a.4xlarge-gp2"
    problem = fit_clusters.Problem([GROUPS[preset]], with_ratios=False)
    spec, registry = problem.node(problem.fit(), preset)
    told, host = node(preset, "{}")
    assert spec.disk.write == pytest.approx(told.disk.write, rel=0.01)
    assert spec.disk.page_cache.limit == pytest.approx(told.disk.page_cache.limit, rel=0.01)
    assert spec.runtime.unpack.gzip == pytest.approx(told.runtime.unpack.gzip, rel=0.01)
    assert spec.runtime.metadata_write == pytest.approx(told.runtime.metadata_write, rel=0.01)
    assert registry.round_trip == pytest.approx(host.round_trip, rel=0.01)


@pytest.mark.long
def test_a_figure_that_the_pulls_do_not_tell_stays_where_it_was_beforehand():
    problem = fit_clusters.Problem([GROUPS["azure/ND40rs_v2"]], with_ratios=False)
    limit = next(prior for prior in priors.of("azure/ND40rs_v2") if prior.name == "disk.pageCache.limit")
    assert problem.values(problem.fit(), "azure/ND40rs_v2")[limit.name] == pytest.approx(limit.value, rel=1e-3)
