"""The section ``registries`` of a scenario."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from pullsim.scenario.model.credentials import RegistryCredentials  # noqa: TC001  # pydantic reads it
from pullsim.scenario.model.hardware import Short
from pullsim.scenario.model.placement import Zone  # noqa: TC001  # pydantic reads it
from pullsim.scenario.model.pull_through import Cache  # noqa: TC001  # pydantic reads it
from pullsim.scenario.model.quantities import Duration, OptionalRate, Portion, Price, Rate, Section, Size
from pullsim.scenario.presets.caches import RANGES
from pullsim.scenario.presets.registries import PRESETS, preset_keys
from pullsim.spec.prices import CROSS_ZONE, Link
from pullsim.spec.registry import BlobHost as BlobHostSpec
from pullsim.spec.registry import Challenge, Host, QuotaOwner, QuotaWindow, Ranges, RegistrySpec, Requests
from pullsim.spec.registry import Cut as CutSpec
from pullsim.spec.registry import Fault as FaultSpec
from pullsim.spec.registry import Limit as LimitSpec
from pullsim.spec.registry import TokenServer as TokenServerSpec

_DEFAULTS = RegistrySpec("")
_BLOB_HOST = BlobHostSpec()
_TOKEN_SERVER = TokenServerSpec()
_HOST = Host("")
_LIMIT = LimitSpec(per=1.0)
_CUT = CutSpec()
_FAULT = FaultSpec()


def _preset(name: str) -> str:
    preset_keys(name)
    return name


class Tcp(Section):
    """Slow start of a connection."""

    initial_window: Size = Field(
        default=_DEFAULTS.initial_window, gt=0, description="Bytes sent before the first answer."
    )
    max_window: Size = Field(default=_DEFAULTS.max_window, gt=0, description="Most bytes in flight.")


class BlobHost(Section):
    """Object storage that blobs are redirected to: a link of its own, and connections of its own."""

    round_trip: Duration = Field(default=_BLOB_HOST.round_trip, description="Round trip between a node and the store.")
    egress: OptionalRate = Field(default=None, description="Rate shared by all nodes; absent: never binds.")
    per_connection: OptionalRate = Field(default=None, description="Highest rate of one connection; absent: none.")
    first_byte: Duration = Field(default=_BLOB_HOST.first_byte, description="The store's time for a GET.")
    link: Link | None = Field(
        default=None,
        description="Class of the path from the nodes: free for a gateway endpoint. By default the registry's, in its "
        "zone; a store with a class of its own is in no zone.",
    )


class TokenServer(Section):
    """Where bearer tokens come from."""

    round_trip: Duration | None = Field(
        default=None, description="Round trip between a node and the server; by default the registry's."
    )
    first_byte: Duration | None = Field(default=None, description="The server's time; by default the registry's.")
    expires_in: Duration = Field(default=_TOKEN_SERVER.expires_in, gt=0, description="How long a token is good.")
    oauth: bool = Field(
        default=_TOKEN_SERVER.oauth,
        description="Takes the POST form, which comes first with credentials; else a GET follows.",
    )


class Limit(Section):
    """A quota of requests or bytes in a time."""

    requests: Annotated[int, Field(ge=0)] | None = Field(default=None, description="Requests allowed.")
    bytes: Size | None = Field(
        default=None, description="Or bytes; the request that crosses the line is the last that is answered."
    )
    per: Duration = Field(gt=0, description="In this time.")
    of: Requests | None = Field(
        default=None, description="GETs that count, or every request; by default manifests, blobs for bytes."
    )
    by: QuotaOwner = Field(
        default=_LIMIT.by,
        description="Who shares the quota: nodes of one address, pulls with one user's credentials (without any: of "
        "one address), or all.",
    )
    window: QuotaWindow = Field(
        default=_LIMIT.window,
        description="Any such time; from the first request after the last window; or refilled evenly up to burst.",
    )
    burst: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="What a bucket holds; by default a whole quota."
    )
    only: Literal["anonymous", "authenticated"] | None = Field(
        default=None, description="Requests without, or with, credentials; absent: all."
    )
    indexes: bool = Field(
        default=_LIMIT.indexes, description="Whether the GET of an index of several platforms counts."
    )
    status: Annotated[int, Field(ge=400, le=599)] = Field(
        default=_LIMIT.status, description="HTTP status of a refusal."
    )
    retry_after: Duration | None = Field(
        default=None, description="The refusal's Retry-After; containerd does not look at it."
    )
    message: str = Field(default=_LIMIT.message, description="The registry's text in a refusal.")

    @model_validator(mode="after")
    def _one_amount(self) -> Self:
        if (self.requests is None) == (self.bytes is None):
            raise ValueError("a limit has exactly one of requests and bytes")
        if self.burst is not None and self.window != "bucket":
            raise ValueError("burst goes with window: bucket")
        return self


class Cut(Section):
    """Where a body breaks off."""

    after: Portion = Field(
        description="A share of the blob (40%), or bytes of each answer (10MB); a request that resumes beyond the "
        "share is not cut."
    )
    reset: bool = Field(
        default=_CUT.reset, description="The connection is reset, which fails a pull; else it is closed, and resumed."
    )


class Fault(Section):
    """What goes wrong, from when, for how long, for which requests."""

    at: Duration = Field(default=_FAULT.at, description="When it begins.")
    for_: Duration | None = Field(default=None, alias="for", description="How long it lasts; absent: to the end.")
    image: str | None = Field(
        default=None, description="Shell pattern on repository:tag or repository; absent: every image."
    )
    of: Requests = Field(default=_FAULT.of, description="Which requests it meets.")
    status: Annotated[int, Field(ge=400, le=599)] | None = Field(
        default=None, description="HTTP status of the answers."
    )
    refused: bool = Field(default=False, description="Nobody listens; bodies on their way are cut.")
    unreachable: bool = Field(
        default=_FAULT.unreachable, description="Packets vanish: connecting times out, bodies on their way stop."
    )
    stall: bool = Field(default=_FAULT.stall, description="Bodies stop, those on their way too, until it is over.")
    slow: Rate | None = Field(default=None, description="Bodies come at this rate, those on their way too.")
    cut: Cut | None = Field(default=None, description="Bodies break off.")
    probability: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, description="Share of requests it strikes; absent: all."
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = [
            self.status is not None,
            self.refused,
            self.unreachable,
            self.stall,
            self.slow is not None,
            self.cut is not None,
        ]
        if sum(kinds) != 1:
            raise ValueError(
                "a fault has exactly one of status, refused: true, unreachable: true, stall: true, slow and cut"
            )
        return self


class RegistryHost(Section):
    """A host that serves images."""

    host: Annotated[str, Field(min_length=1)] = Field(description="As in image names; docker.io for Docker Hub.")
    egress: OptionalRate = Field(default=None, description="Rate shared by all nodes; absent: never binds.")
    per_connection: OptionalRate = Field(default=None, description="Highest rate of one connection; absent: none.")
    round_trip: Duration = Field(
        default=_DEFAULTS.round_trip, description="Round trip between a node and the registry."
    )
    first_byte: Duration = Field(default=_DEFAULTS.first_byte, description="The server's time for a GET.")
    head: Duration = Field(default=_DEFAULTS.head, description="The server's time for a HEAD.")
    goodput: float = Field(default=_DEFAULTS.goodput, gt=0, le=1, description="Payload's share of a link's rate.")
    tcp: Tcp = Field(default_factory=Tcp, description="Slow start.")
    tls: bool = Field(default=_DEFAULTS.tls, description="TLS: one round trip more for a connection.")
    blob_host: BlobHost | None = Field(default=None, description="Where blobs are redirected to.")
    auth: Challenge = Field(
        default=_DEFAULTS.auth,
        description="Challenge: its round trips are simulated. With credentials, bearer by default.",
    )
    token_server: TokenServer = Field(default_factory=TokenServer, description="Where bearer tokens come from.")
    limits: list[Limit] = Field(default=[], description="Quotas.")
    faults: list[Fault] = Field(default=[], description="Outages and missing images.")
    images: list[str] | None = Field(
        default=None, description="Shell patterns of the images that it has; absent: all of them."
    )
    price: Price | None = Field(default=None, description="Money per size, for the cost lines of the summary.")
    link: Link = Field(
        default=_DEFAULTS.link, description="Class of the path from the nodes, for bytes and money by class."
    )
    zone: Zone | None = Field(
        default=None,
        description="Zone that it is in, or where the path to it begins: bytes to nodes of other zones are crossZone "
        "too.",
    )

    ranges: Ranges = Field(
        default=_DEFAULTS.ranges,
        description="What a GET of several ranges gets, as partial pulls send it: the ranges, as from distribution and "
        "nginx; the whole blob for several of them (one: S3); or 416, by which the pull fails (refused: zot).",
    )
    most_ranges: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="More ranges than that in a GET are answered with 400; absent: any number is read."
    )
    cache: Cache | None = Field(
        default=None,
        description="It is a pull-through cache, and begins empty; absent: it has all its images itself.",
    )

    @model_validator(mode="before")
    @classmethod
    def _ranges_of_its_program(cls, data: Any) -> Any:
        """Add what the program that is a cache's preset does with ranges."""
        cache = data.get("cache") if isinstance(data, Mapping) else None
        preset = cache.get("preset") if isinstance(cache, Mapping) else cache
        ranges = RANGES.get(preset) if isinstance(preset, str) else None
        return data if ranges is None or data.get("ranges") is not None else {**data, "ranges": ranges}

    @model_validator(mode="after")
    def _crosses_once(self) -> Self:
        if self.link == CROSS_ZONE and self.zone is not None:
            raise ValueError(
                "link: crossZone goes without zone: with one, the bytes to nodes of other zones are crossZone already"
            )
        return self


