"""Where the time of one pod went, step by step, and what it waited for in each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pullsim.errors import InputError
from pullsim.results.explanation.steps import ranked, steps
from pullsim.results.summary.summary import plain
from pullsim.rows import values
from pullsim.stages import READINESS

if TYPE_CHECKING:
    from pullsim.records import PodRecord, Stages
    from pullsim.results.explanation.steps import Step
    from pullsim.run import Result


@dataclass(frozen=True, slots=True)
class Explanation:
    """The time of a pod from its creation until it was ready; instants and durations in simulated seconds."""

    namespace: str
    pod: str
    workload: str
    node: str | None  # None: it was never scheduled
    created_at: float
    started_at: float | None  # None: it never started
    ready_at: float | None  # None: it never was ready
    seconds: float  # from its creation to its start, or to the end of the run
    reason: str | None  # why it waits, of a pod that never started
    message: str | None  # why no node was feasible, of a pod that got none
    sooner: int  # how many of the other pods took less time to start
    others: int  # how many other pods there are that somebody waits for
    stages: Stages  # seconds by stage until it was ready, the largest first
    steps: list[Step]
    needless: list[str]  # images with the policy Always that were on the node when the kubelet asked for them

    def to_dict(self) -> dict[str, Any]:
        """Return what `pullsim explain -o json` prints."""
        content: dict[str, Any] = plain(self)
        return content


def explain(result: Result, pod: PodRecord) -> Explanation:
    """Explain the time of a pod of the result.

    The run must have kept the detail ``layers``, which has the pods' time lines, and statuses; InputError otherwise.
    """
    if not result.keeps("layers"):
        raise InputError("explaining a pod needs the pods' time lines: run with detail layers")
    others = [
        seconds if started is not None else float("inf")
        for namespace, name, started, seconds, withdrawn in values(
            result.pods, "namespace", "pod", "started", "start_seconds", "withdrawn"
        )
        if not withdrawn and (namespace, name) != (pod.namespace, pod.pod)
    ]
    own = pod.start_seconds if pod.started is not None else float("inf")
    return Explanation(
        namespace=pod.namespace,
        pod=pod.pod,
        workload=pod.workload,
        node=pod.node,
        created_at=pod.created,
        started_at=pod.started,
        ready_at=pod.ready,
        seconds=pod.start_seconds,
        reason=pod.reason if pod.started is None else None,
        message=pod.message,
        sooner=sum(seconds < own for seconds in others),
        others=len(others),
        stages=ranked(pod.stages.items()),
        steps=steps(result, pod),
        needless=_needless(result, pod),
    )


def slowest(result: Result) -> PodRecord:
    """Return the pod that took longest to start of those that somebody waits for; one that never started if any did."""
    waited = [pod for pod in result.pods if not pod.withdrawn] or [*result.pods]
    if not waited:
        raise InputError("no pod was created in this run: there is nothing to explain")
    return max(waited, key=lambda pod: (pod.started is None, pod.start_seconds))


def until_start(explanation: Explanation) -> Stages:
    """Return the seconds by stage that sum to the time until the pod's start, the largest first."""
    return {stage: seconds for stage, seconds in explanation.stages.items() if stage != READINESS}


def _needless(result: Result, pod: PodRecord) -> list[str]:
    """Return the images that were pulled for the pod although an earlier pull had brought the same content.

    With IfNotPresent the kubelet does not pull an image that is on the node (pkg/kubelet/images/image_manager.go,
    EnsureImageExists; imagePullPrecheck), as long as the pod may use it.
    """
    own = [pull for pull in result.pulls if pull.node == pod.node and (pull.namespace, pull.pod) == _name(pod)]
    always = {
        (request.image, request.requested)
        for request in result.requests
        if request.policy == "Always" and (request.namespace, request.pod) == _name(pod)
    }
    found = []
    for pull in own:
        asked = any(image == pull.image and requested <= pull.requested for image, requested in always)
        if pull.ok and asked and _present(result, pod, pull.image_ref, pull.requested) and pull.image not in found:
            found.append(pull.image)
    return found


def _present(result: Result, pod: PodRecord, image_ref: str | None, at: float) -> bool:
    """Whether an earlier pull on the pod's node had brought the image by then, and nothing had removed it since."""
    brought = [
        ended
        for node, ok, ref, ended in values(result.pulls, "node", "ok", "image_ref", "ended")
        if node == pod.node and ok and ref == image_ref and ended <= at
    ]
    if not brought:
        return False
    removed = [each.t for each in result.removals if each.node == pod.node and each.image_ref == image_ref]
    return not any(max(brought) < t <= at for t in removed)


def _name(pod: PodRecord) -> tuple[str, str]:
    return pod.namespace, pod.pod
