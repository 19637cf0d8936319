"""The keys ``runtime`` and ``runtimeHandlers`` of a pool of nodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from pullsim.releases.containerd import CONTAINERD, DEFAULT_RELEASE
from pullsim.releases.crio import CRIO
from pullsim.releases.release import written_text
from pullsim.scenario.model.hardware import Short
from pullsim.scenario.model.lazy import Lazy  # noqa: TC001  # pydantic reads it
from pullsim.scenario.model.partial import PartialImages  # noqa: TC001  # pydantic reads it
from pullsim.scenario.model.quantities import Count, Duration, Section, Size, WrittenRelease
from pullsim.scenario.model.snapshotter import Erofs, Soci  # noqa: TC001  # pydantic reads them
from pullsim.spec.lazy import LazyKind
from pullsim.spec.runtime import DEFAULT_SNAPSHOTTER, ContainerdSpec
from pullsim.spec.runtime import FixedImage as FixedImageSpec
from pullsim.spec.snapshotter import EROFS, SOCI

_CONTAINERD = ContainerdSpec()
_FIXED = FixedImageSpec(pull=0.0)
SnapshotterName = Literal["overlayfs", "erofs", "soci", LazyKind]


class FixedFail(Section):
    """Which calls for an image fail."""

    after: Duration = Field(description="How long a failing call takes.")
    error: str = Field(description="The runtime's text.")
    times: Annotated[int, Field(ge=-1)] | None = Field(
        default=None, description="The first n calls; -1 (default): all."
    )
    pattern: Annotated[str, Field(pattern="^[FS]*$")] | None = Field(
        default=None, description="A letter a call, F for failure or S for success; calls after its end succeed."
    )

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        if self.times is not None and self.pattern is not None:
            raise ValueError("give times or pattern, not both")
        return self


class FixedStatusFail(Section):
    """When ImageStatus calls for an image fail."""

    error: str = Field(description="The runtime's text, whole: rpc error: code = Unavailable desc = …")
    at: Duration = Field(default=0.0, description="When it begins.")
    for_: Duration | None = Field(default=None, alias="for", description="How long it lasts; absent: to the end.")


class FixedImage(Section):
    """What the fixed runtime does for one image."""

    pull: Duration = Field(description="Time of a pull when the image is absent as it starts.")
    repull: Duration = Field(default=_FIXED.repull, description="Time of a pull when it is present.")
    size: Size = Field(default=_FIXED.size, description="Bytes; without a unit bytes too.")
    present: bool = Field(default=_FIXED.present, description="On the node before time 0.")
    removed_at: list[Duration] = Field(default=[], description="Times at which it vanishes.")
    fail: FixedFail | None = Field(default=None, description="Failing calls.")
    status_fail: FixedStatusFail | None = Field(
        default=None, description="Failing ImageStatus calls: ImageInspectError."
    )


class Fixed(Section):
    """A runtime of given durations. An image that is not listed fails as not found."""

    images: dict[str, FixedImage] = Field(default={}, description="By image, as the kubelet hands it over.")


class Runtime(Section):
    """One of containerd (the default), crio and fixed."""

    containerd: WrittenRelease | None = Field(
        default=None,
        description="containerd and its release, 1.6 to 2.4, with a patch or without: 2.3 is its newest known one; by "
        "default 2.1. A newer one runs as the newest known.",
    )
    max_concurrent_downloads: Count | None = Field(
        default=None,
        description="containerd's layers at a time, for each pull, from 2.1 on for the node; by default what config "
        "says, or 3.",
    )
    layer_fetch_buffer: Size | None = Field(
        default=None,
        description="Bytes of a chunk of a layer, as many at a time as downloads (from containerd 2.1 on): "
        "concurrent_layer_fetch_buffer; by default what config says, or 0, whole layers.",
    )
    max_concurrent_unpacks: Count | None = Field(
        default=None,
        description="Layers unpacked side by side, over the node (from containerd 2.2 on); by default what config "
        "says, or 1.",
    )
    snapshotter: SnapshotterName | None = Field(
        default=None,
        description="overlayfs, erofs (containerd from 2.1 on), soci, or one that mounts images before they are there: "
        "stargz, soci-lazy, nydus, gke-streaming; by default what config says, soci or erofs with the key of that "
        "name, or overlayfs.",
    )
    soci: Soci | None = Field(default=None, description="SOCI's parallel pull and unpack: a preset, or a mapping.")
    erofs: Erofs | None = Field(default=None, description="EROFS: a mode, or a mapping.")
    lazy: Lazy | None = Field(
        default=None, description="Settings of a snapshotter that mounts images before they are there."
    )
    config: str | None = Field(default=None, description="Path of containerd's config.toml, of version 2 or 3.")
    hosts: str | None = Field(
        default=None,
        description="Path of a copy of containerd's certs.d, with its hosts.toml. With config it is used if the "
        "release reads what config_path names.",
    )
    progress_timeout: Duration | None = Field(
        default=None,
        description="containerd ends a pull that gets no byte for so long, 0: never; by default what config says, or "
        "what the release has: 1.6 none, from 1.7.10 on 5m.",
    )
    collect_after: Duration | None = Field(
        default=None,
        description="Time from a failed pull until containerd collects what it left of blobs; by default 245ms.",
    )
    crio: WrittenRelease | None = Field(
        default=None,
        description=f"CRI-O and its release, {CRIO.text}, with a patch or its newest known one; a newer release runs "
        "as the newest of them.",
    )
    partial_images: PartialImages | None = Field(
        default=None, description="CRI-O's partial pulls of zstd:chunked layers: true, or a mapping; absent: none."
    )
    fixed: Fixed | None = Field(default=None, description="Durations instead of a pipeline.")

    @model_validator(mode="before")
    @classmethod
    def _containerd(cls, data: Any) -> Any:
        """Choose containerd where no other runtime is given, and set its defaults, unless a config.toml has them."""
        if not isinstance(data, Mapping) or any(data.get(other) is not None for other in ("crio", "fixed")):
            return data
        defaults: dict[str, Any] = {"containerd": written_text(DEFAULT_RELEASE)}
        if data.get("soci") is not None or data.get("erofs") is not None:
            defaults["snapshotter"] = SOCI if data.get("soci") is not None else EROFS
        if data.get("config") is None:
            defaults["maxConcurrentDownloads"] = _CONTAINERD.max_concurrent_downloads
        return defaults | {key: value for key, value in data.items() if value is not None}

    @field_validator("containerd", "crio")
    @classmethod
    def _known(cls, version: tuple[int, ...] | None, info: ValidationInfo) -> tuple[int, ...] | None:
        if version is not None:
            (CRIO if info.field_name == "crio" else CONTAINERD).resolve(version)
        return version

    @model_validator(mode="after")
    def _one_runtime(self) -> Self:
        if sum(choice is not None for choice in (self.containerd, self.crio, self.fixed)) > 1:
            raise ValueError("a node has one runtime: give one of containerd, crio and fixed")
        if self.crio or self.fixed:
            for key, value in (
                ("maxConcurrentDownloads", self.max_concurrent_downloads),
                ("layerFetchBuffer", self.layer_fetch_buffer),
                ("maxConcurrentUnpacks", self.max_concurrent_unpacks),
                ("snapshotter", self.snapshotter),
                ("soci", self.soci),
                ("erofs", self.erofs),
                ("lazy", self.lazy),
                ("config", self.config),
                ("hosts", self.hosts),
                ("progressTimeout", self.progress_timeout),
                ("collectAfter", self.collect_after),
            ):
                if value is not None:
                    raise ValueError(f"{key} is containerd's")
        release = None if self.containerd is None else CONTAINERD.resolve(self.containerd)
        for key, value, since in (
            ("layerFetchBuffer", self.layer_fetch_buffer, (2, 1)),
            ("maxConcurrentUnpacks", self.max_concurrent_unpacks, (2, 2)),
            ("erofs", self.erofs or (self.snapshotter == EROFS or None), (2, 1)),
        ):
            if value is not None and release is not None and release < since:
                raise ValueError(f"{key} exists from containerd {since[0]}.{since[1]} on")
        if self.snapshotter == SOCI and self.soci is None:
            raise ValueError("the snapshotter soci needs soci: a preset, or its settings; {} for the daemon's own")
        return self


class RuntimeHandler(Short):
    """A runtime handler: a name, or a mapping."""

    name: str = Field(description="Name, as in a RuntimeClass.")
    snapshotter: str = Field(default=DEFAULT_SNAPSHOTTER, description="containerd's snapshotter for its images.")
