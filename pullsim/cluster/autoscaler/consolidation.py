"""Taking away nodes that are empty, or whose pods fit on other nodes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from pullsim.kernel.event import Call
from pullsim.records import Departure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pullsim.cluster.autoscaler.pool import Nodes, Pool
    from pullsim.cluster.scheduler.scheduler import Scheduler
    from pullsim.cluster.scheduler.trial import Kind
    from pullsim.kernel.environment import Environment
    from pullsim.kernel.event import Event
    from pullsim.spec.cluster import Node

#: Seconds between looks at nodes that are not empty (Karpenter, pkg/controllers/disruption/controller.go).
PERIOD: Final = 10.0
EMPTY, UNDERUTILIZED = "empty", "underutilized"  # the reasons of departures


class Consolidation:
    """Takes nodes away, ``consolidate_after`` seconds after the last pod came or ended there, or the node was ready.

    *Empty* is a node without pods but those of DaemonSets and prepull jobs. A pod that is bound counts, also while it
    pulls: so a long pull does not make a node empty, but pulls of DaemonSets go with it. Models Karpenter
    (pkg/controllers/disruption/emptiness.go ShouldDisrupt, pkg/utils/pod/scheduling.go IsReschedulable,
    pkg/controllers/nodeclaim/disruption/consolidation.go Reconcile).

    *Underutilized* is a node whose pods fit on the other nodes that are ready, after the pods that are pending. It
    leaves with its pods, pulling or not, and their controllers make new ones. This is only so in pools with Karpenter's
    policy WhenEmptyOrUnderutilized, one node a look, the one with the fewest pods first (singlenodeconsolidation.go
    ComputeCommand, aws/karpenter-provider-aws issue 7414).

    Left out: the 15 s in which Karpenter validates its choice, budgets and PodDisruptionBudgets, the annotation
    do-not-disrupt, and what prices decide: to replace nodes by cheaper ones, and several by one.
    """

    def __init__(
        self,
        env: Environment,
        pools: Mapping[str, Pool],
        scheduler: Scheduler,
        nodes: Nodes,
        removed: Callable[[], None],
        over: Event,
    ) -> None:
        """``removed`` is called after each departure; ``over`` is triggered when the run is over."""
        self._env = env
        self._pools = pools
        self._scheduler = scheduler
        self._nodes = nodes
        self._removed = removed
        self._over = over
        self._occupants: Counter[str] = Counter()  # number of pods that keep a node, by node
        self._changed: dict[str, float] = {}  # when the last of these pods came or ended, or the node was ready
        self._due: dict[str, Pool] = {}  # nodes that may leave since then, but are not empty or must stay
        self._planned = False  # whether the next look is planned
        self.departures: list[Departure] = []

    def joined(self, node: Node) -> None:
        """Take note that a node of a pool has joined: it may stay empty, or be room for the pods of others."""
        self._note_change(node.name, self._env.now + node.ready_after)
        self._look_soon()

    def count(self, name: str, change: int) -> None:
        """Take note that a pod that keeps nodes came to a node (1), or ended there (-1)."""
        if name in self._changed:
            self._occupants[name] += change
            self._note_change(name, max(self._env.now, self._changed[name]))
        if change < 0:
            self._look_soon()

    def _note_change(self, name: str, at: float) -> None:
        """Note when the pods of a node changed, and consider the node when the time after that is over."""
        pool = self._pools[name.rpartition("-")[0]]
        self._changed[name] = at
        self._due.pop(name, None)
        after = pool.spec.consolidate_after
        if after is not None and (pool.spec.underutilized or not self._occupants[name]):
            Call(self._env, lambda _: self._come_due(pool, name, at), at + after - self._env.now)

    def _come_due(self, pool: Pool, name: str, since: float) -> None:
        """Consider a node once the pods of this instant are bound: those that it was asked for protect it.

        Source: Karpenter, pkg/controllers/state/statenode.go Nominated.
        """
        Call(self._env, lambda _: self._consider(pool, name, since), 0.0)

    def _consider(self, pool: Pool, name: str, since: float) -> None:
        """Take a node away that is empty and was since a time, unless its pool must keep it; look at others."""
        if self._changed.get(name) != since:
            return
        if not self._occupants[name] and pool.spare:
            self._remove(pool, name, EMPTY)
            return
        self._due[name] = pool
        self._look_soon()

    def _look_soon(self) -> None:
        """Plan the next look, if there are nodes to look at."""
        if self._due and not self._planned:
            self._planned = True
            Call(self._env, lambda _: self._look(), PERIOD - self._env.now % PERIOD)

    def _look(self) -> None:
        """Take away the empty nodes that need not stay, and one whose pods fit elsewhere."""
        self._planned = False
        if self._over.triggered:  # in this instant: pods would lose their node, and the new ones would never start
            return
        tried: set[Kind] = set()
        due = sorted(self._due, key=lambda name: self._occupants[name])  # those that are equal in the order of time
        for name in due:
            pool = self._due.get(name)
            if pool is None or not pool.spare:  # one that left before may have given it its pods
                continue
            if not self._occupants[name]:
                self._remove(pool, name, EMPTY)
            elif pool.spec.underutilized and self._fits_elsewhere(name, tried):
                self._remove(pool, name, UNDERUTILIZED)
                self._look_soon()
                return

    def _fits_elsewhere(self, name: str, tried: set[Kind]) -> bool:
        """Whether the pods of a node fit on the other nodes that are ready, when the pending pods have got theirs.

        ``tried`` are the kinds of nodes for which that is not so: another node of the same kind has as little chance.
        """
        pods = self._nodes.occupants(name)
        with self._scheduler.trial(ready_only=True) as trial:
            kind = trial.kind(name, pods)
            if kind in tried:
                return False
            tried.add(kind)
            trial.vacate(name, pods)
            for pod in self._scheduler.pending():
                trial.place(pod.pod)
            return all(trial.place(pod) not in (None, name) for pod in pods)

    def _remove(self, pool: Pool, name: str, reason: str) -> None:
        joined = pool.there.pop(name)
        self._due.pop(name, None)
        del self._changed[name], self._occupants[name]
        pods, pulls = self._nodes.remove_node(name)
        row = Departure(self._env.now, name, pool.spec.spec.pool, joined, "", pods, pulls, reason)
        self.departures.append(row)
        self._removed()
