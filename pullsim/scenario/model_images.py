"""The sections ``images`` and ``registries`` of a scenario."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from pullsim.oci.manifest import UNPACK_RATIO, compression_of
from pullsim.oci.platform import Platform
from pullsim.oci.reference import check_digest
from pullsim.registry.spec import RegistrySpec
from pullsim.scenario.model_credentials import RegistryCredentials  # noqa: TC001  # pydantic reads it
from pullsim.scenario.quantities import Duration, OptionalRate, PlatformName, Price, Rate, Section, Size

_DEFAULTS = RegistrySpec("")


def _digest(value: str) -> str:
    try:
        check_digest(value)
    except ValueError as error:
        raise ValueError(f"{value!r}: {error}; a digest is sha256: and 64 lower-case hexadecimal digits") from None
    return value


def _layer_type(value: str) -> str:
    compression_of(value)
    return value


class Layer(Section):
    """One layer of an image."""

    size: Size = Field(description="Compressed bytes, what is downloaded.")
    unpacked: Size | None = Field(default=None, description="Bytes on disk; without it size times images.unpackRatio.")
    files: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="Number of files; without it, a typical one."
    )
    digest: Annotated[str, AfterValidator(_digest)] | None = Field(
        default=None, description="Layers of one digest are the same content; a layer without one is like no other."
    )
    media_type: Annotated[str, AfterValidator(_layer_type)] = Field(
        default="tar+gzip", description="tar, tar+gzip or tar+zstd, or a full OCI or Docker media type."
    )


class TagMove(Section):
    """From a time on, the tag points to other content."""

    at: Duration = Field(description="When the tag moves.")
    layers: list[Layer] = Field(description="The new content, bottom layer first.")


class ImageDefinition(Section):
    """An image by hand, as an index: several entries of one image make one with several platforms."""

    image: str = Field(description="Name with tag, as a pod has it.")
    platform: PlatformName = Field(default=Platform("linux", "amd64"), description="os/architecture[/variant].")
    layers: list[Layer] = Field(description="Layers, bottom first.")
    tag_moves: list[TagMove] = Field(default=[], description="Times at which the tag comes to point to other content.")


class ManifestFile(Section):
    """A real manifest or index from a file."""

    image: str = Field(description="Name with tag, as a pod has it.")
    path: str = Field(description="OCI or Docker manifest or index, as `crane manifest` prints it.")


class Images(Section):
    """Where layer lists come from; later entries win: catalogs, then manifests, then define."""

    catalogs: list[str] = Field(
        default=["official"], description="Built-in catalogues by name, or paths of catalogue files."
    )
    manifests: list[ManifestFile] = Field(default=[], description="Real manifests from files.")
    define: list[ImageDefinition] = Field(default=[], description="Images by hand.")
    unpack_ratio: float = Field(
        default=UNPACK_RATIO,
        gt=0,
        le=1000,
        description="Unpacked bytes per compressed byte, for layers that don't say.",
    )
    unknown: Literal["error", "notFound"] = Field(
        default="error", description="What an image in no catalogue is: wrong input, or not found (404) in the run."
    )


class Tcp(Section):
    """Slow start of a connection."""

    initial_window: Size = Field(
        default=_DEFAULTS.initial_window, gt=0, description="Bytes sent before the first answer."
    )
    max_window: Size = Field(default=_DEFAULTS.max_window, gt=0, description="Most bytes in flight.")


class BlobHost(Section):
    """Object storage that blobs are redirected to: a link of its own."""

    round_trip: Duration = Field(default=_DEFAULTS.round_trip, description="Round trip between a node and the store.")
    egress: OptionalRate = Field(default=None, description="Rate shared by all nodes; absent: never binds.")


class Limit(Section):
    """A quota of requests in a time."""

    requests: Annotated[int, Field(ge=0)] = Field(description="Requests allowed.")
    per: Duration = Field(description="In this time.")
    of: Literal["manifests", "blobs", "requests"] = Field(default="manifests", description="What counts.")
    by: Literal["address", "account", "registry"] = Field(default="address", description="Who shares the quota.")
    status: Annotated[int, Field(ge=400, le=599)] = Field(default=429, description="HTTP status of a refusal.")
    retry_after: Duration | None = Field(default=None, description="The refusal's Retry-After.")


class Fault(Section):
    """What goes wrong, from when, for how long, for which images."""

    at: Duration = Field(default=0.0, description="When it begins.")
    for_: Duration | None = Field(default=None, alias="for", description="How long it lasts; absent: to the end.")
    image: str | None = Field(
        default=None, description="Shell pattern on repository:tag or repository; absent: every image."
    )
    status: Annotated[int, Field(ge=400, le=599)] | None = Field(
        default=None, description="HTTP status of the answers."
    )
    refused: bool = Field(default=False, description="No connection at all.")
    stall: bool = Field(default=False, description="The answer's body stops.")
    slow: Rate | None = Field(default=None, description="The answer's body comes at this rate.")
    probability: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, description="Share of requests it strikes."
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = [self.status is not None, self.refused, self.stall, self.slow is not None]
        if sum(kinds) != 1:
            raise ValueError("a fault has exactly one of status, refused: true, stall: true and slow")
        return self


class Registry(Section):
    """A registry host. Hosts that are not listed have the defaults."""

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
    auth: Literal["none", "basic", "bearer"] = Field(
        default="none", description="Challenge: its round trips are simulated. With credentials, bearer by default."
    )
    credentials: list[RegistryCredentials] = Field(default=[], description="Who may pull; absent: everybody.")
    allow: list[str] = Field(default=[], description="Addresses (`nodes[].address`) let in without credentials.")
    public: list[str] = Field(
        default=[], description="With credentials or allow: shell patterns of what everybody may pull all the same."
    )
    limits: list[Limit] = Field(default=[], description="Quotas.")
    faults: list[Fault] = Field(default=[], description="Outages and missing images.")
    mirrors: list[Any] = Field(default=[], description="Mirrors, in the order of hosts.toml.")
    price: Price | None = Field(default=None, description="Money per size, for the cost lines of the summary.")

    @model_validator(mode="before")
    @classmethod
    def _private(cls, data: Any) -> Any:
        """Let a registry with users ask who pulls."""
        if isinstance(data, Mapping) and data.get("credentials") and data.get("auth") is None:
            return {**data, "auth": "bearer"}
        return data

    @model_validator(mode="after")
    def _asks(self) -> Self:
        if self.credentials and self.auth == "none":
            raise ValueError(
                "credentials need auth: bearer or basic, since a registry that does not ask never sees any"
            )
        if self.public and not (self.credentials or self.allow):
            raise ValueError("public goes with credentials or allow; without them everything is")
        return self
