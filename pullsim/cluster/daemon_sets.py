"""The pods of DaemonSets: one on each node that a set selects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullsim.spec.cluster import covers

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from pullsim.cluster.node import ClusterNode
    from pullsim.cluster.pod_lifecycle import PodLifecycle
    from pullsim.cluster.scheduler.scheduler import Scheduler
    from pullsim.kernel.environment import Environment
    from pullsim.spec.cluster import DaemonSet, Node
    from pullsim.spec.pod import Pod


class DaemonSets:
    """Creates a pod of each set on each selected node, when the set is created or when the node joins.

    Nodes whose labels or taints keep the pod out get none. A node that is not ready gets the pods that do not tolerate
    its taint when it is ready. No other taint comes or goes but those that the pods of all DaemonSets tolerate.
    """

    def __init__(self, env: Environment, sets: Iterable[DaemonSet], scheduler: Scheduler, pods: PodLifecycle) -> None:
        self._env = env
        self._to_create = sorted(sets, key=lambda each: each.created)
        self._created: list[DaemonSet] = []
        self._scheduler = scheduler
        self._pods = pods
        self._waiting: dict[str, list[DaemonSet]] = {}  # sets whose pod waits until a node is ready, by node

    def run(self) -> Generator[Any, Any, None]:
        """Create each set at its time, with its pods on the nodes that have joined."""
        env = self._env
        while self._to_create:
            daemon_set = self._to_create[0]
            if daemon_set.created > env.now:
                yield env.timeout(daemon_set.created - env.now)
            del self._to_create[0]
            self._created.append(daemon_set)
            for node in self._scheduler.nodes():
                self._create_pod(daemon_set, node)

    def expect(self, node: Node) -> None:
        """Count the pods of a node that will join as pods to come."""
        self._pods.expect(sum(covers(each, node.spec.pool, node.name) for each in (*self._created, *self._to_create)))

    def joined(self, node: ClusterNode) -> None:
        """Create the pods of a node that has joined, for the sets that have been created."""
        for daemon_set in self._created:
            self._create_pod(daemon_set, node)

    def ready(self, node: ClusterNode) -> None:
        """Create the pods of a node that has become ready which its taint has kept out."""
        for daemon_set in self._waiting.pop(node.name, ()):
            self._create_pod(daemon_set, node)

    def pods_of(self, node: Node) -> list[Pod]:
        """Return the pods that the sets which have been created would have on a node."""
        now = self._env.now
        return [each.pod(node.name, now) for each in self._created if covers(each, node.spec.pool, node.name)]

    def waiting(self) -> Iterator[Pod]:
        """Yield the pods that nodes will have when they are ready, and not before."""
        for name, sets in self._waiting.items():
            for daemon_set in sets:
                yield daemon_set.pod(name, self._env.now)

    def left(self, node: ClusterNode) -> None:
        """After a node has left, uncount the pods on it that are not created yet."""
        waiting = len(self._waiting.pop(node.name, ()))
        self._pods.expect(-waiting - sum(covers(each, node.pool, node.name) for each in self._to_create))

    def _create_pod(self, daemon_set: DaemonSet, node: ClusterNode) -> None:
        if not covers(daemon_set, node.pool, node.name):
            return
        pod = daemon_set.pod(node.name, self._env.now)
        if self._scheduler.runs_daemon(node.name, pod):
            self._pods.create_expected(pod)
        elif not self._scheduler.is_ready(node.name):
            self._waiting.setdefault(node.name, []).append(daemon_set)
        else:
            self._pods.expect(-1)
