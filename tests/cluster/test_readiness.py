"""Controllers wait until pods are ready, and then for minReadySeconds: new pods are ready 20 s after their start."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pullsim.results import check
from pullsim.spec.cluster import DaemonSet, Owner, PodSpec, RollingUpdate
from pullsim.spec.startup import Startup
from tests.support.outcome import row
from tests.support.world import container, fixed, node, pod, run

OLD = PodSpec((container("old:1"),))
NEW = PodSpec((container("new:1", policy="Always"),), startup=Startup(ready=20.0))
IMAGES = {"old:1": 0.0, "new:1": 10.0}


def updated(kind, replicas, *, min_ready=0.0, nodes=1, **update):
    """Old pods from 0 s on, updated at 100 s on nodes where a pull takes 10 s, the first time."""
    owner = Owner(
        kind,
        "web",
        "default",
        0 if kind == "DaemonSet" else replicas,
        update=RollingUpdate(100.0, NEW, "hash", **update),
        min_ready=min_ready,
    )
    name = "web-{}" if kind == "StatefulSet" else "web-{:05d}"
    pods = [replace(pod(name.format(n)), spec=OLD, workload="web", owner=0) for n in range(replicas)]
    daemons = (DaemonSet("web", "default", OLD, owner=0),) if kind == "DaemonSet" else ()
    pods = () if daemons else pods
    return run(pods, node(fixed(IMAGES)), nodes=nodes, owners=(owner,), daemon_sets=daemons)


@pytest.mark.parametrize(
    ("kind", "replicas", "nodes", "update"),
    [
        ("Deployment", 2, 1, {"max_surge": "1", "max_unavailable": "0"}),
        ("Deployment", 2, 1, {"max_surge": "0", "max_unavailable": "1"}),
        ("StatefulSet", 2, 1, {}),
        ("DaemonSet", 0, 2, {}),
    ],
)
@pytest.mark.parametrize("least", [0.0, 7.0])
def test_a_rollout_goes_on_when_the_new_pod_is_available(kind, replicas, nodes, update, least):
    """The first new pod pulls for 10 s, and so does the second on another node; a present image takes no time."""
    result = updated(kind, replicas, min_ready=least, nodes=nodes, **update)
    made = sorted(each.created for each in result.pods if each.created >= 100.0)
    assert made == [100.0, 130.0 + least]
    second = 30.0 if nodes == 2 else 20.0  # on one node the image is there by then
    assert result.rollouts[0].completed == 130.0 + least + second + least
    assert check(result) == []


def test_an_ordered_set_creates_a_pod_when_the_one_before_is_available():
    owner = Owner("StatefulSet", "db", "default", 3, ordered=True, min_ready=5.0)
    pods = [replace(pod(f"db-{n}"), spec=NEW, owner=0, follows=f"db-{n - 1}" if n else None) for n in range(3)]
    result = run(pods, node(fixed(IMAGES)), owners=(owner,))
    assert [row(result, f"db-{n}").created for n in range(3)] == [0.0, 35.0, 60.0]
    assert row(result, "db-2").ready == result.end == 80.0  # nothing waits for the last one to be available


def test_a_successor_of_a_pod_that_is_deleted_before_it_is_available_never_comes():
    owner = Owner("StatefulSet", "db", "default", 2, ordered=True, min_ready=5.0)
    first = replace(pod("db-0", lives=32.0), spec=NEW, owner=0)
    second = replace(pod("db-1"), spec=NEW, owner=0, follows="db-0")
    result = run([first, second], node(fixed(IMAGES)), owners=(owner,))
    assert (row(result, "db-0").ready, row(result, "db-1").reason) == (30.0, "NotCreated")


def test_pods_that_are_not_ready_go_before_pods_that_are():
    """Both old pods run at 100 s, but the second is ready only at 150 s: it is deleted first."""
    slow = replace(OLD, startup=Startup(ready=150.0))
    owner = Owner("Deployment", "web", "default", 2, update=RollingUpdate(100.0, OLD, "hash", "1", "0"))
    pods = [replace(pod(f"web-0000{n}"), spec=spec, owner=0) for n, spec in enumerate((slow, OLD))]
    result = run(pods, node(fixed(IMAGES)), owners=(owner,), status=True)
    assert [(each.t, each.pod) for each in result.statuses if each.status == "Deleted"] == [
        (100.0, "web-00000"),
        (100.0, "web-00001"),
    ]
