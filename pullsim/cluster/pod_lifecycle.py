"""The life of pods: created, bound, started, completed or deleted, gone."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pullsim.cluster.controllers.controller_manager import Controllers
from pullsim.cluster.controllers.prepull import PrepullJobs
from pullsim.kernel.event import Call
from pullsim.kubelet.api_status import record_end, record_pending
from pullsim.kubelet.pod_status import DELETED, PodStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    import simpy

    from pullsim.cluster.quiescence import Quiescence
    from pullsim.cluster.scheduler.scheduler import Scheduler
    from pullsim.records import PodRecord, Recorder
    from pullsim.spec.cluster import ClusterSpec
    from pullsim.spec.pod import Pod

NOT_CREATED = "NotCreated"  # reason of a pod that waited for another to start


class PodLifecycle:
    """Creates the pods of the scenario at their times, follows them, and writes the row of each.

    It is the API server for those that create and delete pods (controllers and prepull jobs), and tells them what
    becomes of the pods.
    """

    def __init__(
        self,
        env: simpy.Environment,
        spec: ClusterSpec,
        recorder: Recorder,
        scheduler: Scheduler,
        quiescence: Quiescence,
        started: Callable[[float, int], None],
    ) -> None:
        """``started`` is told the time and the number of started pods at each start."""
        self._env = env
        self._spec = spec
        self._recorder = recorder
        self._scheduler = scheduler
        self._quiescence = quiescence
        self._started = started
        self._count = 0  # pods that have started
        self._followers: dict[tuple[str, str], list[Pod]] = {}  # pods that wait for another to start, by that one
        for pod in spec.pods:
            if pod.follows is not None:
                self._followers.setdefault((pod.namespace, pod.follows), []).append(pod)
        quiescence.to_come += sum(pod.follows is None for pod in spec.pods)
        self.total = len(spec.pods)  # pods that there are, were or will be
        self.prepull_rows: list[PodRecord] = []  # rows of the pods of prepull jobs
        self.prepulls = PrepullJobs(env, spec, self)
        self.controllers = Controllers(env, spec, self)

    def run(self) -> Generator[Any, Any, None]:
        """Create the pods of the scenario at their times."""
        env = self._env
        for pod in self._spec.pods:
            if pod.follows is not None:
                continue
            if pod.created > env.now:
                yield env.timeout(pod.created - env.now)
            self.create_expected(pod)

    def create_expected(self, pod: Pod) -> None:
        """Create a pod that the scenario has, or that belongs to one of its DaemonSets: it was counted as to come."""
        self._quiescence.to_come -= 1
        self._adopt(pod)

    def create(self, pod: Pod) -> PodStatus:
        """Create a pod that the scenario does not have, and try to place it."""
        self.total += 1
        return self._create(pod)

    def delete(self, pod: PodStatus) -> None:
        """Delete a pod, unless it has ended."""
        if pod.ended is not None:
            return
        if pod.node is None:
            self._scheduler.delete(pod)
            pod.end(DELETED)
            record_end(pod, self._recorder, self._env.now)
            self._gone(pod, lost=False)
        else:
            self._scheduler.node(pod.node).kubelet.end(pod, DELETED)

    def free_name(self, namespace: str, prefix: str, first: int) -> tuple[str, int]:
        """Return the first name ``<prefix>-NNNNN`` from number ``first`` on that no pod has had, and its number."""
        number = first
        while (namespace, name := f"{prefix}-{number:05d}") in self._names:
            number += 1
        self._names.add((namespace, name))
        return name, number

    def hold(self) -> None:
        """Keep the run from being over."""
        self._quiescence.hold()

    def release(self) -> None:
        """Take one `hold` back."""
        self._quiescence.release()

    # What pods tell: see `pullsim.kubelet.pod_status.Watcher`.

    def bound(self, pod: PodStatus) -> None:
        """Take note that the pod was given to a node."""
        self._quiescence.expect(pod)

    def look(self, pod: PodStatus) -> None:
        """Look at a pod when a pull of it begins, and after every sync.

        A pod that has ended is no longer looked at: whatever its last sync still pulls starts nothing.
        """
        if pod.has_ended():
            return
        if pod.started is None:
            self._quiescence.look(pod)
            return
        self._write(pod, pod.record(pod.started))
        self._quiescence.finished(pod)
        self._count += 1
        self._follow(pod)
        self._quiescence.check()

    def pulled(self, pod: PodStatus, image: str) -> None:
        """Take note that a pull of the pod brought an image to its node."""
        self._quiescence.pulled(pod, image)
        if pod.node is not None:
            self._scheduler.images_changed(pod.node)

    def ended(self, pod: PodStatus) -> None:
        """Write the row of a pod that was deleted or evicted before it started; a sync of it may still go on."""
        if pod in self._quiescence.unfinished:
            self._write(pod, pod.record(self._env.now, never=True))
        self._quiescence.ended(pod)

    # What nodes tell.

    def terminated(self, pod: PodStatus, *, lost: bool) -> None:
        """Take note that a pod that has ended is gone from its node; ``lost``: it went with the node."""
        self._scheduler.terminated(pod)
        self._gone(pod, lost=lost)
        self._quiescence.terminated(pod)

    def node_left(self, node: str) -> None:
        """Delete the pods that wait for a place on a node that has left, and are for no other."""
        for pod in self._scheduler.pending():
            if pod.pod.node == node and self._is_daemon(pod):
                self.delete(pod)

    # What is left at the end.

    def close(self, at: float, *, never: bool) -> None:
        """Write the rows of the pods that have not started; ``never``: they never would have."""
        for waiting in self._followers.values():  # their predecessors have not started
            for follower in waiting:
                self._status(follower).reason = NOT_CREATED
        for pod in self._quiescence.unfinished:
            self._write(pod, pod.record(at, never=never))

    def dissolve(self) -> None:
        """Let go of those who refer to the pods' life in turn."""
        del self.controllers, self.prepulls, self._started

    def _adopt(self, pod: Pod) -> None:
        """Create a pod of the scenario, which its controller takes over."""
        self.controllers.adopt(self._create(self.controllers.revise(pod)))

    def _create(self, pod: Pod) -> PodStatus:
        status = self._status(pod)
        record_pending(status, self._recorder)
        if pod.lives is not None:
            Call(self._env, lambda _: self.delete(status), pod.lives)
        self._scheduler.add(status)
        return status

    def _status(self, pod: Pod) -> PodStatus:
        status = PodStatus(pod, pod.created, self, spans=self._recorder.span is not None)
        self._quiescence.create(status)
        return status

    def _follow(self, pod: PodStatus) -> None:
        """Create the pods that waited for one that has started, and tell its controller."""
        self._started(self._env.now, self._count)
        for follower in self._followers.pop((pod.namespace, pod.name), ()):
            self._adopt(replace(follower, created=self._env.now))
        if pod.pod.spec.completes and not pod.pod.prepull:
            self.hold()
            Call(self._env, lambda _: self._complete(pod), max(each.run for each in pod.pod.spec.containers))
        self.controllers.started(pod)
        self.prepulls.started(pod)

    def _complete(self, pod: PodStatus) -> None:
        """See that a pod has completed, unless it ended before: when the last container to start has run."""
        if pod.ended is None and pod.node is not None:
            self._scheduler.node(pod.node).kubelet.complete(pod)
        self.release()

    def _gone(self, pod: PodStatus, *, lost: bool) -> None:
        self.controllers.gone(pod, lost=lost)
        self.prepulls.gone(pod)

    def _is_daemon(self, pod: PodStatus) -> bool:
        """Whether a pod is a DaemonSet's, or a prepull job's."""
        owner = pod.pod.owner
        return pod.pod.prepull or (owner is not None and self._spec.owners[owner].kind == "DaemonSet")

    def _write(self, pod: PodStatus, row: PodRecord) -> None:
        """Write the row of a pod, and its time line where that is wanted."""
        if self._recorder.span is not None:
            for span in pod.time_line():
                self._recorder.span(span)
        if pod.pod.prepull:
            self.prepull_rows.append(row)
        else:
            self._recorder.pod(row)

    @cached_property
    def _names(self) -> set[tuple[str, str]]:
        """The names that pods have had: made when a controller first asks for one that is free."""
        return {(pod.namespace, pod.name) for pod in self._spec.pods}
