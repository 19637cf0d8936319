"""The autoscaler: it asks for nodes when pods fit nowhere, and takes nodes away that are empty."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Protocol

from pullsim.kernel.event import Call
from pullsim.records import Departure, Join
from pullsim.spec.cluster import AutoscaledPool, Node

if TYPE_CHECKING:
    from collections.abc import Iterable

    import simpy

    from pullsim.cluster.quiescence import Quiescence
    from pullsim.cluster.scheduler.scheduler import Scheduler
    from pullsim.cluster.scheduler.signature import Signature
    from pullsim.cluster.scheduler.trial import Trial
    from pullsim.kubelet.pod_status import PodStatus
    from pullsim.spec.cluster import ClusterSpec
    from pullsim.spec.pod import Pod

#: Karpenter's batches of pending pods, in seconds: a batch ends when no pod has come for so long, and at the latest
#: after the second (pkg/operator/options/options.go, BatchIdleDuration and BatchMaxDuration).
BATCH_IDLE: Final = 1.0
BATCH_MAX: Final = 10.0
CONSOLIDATED: Final = "consolidated"


class Nodes(Protocol):
    """The part of the cluster that makes nodes join and leave."""

    def add_node(self, node: Node) -> None:
        """Let a node that is not in the scenario join now."""

    def remove_node(self, name: str) -> tuple[int, int]:
        """Take a node away with everything on it; return the numbers of its pods and of their pulls under way."""
        ...

    def daemons_of(self, node: Node) -> Iterable[Pod]:
        """Return the pods that DaemonSets would have on a node."""
        ...


@dataclass(slots=True)
class _Pool:
    """The state of a pool."""

    spec: AutoscaledPool
    number: int  # of the next node
    there: dict[str, float] = field(default_factory=dict)  # when each node that is there joined
    coming: dict[str, Node] = field(default_factory=dict)  # nodes that were asked for and have not joined
    kept: dict[str, float] = field(default_factory=dict)  # empty nodes that stay for the minimum, since when

    @property
    def spare(self) -> bool:
        """Whether it has more nodes than it must have."""
        return len(self.there) > self.spec.minimum


class Autoscaler:
    """Adds nodes to the pools and takes them away, as Karpenter and the Cluster Autoscaler do.

    *Nodes are asked for* when pods are pending. They are looked at in batches, as Karpenter does (see `BATCH_IDLE`), or
    at the multiples of ``scan_interval``, as the Cluster Autoscaler does (10 s). The scheduler tries them, with the
    largest requests first, on the nodes that there are, on those that are on their way, with their DaemonSets' pods,
    and where a pod fits nowhere on a new node of the first pool of the file that it fits; so pods share new nodes as
    they will share them later. Each new node joins when the pool's boot time is over, with nothing but the pool's
    images. Models pkg/controllers/provisioning/provisioner.go Schedule of Karpenter and
    cluster-autoscaler/estimator/binpacking_estimator.go Estimate, whose bins are filled first-fit instead.

    *A node leaves* when it was empty for the pool's ``consolidate_after``: no pod was bound to it but those of
    DaemonSets and prepull jobs, counted from the last other pod that came or ended, or from when it was ready. A pod
    that is bound counts, also while it pulls: so a long pull does not make a node empty, but pulls of DaemonSets go
    with it. Models Karpenter's policy WhenEmpty (pkg/controllers/disruption/emptiness.go ShouldDisrupt,
    pkg/utils/pod/scheduling.go IsReschedulable, pkg/controllers/nodeclaim/disruption/consolidation.go Reconcile). Left
    out: its 15 s of validation, budgets, and the consolidation of nodes that are not empty (WhenEmptyOrUnderutilized),
    which moves pods and so can end their pulls (aws/karpenter-provider-aws issue 7414).
    """

    def __init__(
        self,
        env: simpy.Environment,
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
        self._pools = {pool.spec.pool: _Pool(pool, pool.first) for pool in spec.autoscaled}
        self._began: float | None = None  # when the batch began that the next look ends; None: no look is planned
        self._latest = 0.0  # when the last pod came to the batch
        self._occupants: Counter[str] = Counter()  # number of pods that keep a node, by node
        self._changed: dict[str, float] = {}  # when the last of these pods came or went, or the node was ready
        self._joins: dict[str, Join] = {}
        self.departures: list[Departure] = []

    def brings_nodes(self) -> bool:
        """Whether a look is planned or a node is on its way, so that pending pods may still get one."""
        return self._began is not None or any(pool.coming for pool in self._pools.values())

    def joins(self) -> list[Join]:
        """Return the nodes that were asked for, in the order of time."""
        return list(self._joins.values())

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
        self._count(str(pod.node), 1)

    def went(self, pod: PodStatus) -> None:
        """Take note that a pod that keeps nodes is being deleted, was evicted, or has completed."""
        self._count(str(pod.node), -1)

    def joined(self, node: Node) -> None:
        """Take note that a node has joined: pods that did not get it need others, and it may stay empty."""
        pool = self._pools.get(node.spec.pool)
        if pool is None:
            return
        now = self._env.now
        pool.there[node.name] = now
        self._note_change(pool, node.name, now + node.ready_after)
        for name, since in list(pool.kept.items()):
            self._consider(pool, name, since)
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
        pods = [pod.pod for pod in self._scheduler.pending() if pod.pod.node is None]
        if pods:
            with self._scheduler.trial() as trial:
                wanted = self._plan(trial, pods)
            for node, count in wanted.values():
                self._ask(node, count)
        self._quiescence.check()

    def _plan(self, trial: Trial, pods: list[Pod]) -> dict[str, tuple[Node, int]]:
        """Return the nodes that the pods need besides those that come, by name, with the number of pods for each."""
        for pool in self._pools.values():
            for node in pool.coming.values():
                trial.join(node, self._nodes.daemons_of(node))
        wanted: dict[str, tuple[Node, int]] = {}
        hopeless: set[Signature] = set()
        for pod in sorted(pods, key=_largest_first):
            signature = trial.signature(pod)
            if signature in hopeless:
                continue
            name = trial.place(pod) or self._open(trial, pod, wanted)
            if name is None:
                if not trial.waits_for_pods(signature):
                    hopeless.add(signature)
            elif name in wanted:
                node, count = wanted[name]
                wanted[name] = node, count + 1
        return wanted

    def _open(self, trial: Trial, pod: Pod, wanted: dict[str, tuple[Node, int]]) -> str | None:
        """Add a node to the trial that the pod is placed on; return its name, None if the pod fits none."""
        planned = Counter(node.spec.pool for node, _ in wanted.values())
        for name, pool in self._pools.items():
            more = planned[name]
            if pod.pool not in (None, name) or len(pool.there) + len(pool.coming) + more >= pool.spec.maximum:
                continue
            number, zones = pool.number + more, pool.spec.zones
            for turn in range(len(zones)):
                zone = zones[(number + turn) % len(zones)]
                node = pool.spec.node(number, zone, self._env.now + pool.spec.boot)
                trial.join(node, self._nodes.daemons_of(node))
                if (placed := trial.place(pod)) is not None:
                    wanted[node.name] = node, 0
                    return placed
                trial.leave(node.name)
        return None

    def _ask(self, node: Node, pods: int) -> None:
        pool = self._pools[node.spec.pool]
        pool.number += 1
        pool.coming[node.name] = node
        self._joins[node.name] = Join(node.name, node.spec.pool, self._env.now, None, pods)
        Call(self._env, lambda _: self._join(pool, node), pool.spec.boot)

    def _join(self, pool: _Pool, node: Node) -> None:
        now = self._env.now
        del pool.coming[node.name]
        self._joins[node.name] = self._joins[node.name]._replace(joined=now)
        self._nodes.add_node(replace(node, joins=now))

    def _count(self, name: str, change: int) -> None:
        """Count a pod that has come to or gone from a node of a pool."""
        if name not in self._changed:
            return
        self._occupants[name] += change
        pool = self._pools[name.rpartition("-")[0]]
        self._note_change(pool, name, max(self._env.now, self._changed[name]))

    def _note_change(self, pool: _Pool, name: str, at: float) -> None:
        """Note when the pods of a node changed, and look after ``consolidate_after`` whether it stayed empty."""
        self._changed[name] = at
        pool.kept.pop(name, None)
        after = pool.spec.consolidate_after
        if after is not None and not self._occupants[name]:
            Call(self._env, lambda _: self._come_due(pool, name, at), at + after - self._env.now)

    def _come_due(self, pool: _Pool, name: str, since: float) -> None:
        """Consider a node once the pods of this instant are bound: those that it was asked for protect it.

        Source: Karpenter, pkg/controllers/state/statenode.go Nominated.
        """
        Call(self._env, lambda _: self._consider(pool, name, since), 0.0)

    def _consider(self, pool: _Pool, name: str, since: float) -> None:
        """Take a node away that has been empty since a time, unless the pool must keep it."""
        if self._occupants[name] or self._changed.get(name) != since:
            return
        if not pool.spare:
            pool.kept[name] = since
            return
        joined = pool.there.pop(name)
        pool.kept.pop(name, None)
        del self._changed[name]
        pods, pulls = self._nodes.remove_node(name)
        now, of = self._env.now, pool.spec.spec.pool
        self.departures.append(Departure(now, name, of, joined, "", pods, pulls, CONSOLIDATED))
        if self._scheduler.pending():
            self.awaited()


def _largest_first(pod: Pod) -> tuple[int, int]:
    """Return a key that sorts pods by CPU and memory (Karpenter, pkg/controllers/provisioning/scheduling/queue.go)."""
    requests = dict(pod.spec.scheduling.requests)
    return -requests.get("cpu", 0), -requests.get("memory", 0)
