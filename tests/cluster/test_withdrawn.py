"""Pods that are gone before they started: those that somebody waits for never start, the others are withdrawn."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pullsim.results.summary.summary import summarize
from pullsim.spec.cluster import DaemonSet, Leave, Owner, PodSpec, Prepull, RollingUpdate
from pullsim.spec.runtime import FixedImage
from tests.support.world import UNLIMITED, container, fixed, node, pod, run

SLOW = 30.0  # seconds that a pull takes
IMAGES = {"a:1": FixedImage(SLOW, SLOW), "new:1": FixedImage(1.0)}
WEB = PodSpec((container("a:1"),))
KUBELET = {"kubelet": UNLIMITED}


def leaving():
    """A node that leaves after about ten seconds, and no other joins within the run."""
    return replace(node(fixed(IMAGES), **KUBELET), leave=Leave(0.1, 1e6))


def outcome(result):
    pods = summarize(result).pods
    assert pods.withdrawn == sum(row.withdrawn for row in result.pods)
    assert pods.total == pods.start.count + pods.withdrawn
    assert pods.not_started == pods.start.never + pods.withdrawn
    return pods


def web(count, **given):
    return [replace(pod(f"web-{n:05d}", "a:1", **given), workload="web") for n in range(count)]


def test_a_pod_whose_life_is_over_never_started():
    pods = outcome(run(web(3, lives=10.0), node(fixed(IMAGES), **KUBELET)))
    assert (pods.not_started_by_reason, pods.withdrawn, pods.start.never) == ({"Deleted": 3}, 0, 3)


def test_a_pod_that_was_lost_with_its_node_never_started():
    pods = outcome(run(web(1), leaving(), horizon=100.0, seed=1))
    assert (pods.total, pods.withdrawn, pods.start.never) == (1, 0, 1)


def test_a_pod_that_was_replaced_as_its_node_left_is_withdrawn_and_its_successor_waits():
    wanted = [replace(each, owner=0) for each in web(2)]
    pods = outcome(run(wanted, leaving(), owners=(Owner("Deployment", "web", "default", 2),), horizon=100.0, seed=1))
    assert (pods.total, pods.withdrawn, pods.start.never) == (4, 2, 2)


def test_the_pod_of_a_daemon_set_goes_with_its_node():
    agents = (DaemonSet("agent", "default", WEB, owner=0),)
    owners = (Owner("DaemonSet", "agent", "default"),)
    pods = outcome(run([], leaving(), daemon_sets=agents, owners=owners, horizon=100.0, seed=1))
    assert (pods.total, pods.withdrawn, pods.start.count) == (1, 1, 0)
    assert pods.start.p99 is None


@pytest.mark.parametrize("began", [10.0, 100.0])
def test_a_pod_that_an_update_replaced_before_it_started_is_withdrawn(began):
    update = RollingUpdate(began, PodSpec((container("new:1"),)), "hash")
    wanted = [replace(each, owner=0) for each in web(4)]
    owners = (Owner("Deployment", "web", "default", 4, update=update),)
    pods = outcome(run(wanted, node(fixed(IMAGES), **KUBELET), owners=owners))
    assert (pods.total, pods.started) == ((8, 4) if began < SLOW else (8, 8))
    assert (pods.withdrawn, pods.start.never) == (8 - pods.started, 0)
    assert pods.start.max == (1.0 if began < SLOW else SLOW)


def test_a_prepull_job_waits_for_nodes_that_were_given_up_but_not_for_those_that_left():
    spec = PodSpec((replace(container("a:1", "pull-0"), completes=True),))
    cut = run([], node(fixed(IMAGES)), prepulls=(Prepull("warm", "default", spec, timeout=5.0),))
    seconds = summarize(cut).prepulls["warm"].seconds
    assert (seconds.count, seconds.never) == (1, 1)
    left = run([], leaving(), prepulls=(Prepull("warm", "default", spec),), horizon=100.0, seed=1)
    figures = summarize(left).prepulls["warm"]
    assert (figures.given_up, figures.seconds.count, figures.seconds.p50) == (1, 0, None)
