"""The controller of a StatefulSet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullsim.cluster.controllers.controller import Controller, available
from pullsim.cluster.controllers.int_or_percent import stateful_set_limit

if TYPE_CHECKING:
    from pullsim.cluster.controllers.controller import PodApi
    from pullsim.kernel.environment import Environment
    from pullsim.kubelet.pod_status import PodStatus
    from pullsim.spec.cluster import Owner


class StatefulSetController(Controller):
    """Replaces pods under their own names, and updates them from the highest ordinal down.

    A pod is created again when the old one is gone. With OrderedReady, pods are created one at a time, each when all
    pods with lower ordinals are available. By default pods are updated one at a time, each when the one before is
    available; maxUnavailable above 1 needs the gate MaxUnavailableStatefulSet. Once an update has begun, pods whose
    ordinals are not below the partition are created from the new template.

    Models pkg/controller/statefulset/stateful_set_control.go updateStatefulSet, all releases.
    """

    def __init__(self, env: Environment, owner: Owner, api: PodApi) -> None:
        super().__init__(env, owner, api)
        self._pods: dict[int, PodStatus] = {}  # pods by ordinal
        self._missing: set[int] = set()  # ordinals whose pod is to be created again
        self._new: set[int] = set()  # ordinals whose pod is of the new template
        self._given_up = 0  # number of pods that ended by themselves and are not replaced
        self._leaving: set[PodStatus] = set()  # pods that this controller deleted

    def _take(self, pod: PodStatus) -> None:
        self._pods[_ordinal(pod)] = pod
        if self.began is not None:
            self._new.add(_ordinal(pod))

    def _drop(self, pod: PodStatus, *, lost: bool) -> None:
        ordinal = _ordinal(pod)
        if pod in self._leaving:
            self._leaving.discard(pod)
            self.api.release()
            lost = True
        if self._pods.get(ordinal) is pod:
            del self._pods[ordinal]
            if lost:
                self._missing.add(ordinal)
            else:
                self._given_up += 1

    def _reconcile(self) -> None:
        if not self._create():
            return
        update = self.owner.update
        if self.began is None or update is None:
            return
        if self.owner.ordered and len(self._pods) + self._given_up < self.owner.replicas:
            return
        old = [n for n in sorted(self._pods, reverse=True) if n >= update.partition and n not in self._new]
        most = stateful_set_limit(update.max_unavailable or "1", self._replicas())
        if most == 1:
            if old and all(available(self._pods[n]) for n in self._pods if n > old[0]) and not self._missing:
                self._delete(old[:1])
            return
        unavailable = len(self._missing) + len(self._leaving)
        unavailable += sum(not available(pod) for pod in self._pods.values() if pod not in self._leaving)
        self._delete([n for n in old if self._pods[n] not in self._leaving][: max(most - unavailable, 0)])

    def _create(self) -> bool:
        """Create missing pods in order; return whether the update may go on, with no pod to wait for first."""
        update = self.owner.update
        for ordinal in sorted({*self._pods, *self._missing}):
            pod = self._pods.get(ordinal)
            if pod is None:
                new = self.began is not None and update is not None and ordinal >= update.partition
                self._missing.discard(ordinal)
                self._pods[ordinal] = self._make(f"{self.owner.name}-{ordinal}", new=new)
                if new:
                    self._new.add(ordinal)
                else:
                    self._new.discard(ordinal)
            if self.owner.ordered and not available(self._pods[ordinal]):
                return False
        return True

    def _delete(self, ordinals: list[int]) -> None:
        pods = [self._pods[ordinal] for ordinal in ordinals if self._pods[ordinal] not in self._leaving]
        for pod in pods:
            self._leaving.add(pod)
            self.api.hold()  # the run is not over before the pod is gone
        for pod in pods:
            self.api.delete(pod)

    def _counts(self) -> tuple[int, int]:
        return len(self._pods) - len(self._leaving), sum(map(available, self._pods.values()))

    def _complete(self) -> bool:
        assert self.owner.update is not None
        partition = self.owner.update.partition
        whole = len(self._pods) == self._replicas() and not self._leaving
        return whole and all(available(pod) and (n in self._new or n < partition) for n, pod in self._pods.items())

    def _replicas(self) -> int:
        return self.owner.replicas - self._given_up

    def _updated(self) -> int:
        return sum(available(pod) for n, pod in self._pods.items() if n in self._new)


def _ordinal(pod: PodStatus) -> int:
    return int(pod.name.rpartition("-")[2])
