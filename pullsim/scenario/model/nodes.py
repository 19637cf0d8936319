"""The section ``nodes`` of a scenario."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from pullsim.errors import shown
from pullsim.oci.platform import Platform
from pullsim.releases.containerd import CONTAINERD, DEFAULT_RELEASE
from pullsim.releases.crio import CRIO
from pullsim.releases.kubelet import KUBELET
from pullsim.releases.release import written_text
from pullsim.scenario.model.credentials import NodeCredentials  # noqa: TC001  # pydantic reads it
from pullsim.scenario.model.hardware import Cores, Disk, Metadata, Nic, Short, Unpack
from pullsim.scenario.model.quantities import (
    Count,
    DnsName,
    Duration,
    Frequency,
    PlatformName,
    Section,
    Size,
    WrittenRelease,
)
from pullsim.scenario.model.startup import NodeStartup
from pullsim.spec.cadence import LoopSpec
from pullsim.spec.cluster import Leave as LeaveSpec
from pullsim.spec.kubelet import DEFAULT_VERSION
from pullsim.spec.runtime import DEFAULT_SNAPSHOTTER, ContainerdSpec
from pullsim.spec.runtime import FixedImage as FixedImageSpec
from pullsim.spec.unpack import gzip_rate
from pullsim.units import duration_text

_CONTAINERD = ContainerdSpec()
_LOOP = LoopSpec()
_RETRY = {"base": duration_text(_LOOP.retry.base), "jitter": _LOOP.retry.jitter}
_LEAVE = LeaveSpec(rate=0.0)
_FIXED = FixedImageSpec(pull=0.0)


def _kubelet_source(value: Any) -> Any:
    if isinstance(value, str) or (isinstance(value, dict) and all(isinstance(key, str) for key in value)):
        return value
    raise ValueError(f"{shown(value)} is neither a KubeletConfiguration nor the path of one")


KubeletSource = Annotated[str | dict[str, Any], BeforeValidator(_kubelet_source)]


class Join(Section):
    """When the nodes of a pool join."""

    at: Duration = Field(default=0.0, description="The first node.")
    every: Duration = Field(default=0.0, description="Time between one node and the next.")


class Leave(Section):
    """Churn: nodes leave at exponential times, each replaced by a cold one. It needs a horizon.

    A node takes its pods along, with pulls under way. Deployments, ReplicaSets, StatefulSets, DaemonSets and Jobs make
    new pods in their place, as do workloads with `pods` or `pod`, as if a Deployment made them; a bare Pod of a
    manifest is lost.
    """

    rate: Frequency = Field(description="How often a node leaves, each for itself.")
    replace_after: Duration = Field(default=_LEAVE.replace_after, description="Time until the node in its place joins.")


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
    fixed: Fixed | None = Field(default=None, description="Durations instead of a pipeline.")

    @model_validator(mode="before")
    @classmethod
    def _containerd(cls, data: Any) -> Any:
        """Choose containerd where no other runtime is given, and set its defaults, unless a config.toml has them."""
        if not isinstance(data, Mapping) or any(data.get(other) is not None for other in ("crio", "fixed")):
            return data
        defaults: dict[str, Any] = {"containerd": written_text(DEFAULT_RELEASE)}
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
        ):
            if value is not None and release is not None and release < since:
                raise ValueError(f"{key} exists from containerd {since[0]}.{since[1]} on")
        return self


class RuntimeHandler(Short):
    """A runtime handler: a name, or a mapping."""

    name: str = Field(description="Name, as in a RuntimeClass.")
    snapshotter: str = Field(default=DEFAULT_SNAPSHOTTER, description="containerd's snapshotter for its images.")


class Interval(Section):
    """A requeue interval: base * (1 + jitter * U), U uniform in [0, 1)."""

    base: Duration = Field(gt=0, description="Shortest interval.")
    jitter: float = Field(default=0.0, ge=0, le=100, description="Largest addition, in parts of base.")


class ImageBackoff(Section):
    """The kubelet's back-off after failed pulls."""

    initial: Duration = Field(default=_LOOP.backoff_initial, description="First.")
    max: Duration = Field(default=_LOOP.backoff_max, description="Longest.")


