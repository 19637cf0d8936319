"""Where the time of one pod went, step by step, and what it waited for in each."""

from __future__ import annotations

import heapq
import math
from typing import TYPE_CHECKING, Any

from pullsim.errors import InputError
from pullsim.frozen import dataclass
from pullsim.oci.reference import InvalidReference, parse
from pullsim.results.explanation.steps import ranked, steps
from pullsim.results.summary.summary import plain
from pullsim.rows import values
from pullsim.stages import AFTER_START

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
    needless: list[str]  # images of the policy Always that were on the node when the kubelet first asked for them

    def to_dict(self) -> dict[str, Any]:
        """Return what `pullsim explain -o json` prints."""
        content: dict[str, Any] = plain(self)
        return content


def explain(result: Result, pod: PodRecord) -> Explanation:
    """Explain the time of a pod of the result.

    The run must have kept the detail ``layers``, which has the pods' time lines; InputError otherwise. Which images
    were pulled by their policy alone is known of a run that kept statuses.
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


def slowest(result: Result, count: int = 1) -> list[PodRecord]:
    """Return the pods that took longest to start of those that somebody waits for, first what never started."""
    waited = [pod for pod in result.pods if not pod.withdrawn] or [*result.pods]
    if not waited:
        raise InputError("no pod was created in this run: there is nothing to explain")
    return heapq.nlargest(count, waited, key=lambda pod: (pod.started is None, pod.start_seconds))


def until_start(explanation: Explanation) -> Stages:
    """Return the seconds by stage that sum to the time until the pod's start, the largest first."""
    return {stage: seconds for stage, seconds in explanation.stages.items() if stage not in AFTER_START}


def _needless(result: Result, pod: PodRecord) -> list[str]:
    """Return the images that were on the node when the kubelet first asked for them, and that only Always pulled.

    With IfNotPresent the kubelet does not pull an image that is on the node (pkg/kubelet/images/image_manager.go,
    EnsureImageExists and imagePullPrecheck), as long as the pod may use it.
    """
    name = (pod.namespace, pod.pod)
    requests = values(result.requests, "namespace", "pod", "policy", "image")
    always = {image for *of, policy, image in requests if policy == "Always" and tuple(of) == name}
    first: dict[str, float] = {}
    for *of, node, image, requested in values(result.pulls, "namespace", "pod", "node", "image", "requested"):
        if node == pod.node and tuple(of) == name and requested >= pod.created:  # a StatefulSet gives the name again
            first[image] = min(requested, first.get(image, requested))
    return [image for image, at in first.items() if image in always and _present(result, pod, image, at)]


def _present(result: Result, pod: PodRecord, image: str, at: float) -> bool:
    """Whether the image was on the pod's node by then: from the beginning, or pulled, and not removed since."""
    name = _normalised(image)
    columns = values(result.pulls, "node", "image", "ok", "ended")
    since = [
        ended
        for node, pulled, ok, ended in columns
        if ok and ended <= at and node == pod.node and _normalised(pulled) == name
    ]
    if name in map(_normalised, result.cached.get(result.pools.get(pod.node or "", ""), ())):
        since.append(-math.inf)
    removed = [each.t for each in result.removals if each.node == pod.node and name in each.images]
    return bool(since) and not any(max(since) < t <= at for t in removed)


def _normalised(image: str) -> str | None:
    """Return the full name of an image, which different texts may stand for; None for what is no name."""
    try:
        return str(parse(image))
    except InvalidReference:
        return None
