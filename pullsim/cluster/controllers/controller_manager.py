"""The controllers of a cluster: one for each owner of pods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.cluster.controllers.daemon_set import DaemonSetController
from pullsim.cluster.controllers.deployment import DeploymentController
from pullsim.cluster.controllers.job import JobController
from pullsim.cluster.controllers.stateful_set import StatefulSetController
from pullsim.kernel.event import Call

if TYPE_CHECKING:
    from pullsim.cluster.controllers.controller import Controller, PodApi
    from pullsim.kernel.environment import Environment
    from pullsim.kubelet.pod_status import PodStatus
    from pullsim.records import Rollout
    from pullsim.spec.cluster import ClusterSpec
    from pullsim.spec.pod import Pod

_KINDS: Final[dict[str, type[Controller]]] = {
    "Deployment": DeploymentController,
    "ReplicaSet": DeploymentController,
    "StatefulSet": StatefulSetController,
    "DaemonSet": DaemonSetController,
    "Job": JobController,
}


class Controllers:
    """Tells each controller what happens to its pods, and begins the updates."""

    def __init__(self, env: Environment, spec: ClusterSpec, api: PodApi) -> None:
        #: Controllers by the index of their owner in the spec; empty if nothing can happen that they would act on.
        self._controllers: dict[int | None, Controller] = {}
        if controlled(spec):
            self._controllers.update((n, _KINDS[owner.kind](env, owner, api)) for n, owner in enumerate(spec.owners))
        for controller in self._controllers.values():
            if controller.owner.update is not None:
                api.hold()  # the run is not over before the update begins
                Call(env, lambda _, which=controller: self._begin(which, api), controller.owner.update.at)  # type: ignore[misc]

    def revise(self, pod: Pod) -> Pod:
        """Return a pod of the scenario as its owner creates it now: from the new template in an update."""
        controller = self._controllers.get(pod.owner)
        return pod if controller is None else controller.revise(pod)

    def watch(self, pod: PodStatus) -> bool:
        """Whether the pod has a controller that acts."""
        return pod.pod.owner in self._controllers

    def adopt(self, pod: PodStatus) -> None:
        """Give a pod of the scenario that was just created to its controller."""
        if (controller := self._controllers.get(pod.pod.owner)) is not None:
            controller.adopt(pod)

    def started(self, pod: PodStatus) -> None:
        """Tell a pod's controller that it is available."""
        if (controller := self._controllers.get(pod.pod.owner)) is not None:
            controller.started(pod)

    def gone(self, pod: PodStatus, *, lost: bool) -> None:
        """Tell a pod's controller that it is gone; ``lost``: with its node."""
        if (controller := self._controllers.get(pod.pod.owner)) is not None:
            controller.gone(pod, lost=lost)

    def rollouts(self) -> list[Rollout]:
        """Return the records of the updates that have begun, in order of their begin."""
        rollouts = (controller.rollout() for controller in self._controllers.values())
        return sorted((rollout for rollout in rollouts if rollout is not None), key=lambda row: row.began)

    @staticmethod
    def _begin(controller: Controller, api: PodApi) -> None:
        controller.begin()
        api.release()


def controlled(spec: ClusterSpec) -> bool:
    """Whether anything can happen that controllers act on: an update, a Job's completion, a node that leaves."""
    acts = any(owner.update is not None or owner.completions is not None for owner in spec.owners)
    removable = any(pool.spec.removable for pool in spec.autoscaled)
    return acts or removable or any(node.spec.leave for node in spec.nodes)