class Simulation(Section):
    """The kubelet's loop, for replays and tests."""

    loop: Literal["full", "minimal"] = Field(
        default="full",
        description="full: 1 s tick, relist, status cache; minimal: sync again exactly `retry` after an error.",
    )
    retry: Interval = Field(
        default_factory=lambda: Interval.model_validate(_RETRY),
        description="After a sync with an error; by default 10s, jitter 0.5.",
    )
    resync: Interval | None = Field(
        default=None, description="After a sync without one; by default the kubelet's syncFrequency, jitter 0.5."
    )
    tick_phase: Duration | None = Field(default=None, description="Phase of the 1 s tick; by default drawn per node.")
    relist_phase: Duration | None = Field(
        default=None, description="Phase of the 1 s relist; by default drawn per node."
    )
    requeue_draws: dict[str, list[Duration]] = Field(
        default={}, description="By pod: every requeue in order, after error and success alike; drawn when used up."
    )
    image_backoff: ImageBackoff = Field(default_factory=ImageBackoff, description="Back-off after failed pulls.")


class NodePool(Section):
    """A pool of equal nodes, named <name>-0000, <name>-0001 and so on."""

    name: DnsName = Field(default="nodes", description="Name of the pool.")
    count: Annotated[int, Field(ge=1, le=100_000)] = Field(default=1, description="Number of nodes.")
    join: Join = Field(default_factory=Join, description="When they join.")
    leave: Leave | None = Field(default=None, description="Churn.")
    preset: str | None = Field(
        default=None,
        description="Instance type (`pullsim presets`) or path of a preset file: its figures are the defaults.",
    )
    platform: PlatformName = Field(default=Platform("linux", "amd64"), description="os/architecture[/variant].")
    max_pods: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Most pods on a node; by default the kubelet's maxPods, 110."
    )
    nic: Nic = Field(default_factory=Nic, description="Network interface: a rate, or a mapping.")
    disk: Disk = Field(default_factory=Disk, description="Disk.")
    cores: Cores = Field(default_factory=Cores, description="Cores: a number, or a mapping.")
    unpack: Unpack = Field(default_factory=Unpack, description="Costs of unpacking.")
    metadata: Metadata = Field(default_factory=Metadata, description="The runtime's database.")
    kubelet: KubeletSource = Field(default={}, description="A KubeletConfiguration, inline or a path.")
    kubelet_version: WrittenRelease = Field(
        default=DEFAULT_VERSION,
        description=f"The kubelet's release, {KUBELET.text}, with a patch or its newest known one; a newer release "
        "runs as the newest of them.",
    )
    feature_gates: dict[str, bool] = Field(
        default={}, description="Feature gates, on top of the KubeletConfiguration's."
    )
    runtime: Runtime = Field(default_factory=Runtime, description="containerd, crio or fixed.")
    runtime_handlers: list[RuntimeHandler] = Field(
        default=[],
        description="Handlers that a RuntimeClass may ask for, the runtime's default first; without any, those of "
        "the config.toml, or runc.",
    )
    cached: list[str] = Field(default=[], description="Images on the node before time 0.")
    startup: NodeStartup = Field(default_factory=NodeStartup, description="What starting a pod takes beside its pulls.")
    address: str | None = Field(
        default=None, description="As registries see it: of a limit `by: address`, and for `allow`."
    )
    credentials: NodeCredentials | None = Field(default=None, description="The kubelet's credentials.")
    simulation: Simulation = Field(default_factory=Simulation, description="The kubelet's loop, for replays and tests.")

    @field_validator("kubelet_version")
    @classmethod
    def _known_version(cls, version: tuple[int, ...]) -> tuple[int, ...]:
        KUBELET.resolve(version)
        return version

    @model_validator(mode="after")
    def _gzip_of_the_release(self) -> Self:
        """Set the rate of unpacking gzip layers to that of the containerd release, where the scenario has no rate."""
        release = self.runtime.containerd
        if release is None or "gzip" in self.unpack.model_fields_set:
            return self
        rate = gzip_rate(CONTAINERD.resolve(release))
        return self.model_copy(update={"unpack": self.unpack.model_copy(update={"gzip": rate})})

    @field_validator("runtime_handlers")
    @classmethod
    def _named_once(cls, handlers: list[RuntimeHandler]) -> list[RuntimeHandler]:
        names = [handler.name for handler in handlers]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"two runtime handlers are named {twice[0]}; names must differ")
        return handlers
