"""The nodes of a pool that an autoscaler has."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from pullsim.spec.cluster import AutoscaledPool, Node

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pullsim.spec.pod import Pod


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

    def waiting_daemons(self) -> Iterable[Pod]:
        """Return the pods of DaemonSets that wait until their nodes, which have joined, are ready."""
        ...

    def occupants(self, name: str) -> list[Pod]:
        """Return the pods of a node that are not being deleted, without those of DaemonSets and prepull jobs."""
        ...


@dataclass(slots=True)
class Pool:
    """The state of a pool: which nodes are there, and which are to come."""

    spec: AutoscaledPool
    number: int  # of the next node
    there: dict[str, float] = field(default_factory=dict)  # when each node that is there joined
    coming: dict[str, Node] = field(default_factory=dict)  # nodes that were asked for and have not joined

    @property
    def room(self) -> int:
        """How many more nodes it may have."""
        return self.spec.maximum - len(self.there) - len(self.coming)

    def kinds(self) -> Iterable[Node]:
        """Yield a node of each zone that it may have nodes in, with names that no nodes have."""
        for zone in self.spec.zones:
            yield replace(self.spec.node(0, zone, 0.0), name=f"{self.spec.spec.pool}/{zone}")

    @property
    def spare(self) -> bool:
        """Whether it has more nodes than it must have."""
        return len(self.there) > self.spec.minimum
