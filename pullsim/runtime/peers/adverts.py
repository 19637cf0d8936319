"""The distributed hash table of Spegel: which node has advertised which content, and from when on others see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pullsim.runtime.peers.node import PeerNode

INTERVAL: Final = 900.0  # seconds after which a node provides its keys again
VALIDITY: Final = 1140.0  # seconds for which a record holds


class Adverts:
    """The records by key, which is a digest or the name of an image.

    A record is there until its node withdraws it. A node that leaves withdraws nothing: its records hold until nobody
    has renewed them for `VALIDITY` seconds. A lookup gets the nodes in the order of their first advert, as the tables
    of those who keep the records have them.

    Models pkg/routing/libp2p/libp2p.go (New, Advertise, Withdraw) of Spegel, with AdvertiseTTL and MaxReprovideDelay,
    and go-libp2p-kad-dht providers/providers_manager.go. That the order is that of the adverts on each of the keepers
    is inferred from the latter.
    """

    __slots__ = ("_by_key",)

    def __init__(self) -> None:
        self._by_key: dict[str, dict[PeerNode, float]] = {}  # when others see it first, in seconds

    def advertise(self, key: str, node: PeerNode, at: float) -> None:
        """Add a record that others see from ``at`` on; an earlier one of the node stays as it is."""
        self._by_key.setdefault(key, {}).setdefault(node, at)

    def withdraw(self, key: str, node: PeerNode) -> None:
        """Take a record away, if there is one."""
        if (nodes := self._by_key.get(key)) is not None:
            nodes.pop(node, None)

    def find(self, key: str, now: float, count: int) -> list[PeerNode]:
        """Return the first ``count`` nodes with a record that is seen and holds at ``now``."""
        found = []
        for node, at in self._by_key.get(key, {}).items():
            if at <= now and (now <= node.left or now < _expires(at, node.left)):
                found.append(node)
                if len(found) == count:
                    break
        return found


def _expires(at: float, left: float) -> float:
    """Return when a record of ``at`` expires that its node has renewed until it left."""
    return at + max(0.0, (left - at) // INTERVAL) * INTERVAL + VALIDITY
