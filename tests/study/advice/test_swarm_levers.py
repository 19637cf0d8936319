"""Swarms are tried where enough nodes want one big image at once, and only there."""

from __future__ import annotations

import pytest

import pullsim
from pullsim.study.advice.hint import tried
from pullsim.study.advice.situation import Situation
from pullsim.study.advice.swarm_levers import KINDS, LEAST_NODES, swarm

DEPLOYMENT = {"pods": {"image": "r.test/old:v1", "count": 20}, "update": {"at": "1m", "image": "r.test/a:v1"}}
SLOWLY = DEPLOYMENT | {"update": {"at": "1m", "image": "r.test/a:v1", "maxSurge": 0, "maxUnavailable": 4}}


def scenario(node=(), workload=(), *, count=LEAST_NODES, size="1GB"):
    images = [{"image": "r.test/a:v1", "layers": [{"size": size}]}, {"image": "r.test/old:v1", "size": "10MB"}]
    return pullsim.from_mapping(
        {
            "images": {"catalogs": [], "define": images},
            "registries": [{"host": "r.test", "egress": "1Gbit/s"}],
            "nodes": [{"name": "n", "count": count, "maxPods": 110, **dict(node)}],
            "workloads": [{"name": "w", "pods": {"image": "r.test/a:v1", "count": count}, **dict(workload)}],
        }
    )


@pytest.mark.parametrize(
    ("made", "kinds"),
    [
        (scenario(), KINDS),
        (scenario(count=LEAST_NODES - 1), ()),
        (scenario(size="400MB"), ()),
        (scenario({"cached": ["r.test/a:v1"]}), ()),
        (scenario({"peers": "spegel"}), ()),
        (scenario({"runtime": {"crio": "1.35"}}), KINDS),
        (scenario({"runtime": {"containerd": "2.1", "soci": "eks-al2023"}}), ()),
        (scenario({"runtime": {"containerd": "2.1", "snapshotter": "stargz"}}), ()),
        (scenario({"runtime": {"fixed": {}}}), ()),
        (scenario((), {"arrivals": {"every": "15s"}}), KINDS),  # five in a minute
        (scenario((), {"arrivals": {"every": "16s"}}), ()),
        (scenario((), {"pods": {"image": "r.test/a:v1", "count": 9}}, count=LEAST_NODES - 1), ()),
        (scenario((), DEPLOYMENT, count=20), KINDS),  # half of twenty at a time
        (scenario((), SLOWLY, count=20), ()),
        (scenario({"autoscale": {"max": 9, "boot": "1m"}, "count": 0}), KINDS),
    ],
)
def test_where_swarms_are_tried(made, kinds):
    assert [setting.overrides for setting in swarm(Situation.of(made))] == [(f"nodes[*].peers={k}",) for k in kinds]


def test_eight_nodes_at_once_gain_most_of_what_the_registry_needs_for_them():
    made = scenario(count=8)
    alone, *swarms = (
        max(pull.ended for pull in pullsim.run(pullsim.override(made, overrides)).pulls)
        for overrides in ((), *(setting.overrides for setting in swarm(Situation.of(made))))
    )
    assert min(swarms) < 0.4 * alone


def test_the_hint_of_a_run_tries_no_swarm_as_that_takes_longer_than_the_run():
    made = scenario()
    advice = tried(made, pullsim.summarize(pullsim.run(made)))
    levers = {lever for row in advice.rows for lever in row.levers}
    assert "peers (Spegel)" in levers
    assert "a swarm" not in levers
