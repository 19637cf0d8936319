"""The autoscaler: it asks for nodes when pods fit nowhere."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pullsim.cluster.autoscaler.consolidation import Consolidation
from pullsim.cluster.autoscaler.pool import Pool
from pullsim.kernel.event import Call
from pullsim.records import Join
from pullsim.spec.scheduling import CPU, MEMORY

if TYPE_CHECKING:
    from pullsim.cluster.autoscaler.pool import Nodes
    from pullsim.cluster.quiescence import Quiescence
    from pullsim.cluster.scheduler.scheduler import Scheduler
    from pullsim.cluster.scheduler.signature import Signature
    from pullsim.cluster.scheduler.trial import Trial
    from pullsim.kernel.environment import Environment
    from pullsim.kubelet.pod_status import PodStatus
    from pullsim.records import Departure
    from pullsim.spec.cluster import ClusterSpec, Node
    from pullsim.spec.pod import Pod

#: Karpenter's batches of pending pods, in seconds: a batch ends when no pod has come for so long, and at the latest
#: after the second (pkg/operator/options/options.go, BatchIdleDuration and BatchMaxDuration).
BATCH_IDLE: Final = 1.0
BATCH_MAX: Final = 10.0


class Autoscaler:
    """Adds nodes to the pools and takes them away, as Karpenter and the Cluster Autoscaler do.

    *Nodes are asked for* when pods are pending. They are looked at in batches, as Karpenter does (see `BATCH_IDLE`), or
    at the multiples of ``scan_interval``, as the Cluster Autoscaler does (10 s). The scheduler tries them, with the
    largest requests first, on the nodes that there are, on those that are on their way, with their DaemonSets' pods,
    and where a pod fits nowhere on a new node of the first pool of the file that it fits; so pods share new nodes as
    they will share them later. Each new node joins when the pool's boot time is over, with nothing but the pool's
    images. Models pkg/controllers/provisioning/provisioner.go Schedule of Karpenter and
    cluster-autoscaler/estimator/binpacking_estimator.go Estimate, whose bins are filled first-fit instead.

    Pods that must be spread are spread over the zones and other labels of all pools, and over as many nodes as it
    takes, where the scheduler knows only the nodes that there are: so Karpenter counts domains
    (pkg/controllers/provisioning/scheduling/topologygroup.go domainMinCount); the Cluster Autoscaler does not. What
    pods only prefer asks for no nodes, although Karpenter first tries it as if it were required (preferences.go Relax).

    *Nodes leave* as `Consolidation` says.
    """

    def __init__(
        self,
        env: Environment,
        spec: ClusterSpec,
        scheduler: Scheduler,
        nodes: Nodes,
        quiescence: Quiescence,
    ) -> None:
        quiescence.nodes_may_come = self.brings_nodes
        self._env = env
        self._scheduler = scheduler
        self._nodes = nodes
        self._quiescence = quiescence
        self._interval = spec.scan_interval
        self._pools = {pool.spec.pool: Pool(pool, pool.first) for pool in spec.autoscaled}
        self._began: float | None = None  # when the batch began that the next look ends; None: no look is planned
        self._latest = 0.0  # when the last pod came to the batch
        self._promised: dict[PodStatus, str] = {}  # the node that each pending pod waits for
        self._joins: dict[str, Join] = {}
        self._consolidation = Consolidation(env, self._pools, scheduler, nodes, self.look_again, quiescence.over)

    def brings_nodes(self) -> bool:
        """Whether a look is planned or a node is on its way, so that pending pods may still get one."""
        return self._began is not None or any(pool.coming for pool in self._pools.values())

    def joins(self) -> list[Join]:
        """Return the nodes that were asked for, in the order of time."""
        return list(self._joins.values())

    @property
    def departures(self) -> list[Departure]:
        """The nodes that were taken away, in the order of time."""
        return self._consolidation.departures

    def awaited(self) -> None:
        """Take note that a pod is pending: a look is planned, or put off, as more pods may come."""
        now = self._env.now
        self._latest = now
        if self._began is None:
            self._began = now
            interval = self._interval
            wait = BATCH_IDLE if interval is None else (math.floor(now / interval) + 1) * interval - now
            Call(self._env, lambda _: self._look(), wait)

    def came(self, pod: PodStatus) -> None:
        """Take note that a pod that keeps nodes was bound."""
        self._consolidation.count(str(pod.node), 1)

    def went(self, pod: PodStatus) -> None:
        """Take note that a pod that keeps nodes is being deleted, was evicted, or has completed."""
        self._consolidation.count(str(pod.node), -1)

    def joined(self, node: Node) -> None:
        """Take note that a node has joined."""
        pool = self._pools.get(node.spec.pool)
        if pool is not None:
            pool.there[node.name] = self._env.now
            self._consolidation.joined(node)

    def look_again(self) -> None:
        """Plan a look at the pods that are still pending, now that nodes have joined, are ready or have left.

        Those that did not get a node need another one, and a pool that has lost a node may have a new one.
        """
        if self._scheduler.pending():
            self.awaited()

    def _look(self) -> None:
        """Ask for the nodes that the pending pods need, unless their batch goes on."""
        assert self._began is not None
        now = self._env.now
        due = min(self._began + BATCH_MAX, self._latest + BATCH_IDLE)
        if self._interval is None and now < due:
            Call(self._env, lambda _: self._look(), due - now)
            return
        self._began = None
        pods = [pod for pod in self._scheduler.pending() if pod.pod.node is None]
        if pods:
            with self._scheduler.trial() as trial:
                wanted = self._plan(trial, pods)
            for node, count in wanted.values():
                self._ask(node, count)
        self._quiescence.check()

    def _plan(self, trial: Trial, pods: list[PodStatus]) -> dict[str, tuple[Node, int]]:
        """Return the nodes that the pods need besides those that come, by name, with the number of pods for each."""
        for pool in self._pools.values():
            if self._interval is None:
                for node in pool.kinds():
                    trial.foresee(node)
            for node in pool.coming.values():
                trial.join(node, self._nodes.daemons_of(node))
        for pod in self._nodes.waiting_daemons():
            trial.place(pod)
        wanted: dict[str, tuple[Node, int]] = {}
        room = {name: pool.room for name, pool in self._pools.items()}
        hopeless: set[Signature] = set()
        promised: dict[PodStatus, str] = {}
        for status in sorted(pods, key=lambda each: _largest_first(each.pod)):
            pod = status.pod
            signature = trial.signature(pod)
            if signature in hopeless:
                continue
            name = trial.place(pod) or self._open(trial, pod, wanted, room)
            if name is not None:
                promised[status] = name
            if name is None:
                if not trial.waits_for_pods(signature):
                    hopeless.add(signature)
            elif name in wanted:
                node, count = wanted[name]
                wanted[name] = node, count + 1
        self._promise(pods, promised)
        return wanted

    def _promise(self, pods: list[PodStatus], promised: dict[PodStatus, str]) -> None:
        """Let pods wait for the nodes that they fit, which are on their way, and not for room on any."""
        now = self._env.now
        for pod in pods:
            node = promised.get(pod)
            if node != self._promised.get(pod):
                pod.clock.enter("scheduling" if node is None else "node_boot", now, node)
        self._promised = promised

    def _open(self, trial: Trial, pod: Pod, wanted: dict[str, tuple[Node, int]], room: dict[str, int]) -> str | None:
        """Add a node to the trial that the pod is placed on; return its name, None if the pod fits none.

        The node is added to the wanted ones, and ``room``, how many more each pool may have, is updated.
        """
        for name, pool in self._pools.items():
            if pod.pool not in (None, name) or not room[name]:
                continue
            number, zones = pool.number + pool.room - room[name], pool.spec.zones
            for turn in range(len(zones)):
                zone = zones[(number + turn) % len(zones)]
                node = pool.spec.node(number, zone, self._env.now + pool.spec.boot)
                trial.join(node, self._nodes.daemons_of(node))
                if (placed := trial.place(pod)) is not None:
                    wanted[node.name] = node, 0
                    room[name] -= 1
                    return placed
                trial.leave(node.name)
        return None

    def _ask(self, node: Node, pods: int) -> None:
        pool = self._pools[node.spec.pool]
        pool.number += 1
        pool.coming[node.name] = node
        self._joins[node.name] = Join(node.name, node.spec.pool, self._env.now, None, pods)
        Call(self._env, lambda _: self._join(pool, node), pool.spec.boot)

    def _join(self, pool: Pool, node: Node) -> None:
        now = self._env.now
        del pool.coming[node.name]
        self._joins[node.name] = self._joins[node.name]._replace(joined=now)
        self._nodes.add_node(replace(node, joins=now))


def _largest_first(pod: Pod) -> tuple[int, int]:
    """Return a key that sorts pods by CPU and memory (Karpenter, pkg/controllers/provisioning/scheduling/queue.go)."""
    requests = dict(pod.spec.scheduling.requests)
    return -requests.get(CPU, 0), -requests.get(MEMORY, 0)
