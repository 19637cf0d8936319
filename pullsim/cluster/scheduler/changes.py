"""Which nodes have changed, for those who look again only when they are asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pullsim.cluster.scheduler.node_info import NodeInfo

KEPT: Final = 4  # changes per node that are kept; who is further behind looks at all nodes


class Changes:
    """The log of the nodes that changed in a way that may matter to any pod, and which nodes have each image."""

    def __init__(self, known: Mapping[str, NodeInfo]) -> None:
        """``known`` has the nodes that have joined and not left."""
        self._known = known
        self._log: list[NodeInfo] = []
        self._dropped = 0  # number of changes that are no longer in the log
        self.holders: dict[str, dict[NodeInfo, None]] = {}  # the nodes whose status lists an image
        self._watchers: dict[str, list[dict[NodeInfo, None]]] = {}  # by image

    @property
    def nodes(self) -> int:
        """The number of nodes."""
        return len(self._known)

    @property
    def count(self) -> int:
        """The number of changes so far."""
        return self._dropped + len(self._log)

    def note(self, node: NodeInfo) -> None:
        """Note that something about a node has changed."""
        self._log.append(node)
        if len(self._log) > KEPT * len(self._known) + 1000:
            half = len(self._log) // 2
            self._dropped += half
            del self._log[:half]

    def node(self, name: str) -> NodeInfo:
        """Return the node of that name. Raises KeyError if there is none."""
        return self._known[name]

    def all(self) -> Iterable[NodeInfo]:
        """Return the nodes that there are."""
        return self._known.values()

    def since(self, count: int) -> Iterable[NodeInfo] | None:
        """Return each node once that has changed since there were ``count`` changes; None: they are not kept."""
        start = count - self._dropped
        if start < 0:
            return None
        if start == len(self._log) - 1:
            return self._log[start:]
        return dict.fromkeys(self._log[start:])

    def listed(self, node: NodeInfo, images: Mapping[str, int]) -> None:
        """Take the images of a node's status: their bytes by name."""
        before = node.images
        gone = before.keys() - images.keys()
        changed = [name for name, size in images.items() if before.get(name) != size]
        for name in gone:
            del self.holders[name][node]
        for name in changed:
            self.holders.setdefault(name, {})[node] = None
        node.images = images
        for name in (*gone, *changed):
            for watcher in self._watchers.get(name, ()):
                watcher[node] = None

    def watch(self, images: Iterable[str], changed: dict[NodeInfo, None]) -> None:
        """Let nodes be added to ``changed`` when what they have of these images changes."""
        for name in dict.fromkeys(images):
            self._watchers.setdefault(name, []).append(changed)
