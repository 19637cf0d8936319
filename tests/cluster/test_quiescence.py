"""When a run is over: what a retry can still change."""

from __future__ import annotations

import pytest

from pullsim.cluster.quiescence import Quiescence
from pullsim.cri import PullOutcome
from pullsim.kernel.environment import Environment
from pullsim.kubelet.pod_status import Failure, PodStatus
from pullsim.spec.cluster import ClusterSpec, Node
from pullsim.spec.registry import Fault
from tests.support.world import fixed, node, pod


class Watcher:
    """Follows no pod."""

    def bound(self, pod):
        pass

    def ended(self, pod):
        pass


def over(*failures, pulling=False, pulled=False, joins=0.0):
    """Whether a run is over, at 100 s, with one pod whose containers have failed like this."""
    env = Environment(100.0)
    spec = ClusterSpec((Node("n-0", node(fixed({})), joins=joins),))
    quiescence = Quiescence(env, spec, lambda: False)
    status = PodStatus(pod("p", *(f"a{n}:1" for n in range(len(failures)))), 0.0, Watcher())
    quiescence.create(status)
    status.bind("n-0", 0.0)
    quiescence.expect(status)
    for want, failure in zip(status.pod.spec.wants, failures, strict=True):
        status.fail(want.key, "ErrImagePull", "notFound", failure)
    status.pulling = pulling
    if pulled:
        quiescence.pulled(status, "a0:1")
    quiescence.look(status)
    return quiescence.over.triggered


FINAL = Failure(50.0, retryable=False)


@pytest.mark.parametrize(
    ("failures", "world", "is_over"),
    [
        ([FINAL], {}, True),
        ([FINAL, FINAL], {}, True),
        ([Failure(50.0, retryable=True)], {}, False),
        ([FINAL, Failure(50.0, retryable=True)], {}, False),  # one that may end otherwise is enough
        ([FINAL], {"pulling": True}, False),
        ([FINAL], {"pulled": True}, False),  # another pod brought the image since
        ([FINAL], {"joins": 50.0}, True),  # the attempt began when the world changed last
        ([FINAL], {"joins": 50.5}, False),  # the world has changed since
        ([FINAL, Failure(10.0, retryable=False)], {"joins": 20.0}, False),
    ],
)
def test_a_run_is_over_when_no_retry_can_help(failures, world, is_over):
    assert over(*failures, **world) is is_over


def test_a_failure_that_says_nothing_may_be_retried():
    """A new kind of fault keeps a run going until somebody says that it cannot end otherwise."""
    assert PullOutcome(None, code="Unknown", error="boom").retryable


def test_only_a_fault_that_strikes_by_chance_may_spare_the_next_request():
    assert not Fault().retryable
    assert Fault(probability=0.99).retryable
