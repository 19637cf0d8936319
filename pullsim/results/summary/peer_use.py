"""What nodes gave one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullsim.frozen import dataclass
from pullsim.peer_record import PEER

if TYPE_CHECKING:
    from pullsim.run import Result


@dataclass(frozen=True, slots=True)
class PeerUse:
    """The bytes between nodes that have peers, documents and bodies that broke off included."""

    nodes: int  # nodes with peers, those that left too
    senders: int  # nodes, and seeds of swarms, that sent something
    sent_bytes: int
    share: float | None  # the same as a part of all that registries, mirrors and peers sent; None: that is nothing
    busiest_bytes: int  # most that one of them sent
    cross_zone_bytes: int  # bytes between nodes of different zones
    requests: int  # of the runtimes to the agents of their nodes
    misses: int  # those that no peer answered, so that the registry's hosts were asked


def peer_use(result: Result) -> PeerUse | None:
    """Sum up what nodes gave one another; None: no node has peers."""
    if not result.peers:
        return None
    sent = [peer.sent for peer in result.peers]
    whole = sum(sent) + sum(registry.sent for registry in result.registries)
    return PeerUse(
        nodes=sum(peer.node in result.pools for peer in result.peers),
        senders=sum(amount > 0 for amount in sent),
        sent_bytes=sum(sent),
        share=sum(sent) / whole if whole else None,
        busiest_bytes=max(sent),
        cross_zone_bytes=sum(row.bytes for row in result.traffic if row.host == PEER and row.cross_zone),
        requests=sum(peer.requests for peer in result.peers),
        misses=sum(peer.misses for peer in result.peers),
    )
