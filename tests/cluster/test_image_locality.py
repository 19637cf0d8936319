"""Placement by the scores of the scheduler."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullsim.cluster.scheduler.scores import MB, locality
from pullsim.cluster.scheduler.signature import normalized
from pullsim.cluster.scheduler.topology import normalized_spread
from pullsim.scenario import from_mapping
from pullsim.spec.cluster import Node, Owner
from pullsim.spec.runtime import FixedImage
from tests.support.world import fixed, node, pod, run


@pytest.mark.parametrize(
    ("megabytes", "containers", "score"),
    [(0, 1, 0), (23, 1, 0), (24, 1, 0), (33, 1, 1), (1000, 1, 100), (5000, 1, 100), (511, 1, 49), (1000, 2, 49)],
)
def test_scores_of_bytes(megabytes, containers, score):
    assert locality(megabytes * MB, containers) == score


@given(st.integers(0, 10**12), st.integers(1, 9))
def test_scores_are_in_range(present, containers):
    assert 0 <= locality(present, containers) <= 100


@pytest.mark.parametrize(
    ("raw", "scores"),
    [([2, 2, 2], [100, 100, 100]), ([3, 2], [66, 100]), ([5, 4, 2], [40, 60, 100]), ([-1, 2], [0, 100])],
)
def test_scores_of_spreading(raw, scores):
    assert normalized_spread(raw) == scores


@pytest.mark.parametrize(
    ("image", "name"),
    [("a", "a:latest"), ("a:1", "a:1"), ("host:5000/a", "host:5000/a:latest"), ("a@sha256:00", "a@sha256:00")],
)
def test_names(image, name):
    assert normalized(image) == name


def warm(size, *, max_images=50):
    """A node that has the image a:1, beside two cold ones that need 10 s for it."""
    kubelet = {"registryPullQPS": 0, "nodeStatusMaxImages": max_images}
    images = {"a:1": FixedImage(10.0, size=size), "big:1": FixedImage(10.0, size=5 * size)}
    cold = node(fixed(images), pool="cold", kubelet=kubelet)
    has = fixed({name: replace(each, present=True) for name, each in images.items()})
    return [Node("cold-0", cold), Node("cold-1", cold), Node("warm-0", node(has, pool="warm", kubelet=kubelet))]


@pytest.mark.parametrize(
    ("size", "max_images", "where"),
    [(3000 * MB, 50, "warm-0"), (60 * MB, 50, "cold-0"), (3000 * MB, 1, "cold-0"), (3000 * MB, -1, "warm-0")],
)
def test_a_pod_goes_where_its_image_is(size, max_images, where):
    """60 MB are 20 MB after spreading, which count as none; a status with one image tells of the other one."""
    result = run([pod("p", "a:1", at=1.0)], warm(size, max_images=max_images), placement="imageLocality")
    assert [row.node for row in result.pods] == [where]


def test_pods_of_one_owner_are_spread_all_the_same():
    pods = [replace(pod(f"p{n}", "a:1", at=1.0), owner=0) for n in range(3)]
    owners = (Owner("Deployment", "web", "default", 3),)
    result = run(pods, warm(3000 * MB), placement="imageLocality", owners=owners)
    assert [row.node for row in sorted(result.pods, key=lambda row: row.pod)] == ["warm-0", "cold-0", "cold-1"]
    alone = run([replace(each, owner=None) for each in pods], warm(3000 * MB), placement="imageLocality")
    assert [row.node for row in alone.pods] == ["warm-0"] * 3


@pytest.mark.parametrize(("at", "where"), [(15.0, "n-0"), (19.0, "n-0"), (21.0, "n-1")])
def test_a_status_tells_of_an_image_with_its_next_update(at, where):
    """The image is on n-1 from 10 s on and in its status from 20 s on; n-0 has fewer pods."""
    spec = node(fixed({"a:1": FixedImage(8.0, size=4000 * MB), "b:1": FixedImage(0.0)}))
    pods = [pod("first", "a:1", at=2.0, node="n-1"), pod("second", "a:1", at=at)]
    result = run(pods, spec, nodes=2, placement="imageLocality")
    assert next(row.node for row in result.pods if row.pod == "second") == where


def test_a_short_name_never_matches():
    image = {"image": "docker.io/library/a:1", "layers": [{"size": "2GB"}]}
    scenario = from_mapping(
        {
            "images": {"define": [image]},
            "nodes": [{"name": "cold"}, {"name": "warm", "cached": ["a:1"]}],
            "workloads": [{"name": "short", "pods": {"image": "a:1"}}],
            "placement": "imageLocality",
        }
    )
    assert [warning for warning in scenario.assemble().warnings if "never counts" in warning] == [
        "placement imageLocality never counts a:1, which is docker.io/library/a:1 in the status of nodes: write that"
    ]
