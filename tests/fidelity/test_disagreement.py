"""How clusters of a preset disagree, and which of their figures go together: what is found in pulls that were drawn."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.fidelity.correlations import FAR, GRID, Differences, Told, node_seconds, ordinary
from benchmarks.fidelity.disagreement import disagreement, pulled_by_several
from benchmarks.fidelity.moved_rows import FACTORS, GROUPS, Moved, rows
from benchmarks.fidelity.node_levels import Levels

HB120 = "azure/HB120-96rs_v3"
BETWEEN = {"disk": 0.1, "unpack": 0.1, "registry": 0.1, "latency": 0.1}
WITHIN = Levels({"": 0.0}, {"": 0.0}, {"": 0.0})
SURE = 0.25


def pulls(*off_by_image):
    """Return pulls of a preset's three clusters; of each image the logarithms of measured over predicted time."""
    by = dict.fromkeys(FACTORS, -0.5)  # so that an image's spread is as wide as those of the four figures
    return [
        Moved("perfstudy", HB120, cluster, image, True, 10.0, 10.0 * math.exp(off), 20, by)
        for image, offs in enumerate(off_by_image, start=149)
        for cluster, off in zip(GROUPS[HB120].calibration, offs, strict=True)
    ]


def width(found):
    return disagreement(found, BETWEEN, WITHIN, SURE)[HB120]


def test_clusters_that_disagree_as_others_do_are_as_wide():
    assert width(pulls((-0.1, 0.0, 0.1))) == pytest.approx(1.0)
    assert width(pulls((-0.1, 0.0, 0.1), (0.1, -0.1, 0.0))) == pytest.approx(1.0)


def test_those_that_disagree_more_are_wider_but_less_so_than_they_alone_would_say():
    found = width(pulls((-0.4, 0.0, 0.4)))
    prior = 1 / (2 * SURE**2)
    assert found == pytest.approx(math.sqrt((prior + 2 * 16) / (prior + 2)))
    assert 1 < found < 4


def test_those_that_agree_are_hardly_narrower():
    assert 0.85 < width(pulls((0.2, 0.2, 0.2))) < 1.0


def test_what_an_image_is_off_by_in_all_clusters_says_nothing():
    assert width(pulls((0.9, 1.0, 1.1), (-0.3, -0.4, -0.2))) == pytest.approx(1.0)


def test_pulls_that_a_preset_is_judged_on_and_single_ones_are_not_read():
    found = pulls((-0.1, 0.0, 0.1))
    judged = [replace(row, calibration=False, measured=1000.0) for row in found]
    single = [replace(found[0], image=12, measured=500.0)]
    elsewhere = [replace(found[0], cluster="another", measured=500.0)]
    assert width([*found, *judged, *single, *elsewhere]) == width(found)


def test_egress_and_judged_clusters_are_not_among_those_that_disagree():
    several = pulled_by_several(rows())
    assert set(several) == {group.preset for group in GROUPS.values() if len(group.calibration) > 1}
    for preset, images in several.items():
        assert {row.cluster for own in images.values() for row in own} <= set(GROUPS[preset].calibration)


def test_times_of_nodes_are_of_calibration_pulls_alone():
    fitted = {(row.cluster, row.image) for row in rows() if row.calibration}
    assert set(node_seconds()) <= fitted
    assert max(len(nodes) for nodes in node_seconds().values()) > 50


def test_a_node_that_is_far_off_counts_as_three_ordinary_ones():
    found = ordinary({"a": 9.8, "b": 10.0, "c": 10.2, "d": 50.0, "e": 9.9})
    assert found["a"] > 0 > found["c"]
    assert -FAR * 0.03 < found["d"] < found["c"]


@pytest.mark.parametrize("correlation", [-0.8, 0.0])
def test_a_correlation_is_found_again_in_nodes_that_were_drawn_with_it(correlation):
    rng = np.random.default_rng(4)
    nodes = []
    for _ in range(60):
        disk = rng.normal()
        unpack = correlation * disk + math.sqrt(1 - correlation**2) * rng.normal()
        parts = [(share, 1 - share) for share in (0.0, 0.3, 0.7, 1.0)]
        nodes.append([(d, u, 0.05 * (d * disk + u * unpack) + 0.01 * rng.normal()) for d, u in parts])
    profile = Differences(nodes).profile()
    assert GRID[profile.argmax()] == pytest.approx(correlation, abs=0.2)
    assert profile.max() - profile[-2] > 2


def test_a_correlation_is_sure_from_two_standard_errors_on():
    assert not Told(("p",), 0.4, 0.21).from_none
    assert Told(("p",), -0.5, 0.24).from_none
