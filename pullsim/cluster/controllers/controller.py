"""The base class of the controllers of workloads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from pullsim.records import Rollout

if TYPE_CHECKING:
    from pullsim.kernel.environment import Environment
    from pullsim.kubelet.pod_status import PodStatus
    from pullsim.spec.cluster import Owner
    from pullsim.spec.pod import Pod


class PodApi(Protocol):
    """The operations on pods that controllers have, as clients of the API server."""

    def create(self, pod: Pod) -> PodStatus:
        """Create a pod and try to place it."""
        ...

    def delete(self, pod: PodStatus) -> None:
        """Delete a pod; it is removed once its kubelet has killed its containers."""

    def free_name(self, namespace: str, prefix: str, first: int) -> tuple[str, int]:
        """Return the first unused name ``<prefix>-NNNNN`` with a number from ``first`` on, and the number."""
        ...

    def hold(self) -> None:
        """Keep the run from being over."""

    def release(self) -> None:
        """Take one `hold` back."""


class Controller(ABC):
    """Creates and deletes the pods of one owner. The milliseconds that real controllers take are not modelled.

    A pod whose lifetime in the scenario is over, or that was evicted, is not replaced: the replicas become fewer.
    """

    def __init__(self, env: Environment, owner: Owner, api: PodApi) -> None:
        self.env = env
        self.owner = owner
        self.api = api
        self.began: float | None = None  # when the update began
        self.completed: float | None = None  # when the update was complete
        self._acting = self._again = False  # whether `act` is running, and whether it was called again meanwhile
        self._peak = 0  # highest number of pods during the update
        self._lowest: int | None = None  # lowest number of available pods during the update
        self._rolled = 0  # pods created from the new template
        self._model: Pod | None = None  # the first pod; other pods differ from it only in name, time and template

    def adopt(self, pod: PodStatus) -> None:
        """Take over a pod of the scenario that was just created."""
        self._model = self._model or pod.pod
        self._take(pod)

    def revise(self, pod: Pod) -> Pod:
        """Return a pod of the scenario as it is created now: from the new template if the update has begun."""
        update = self.owner.update
        if self.began is None or update is None:
            return pod
        self._rolled += 1
        return replace(pod, spec=update.spec)

    def started(self, pod: PodStatus) -> None:
        """Take note that a pod is available."""
        del pod
        self.act()

    def gone(self, pod: PodStatus, *, lost: bool) -> None:
        """Take note that a pod is gone; ``lost``: with its node, or because this controller deleted it."""
        self._drop(pod, lost=lost)
        self.act()

    def begin(self) -> None:
        """Begin the rolling update."""
        self.began = self.env.now
        self.act()

    def act(self) -> None:
        """Create and delete pods until nothing is left to do; the run cannot end before that."""
        self._again = True
        if self._acting:  # creating and deleting pods calls this method again
            return
        self._acting = True
        self.api.hold()
        while self._again:
            self._again = False
            self._reconcile()
            self._note()
        self._acting = False
        if self.began is not None and self.completed is None and self._complete():
            self.completed = self.env.now
        self.api.release()

    def rollout(self) -> Rollout | None:
        """Return the record of the update; None: no update has begun."""
        if self.began is None:
            return None
        owner = self.owner
        return Rollout(
            namespace=owner.namespace,
            workload=owner.name,
            kind=owner.kind,
            began=self.began,
            completed=self.completed,
            replicas=self._replicas(),
            updated=self._updated(),
            created=self._rolled,
            peak=self._peak,
            lowest=self._lowest or 0,
        )

    def _note(self) -> None:
        """Update the highest number of pods and the lowest number of available pods, while an update is running."""
        if self.began is not None and self.completed is None:
            total, ready = self._counts()
            self._peak = max(self._peak, total)
            self._lowest = ready if self._lowest is None else min(self._lowest, ready)

    def _make(self, name: str, *, new: bool, node: str | None = None) -> PodStatus:
        """Create a pod like the first one, from the new template or the old one."""
        assert self._model is not None
        update = self.owner.update
        spec = update.spec if new and update is not None else self._model.spec
        self._rolled += new
        pod = replace(self._model, name=name, spec=spec, created=self.env.now, follows=None)
        return self.api.create(pod if node is None else replace(pod, node=node))

    @abstractmethod
    def _take(self, pod: PodStatus) -> None:
        """Note a pod that was created."""

    @abstractmethod
    def _drop(self, pod: PodStatus, *, lost: bool) -> None:
        """Note a pod that is gone; ``lost``: with its node."""

    @abstractmethod
    def _reconcile(self) -> None:
        """Create and delete pods as the owner's spec requires."""

    @abstractmethod
    def _counts(self) -> tuple[int, int]:
        """Return how many pods there are that are not being deleted, and how many of them are available."""

    @abstractmethod
    def _complete(self) -> bool:
        """Whether the update is complete."""

    @abstractmethod
    def _replicas(self) -> int:
        """Return how many pods there should be."""

    @abstractmethod
    def _updated(self) -> int:
        """Return how many pods of the new template are available."""


def available(pod: PodStatus) -> bool:
    """Whether the pod is available and not being deleted (pkg/api/v1/pod/util.go IsPodAvailable)."""
    return pod.available and pod.ended is None
