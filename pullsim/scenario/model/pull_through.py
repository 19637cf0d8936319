"""The section ``cache`` of a registry host or mirror, which makes it a pull-through cache."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from pullsim.scenario.model.credentials import Login  # noqa: TC001  # pydantic reads it
from pullsim.scenario.model.hardware import Short
from pullsim.scenario.model.quantities import Duration, OptionalRate, Section, Size
from pullsim.scenario.presets.caches import PRESETS, cache_preset_keys
from pullsim.spec.prices import Link  # noqa: TC001  # pydantic reads it
from pullsim.spec.pull_through import Balance, CacheSpec, Coalesce, Fill, Method, Parts, UpstreamFailure, WhenBusy

_DEFAULTS = CacheSpec()


def _preset(name: Any) -> Any:
    if name is False:
        raise ValueError("false is no preset of a cache; leave cache out to go without")
    if isinstance(name, str):
        cache_preset_keys(name)
    return name


class CacheDisk(Section):
    """The disk of a replica: what is stored and served in all may not be faster."""

    read: OptionalRate = Field(default=None, description="Rate of reading; absent: never binds, as from memory.")
    write: OptionalRate = Field(default=None, description="Rate of writing; absent: never binds.")


class Cache(Short):
    """What a host that is a pull-through cache does with what it does not have yet; it begins empty."""

    preset: Annotated[str, BeforeValidator(_preset)] | None = Field(
        default=None, description=f"How a program behaves, for keys that are absent: {', '.join(PRESETS)}."
    )
    upstream: Annotated[str, Field(min_length=1)] | None = Field(
        default=None, description="Host that it gets images from; absent: the registry in the image's name."
    )
    fill: Fill = Field(
        default=_DEFAULTS.fill,
        description="A blob flows on to the node while it is stored, is stored first, or flows on while a second GET "
        "stores it.",
    )
    coalesce: Coalesce = Field(
        default=_DEFAULTS.coalesce,
        description="What requests wait for others of: nothing, a whole image (at its manifest), or a blob.",
    )
    coalesce_timeout: Duration | None = Field(
        default=None,
        description="How long a request waits for another of its blob before it goes upstream; absent: "
        "until that ends.",
    )
    finishes: bool = Field(
        default=_DEFAULTS.finishes,
        description="A blob that flows through is stored to its end although its node has gone; else it ends with it.",
    )
    parts: Parts = Field(
        default=_DEFAULTS.parts,
        description="For a part of a blob that it does not have, where blobs flow through: it passes the part on "
        "and keeps nothing, or stores the blob from its beginning and answers when the part has come (nginx without "
        "slice).",
    )
    recheck: Duration = Field(
        default=_DEFAULTS.recheck, description="How long a tag is taken as it was looked up upstream; 0s: not at all."
    )
    recheck_by: Method = Field(default=_DEFAULTS.recheck_by, description="The request that looks a tag up.")
    stale: list[UpstreamFailure] = Field(
        default=[*_DEFAULTS.stale],
        description="Failures of looking a tag up after which the image that is stored is served.",
    )
    tag_failure: Annotated[int, Field(ge=400, le=599)] | None = Field(
        default=None, description="HTTP status for a node where a tag cannot be looked up; absent: the upstream's."
    )
    manifest_poll: Duration | None = Field(
        default=None,
        description="A manifest is stored only when its blobs are, for which it looks so often; absent: at once.",
    )
    ttl: Duration | None = Field(
        default=None, description="How long content is kept from when it was stored; absent: always."
    )
    size: Size | None = Field(
        default=None, description="Most that is kept: the least recently used goes first; absent: everything is."
    )
    downlink: OptionalRate = Field(default=None, description="Rate of its link from upstream; absent: never binds.")
    link: Link | None = Field(
        default=None,
        description="Class of the path from upstream, as `registries[].link`; absent: the upstream's own.",
    )
    disk: CacheDisk | None = Field(default=None, description="Rates of its disk; absent: it never binds.")
    replicas: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=_DEFAULTS.replicas, description="Hosts behind its name, each with content, links and a disk of its own."
    )
    balance: Balance = Field(
        default=_DEFAULTS.balance,
        description="Which replica gets a request: any, the same for a node, or the same for what is asked for.",
    )
    upstream_connections: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="GETs to upstream at a time, of each replica; absent: any number."
    )
    when_busy: WhenBusy = Field(
        default=_DEFAULTS.when_busy, description="Beyond that a GET waits, or the node is answered 429."
    )
    address: str | None = Field(
        default=None,
        description="Its address, as quotas and `allow` of the upstream see it; absent: that of the nodes if all have "
        "the same, as behind one NAT gateway, else its host.",
    )
    credentials: Login | None = Field(default=None, description="As whom it asks upstream; absent: as nobody.")
    holds: list[str] = Field(default=[], description="Shell patterns of the images that it has from the start.")

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, data: Any) -> Any:
        """Add the keys of the preset that the cache does not have."""
        preset = data.get("preset") if isinstance(data, Mapping) else data
        given = {key: value for key, value in data.items() if value is not None} if isinstance(data, Mapping) else {}
        if not isinstance(preset, str) or preset not in PRESETS:
            return data
        filled = {**PRESETS[preset].keys, "preset": preset, **given}
        if filled["coalesce"] != "blob" and "coalesceTimeout" not in given:
            filled.pop("coalesceTimeout", None)
        if filled["fill"] != "streamThrough" and "parts" not in given:
            filled.pop("parts", None)
        return filled

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.coalesce == "image" and self.fill != "storeThenServe":
            raise ValueError("coalesce: image goes with fill: storeThenServe, as a whole image is stored first")
        if self.coalesce_timeout is not None and self.coalesce != "blob":
            raise ValueError("coalesceTimeout goes with coalesce: blob")
        if self.parts == "fill" and self.fill != "streamThrough":
            raise ValueError(f"parts: fill goes with fill: streamThrough, as {self.fill} stores the blob anyway")
        if self.manifest_poll == 0.0:
            raise ValueError("manifestPoll is a time above 0s")
        if self.balance != _DEFAULTS.balance and self.replicas == 1:
            raise ValueError(f"balance: {self.balance} goes with replicas: 2 or more")
        return self
