"""Churn: nodes that leave, and nodes without images that join in their places."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from pullsim.kernel.event import Call
from pullsim.records import Departure

if TYPE_CHECKING:
    from pullsim.kernel.environment import Environment
    from pullsim.spec.cluster import ClusterSpec, Node
    from pullsim.streams import Streams


class Nodes(Protocol):
    """The part of the cluster that makes nodes join and leave."""

    def add_node(self, node: Node) -> None:
        """Let a node that is not in the scenario join now."""

    def remove_node(self, name: str) -> tuple[int, int]:
        """Take a node away with everything on it; return the numbers of its pods and of their pulls under way."""
        ...


class Churn:
    """Makes each node leave after an exponentially distributed time, and a new node without images join in its place.

    The new node belongs to the same pool and has the pool's next name. Each place in a pool has a random stream of its
    own, named after the first node in that place, so that one more node in a pool does not change when the other nodes
    leave.
    """

    def __init__(self, env: Environment, spec: ClusterSpec, streams: Streams, nodes: Nodes) -> None:
        self._env = env
        self._streams = streams
        self._nodes = nodes
        self._counts = Counter(node.spec.pool for node in spec.nodes)  # number of node names used so far, by pool
        self._places: dict[str, str] = {}  # name of the first node in the same place, by node name
        self.departures: list[Departure] = []

    def joined(self, node: Node) -> None:
        """Draw the time after which a node that has joined leaves, and schedule its departure."""
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
        following = replace(node, name=name, joins=now + replace_after)
        if replace_after:
            Call(self._env, lambda _: self._nodes.add_node(following), replace_after)
        else:
            self._nodes.add_node(following)
