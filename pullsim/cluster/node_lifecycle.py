"""The lifecycle of nodes: they join at their times, come under disk pressure, and leave."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from pullsim.cluster.autoscaler.autoscaler import Autoscaler
from pullsim.cluster.churn import Churn
from pullsim.cluster.daemon_sets import DaemonSets
from pullsim.cluster.node import ClusterNode
from pullsim.kernel.event import Call

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from pullsim.cluster.node import ClusterContext
    from pullsim.cluster.pod_lifecycle import PodLifecycle
    from pullsim.cluster.quiescence import Quiescence
    from pullsim.cluster.scheduler.scheduler import Scheduler
    from pullsim.kubelet.pod_status import PodStatus
    from pullsim.records import Departure, DiskUse, Join
    from pullsim.spec.cluster import ClusterSpec, Node
    from pullsim.spec.pod import Pod


class NodeLifecycle:
    """Makes nodes join and leave, and reports what happens on them to the scheduler and the pods."""

    def __init__(
        self,
        context: ClusterContext,
        spec: ClusterSpec,
        scheduler: Scheduler,
        pods: PodLifecycle,
        quiescence: Quiescence,
    ) -> None:
        self._context = context
        self._scheduler = scheduler
        self._pods = pods
        self._quiescence = quiescence
        self._to_join = sorted(spec.nodes, key=lambda node: node.joins)
        self._disks: list[DiskUse] = []  # use of the disks of nodes that have left
        self._lost: set[PodStatus] = set()  # pods of the node that is being removed now
        self._planned = False  # whether the pending pods are tried later in this instant
        self._churn = Churn(context.env, spec, context.streams, self)
        self.pools: dict[str, str] = {}  # pool of each node that is not in the scenario
        self.daemon_sets = DaemonSets(context.env, spec.daemon_sets, scheduler, pods)
        for node in spec.nodes:
            self.daemon_sets.expect(node)
        self._autoscaler: Autoscaler | None = None
        if spec.autoscaled:
            self._autoscaler = Autoscaler(context.env, spec, scheduler, self, quiescence)
            pods.autoscaler = self._autoscaler

    def run(self) -> Generator[Any, Any, None]:
        """Let the nodes of the scenario join at their times; all that join in one instant do before a pod is tried."""
        env = self._context.env
        for joins, nodes in groupby(self._to_join, key=lambda node: node.joins):
            if joins > env.now:
                yield env.timeout(joins - env.now)
            for node in nodes:
                self._join(node)
            self._scheduler.retry()

    def add_node(self, node: Node) -> None:
        """Let a node that is not in the scenario join now; pods are tried once all of this instant have joined."""
        self.pools[node.name] = node.spec.pool
        self.daemon_sets.expect(node)
        self._join(node)
        self._retry_soon()

    def remove_node(self, name: str) -> tuple[int, int]:
        """Take a node away with everything on it; return the numbers of its pods and of their pulls under way."""
        self._quiescence.hold()
        node = self._scheduler.node(name)
        self._scheduler.remove(name)
        pods = node.kubelet.pods
        self._lost = {pod for pod in pods if not pod.has_ended()}
        pulls = sum(pod.pulling for pod in pods)
        self._pods.prepulls.left(name)
        node.leave()
        self._context.runtimes.peers.leave(name)
        self._lost = set()
        self._pods.node_left(name)
        if (use := node.disk_use()) is not None:
            self._disks.append(use)
        self.daemon_sets.left(node)
        self._quiescence.release()
        return len(pods), pulls

    def daemons_of(self, node: Node) -> list[Pod]:
        """Return the pods that DaemonSets would have on a node."""
        return self.daemon_sets.pods_of(node)

    def waiting_daemons(self) -> Iterator[Pod]:
        """Yield the pods of DaemonSets that wait until their nodes are ready."""
        return self.daemon_sets.waiting()

    def occupants(self, name: str) -> list[Pod]:
        """Return the pods of a node that are not being deleted, without those of DaemonSets and prepull jobs."""
        pods = self._scheduler.node(name).kubelet.pods
        return [pod.pod for pod in pods if not pod.has_ended() and not self._pods.is_daemon(pod)]

    # The methods that kubelets call: see `pullsim.kubelet.kubelet.NodeWatcher`.

    def terminated(self, pod: PodStatus) -> None:
        """Note that a pod that was deleted or evicted, or that completed, has left its node."""
        self._pods.terminated(pod, lost=pod in self._lost)

    def disk_pressure(self, node: str, under_pressure: bool) -> None:
        """Taint a node, or take the taint away (pkg/controller/nodelifecycle)."""
        self._scheduler.disk_pressure(node, under_pressure=under_pressure)

    def images_changed(self, node: str) -> None:
        """Take note that an image was removed from the node."""
        self._scheduler.images_changed(node)

    def check_end(self) -> None:
        """Check whether the run is over."""
        self._quiescence.check()

    # The methods that are called at the end of the run.

    def disks(self) -> list[DiskUse]:
        """Return how full the disks were, of the nodes whose disk has a size; those that have left come first."""
        there = (node.disk_use() for node in self._scheduler.nodes())
        return [*self._disks, *(use for use in there if use is not None)]

    def departures(self) -> list[Departure]:
        """Return the nodes that have left."""
        if self._autoscaler is None:
            return self._churn.departures
        return sorted([*self._churn.departures, *self._autoscaler.departures], key=lambda row: row.t)

    def joins(self) -> list[Join]:
        """Return the nodes that an autoscaler asked for."""
        return [] if self._autoscaler is None else self._autoscaler.joins()

    def dissolve(self) -> None:
        """Drop the references to the churn and the autoscaler, which refer back to this object."""
        del self._churn, self._autoscaler

    def _join(self, node: Node) -> None:
        joined = ClusterNode(self._context, node, self)
        self._scheduler.join(joined)
        if node.ready_after:
            self._quiescence.hold()
            Call(self._context.env, lambda _: self._ready(node.name), node.ready_after)
        self._churn.joined(node)
        if self._autoscaler is not None:
            self._autoscaler.joined(node)
        self.daemon_sets.joined(joined)  # DaemonSet pods are created before pending pods are tried
        self._pods.prepulls.joined(joined)

    def _ready(self, name: str) -> None:
        """Note that a node is ready, unless it has left; pods are tried when all of this instant are."""
        if self._scheduler.ready(name):
            self.daemon_sets.ready(self._scheduler.node(name))
            self._retry_soon()
        self._quiescence.release()

    def _retry_soon(self) -> None:
        """Try the pending pods after what else happens in this instant; the run is not over before that."""
        if not self._planned:
            self._planned = True
            self._quiescence.hold()
            Call(self._context.env, lambda _: self._retry(), 0.0)

    def _retry(self) -> None:
        self._planned = False
        self._scheduler.retry()
        if self._autoscaler is not None:
            self._autoscaler.look_again()
        self._quiescence.release()
