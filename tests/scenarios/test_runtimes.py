"""The same burst with every runtime: the figures of docs/runtimes.md."""

from __future__ import annotations

from pathlib import Path

import pytest

import pullsim

SCENARIO = Path(__file__).parents[2] / "scenarios" / "runtimes.yaml"
DISTINCT, ALL = 903, 1407  # MB of all layers, once and for each image that has them

FIGURES = [  # runtime; first and last pod's start, their mean; MB downloaded; the same with two cores: mean, last
    ("containerd-2-0", 5.38, 16.06, 9.89, DISTINCT, 12.18, 18.48),
    ("containerd-2-1", 6.59, 16.15, 10.52, DISTINCT, 13.28, 19.24),
    ("containerd-2-2", 5.32, 15.61, 8.74, DISTINCT, 12.52, 19.20),
    ("containerd-2-2-chunks", 5.11, 12.56, 7.83, DISTINCT, 12.17, 16.90),
    ("crio-1-35", 22.20, 30.48, 27.72, ALL, 45.87, 48.63),
    ("crio-1-36", 10.56, 16.66, 14.46, ALL, 55.50, 61.50),
]


@pytest.fixture(scope="module", params=[8, 2], ids="{} cores".format)
def starts(request: pytest.FixtureRequest) -> tuple[int, pullsim.Result]:
    scenario = pullsim.override(pullsim.load(SCENARIO), [f"nodes[*].cores={request.param}"])
    return request.param, pullsim.run(scenario, detail="pulls")


@pytest.mark.parametrize("figures", FIGURES, ids=lambda figures: figures[0])
def test_the_burst(starts: tuple[int, pullsim.Result], figures: tuple[str, float, float, float, int, float, float]):
    runtime, first, last, mean, megabytes, mean_of_two, last_of_two = figures
    cores, result = starts
    node = f"{runtime}-0000"
    started = [pod.started for pod in result.pods if pod.node == node and pod.started is not None]
    assert len(started) == 6
    fetched = sum(pull.downloaded for pull in result.pulls if pull.node == node)
    assert round(fetched / 1e6) == megabytes
    if cores == 2:
        first, last, mean = min(started), last_of_two, mean_of_two
    found = (min(started), max(started), sum(started) / len(started))
    assert found == pytest.approx((first, last, mean), abs=0.006)


def test_every_runtime_of_the_scenario_has_figures():
    assert [figures[0] for figures in FIGURES] == [pool.name for pool in pullsim.load(SCENARIO).nodes]
