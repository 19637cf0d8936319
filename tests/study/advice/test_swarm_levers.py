"""Swarms are tried where enough nodes want one big image at once, and only there."""

from __future__ import annotations

import pytest

import pullsim
from pullsim.study.advice.advise import advise
from pullsim.study.advice.situation import Situation
from pullsim.study.advice.swarm_levers import KINDS, LEAST_NODES, swarm

DEPLOYMENT = {"pods": {"image": "r.test/old:v1", "count": 20}, "update": {"at": "1m", "image": "r.test/a:v1"}}
SLOWLY = DEPLOYMENT | {"update": {"at": "1m", "image": "r.test/a:v1", "maxSurge": 0, "maxUnavailable": 4}}


def scenario(node=(), workload=(), *, count=LEAST_NODES, size="1GB"):
    images = [{"image": "r.test/a:v1", "layers": [{"size": size}]}, {"image": "r.test/old:v1", "size": "10MB"}]
    return pullsim.from_mapping(
        {
            "images": {"define": images},
            "registries": [{"host": "r.test", "egress": "1Gbit/s"}],
            "nodes": [{"name": "n", "count": count, "maxPods": 110, **dict(node)}],
            "workloads": [{"name": "w", "pods": {"image": "r.test/a:v1", "count": count}, **dict(workload)}],
        }
    )


@pytest.mark.parametrize(
    ("made", "tried"),
    [
        (scenario(), KINDS),
        (scenario(count=LEAST_NODES - 1), ()),
        (scenario(size="400MB"), ()),
        (scenario({"cached": ["r.test/a:v1"]}), ()),
        (scenario({"peers": "spegel"}), ()),
        (scenario({"runtime": {"crio": "1.35"}}), KINDS),
        (scenario({"runtime": {"containerd": "2.1", "soci": "eks-al2023"}}), ()),
        (scenario({"runtime": {"fixed": {}}}), ()),
        (scenario((), {"arrivals": {"every": "15s"}}), KINDS),  # five in a minute
        (scenario((), {"arrivals": {"every": "16s"}}), ()),
        (scenario((), {"pods": {"image": "r.test/a:v1", "count": 9}}, count=LEAST_NODES - 1), ()),
        (scenario((), DEPLOYMENT, count=20), KINDS),  # half of twenty at a time
        (scenario((), SLOWLY, count=20), ()),
        (scenario({"autoscale": {"max": 9, "boot": "1m"}, "count": 0}), KINDS),
    ],
)
def test_where_swarms_are_tried(made, tried):
    assert [setting.overrides for setting in swarm(Situation.of(made))] == [(f"nodes[*].peers={k}",) for k in tried]


def test_eight_nodes_at_once_gain_most_of_what_the_registry_needs_for_them():
    made = advise(scenario(count=8), seeds=1, max_runs=10)
    row = next(row for row in made.singles if row.levers == ("a swarm",))
    assert row.gain > 0.6
