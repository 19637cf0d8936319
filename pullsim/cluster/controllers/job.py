"""The controller of a Job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullsim.cluster.controllers.controller import Controller, available
from pullsim.kubelet.pod_status import COMPLETED

if TYPE_CHECKING:
    from pullsim.cluster.controllers.controller import PodApi
    from pullsim.kernel.environment import Environment
    from pullsim.kubelet.pod_status import PodStatus
    from pullsim.spec.cluster import Owner


class JobController(Controller):
    """Keeps up to ``parallelism`` pods at a time until ``completions`` of them have completed.

    A pod that is lost with its node is replaced, and does not count towards backoffLimit. If the pods never
    complete because they run for ever, the Job has only the pods of the scenario.

    Models pkg/controller/job/job_controller.go manageJob, all releases.
    """

    def __init__(self, env: Environment, owner: Owner, api: PodApi) -> None:
        super().__init__(env, owner, api)
        self._active: dict[PodStatus, None] = {}
        self._left = owner.replicas if owner.completions is None else owner.completions  # completions to come
        self._number = owner.replicas  # number in the name of the next pod

    def _take(self, pod: PodStatus) -> None:
        self._active[pod] = None

    def _drop(self, pod: PodStatus, *, lost: bool) -> None:
        if pod in self._active:
            del self._active[pod]
            if pod.ended == COMPLETED or not lost:
                self._left -= 1

    def _reconcile(self) -> None:
        while self._model is not None and len(self._active) < min(self.owner.replicas, self._left):
            name, self._number = self.api.free_name(self.owner.namespace, self.owner.name, self._number)
            self._number += 1
            self._active[self._make(name, new=False)] = None

    def _counts(self) -> tuple[int, int]:
        return len(self._active), self._updated()

    def _complete(self) -> bool:
        return self._left <= 0

    def _replicas(self) -> int:
        return self._left

    def _updated(self) -> int:
        return sum(map(available, self._active))
