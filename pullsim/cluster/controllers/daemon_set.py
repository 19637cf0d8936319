"""The controller of a DaemonSet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.cluster.controllers.controller import Controller, available
from pullsim.cluster.controllers.int_or_percent import daemon_set_limits

if TYPE_CHECKING:
    from pullsim.cluster.controllers.controller import PodApi
    from pullsim.kernel.environment import Environment
    from pullsim.kubelet.pod_status import PodStatus
    from pullsim.spec.cluster import Owner

#: Defaults of maxSurge and maxUnavailable (pkg/apis/apps/v1/defaults.go).
SURGE: Final = "0"
UNAVAILABLE: Final = "1"


class DaemonSetController(Controller):
    """Updates the pods of a DaemonSet node by node.

    Without surge an old pod is deleted, and a new one is created when it is gone; with surge the new pod is created
    first. Old pods that are not available are replaced at once, and count as unavailable. Nodes are taken in the order
    in which they joined; the real controller's order is undefined.

    Models pkg/controller/daemon/update.go rollingUpdate, read at 1.35.
    """

    def __init__(self, env: Environment, owner: Owner, api: PodApi) -> None:
        super().__init__(env, owner, api)
        self._old: dict[str, PodStatus] = {}  # pods of the old template, by node
        self._new: dict[str, PodStatus] = {}  # pods of the new template, by node
        self._leaving: dict[PodStatus, bool] = {}  # pods that this controller deleted; True: a new pod replaces it

    def _take(self, pod: PodStatus) -> None:
        node = pod.pod.node
        assert node is not None
        (self._old if self.began is None else self._new)[node] = pod

    def _drop(self, pod: PodStatus, *, lost: bool) -> None:
        node = pod.pod.node
        assert node is not None
        for pods in (self._old, self._new):
            if pods.get(node) is pod:
                del pods[node]
        if pod in self._leaving:
            replaced = self._leaving.pop(pod)
            if replaced and not lost:
                self._new[node] = self._renew(node)
            self.api.release()

    def _reconcile(self) -> None:
        update = self.owner.update
        if self.began is None or update is None or self.completed is not None:
            return
        nodes = list(dict.fromkeys((*self._old, *self._new, *(str(pod.pod.node) for pod in self._leaving))))
        surge, unavailable = daemon_set_limits(
            update.max_surge or SURGE, update.max_unavailable or UNAVAILABLE, len(nodes)
        )
        if surge:
            self._surge(surge)
        else:
            self._replace(nodes, unavailable)

    def _replace(self, nodes: list[str], most: int) -> None:
        """Delete all old pods that are not available, and others until ``most`` nodes have no available pod."""
        unavailable, broken, candidates = 0, [], []
        for node in nodes:
            old, new = self._old.get(node), self._new.get(node)
            if new is not None or old is None or old.ended is not None:
                unavailable += new is None or not available(new)
            elif not available(old):
                broken.append(old)
                unavailable += 1
            elif unavailable < most:
                candidates.append(old)
        self._delete([*broken, *candidates[: max(most - unavailable, 0)]], replaced=True)

    def _surge(self, most: int) -> None:
        """Create new pods beside old ones, and delete old pods whose new pod is available.

        New pods are created on up to ``most`` nodes, and on each node whose old pod is not available.
        """
        surging, done, broken, candidates = 0, [], [], []
        for node, old in self._old.items():
            new = self._new.get(node)
            if new is None:
                if not available(old):
                    broken.append(node)
                elif surging < most:
                    candidates.append(node)
            elif available(new):
                done.append(old)
            else:
                surging += 1
        self._delete([old for old in done if old not in self._leaving], replaced=False)
        for node in [*broken, *candidates[: max(most - surging, 0)]]:
            self._new[node] = self._renew(node)

    def _delete(self, pods: list[PodStatus], *, replaced: bool) -> None:
        for pod in pods:
            self._leaving[pod] = replaced
            self.api.hold()  # the run is not over before the pod is gone
        for pod in pods:
            self.api.delete(pod)

    def _renew(self, node: str) -> PodStatus:
        assert self.owner.update is not None
        return self._make(f"{self.owner.name}-{node}-{self.owner.update.suffix}", new=True, node=node)

    def _counts(self) -> tuple[int, int]:
        pods = [pod for pod in (*self._old.values(), *self._new.values()) if pod.ended is None]
        ready = {pod.pod.node for pod in pods if available(pod)}
        return len(pods), len(ready)

    def _complete(self) -> bool:
        return not self._old and not self._leaving and all(map(available, self._new.values()))

    def _replicas(self) -> int:
        return len({*self._old, *self._new})

    def _updated(self) -> int:
        return sum(map(available, self._new.values()))
