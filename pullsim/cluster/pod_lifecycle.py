"""The lifecycle of pods: they are created, bound and started, and completed, deleted or evicted."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from pullsim.cluster.controllers.controller_manager import Controllers
from pullsim.cluster.controllers.prepull import PrepullJobs
from pullsim.kernel.event import Call
from pullsim.kubelet.api_status import record_end, record_pending
from pullsim.kubelet.pod_status import DELETED, PodStatus
from pullsim.records import PodRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pullsim.cluster.autoscaler.autoscaler import Autoscaler
    from pullsim.cluster.quiescence import Quiescence
    from pullsim.cluster.scheduler.scheduler import Scheduler
    from pullsim.kernel.environment import Environment
    from pullsim.records import Recorder
    from pullsim.spec.cluster import ClusterSpec
    from pullsim.spec.pod import Pod

NOT_CREATED = "NotCreated"  # reason of a pod that was to be created when another is available, which never was


class PodLifecycle:
    """Creates the pods of the scenario at their times, tracks their states, and writes the row of each.

    For controllers and prepull jobs, which create and delete pods, it stands for the API server: it has the operations
    of `PodApi`, and tells them when pods are available and when they are gone.
    """

    __deletable__ = ("_started", "autoscaler", "controllers", "prepulls")  # asked for by mypyc; see `dissolve`

    def __init__(
        self,
        env: Environment,
        spec: ClusterSpec,
        recorder: Recorder,
        scheduler: Scheduler,
        quiescence: Quiescence,
        started: Callable[[float, int], None],
    ) -> None:
        """``started`` is called at each start of a pod with the time and the number of started pods."""
        self._env = env
        self._spec = spec
        self._recorder = recorder
        self._scheduler = scheduler
        self._quiescence = quiescence
        self._started = started
        self._count = 0  # pods that have started
        self._followers: dict[tuple[str, str], list[Pod]] = {}  # pods created when another is available, by that one
        for pod in spec.pods:
            if pod.follows is not None:
                self._followers.setdefault((pod.namespace, pod.follows), []).append(pod)
        quiescence.to_come += sum(pod.follows is None for pod in spec.pods)
        self.total = len(spec.pods)  # number of pods of the run, with those that have ended or are not created yet
        self.prepull_rows: list[PodRecord] = []  # rows of the pods of prepull jobs
        self.prepulls = PrepullJobs(env, spec, self, scheduler.nodes)
        self.controllers = Controllers(env, spec, self)
        self.autoscaler: Autoscaler | None = None

    def run(self) -> Generator[Any, Any, None]:
        """Create the pods of the scenario at their times."""
        env = self._env
        expected = (pod for pod in self._spec.pods if pod.follows is None)
        for created, pods in groupby(expected, key=attrgetter("created")):
            if created > env.now:
                yield env.timeout(created - env.now)
            first, *others = pods
            if not others and self._scheduler.idle:  # there is no order in which pods could be tried
                self.create_expected(first)
                continue
            with self._scheduler.batch():
                for pod in (first, *others):
                    self.create_expected(pod)

    def expect(self, pods: int) -> None:
        """Count pods of DaemonSets that are to come; fewer by ``-pods`` where that is negative."""
        self.total += pods
        self._quiescence.to_come += pods

    def create_expected(self, pod: Pod) -> None:
        """Create a pod of the scenario or of one of its DaemonSets, which was counted as to come."""
        self._quiescence.to_come -= 1
        self._adopt(pod)

    def create(self, pod: Pod) -> PodStatus:
        """Create a pod that is not in the scenario, and try to bind it."""
        self.total += 1
        return self._create(pod)

    def delete(self, pod: PodStatus) -> None:
        """Delete a pod that nobody wants any more, unless it has ended."""
        pod.withdrawn = pod.withdrawn or pod.ended is None
        self._delete(pod)

    def free_name(self, namespace: str, prefix: str, first: int) -> tuple[str, int]:
        """Return the first unused name ``<prefix>-NNNNN`` with a number from ``first`` on, and the number."""
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

    # The methods that pods call: see `pullsim.kubelet.pod_status.Watcher`.

    def bound(self, pod: PodStatus) -> None:
        """Note that the pod was bound to a node."""
        self._quiescence.expect(pod)
        if self.autoscaler is not None and not self.is_daemon(pod):
            self.autoscaler.came(pod)

    def look(self, pod: PodStatus) -> None:
        """Check whether a pod has started, is ready or is idle, when a pull for it begins and after every sync.

        A pod that has ended is not checked: images that its last sync still pulls do not start any container.
        """
        if pod.has_ended():
            return
        if pod.started is None:
            self._quiescence.look(pod)
            if pod.pod.prepull and pod.trouble.failing:
                self.prepulls.failing(pod)
            return
        if pod.ready is not None:
            self._write(pod, pod.record(pod.ready))
            pod.clock.forget()
            self._quiescence.finished(pod)
        if pod.ready is None or not pod.ready_later:  # otherwise its start was noted before
            self._note_start(pod)
        if pod.ready is not None:
            self._follow(pod)
            self._quiescence.check()

    def stuck(self, pod: PodStatus) -> None:
        """Check whether a pod that runs can become ready, as its process could not read its image."""
        self._quiescence.look(pod)

    def pulled(self, pod: PodStatus, image: str) -> None:
        """Note that a pull of the pod brought an image to its node."""
        self._quiescence.pulled(pod, image)
        if pod.node is not None:
            self._scheduler.images_changed(pod.node)

    def ended(self, pod: PodStatus) -> None:
        """Write the row of a pod that has ended before it was ready; its last sync may still run."""
        if pod in self._quiescence.unfinished:
            self._write(pod, pod.record(self._env.now, never=True))
        if pod.node is not None:
            self._scheduler.ended(pod)
            if self.autoscaler is not None and not self.is_daemon(pod):
                self.autoscaler.went(pod)
        self._quiescence.ended(pod)

    # The methods that the lifecycle of nodes calls.

    def terminated(self, pod: PodStatus, *, lost: bool) -> None:
        """Note that a pod that has ended has left its node; ``lost``: the node itself has left."""
        self._scheduler.terminated(pod)
        self._gone(pod, lost=lost)
        self._quiescence.terminated(pod)

    def node_left(self, node: str) -> None:
        """Delete the pending pods of DaemonSets and prepull jobs that were meant for a node that has left."""
        for pod in self._scheduler.pending_for(node):
            if self.is_daemon(pod):
                self.delete(pod)

    def is_daemon(self, pod: PodStatus) -> bool:
        """Whether a pod is a DaemonSet's, or a prepull job's."""
        owner = pod.pod.owner
        return pod.pod.prepull or (owner is not None and self._spec.owners[owner].kind == "DaemonSet")

    # The methods that are called at the end of the run.

    def close(self, at: float, *, never: bool) -> None:
        """Write the rows of pods that are not ready by ``at``; ``never``: they would not start later either."""
        for waiting in self._followers.values():  # their predecessors are not ready
            for follower in waiting:
                self._status(follower).troubled().reason = NOT_CREATED
        self._scheduler.explain()
        for pod in self._quiescence.unfinished:
            self._write(pod, pod.record(at, never=never))

    def dissolve(self) -> None:
        """Drop the references to objects that refer back to this one."""
        del self.controllers, self.prepulls, self._started, self.autoscaler

    def _adopt(self, pod: Pod) -> None:
        """Create a pod of the scenario and give it to its controller."""
        self.controllers.adopt(self._create(self.controllers.revise(pod)))

    def _create(self, pod: Pod) -> PodStatus:
        status = self._status(pod)
        record_pending(status, self._recorder)
        if pod.lives is not None:
            Call(self._env, lambda _: self._delete(status), pod.lives)
        self._scheduler.add(status)
        if self.autoscaler is not None and status.node is None:
            self.autoscaler.awaited()
        return status

    def _delete(self, pod: PodStatus) -> None:
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

    def _status(self, pod: Pod) -> PodStatus:
        status = PodStatus(pod, pod.created, self, spans=self._recorder.spans is not None)
        self._quiescence.create(status)
        return status

    def _note_start(self, pod: PodStatus) -> None:
        """Note that a pod has started, and let it complete when its containers have run for as long as they do."""
        self._count += 1
        self._started(self._env.now, self._count)
        if pod.pod.spec.completes and not pod.pod.prepull:
            self.hold()
            Call(self._env, lambda _: self._complete(pod), max(each.run for each in pod.pod.spec.containers))

    def _follow(self, pod: PodStatus) -> None:
        """Go on with what waits for a pod that is ready: at once, or after its owner's minReadySeconds."""
        owner = pod.pod.owner
        wait = 0.0 if owner is None else self._spec.owners[owner].min_ready
        if wait and (self.controllers.watch(pod) or (pod.namespace, pod.name) in self._followers):
            self.hold()
            Call(self._env, lambda _: self._become_available(pod), wait)
        else:
            self._note_available(pod)

    def _become_available(self, pod: PodStatus) -> None:
        """Note that a pod is available, unless it has ended before."""
        if not pod.has_ended():
            self._note_available(pod)
        self.release()

    def _note_available(self, pod: PodStatus) -> None:
        """Create the pods that wait until a pod is available, and tell its controller that it is."""
        pod.available = True
        for follower in self._followers.pop((pod.namespace, pod.name), ()):
            self._adopt(replace(follower, created=self._env.now))
        self.controllers.started(pod)
        self.prepulls.started(pod)

    def _complete(self, pod: PodStatus) -> None:
        """Complete a pod, unless it has ended before; called when the longest run of its containers is over.

        The kubelet is told that a container has exited when its root filesystem is unmounted.
        """
        if pod.ended is None and pod.node is not None:
            unmounting = self._scheduler.node(pod.node).kubelet.unmount_rootfs()
            if unmounting is not None:
                self._env.process(self._complete_after(pod, unmounting))
                return
        self._end_completed(pod)

    def _complete_after(self, pod: PodStatus, unmounting: Generator[Any, Any, None]) -> Generator[Any, Any, None]:
        yield from unmounting
        self._end_completed(pod)

    def _end_completed(self, pod: PodStatus) -> None:
        if pod.ended is None and pod.node is not None:
            self._scheduler.node(pod.node).kubelet.complete(pod)
        self.release()

    def _gone(self, pod: PodStatus, *, lost: bool) -> None:
        self.controllers.gone(pod, lost=lost)
        self.prepulls.gone(pod)

    def _write(self, pod: PodStatus, row: tuple[Any, ...]) -> None:
        """Write the row of a pod, and the spans of its time line if the recorder takes spans."""
        if self._recorder.spans is not None:
            self._recorder.spans(pod.node, pod.namespace, pod.name, pod.take_spans())
        if pod.pod.prepull:
            self.prepull_rows.append(PodRecord._make(row))
        else:
            self._recorder.pod(row)

    @cached_property
    def _names(self) -> set[tuple[str, str]]:
        """The names that pods have had; the set is made when a controller first asks for a free name."""
        return {(pod.namespace, pod.name) for pod in self._spec.pods}
