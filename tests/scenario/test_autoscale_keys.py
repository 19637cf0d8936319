"""Key ``autoscale`` of a pool."""

from __future__ import annotations

import pytest
import yaml

from pullsim.errors import InputError
from pullsim.results import check
from pullsim.run import run
from pullsim.scenario import effective_yaml, from_mapping

FIXED = {"runtime": {"fixed": {"images": {"a:1": {"pull": "10s"}}}}}


def scenario(*pools, **more):
    workloads = more.pop("workloads", [{"name": "web", "pods": {"image": "a:1", "count": 3}}])
    return from_mapping({"nodes": [{**FIXED, **pool} for pool in pools], "workloads": workloads, **more})


def gpu(**autoscale):
    return {"name": "gpu", "autoscale": {"max": 4, "boot": "90s", **autoscale}}


def test_the_pool_of_a_cluster():
    given = {**gpu(min=1, consolidateAfter="10m", scanInterval="10s"), "zones": ["a", "b"], "join": {"ready": "20s"}}
    cluster = scenario(given).build()
    (pool,) = cluster.autoscaled
    assert (pool.maximum, pool.minimum, pool.first, pool.boot, pool.ready_after) == (4, 1, 1, 90.0, 20.0)
    assert (pool.consolidate_after, pool.zones, cluster.scan_interval) == (600.0, ("a", "b"), 10.0)
    assert [node.name for node in cluster.nodes] == ["gpu-0000"]
    assert pool.spec.removable


@pytest.mark.parametrize(("given", "nodes"), [({}, 0), ({"count": 2}, 2), ({"count": 0}, 0)])
def test_the_count_is_that_of_time_0(given, nodes):
    cluster = scenario({**gpu(), **given}).build()
    assert (len(cluster.nodes), cluster.autoscaled[0].first) == (nodes, nodes)
    assert not cluster.autoscaled[0].spec.removable


def test_a_pool_without_nodes_is_one_that_pods_may_name():
    result = run(scenario(gpu(), workloads=[{"pods": {"image": "a:1"}, "on": {"pool": "gpu"}}]))
    assert [(each.node, each.started) for each in result.pods] == [("gpu-0000", 101.0)]
    assert check(result) == []


def test_the_only_pool_need_not_be_named_where_places_are_given():
    result = run(scenario(gpu(), placement="given", workloads=[{"pods": {"image": "a:1"}}]))
    assert [each.node for each in result.pods] == ["gpu-0000"]


def test_a_pod_cannot_name_a_node_that_is_to_come():
    with pytest.raises(InputError, match=r"on\.node: is not there at time 0, .*: gpu is its pool"):
        scenario(gpu(), workloads=[{"pods": {"image": "a:1"}, "on": {"node": "gpu-0000"}}]).build()


def test_the_effective_scenario_is_the_same_run():
    first = scenario({**gpu(consolidateAfter="1m"), "maxPods": 2})
    again = from_mapping(yaml.safe_load(effective_yaml(first)))
    assert again.build().autoscaled == first.build().autoscaled
    assert run(again).pods == run(first).pods


@pytest.mark.parametrize(
    ("when", "interval", "warned"),
    [("ScheduleAnyway", None, True), ("ScheduleAnyway", "10s", False), ("DoNotSchedule", None, False)],
)
def test_preferences_for_which_karpenter_would_bring_nodes_are_warned_of(when, interval, warned):
    spread = {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": when}
    pods = {"image": "a:1", "topologySpreadConstraints": [spread]}
    built = scenario(gpu(scanInterval=interval), workloads=[{"name": "web", "pods": pods}]).assemble()
    assert any(text.startswith("what pods of web only prefer asks for no nodes") for text in built.warnings) == warned


@pytest.mark.parametrize("most", [2, 100_000])
def test_an_estimate_has_as_many_nodes_as_pods_at_the_most(most):
    assert scenario(gpu(max=most)).assemble().estimate.nodes == min(most, 3)


@pytest.mark.parametrize(
    ("pools", "text"),
    [
        ([gpu(min=5)], "nodes[gpu].autoscale: min is 5, more than max, 4"),
        ([gpu(min=True)], "nodes[gpu].autoscale.min: true must be a whole number"),
        ([gpu(min=200_000)], "nodes[gpu].autoscale.min: 200000 must be less than or equal to 100000"),
        ([{"name": "gpu", "autoscale": {"boot": "90s"}}], "nodes[gpu].autoscale: max is missing"),
        ([{"name": "gpu", "autoscale": {"max": 3}}], "nodes[gpu].autoscale: boot is missing"),
        (
            [gpu(consolidationPolicy="WhenEmptyOrUnderutilized")],
            "nodes[gpu].autoscale: consolidationPolicy WhenEmptyOrUnderutilized needs consolidateAfter",
        ),
        ([gpu(consolidationPolicy="WhenIdle")], "autoscale.consolidationPolicy: 'WhenIdle' is not one of WhenEmpty"),
        ([gpu(max=0)], "nodes[gpu].autoscale.max: 0 must be greater than or equal to 1"),
        ([gpu(scanInterval="0s")], "nodes[gpu].autoscale.scanInterval: 0s"),
        ([{**gpu(), "count": 5}], "nodes[gpu]: count is 5, and autoscale has from 0 to 4 nodes"),
        ([{**gpu(min=2), "count": 1}], "nodes[gpu]: count is 1, and autoscale has from 2 to 4 nodes"),
        ([{**gpu(), "join": {"at": "10s"}}], "nodes[gpu]: join.at and join.every do not go with autoscale"),
        ([{**gpu(), "leave": {"rate": "1/h"}}], "nodes[gpu]: leave does not go with autoscale"),
        ([{"name": "cpu", "count": 0}], "nodes[cpu].count: 0 must be greater than or equal to 1"),
        (
            [gpu(scanInterval="10s"), {**gpu(), "name": "cpu"}],
            "nodes[cpu].autoscale: scanInterval is not that of the other pools",
        ),
    ],
)
def test_what_is_wrong_is_one_error(pools, text):
    with pytest.raises(InputError) as caught:
        scenario(*pools).build()
    assert text.split(":")[0] in str(caught.value)
    assert text.rpartition(": ")[2] in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
