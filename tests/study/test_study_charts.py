"""The charts of studies: every metric has a line somewhere, and a heat map says which end is better."""

from __future__ import annotations

import pytest

import pullsim
from pullsim.study.charts import draw_knees, plot_heat

P50, P99, BYTES, FAILED = "pods.start.p50", "pods.start.p99", "bytes.downloaded", "pulls.failed"


@pytest.fixture(scope="module")
def two_knobs(small):
    knobs = ["kubelet.maxParallelImagePulls=1,2,4", "nodes[node].nic=1Gbit/s,100Mbit/s"]
    return pullsim.sweep(small, knobs)


def test_each_unit_has_a_panel(small):
    swept = pullsim.sweep(small, ["kubelet.maxParallelImagePulls=1,2,4"])
    figure = draw_knees(swept, [P50, BYTES, P99, FAILED])
    assert [[line.get_label() for line in ax.lines] for ax in figure.axes] == [[P50, P99], [BYTES], [FAILED]]
    assert [ax.get_ylabel() for ax in figure.axes] == ["s", "GB", "count"]
    assert all(ax.get_ylim()[0] == 0 for ax in figure.axes)
    assert all(max(line.get_ydata()) <= ax.get_ylim()[1] for ax in figure.axes for line in ax.lines)


def test_with_several_knobs_each_metric_has_a_panel(two_knobs):
    figure = draw_knees(two_knobs, [P50, P99])
    assert [ax.get_ylabel() for ax in figure.axes] == [f"{P50} (s)", f"{P99} (s)"]
    assert [len(ax.lines) for ax in figure.axes] == [2, 2]


@pytest.mark.parametrize(("metric", "better"), [(P50, "less is better"), ("pods.perMinute.mean", "more is better")])
def test_a_heat_map_says_which_end_is_better_and_that_is_light(two_knobs, metric, better):
    ax = plot_heat(two_knobs, metric)
    (image,) = ax.images
    grid = image.get_array()
    best = grid.min() if better.startswith("less") else grid.max()
    worst = grid.max() if better.startswith("less") else grid.min()
    assert better in ax.figure.axes[-1].get_ylabel()
    light, dark = (sum(image.cmap(image.norm(each))[:3]) for each in (best, worst))
    assert light > dark
