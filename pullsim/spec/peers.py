"""How nodes give one another blobs, in place of the registry."""

from __future__ import annotations

from typing import ClassVar

from pullsim.frozen import dataclass


@dataclass(frozen=True, slots=True)
class SpegelSpec:
    """Spegel: a registry on each node that has no store of its own, and finds blobs in the containerd of other nodes.

    Times are in seconds. The defaults of ``resolve_timeout``, ``race_timeout``, ``retries`` and ``cache_ttl`` are those
    of the source (pkg/registry/registry.go raceFetch, pkg/routing/libp2p/libp2p.go). The other ones are assumptions:
    nobody has published them.
    """

    kind: ClassVar[str] = "spegel"

    resolve_timeout: float = 0.02  # until a lookup that has found nobody, and asks nobody, counts as a miss
    race_timeout: float = 0.1  # least time that requests to peers get until one of them answers
    retries: int = 3  # peers that a lookup asks the distributed hash table for
    cache_ttl: float = 5.0  # how long a node keeps what it has found
    lookup: float = 0.005  # from the question to the distributed hash table until its answer
    advertise_delay: float = 0.05  # from the commit of a blob until others find the node
    round_trip: float = 0.001  # from a request to a peer until its answer begins
    per_connection: float = 500e6  # payload bytes/s that one stream carries, copied through both nodes' processes
    goodput: float = 0.957  # the share of a link's rate that carries payload, as with registries
    resolve_tags: bool = True  # whether peers tell what a tag stands for


@dataclass(frozen=True, slots=True)
class SwarmSpec:
    """What swarms have in common. Rates are payload bytes/s; those of a host are for all that it sends or receives.

    ``seeds`` are hosts beside the nodes that have blobs, or fetch them from the registry.
    """

    kind: ClassVar[str]
    seed_name: ClassVar[str]  # what a seed is called

    upload: float
    download: float
    seeds: int
    seed_upload: float
    seed_download: float
    per_connection: float = float("inf")
    goodput: float = 0.957  # the share of a NIC's rate that carries payload, as with registries
    tick: float = 0.05  # seconds of a step at the most; 0: exact


@dataclass(frozen=True, slots=True)
class KrakenSpec(SwarmSpec):
    """Kraken: agents that fetch a blob in pieces from one another and from origins, and serve it when they have it all.

    The limits of agents are those of lib/torrent/scheduler/conn/config.go, which the shipped agents have. The shipped
    origins have none, so that theirs is that of a NIC.
    """

    kind: ClassVar[str] = "kraken"
    seed_name: ClassVar[str] = "origin"

    upload: float = 200e6
    download: float = 300e6
    seeds: int = 3  # origins
    seed_upload: float = 10e9 / 8
    seed_download: float = 10e9 / 8
    replicas: int = 2  # origins that have one blob (docs/CONFIGURATION.md)
    warm: bool = False  # whether origins have all blobs; else they fetch them from the registry
    piece_size: int = 4_194_304  # config/origin/base.yaml piece_lengths
    rarest_first: bool = True  # as the shipped agent's config; the code's own default is random
    loopback: float = 1e9  # at which an agent serves its node's runtime; an assumption


@dataclass(frozen=True, slots=True)
class DragonflySpec(SwarmSpec):
    """Dragonfly 2: peers that fetch the pieces of a blob from parents which a scheduler gives them, and from seeds."""

    kind: ClassVar[str] = "dragonfly"
    seed_name: ClassVar[str] = "seed"

    upload: float = 50e9  # off in effect (dfdaemon.rs)
    download: float = 50e9
    seeds: int = 3
    seed_upload: float = 10e9 / 8
    seed_download: float = 10e9 / 8
    loopback: float = 1e9  # at which a peer streams to its node's runtime; an assumption


PeerSpec = SpegelSpec | SwarmSpec
