"""The pods that are not bound, in the order in which the scheduler tries them."""

from __future__ import annotations

from collections import deque
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pullsim.cluster.scheduler.signature import Signature
    from pullsim.kubelet.pod_status import PodStatus

    Key = tuple[int, int]  # minus the priority, and the order of creation


class Group:
    """Pending pods of one signature that name the same node, or none: if one of them fits nowhere, no other does."""

    __slots__ = ("node", "pods", "signature", "waits_for_pods")

    def __init__(self, signature: Signature, node: str | None, *, waits_for_pods: bool) -> None:
        self.signature = signature
        self.node = node
        self.pods: deque[tuple[Key, PodStatus]] = deque()
        self.waits_for_pods = waits_for_pods


class SchedulingQueue:
    """Tries pods one at a time: the highest priority first, then the one that was created first (PrioritySort).

    A pod that fits nowhere is tried again when something has happened that may help it: a node has joined, is ready or
    has lost a taint, a pod is gone, or, where the pod has affinity or has to be spread, a pod was bound. This is at
    once: from 1.33 on the scheduler takes pods out of their back-off (1 s to 10 s) when no other pod waits
    (SchedulerPopFromBackoffQ, pkg/scheduler/backend/queue/active_queue.go unlockedPop), and which events help is what
    the QueueingHints of 1.32 say. Attempts take no time.
    """

    def __init__(self, bind: Callable[[PodStatus], bool]) -> None:
        """``bind`` binds a pod, and returns whether a node is feasible."""
        self._bind = bind
        self._created = 0  # number of pods so far
        self._groups: dict[tuple[Signature, str | None], Group] = {}  # those that have pods
        self._named: dict[str | None, dict[Group, None]] = {}  # the same by the node that they name
        self._deleted: set[PodStatus] = set()

    def add(self, pod: PodStatus, signature: Signature, *, waits_for_pods: bool) -> Group:
        """Add a pod that was just created, or that could not be bound."""
        named = pod.pod.node
        key = signature, named
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group(signature, named, waits_for_pods=waits_for_pods)
            self._named.setdefault(named, {})[group] = None
        self._created += 1
        group.pods.append(((-signature.priority, self._created), pod))
        return group

    def delete(self, pod: PodStatus) -> None:
        """Remove a pod that was deleted while it was pending."""
        self._deleted.add(pod)

    @property
    def empty(self) -> bool:
        """Whether there are no pods."""
        return not self._groups

    def pods(self) -> list[PodStatus]:
        """Return the pods in the order in which they are tried."""
        every = (entry for group in self._groups.values() for entry in group.pods)
        return [pod for _, pod in sorted(every, key=lambda entry: entry[0]) if pod not in self._deleted]

    def alike(self) -> Iterator[list[PodStatus]]:
        """Yield lists of pods that are not bound for the same reasons."""
        for group in self._groups.values():
            if pods := [pod for _, pod in group.pods if pod not in self._deleted]:
                yield pods

    def naming(self, node: str) -> list[PodStatus]:
        """Return the pods that name a node."""
        groups = self._named.get(node, ())
        return [pod for group in groups for _, pod in group.pods if pod not in self._deleted]

    def retry(self, node: str | None = None) -> None:
        """Try the pods that a change of the node may help; None: all pods."""
        if not self._groups:
            return
        if node is None:
            self._try(list(self._groups.values()))
        else:
            self._try([*self._named.get(None, ()), *self._named.get(node, ())])

    def bound(self) -> None:
        """Try the pods that another pod may help that was just bound."""
        if self._groups:
            self._try([group for group in self._groups.values() if group.waits_for_pods])

    def _try(self, groups: Iterable[Group]) -> None:
        heap = [(group.pods[0][0], group) for group in groups if self._head(group)]
        heapify(heap)
        refused: list[Group] = []  # groups that a pod which is bound later may help
        while heap:
            _, group = heappop(heap)
            if not self._head(group):
                continue
            if not self._bind(group.pods[0][1]):
                if group.waits_for_pods:
                    refused.append(group)
                continue
            group.pods.popleft()
            for other in (group, *refused):
                if self._head(other):
                    heappush(heap, (other.pods[0][0], other))
            refused.clear()

    def _head(self, group: Group) -> bool:
        """Whether a group has pods; drop deleted ones from its front, and the group when it has none."""
        pods = group.pods
        while pods and pods[0][1] in self._deleted:
            self._deleted.discard(pods.popleft()[1])
        if not pods and self._groups.pop((group.signature, group.node), None) is not None:
            named = self._named[group.node]
            del named[group]
            if not named:
                del self._named[group.node]
        return bool(pods)
