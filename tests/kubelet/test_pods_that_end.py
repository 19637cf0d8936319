"""Pods that are deleted after a while: what they free, and what goes on without them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pullsim.cri import Auth
from pullsim.results import check
from pullsim.runtime.fixed.server import FixedRuntime
from pullsim.spec.cluster import DaemonSet, PodSpec
from pullsim.spec.credentials import CredentialSources, Plugin, Provider
from pullsim.spec.runtime import FixedImage
from tests.support.outcome import pull, row, stages, story, times, whole
from tests.support.world import HOST, STEADY, UNLIMITED, container, failing, fixed, node, parallel, pod, run, run_fixed


def test_a_pod_is_deleted_so_long_after_its_creation():
    result = run_fixed([pod("p", "a:1", at=5.0, lives=60.0), pod("last", "a:1", at=100.0)], {"a:1": 10.0})
    assert times(result, "Killing", pod="p") == [65.0]
    assert [event.message for event in result.events if event.reason == "Killing"] == ["Stopping container c0"]
    p = row(result, "p")
    assert (p.started, p.reason, p.start_seconds) == (15.0, None, 10.0)  # as if it had stayed
    assert check(result) == []


def test_its_place_goes_to_a_pod_that_waits():
    spec = node(fixed({"a:1": FixedImage(1.0)}), max_pods=1)
    wanted = [pod("p", "a:1", lives=50.0), pod("q", "a:1", at=10.0), pod("r", "a:1", at=20.0)]
    result = run(wanted, spec, horizon=100.0)
    assert (row(result, "q").scheduled, row(result, "q").started) == (50.0, 50.0)
    assert stages(row(result, "q"))["scheduling"] == pytest.approx(40.0)
    assert row(result, "r").node is None


def test_a_pod_that_has_not_started_by_then_never_does():
    result = run_fixed([pod("p", "a:1", lives=4.0, deadline=60.0), pod("q", "b:1")], {"a:1": 10.0, "b:1": 20.0})
    p = row(result, "p")
    assert (p.started, p.reason, p.start_seconds, p.missed) == (None, "Deleted", 4.0, True)
    assert stages(p) == {"pull": 4.0}
    assert whole(p)
    assert times(result, "Created", pod="p") == times(result, "Killing", pod="p") == []
    assert check(result) == []


def test_its_pull_goes_on_and_others_use_what_it_brings():
    """Deleting a pod cancels neither a running pull nor the worker's sync: the image is there at 10 s."""
    wanted = [pod("p", "a:1", lives=4.0), pod("q", "a:1", at=12.0)]
    result = run_fixed(wanted, {"a:1": 10.0})
    assert (pull(result, "p").ok, pull(result, "p").ended) == (True, 10.0)
    assert times(result, "Pulled", pod="p") == [10.0]
    assert row(result, "q").pulls == 0


def test_a_queued_pull_of_a_deleted_pod_is_made_too():
    result = run_fixed(
        [pod("p", "a:1"), pod("q", "b:1", at=1.0, lives=4.0), pod("r", "c:1", at=2.0)],
        {"a:1": 10.0, "b:1": 10.0, "c:1": 10.0},
        kubelet=parallel(1),
    )
    assert pull(result, "q").started == 10.0
    assert pull(result, "r").started == 20.0


def test_its_place_is_free_only_when_its_pull_has_ended():
    """The pod's termination waits until the worker's sync returns."""
    spec = node(fixed({"a:1": FixedImage(10.0)}), max_pods=1)
    result = run([pod("p", "a:1", lives=4.0), pod("q", "a:1", at=1.0)], spec)
    assert row(result, "q").scheduled == 10.0


def test_its_other_containers_are_not_tried():
    result = run_fixed([pod("p", "a:1", "b:1", lives=4.0), pod("q", "z:1")], {"a:1": 10.0, "b:1": 1.0, "z:1": 30.0})
    assert [record.image for record in result.pulls if record.pod == "p"] == ["a:1"]


def test_a_deleted_pod_in_back_off_is_not_looked_at_again():
    wanted = [pod("p", "a:1", lives=30.0), pod("q", "b:1")]
    result = run_fixed(wanted, {"a:1": failing(), "b:1": 300.0}, loop=STEADY)
    assert max(t for t, _ in story(result, "p")) <= 30.0
    assert row(result, "p").reason == "Deleted"
    assert row(result, "p").cause == "runtime"


def test_a_pod_without_a_node_is_deleted_too():
    spec = node(fixed({"a:1": FixedImage(1.0)}), max_pods=1)
    result = run([pod("p", "a:1"), pod("q", "a:1", at=1.0, lives=5.0)], spec)
    q = row(result, "q")
    assert (q.node, q.reason, q.start_seconds) == (None, "Deleted", 5.0)
    assert result.end == 6.0


def test_pods_of_a_daemon_set_live_as_long():
    sets = (DaemonSet("agent", "default", PodSpec((container("a:1"),)), lives=30.0),)
    result = run([pod("late", "a:1", at=60.0)], node(fixed({"a:1": FixedImage(1.0)})), daemon_sets=sets)
    assert times(result, "Killing", pod="agent-n-0") == [30.0]


def test_an_image_that_is_removed_before_the_container_is_created(monkeypatch):
    """Presence and creation are two calls: in between the image can go. The next sync pulls again."""
    create, gone = FixedRuntime.create_container, []

    def create_container(self, image_id, handler=""):
        if not gone:
            gone.append(image_id)
            self.remove_image(image_id)
        return create(self, image_id, handler)

    monkeypatch.setattr(FixedRuntime, "create_container", create_container)
    result = run_fixed([pod("p", "a:1")], {"a:1": 2.0}, kubelet=UNLIMITED)
    assert story(result, "p") == [
        (0.0, "Pulling"),
        (2.0, "Pulled"),
        (2.0, "Failed"),
        (12.0, "Pulling"),
        (14.0, "Pulled"),
        (14.0, "Created"),
        (14.0, "Started"),
    ]
    failed = next(event.message for event in result.events if event.reason == "Failed")
    assert failed == f'Error: failed to resolve image "{gone[0]}": not found'
    assert whole(row(result, "p"))


def test_a_pull_that_begins_after_the_deletion_keeps_no_run_going():
    """The credentials are looked up when the pod is deleted; the sync goes on and pulls, and the pod is settled."""
    provider = Provider("plugin", (HOST,), 3600.0, plugin=Plugin(auth=((HOST, Auth("ci", "token")),), takes=5.0))
    spec = replace(node(fixed({f"{HOST}/a:1": 1.0})), credentials=CredentialSources(providers=(provider,)))
    result = run([pod("p", f"{HOST}/a:1", lives=3.0), pod("q", "gone:1")], spec)
    assert (times(result, "Pulling", pod="p"), row(result, "p").reason) == ([5.0], "Deleted")
    assert (result.ended, result.end) == ("settled", 10.0)  # q looks once more after the deletion
