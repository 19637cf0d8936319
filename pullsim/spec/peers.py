"""How nodes give one another blobs, in place of the registry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class SpegelSpec:
    """Spegel: a registry on each node that has no store of its own, and finds blobs in the containerd of other nodes.

    Times are in seconds. The defaults of ``resolve_timeout``, ``race_timeout``, ``retries`` and ``cache_ttl`` are those
    of the source (pkg/registry/registry.go raceFetch, pkg/routing/libp2p/libp2p.go). The other ones are assumptions:
    nobody has published them.
    """

    kind: ClassVar[str] = "spegel"

    resolve_timeout: float = (
        0.02  # until a lookup that has found nobody counts as a miss, while no request is under way
    )
    race_timeout: float = 0.1  # least time that requests to peers get until one of them answers
    retries: int = 3  # peers that a lookup asks the distributed hash table for
    cache_ttl: float = 5.0  # how long a node keeps what it has found
    lookup: float = 0.005  # from the question to the distributed hash table until its answer
    advertise_delay: float = 0.05  # from the commit of a blob until others find the node
    round_trip: float = 0.001  # from a request to a peer until its answer begins
    per_connection: float = 500e6  # payload bytes/s that one stream carries, copied through both nodes' processes
    goodput: float = 0.957  # the share of a link's rate that carries payload, as with registries
    resolve_tags: bool = True  # whether peers tell what a tag stands for
