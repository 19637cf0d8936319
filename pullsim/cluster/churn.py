"""Churn: nodes that leave, and cold ones that take their places."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Protocol

from pullsim.kernel.event import Call
from pullsim.records import Departure
from pullsim.spec.cluster import Node

if TYPE_CHECKING:
    import simpy

    from pullsim.spec.cluster import ClusterSpec
    from pullsim.streams import Streams


class Nodes(Protocol):
    """Where nodes come and go."""

    def add_node(self, node: Node) -> None:
        """Let a node join now that was not in the scenario."""

    def remove_node(self, name: str) -> tuple[int, int]:
        """Take a node away with everything on it; return the numbers of its pods and of their pulls under way."""
        ...


class Churn:
    """Lets each node leave after an exponential time, and a cold node of the pool join in its place.

    The new node has the pool's next name. Times are drawn from a stream of the place, which has the name of the node
    that had it first: one more node in the pool does not move the departures of the others.
    """

    def __init__(self, env: simpy.Environment, spec: ClusterSpec, streams: Streams, nodes: Nodes) -> None:
        self._env = env
        self._streams = streams
        self._nodes = nodes
        self._counts = Counter(node.spec.pool for node in spec.nodes)  # names given so far, by pool
        self._places: dict[str, str] = {}  # by node: the first node in its place
        self.departures: list[Departure] = []

    def joined(self, node: Node) -> None:
        """Plan the departure of a node that has joined."""
        leave = node.spec.leave
        if leave is None:
            return
        place = self._places.setdefault(node.name, node.name)
        stays, joined = self._streams.get("leave", place).exponential(leave.rate), self._env.now
        Call(self._env, lambda _: self._leave(node, joined, leave.replace_after), stays)

    def _leave(self, node: Node, joined: float, replace_after: float) -> None:
        pool = node.spec.pool
        name = f"{pool}-{self._counts[pool]:04d}"
        self._counts[pool] += 1
        self._places[name] = self._places.pop(node.name)
        now = self._env.now
        pods, pulls = self._nodes.remove_node(node.name)
        self.departures.append(Departure(now, node.name, pool, joined, name, pods, pulls))
        following = Node(name, node.spec, now + replace_after)
        if replace_after:
            Call(self._env, lambda _: self._nodes.add_node(following), replace_after)
        else:
            self._nodes.add_node(following)
