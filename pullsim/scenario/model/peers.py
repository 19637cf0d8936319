"""The key ``peers`` of a pool of nodes: how its nodes get blobs from other nodes."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pullsim.scenario.model.hardware import Short
from pullsim.scenario.model.quantities import Count, Duration, OptionalRate  # noqa: TC001  # pydantic reads them
from pullsim.spec.peers import SpegelSpec

_SPEGEL = SpegelSpec()


class Peers(Short):
    """Nodes that get blobs from other nodes, and from the registry what none of them has."""

    kind: Literal["spegel"] = Field(
        description="spegel: each node serves what its containerd has, all pools with it together."
    )
    lookup: Duration = Field(
        default=_SPEGEL.lookup, description="Time in which a node finds the peers that have a blob; an assumption."
    )
    resolve_timeout: Duration = Field(
        default=_SPEGEL.resolve_timeout, description="Time after which a lookup that has found nobody is a miss."
    )
    race_timeout: Duration = Field(
        default=_SPEGEL.race_timeout, description="Least time after which peers that do not answer are a miss."
    )
    retries: Count = Field(default=_SPEGEL.retries, description="Peers that a lookup finds at the most.")
    cache_ttl: Duration = Field(
        default=_SPEGEL.cache_ttl,
        alias="cacheTTL",
        description="Time for which a node keeps what it has found; the half of it where that was too few.",
    )
    advertise_delay: Duration = Field(
        default=_SPEGEL.advertise_delay,
        description="Time from the commit of a blob until others find it; an assumption. Before containerd 2.1 from "
        "the end of the pull, for all its blobs.",
    )
    round_trip: Duration = Field(
        default=_SPEGEL.round_trip, description="Time from a request to a peer until its answer begins."
    )
    per_connection: OptionalRate = Field(
        default=_SPEGEL.per_connection,
        description="Most that one stream carries, which both nodes copy; an assumption.",
    )
    resolve_tags: bool = Field(
        default=_SPEGEL.resolve_tags,
        description="Peers tell what a tag stands for, so that a tag that has moved may be answered as it was.",
    )
