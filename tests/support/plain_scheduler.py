"""The plain scheduler that the one of the simulation is checked with: it looks at every node and pod for every choice.

It is written along the plugins of kube-scheduler 1.35 (pkg/scheduler/framework/plugins), one function each, and keeps
nothing but a list of nodes and a list of pods. Selectors and tolerations are shared with the real one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pullsim.spec.scheduling import ANY_IP, HOSTNAME, ZONE, SpreadConstraint, Taint
from pullsim.spec.selectors import covers, matches, requires, selects, untolerated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pullsim.spec.cluster import Node
    from pullsim.spec.pod import Pod

MB = 1024 * 1024
DEFAULTS = (SpreadConstraint(HOSTNAME, 3, hard=False, selector=()), SpreadConstraint(ZONE, 5, hard=False, selector=()))


@dataclass(eq=False)
class PlainPod:
    pod: Pod
    node: PlainNode
    ending: bool = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.pod.spec.scheduling, name)


@dataclass(eq=False)
class PlainNode:
    node: Node
    labels: dict[str, str]
    taints: list[Taint]
    images: Mapping[str, int] = field(default_factory=dict)


class PlainScheduler:
    def __init__(self, how: str = "scheduler") -> None:
        self.how = how
        self.nodes: list[PlainNode] = []
        self.pods: list[PlainPod] = []

    def join(self, node: Node) -> None:
        labels = dict(node.spec.scheduling.labels) | {HOSTNAME: node.name}
        if node.zone is not None:
            labels[ZONE] = node.zone
        self.nodes.append(PlainNode(node, labels, list(node.spec.scheduling.taints)))

    def remove(self, name: str) -> None:
        self.nodes = [node for node in self.nodes if node.node.name != name]
        self.pods = [pod for pod in self.pods if pod.node.node.name != name]

    def find(self, name: str) -> PlainNode:
        return next(node for node in self.nodes if node.node.name == name)

    def choose(self, pod: Pod) -> str | None:
        feasible = [node for node in self.nodes if self._fits(pod, node)]
        if not feasible:
            return None
        if self.how == "scheduler":
            scores = [sum(each) for each in zip(*self._scores(pod, feasible), strict=True)]
        else:
            sign = -1 if self.how == "spread" else 1
            scores = [sign * len(self._on(node)) for node in feasible]
        best = max(range(len(feasible)), key=lambda n: (scores[n], -len(self._on(feasible[n])), -n))
        self.pods.append(PlainPod(pod, feasible[best]))
        return feasible[best].node.name

    def _on(self, node: PlainNode) -> list[PlainPod]:
        return [pod for pod in self.pods if pod.node is node]

    # Filters

    def _fits(self, pod: Pod, node: PlainNode) -> bool:
        scheduling = pod.spec.scheduling
        if pod.node not in (None, node.node.name) or pod.pool not in (None, node.node.spec.pool):
            return False
        if untolerated(node.taints, scheduling.tolerations) or any("disk-pressure" in t.key for t in node.taints):
            return False
        there = self._on(node)
        if not requires(scheduling, node.node.name, node.labels) or len(there) >= node.node.spec.max_pods:
            return False
        allocatable = dict(node.node.spec.scheduling.allocatable)
        for name, amount in scheduling.requests:
            free = allocatable.get(name, math.inf if name in ("cpu", "memory", "ephemeral-storage") else 0)
            if amount and amount + sum(dict(each.requests).get(name, 0) for each in there) > free:
                return False
        used = {(p, a or ANY_IP, n) for each in there for p, a, n in each.host_ports}
        if any(
            p == q and n == m and (a == b or ANY_IP in (a, b))
            for p, a, n in used
            for q, b, m in ((q, b or ANY_IP, m) for q, b, m in scheduling.host_ports)
        ):
            return False
        return self._spread_fits(pod, node) and self._affinity_fits(pod, node)

    def _counts(self, pod: Pod, constraint: SpreadConstraint, keys: list[str]) -> dict[str, int]:
        """The number of matching pods in each domain of the constraint that has an eligible node."""
        scheduling = pod.spec.scheduling
        counts: dict[str, int] = {}
        for node in self.nodes:
            if any(key not in node.labels for key in keys):
                continue
            if constraint.honor_affinity and not requires(scheduling, node.node.name, node.labels):
                continue
            if constraint.honor_taints and untolerated(node.taints, scheduling.tolerations):
                continue
            domain = node.labels.get(constraint.topology_key, "")
            counts[domain] = counts.get(domain, 0) + self._matching(pod, constraint, node)
        return counts

    def _matching(self, pod: Pod, constraint: SpreadConstraint, node: PlainNode) -> int:
        own = pod.spec.scheduling.spread
        return sum(
            not other.ending
            and (
                (
                    other.pod.namespace == pod.namespace
                    and bool(constraint.selector)
                    and matches(constraint.selector, dict(other.labels))
                )
                if own
                else other.pod.owner == pod.owner
            )
            for other in self._on(node)
        )

    def _spread_fits(self, pod: Pod, node: PlainNode) -> bool:
        hard = [each for each in pod.spec.scheduling.spread if each.hard]
        keys = [each.topology_key for each in hard]
        for constraint in hard:
            domain = node.labels.get(constraint.topology_key)
            if domain is None:
                return False
            counts = self._counts(pod, constraint, keys)
            lowest = min(counts.values()) if len(counts) >= constraint.min_domains else 0
            mine = matches(constraint.selector, dict(pod.spec.scheduling.labels))
            if counts.get(domain, 0) + mine - lowest > constraint.max_skew:
                return False
        return True

    def _affinity_fits(self, pod: Pod, node: PlainNode) -> bool:
        near = [term for term in pod.spec.scheduling.affinity if term.weight is None]
        if near:
            mates = [other for other in self.pods if all(_meets(term, pod, other.pod) for term in near)]
            if any(term.topology_key not in node.labels for term in near):
                return False
            anywhere = any(term.topology_key in mate.node.labels for mate in mates for term in near)
            if not (all(_meets(term, pod, pod) for term in near) and not anywhere):
                for term in near:
                    if not any(_same(term.topology_key, mate.node, node) for mate in mates):
                        return False
        for term in pod.spec.scheduling.anti_affinity:
            if term.weight is None and any(
                _meets(term, pod, other.pod) and _same(term.topology_key, other.node, node) for other in self.pods
            ):
                return False
        return not any(
            term.weight is None and _meets(term, other.pod, pod) and _same(term.topology_key, other.node, node)
            for other in self.pods
            for term in other.anti_affinity
        )

    # Scores, with their weights

    def _scores(self, pod: Pod, nodes: list[PlainNode]) -> list[list[int]]:
        scheduling = pod.spec.scheduling
        taints = [
            sum(
                t.effect == "PreferNoSchedule" and not any(covers(c, t) for c in scheduling.tolerations)
                for t in n.taints
            )
            for n in nodes
        ]
        most = max(taints)
        preferred = [
            sum(each.weight for each in scheduling.preferred_nodes if selects(each.term, n.node.name, n.labels))
            for n in nodes
        ]
        liked = max(preferred)
        return [
            [3 * (100 - 100 * count // most if most else 100) for count in taints],
            [2 * (100 * weight // liked if liked else 0) for weight in preferred],
            [self._allocation(pod, node) for node in nodes],
            [self._locality(pod, node) for node in nodes],
            [2 * score for score in self._spread_scores(pod, nodes)],
            [2 * score for score in self._affinity_scores(pod, nodes)],
        ]

    def _allocation(self, pod: Pod, node: PlainNode) -> int:
        allocatable = dict(node.node.spec.scheduling.allocatable)
        pods = [each.pod for each in self._on(node)] + [pod]
        names = [name for name in ("cpu", "memory") if name in allocatable]
        requests = dict(pod.spec.scheduling.requests)
        best_effort = not requests.get("cpu") and not requests.get("memory")
        if not names:
            most = node.node.spec.max_pods
            return 100 * (most - len(pods)) // most + (0 if best_effort else 100)
        least, shares = 0, []
        for name in names:
            default = 100 if name == "cpu" else 200 * MB
            total = allocatable[name]
            asked = [dict(each.spec.scheduling.requests).get(name, 0) for each in pods]
            counted = sum(each or default for each in asked)
            least += 100 * (total - counted) // total if counted <= total else 0
            shares.append(min(sum(asked) / total, 1.0))
        least //= len(names)
        if best_effort:
            return least
        return least + (100 if len(shares) == 1 else int((1 - abs((shares[0] - shares[1]) / 2)) * 100))

    def _locality(self, pod: Pod, node: PlainNode) -> int:
        total = 0
        containers = [*pod.spec.init_containers, *pod.spec.containers]
        for container in containers:
            if container.image in node.images:
                holders = sum(container.image in other.images for other in self.nodes)
                total += int(node.images[container.image] * (holders / len(self.nodes)))
        lowest, highest = 23 * MB, 1000 * MB * len(containers)
        return 100 * (min(max(total, lowest), highest) - lowest) // (highest - lowest)

    def _spread_scores(self, pod: Pod, nodes: list[PlainNode]) -> list[int]:
        own = pod.spec.scheduling.spread
        soft = [each for each in own if not each.hard] if own else DEFAULTS if pod.owner is not None else ()
        if not soft:
            return [0] * len(nodes)
        keys = [each.topology_key for each in soft] if own else []
        ignored = [any(key not in node.labels for key in keys) for node in nodes]
        kept = [node for node, out in zip(nodes, ignored, strict=True) if not out]
        raw = [0.0] * len(nodes)
        for constraint in soft:
            key = constraint.topology_key
            size = len(kept) if key == HOSTNAME else len({node.labels.get(key, "") for node in kept})
            counts = self._counts(pod, constraint, keys)
            for n, node in enumerate(nodes):
                if key in node.labels:
                    count = (
                        self._matching(pod, constraint, node) if key == HOSTNAME else counts.get(node.labels[key], 0)
                    )
                    raw[n] += count * math.log(size + 2) + (constraint.max_skew - 1)
        rounded = [math.floor(score + 0.5) for score in raw]
        scored = [score for score, out in zip(rounded, ignored, strict=True) if not out]
        high, low = max(scored, default=0), min(scored, default=0)
        return [
            0 if out else 100 * (high + low - score) // high if high else 100
            for score, out in zip(rounded, ignored, strict=True)
        ]

    def _affinity_scores(self, pod: Pod, nodes: list[PlainNode]) -> list[int]:
        sums: dict[tuple[str, str], int] = {}
        for other in self.pods:
            terms = [(t, t.weight, pod, other.pod) for t in pod.spec.scheduling.affinity if t.weight is not None]
            terms += [(t, -t.weight, pod, other.pod) for t in pod.spec.scheduling.anti_affinity if t.weight is not None]
            terms += [(t, 1 if t.weight is None else t.weight, other.pod, pod) for t in other.affinity]
            terms += [(t, -t.weight, other.pod, pod) for t in other.anti_affinity if t.weight is not None]
            for term, weight, of, met in terms:
                if term.topology_key in other.node.labels and _meets(term, of, met):
                    pair = term.topology_key, other.node.labels[term.topology_key]
                    sums[pair] = sums.get(pair, 0) + weight
        raw = [sum(sums.get(pair, 0) for pair in node.labels.items()) for node in nodes]
        low, high = min(raw), max(raw)
        return [int(100 * ((score - low) / (high - low))) if high > low else 0 for score in raw]


def _meets(term: Any, of: Pod, other: Pod) -> bool:
    names = None if term.namespaces is None else term.namespaces or (of.namespace,)
    return (names is None or other.namespace in names) and matches(term.selector, dict(other.spec.scheduling.labels))


def _same(key: str, one: PlainNode, other: PlainNode) -> bool:
    return key in one.labels and one.labels[key] == other.labels.get(key)
