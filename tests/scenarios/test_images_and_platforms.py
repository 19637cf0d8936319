"""What the scenarios about moving tags, platforms and image volumes say of themselves holds."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import pytest

import pullsim

SCENARIOS = Path(__file__).parents[2] / "scenarios"


@cache
def ran(name, *overrides):
    return pullsim.run(pullsim.override(pullsim.load(SCENARIOS / f"{name}.yaml"), list(overrides)))


def refs(result, workload):
    return Counter(pod.image_refs[0] for pod in result.pods if pod.workload == workload)


def test_a_node_that_has_the_old_content_keeps_it():
    result = ran("moving-tag")
    (mixed,) = pullsim.summarize(result).mixed_versions
    old, new = mixed.containers
    by_node = {pod.node: ref for pod in result.pods for ref in pod.image_refs}
    assert {node: by_node[node] for node in sorted(by_node)} == {
        "autoscaled-0000": new,
        "autoscaled-0001": new,
        **{f"old-000{n}": old for n in range(3)},
    }
    assert mixed.containers == {old: 12, new: 4}
    assert mixed.nodes == {old: 3, new: 2}
    assert sorted(name for names in mixed.pods.values() for name in names) == sorted(
        f"default/{pod.pod}" for pod in result.pods
    )
    (warning,) = pullsim.summarize(result).warnings
    assert warning.startswith(
        "containers with the image registry.example.com/team/app:stable run different digests: 12 "
    )


def test_with_always_only_pods_from_before_the_push_run_the_old_content():
    result = ran("moving-tag", "admission.alwaysPullImages=true")
    (old,), (new,) = refs(result, "before"), refs(result, "after")
    assert old != new
    assert all(
        pull.downloaded in (0, 13_000_000)
        for pull in result.pulls
        if pull.pod.startswith("after") and "old" in pull.node
    )


def test_every_pool_takes_the_manifest_of_its_platform():
    result = ran("mixed-architectures")
    agents = [set(refs(result, f"agent-{pool}")) for pool in ("servers", "arm", "boards")]
    assert [len(agent) for agent in agents] == [1, 1, 1]
    assert len(set.union(*agents)) == 3
    assert None not in refs(result, "proxy")  # arm/v6 on arm/v7
    assert pullsim.summarize(result).mixed_versions == []  # a digest a platform is no mix


def test_an_image_without_a_manifest_for_the_node_is_tried_for_ever():
    result = ran("mixed-architectures")
    stuck = {pod.node.rpartition("-")[0] for pod in result.pods if pod.workload == "amd64-only" and pod.started is None}
    running = {pod.node.rpartition("-")[0] for pod in result.pods if pod.workload == "amd64-only" and pod.started}
    assert running == {"servers"}
    assert stuck <= {"arm", "boards"}
    assert stuck
    failed = [pull for pull in result.pulls if not pull.ok]
    what = 'failed to pull and unpack image "docker.io/library/consul:latest"'
    text = f"rpc error: code = NotFound desc = {what}: no match for platform in manifest: not found"
    assert {pull.error for pull in failed} == {text}
    assert {pull.cause for pull in failed} == {"platform"}
    assert all(pull.downloaded == 0 for pull in failed)


def test_weights_come_before_the_server():
    result = ran("image-volumes")
    for pod in result.pods:
        weights, server = sorted(
            (pull for pull in result.pulls if pull.pod == pod.pod), key=lambda pull: pull.requested
        )
        assert (weights.container, server.container) == ("weights", "server")
        assert weights.ended <= server.requested


def test_another_snapshotter_unpacks_again_and_downloads_nothing():
    result = ran("image-volumes")
    isolated = [pull for pull in result.pulls if pull.pod.startswith("isolated")]
    assert len(isolated) == 4
    assert all(pull.downloaded == 0 for pull in isolated)
    assert all(pull.stages["unpack_cpu"] > 0.9 * (pull.ended - pull.started) for pull in isolated)
    off = ran("image-volumes", "nodes[*].featureGates.RuntimeClassInImageCriApi=false")
    assert not [pull for pull in off.pulls if pull.pod.startswith("isolated")]


@pytest.mark.parametrize(("release", "volumes"), [("1.34", False), ("1.35", True)])
def test_image_volumes_are_dropped_where_the_gate_is_off(release, volumes):
    result = ran("image-volumes", f"nodes[*].kubeletVersion={release}")
    assert any(pull.container == "weights" for pull in result.pulls) is volumes
    assert any("image volumes are dropped" in warning for warning in result.warnings) is not volumes