class Mirror(RegistryHost, Short):
    """A host that is asked before the registry. With nothing but its host it is the entry of `registries` of that."""

    capabilities: list[Literal["pull", "resolve", "push"]] = Field(
        default=["pull", "resolve"],
        description="pull and resolve: asked for tags; pull: asked for digests. containerd asks all hosts for "
        "content, if one may pull.",
    )
    dial_timeout: Duration = Field(default=_HOST.dial_timeout, description="Time given to connecting to it.")

    @property
    def figureless(self) -> bool:
        """Whether the mirror has nothing but its host and its capabilities, so that it has no values of its own."""
        return self.model_fields_set.isdisjoint(RegistryHost.model_fields.keys() - {"host"})


class Registry(RegistryHost):
    """A registry host. One that is not listed is taken for a public one: round trip 20ms, first byte 20ms, 100MB/s."""

    preset: Annotated[str, AfterValidator(_preset)] | None = Field(
        default=None, description=f"Published quotas and challenge, for keys that are absent: {', '.join(PRESETS)}."
    )
    credentials: list[RegistryCredentials] = Field(default=[], description="Who may pull; absent: everybody.")
    allow: list[str] = Field(default=[], description="Addresses (`nodes[].address`) let in without credentials.")
    public: list[str] = Field(
        default=[], description="With credentials or allow: shell patterns of what everybody may pull all the same."
    )
    mirrors: list[Mirror] = Field(
        default=[],
        description="Mirrors, in the order of hosts.toml, for nodes whose runtime has no such file for the registry.",
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, data: Any) -> Any:
        """Add the keys of the preset that the registry does not have; by default a registry with users uses bearer."""
        if not isinstance(data, Mapping):
            return data
        preset = data.get("preset")
        given = {key: value for key, value in data.items() if value is not None}
        filled = {**PRESETS[preset].keys, **given} if isinstance(preset, str) and preset in PRESETS else given
        return {"auth": "bearer", **filled} if filled.get("credentials") else filled

    @model_validator(mode="after")
    def _asks(self) -> Self:
        if self.credentials and self.auth == "none":
            raise ValueError(
                "credentials need auth: bearer or basic, since a registry that does not ask never sees any"
            )
        if self.public and not (self.credentials or self.allow):
            raise ValueError("public goes with credentials or allow; without them everything is")
        return self
