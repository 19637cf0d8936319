"""The controller of a Deployment or ReplicaSet, and of pods that a scenario writes without an object."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from pullsim.cluster.controllers.controller import Controller, available
from pullsim.cluster.controllers.int_or_percent import deployment_limits

if TYPE_CHECKING:
    from pullsim.cluster.controllers.controller import PodApi
    from pullsim.kernel.environment import Environment
    from pullsim.kubelet.pod_status import PodStatus
    from pullsim.spec.cluster import Owner

DEFAULT: Final = "25%"  # the default of maxSurge and maxUnavailable (pkg/apis/apps/v1/defaults.go)


class DeploymentController(Controller):
    """Keeps the replicas of the old and the new ReplicaSet, and moves them from one to the other in an update.

    A pod that is being deleted does not count, so that its successor is created at once. An update is complete when
    all replicas are new and available (DeploymentComplete). Models pkg/controller/deployment/rolling.go and
    recreate.go, and the order in which pods are deleted of pkg/controller/replicaset/replica_set.go; all releases.
    """

    def __init__(self, env: Environment, owner: Owner, api: PodApi) -> None:
        super().__init__(env, owner, api)
        self._old: dict[PodStatus, None] = {}
        self._new: dict[PodStatus, None] = {}
        self._desired = 0  # replicas of the Deployment
        self._old_replicas = 0  # how many pods the old ReplicaSet should have
        self._new_replicas = 0  # how many pods the new ReplicaSet should have
        self._leaving: set[PodStatus] = set()  # old pods that are being deleted
        self._number = owner.replicas  # number in the name of the next pod of the old ReplicaSet
        self._new_number = 0  # number in the name of the next pod of the new ReplicaSet

    def _take(self, pod: PodStatus) -> None:
        self._desired += 1
        if self.began is None:
            self._old_replicas += 1
            self._old[pod] = None
        else:
            self._new_replicas += 1
            self._new[pod] = None

    def _drop(self, pod: PodStatus, *, lost: bool) -> None:
        self._leaving.discard(pod)
        for pods, new in ((self._old, False), (self._new, True)):
            if pod in pods:
                del pods[pod]
                if not lost:
                    self._desired -= 1
                    self._old_replicas -= not new
                    self._new_replicas -= new

    def _reconcile(self) -> None:
        if self.began is not None and self.owner.update is not None and self.completed is None:
            if self.owner.update.recreate:
                self._recreate()
            else:
                while self._scale_up() or self._scale_down():
                    self._fill()
        self._fill()

    def _recreate(self) -> None:
        """Delete all old pods, and create new ones when they are gone (recreate.go rolloutRecreate)."""
        self._delete(list(self._old))
        if not self._leaving:
            self._new_replicas = self._desired

    def _scale_up(self) -> bool:
        """Give the new ReplicaSet as many replicas as the surge allows (deployment_util.go NewRSNewReplicas)."""
        surge, _ = self._limits()
        room = self._desired + surge - self._old_replicas - self._new_replicas
        more = min(room, self._desired - self._new_replicas)
        if more <= 0:
            return False
        self._new_replicas += more
        return True

    def _scale_down(self) -> bool:
        """Take replicas from the old ReplicaSet: unavailable ones first (rolling.go reconcileOldReplicaSets)."""
        if not self._old_replicas:
            return False
        minimum = self._desired - self._limits()[1]
        new = sum(map(available, self._new))
        most = self._old_replicas + self._new_replicas - minimum - (self._new_replicas - new)
        if most <= 0:
            return False
        unhealthy = [pod for pod in self._ranked() if not available(pod)][:most]
        self._delete(unhealthy)
        spare = sum(map(available, self._old)) + new - minimum
        healthy = [pod for pod in self._ranked() if available(pod)][: max(spare, 0)]
        self._delete(healthy)
        return bool(unhealthy or healthy)

    def _limits(self) -> tuple[int, int]:
        update = self.owner.update
        assert update is not None
        return deployment_limits(update.max_surge or DEFAULT, update.max_unavailable or DEFAULT, self._desired)

    def _ranked(self) -> list[PodStatus]:
        """Return the old pods in the order in which they are deleted (pkg/controller/controller_utils.go Less).

        First come pods that are not bound, then not ready, then on a node with more pods of the owner, then ready for a
        shorter time, then created later.
        """
        nodes = Counter(pod.node for pod in (*self._old, *self._new))
        order = {pod: index for index, pod in enumerate(self._old)}
        return sorted(
            self._old,
            key=lambda pod: (
                pod.node is not None,
                pod.ready is not None,
                -nodes[pod.node],
                -(pod.ready or 0.0),
                -pod.pod.created,
                -order[pod],
            ),
        )

    def _delete(self, pods: list[PodStatus]) -> None:
        for pod in pods:
            del self._old[pod]
            self._old_replicas -= 1
            self._leaving.add(pod)
        for pod in pods:
            self.api.delete(pod)

    def _fill(self) -> None:
        """Create the pods that are missing in the two ReplicaSets."""
        name, namespace = self.owner.name, self.owner.namespace
        while len(self._old) < self._old_replicas:
            pod, self._number = self.api.free_name(namespace, name, self._number)
            self._number += 1
            self._old[self._make(pod, new=False)] = None
        while len(self._new) < self._new_replicas:
            assert self.owner.update is not None
            prefix = f"{name}-{self.owner.update.suffix}"
            pod, self._new_number = self.api.free_name(namespace, prefix, self._new_number)
            self._new_number += 1
            self._new[self._make(pod, new=True)] = None
        self._note()

    def _counts(self) -> tuple[int, int]:
        return len(self._old) + len(self._new), sum(map(available, (*self._old, *self._new)))

    def _complete(self) -> bool:
        return not self._old and self._updated() == self._desired == len(self._new)

    def _replicas(self) -> int:
        return self._desired

    def _updated(self) -> int:
        return sum(map(available, self._new))
