"""The key ``peers`` of a pool of nodes: how its nodes get blobs from other nodes."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from pullsim.scenario.model.hardware import Short
from pullsim.scenario.model.quantities import (  # noqa: TC001  # pydantic reads them
    Count,
    Duration,
    OptionalRate,
    Rate,
    Size,
)
from pullsim.spec.peers import DragonflySpec, KrakenSpec, SpegelSpec
from pullsim.units import duration_text, rate_text, size_text

_SPEGEL, _KRAKEN, _DRAGONFLY = SpegelSpec(), KrakenSpec(), DragonflySpec()
#: The keys of each kind: what its settings are, but the share of payload, which is a link's and not an agent's.
_KEYS: Final = {
    spec.kind: {field.name for field in fields(spec)} - {"goodput"} for spec in (_SPEGEL, _KRAKEN, _DRAGONFLY)
}


class Peers(Short):
    """Nodes that get blobs from other nodes, and from the registry what none of them has. Each kind has its keys."""

    kind: Literal["spegel", "kraken", "dragonfly"] = Field(
        description="spegel: whole blobs, from what the nodes' containerd has; kraken and dragonfly: pieces, while "
        "they are fetched. All pools of a kind are one swarm."
    )
    lookup: Duration | None = Field(
        default=None,
        description="spegel: time in which a node finds the peers that have a blob; an assumption, "
        f"{duration_text(_SPEGEL.lookup)}.",
    )
    resolve_timeout: Duration | None = Field(
        default=None,
        description="spegel: time after which a lookup that has found nobody is a miss; "
        f"{duration_text(_SPEGEL.resolve_timeout)}.",
    )
    race_timeout: Duration | None = Field(
        default=None,
        description="spegel: least time after which peers that do not answer are a miss; "
        f"{duration_text(_SPEGEL.race_timeout)}.",
    )
    retries: Count | None = Field(
        default=None, description=f"spegel: peers that a lookup finds at the most; {_SPEGEL.retries}."
    )
    cache_ttl: Duration | None = Field(
        default=None,
        alias="cacheTTL",
        description="spegel: time for which a node keeps what it has found, the half of it where that was too few; "
        f"{duration_text(_SPEGEL.cache_ttl)}.",
    )
    advertise_delay: Duration | None = Field(
        default=None,
        description="spegel: time from the commit of a blob until others find it; an assumption, "
        f"{duration_text(_SPEGEL.advertise_delay)}. Before containerd 2.1 from the end of the pull, for all its blobs.",
    )
    round_trip: Duration | None = Field(
        default=None,
        description="spegel: time from a request to a peer until its answer begins; "
        f"{duration_text(_SPEGEL.round_trip)}.",
    )
    resolve_tags: bool | None = Field(
        default=None,
        description="spegel: peers tell what a tag stands for, so that a tag that has moved may be answered as it was; "
        "true.",
    )
    per_connection: OptionalRate = Field(
        default=None,
        description="Most that one stream between two nodes carries; spegel: an assumption, "
        f"{rate_text(_SPEGEL.per_connection)}; kraken and dragonfly: unlimited.",
    )
    upload: Rate | None = Field(
        default=None,
        description=f"kraken: most that a node sends; {rate_text(_KRAKEN.upload)}, and its uplink. "
        "dragonfly: the uplink.",
    )
    download: Rate | None = Field(
        default=None,
        description=f"kraken: most that a node receives; {rate_text(_KRAKEN.download)}, and its NIC. "
        "dragonfly: its NIC.",
    )
    seeds: Annotated[int, Field(ge=0, le=1_000_000)] | None = Field(
        default=None,
        description=f"kraken: number of origins; {_KRAKEN.seeds}. dragonfly: number of seed peers; "
        f"{_DRAGONFLY.seeds}; 0: the first peers go to the registry.",
    )
    seed_upload: Rate | None = Field(
        default=None,
        description=f"kraken and dragonfly: most that an origin or seed sends; {rate_text(_KRAKEN.seed_upload)}.",
    )
    seed_download: Rate | None = Field(
        default=None,
        description=f"kraken and dragonfly: most that one gets from the registry; {rate_text(_KRAKEN.seed_download)}.",
    )
    replicas: Count | None = Field(default=None, description=f"kraken: origins that have one blob; {_KRAKEN.replicas}.")
    warm: bool | None = Field(
        default=None, description="kraken: origins have all blobs from the start; false: they fetch them when asked."
    )
    piece_size: Annotated[Size, Field(ge=65_536)] | None = Field(
        default=None, description=f"kraken: bytes of a piece; {size_text(_KRAKEN.piece_size)}."
    )
    rarest_first: bool | None = Field(
        default=None, description="kraken: the pieces that fewest neighbours have are asked for first; true."
    )
    loopback: Rate | None = Field(
        default=None,
        description="kraken and dragonfly: rate at which an agent serves its node's runtime, kraken whole blobs, "
        f"dragonfly what it has from the front; an assumption, {rate_text(_KRAKEN.loopback)}.",
    )
    tick: Annotated[Duration, Field(le=0.05)] | None = Field(
        default=None,
        description=f"kraken and dragonfly: longest step of the swarm; {duration_text(_KRAKEN.tick)}. 0: each piece "
        "by itself, exact and slow.",
    )

    @model_validator(mode="after")
    def _own_keys(self) -> Self:
        own = _KEYS[self.kind]
        for name, field in type(self).model_fields.items():
            if name != "kind" and name not in own and getattr(self, name) is not None:
                kinds = " and ".join(kind for kind, keys in _KEYS.items() if name in keys)
                raise ValueError(f"{field.alias} is a key of {kinds}, not of {self.kind}")
        if self.kind == "kraken" and self.seeds == 0:
            raise ValueError("kraken needs an origin: seeds is 0")
        if self.replicas is not None and self.replicas > (self.seeds or _KRAKEN.seeds):
            raise ValueError(f"replicas is {self.replicas}, and there are {self.seeds or _KRAKEN.seeds} seeds")
        return self
