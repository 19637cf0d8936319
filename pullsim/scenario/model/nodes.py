"""The section ``nodes`` of a scenario."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from pullsim.errors import shown
from pullsim.oci.platform import Platform
from pullsim.releases.containerd import CONTAINERD
from pullsim.releases.kubelet import KUBELET
from pullsim.scenario.model.autoscale import MOST_NODES, Autoscale, Number
from pullsim.scenario.model.credentials import NodeCredentials  # noqa: TC001  # pydantic reads it
from pullsim.scenario.model.hardware import Cores, Disk, Metadata, Nic, Unpack
from pullsim.scenario.model.peers import Peers  # noqa: TC001  # pydantic reads it
from pullsim.scenario.model.placement import PODS, Allocatable, Labels, Taint, Zone
from pullsim.scenario.model.pull_policies import PullPolicy, contradiction
from pullsim.scenario.model.quantities import (
    DnsName,
    Duration,
    Frequency,
    PlatformName,
    Section,
    WrittenRelease,
)
from pullsim.scenario.model.runtime import Runtime, RuntimeHandler
from pullsim.scenario.model.snapshot import SecondaryBootDisk, Snapshot  # noqa: TC001  # pydantic reads them
from pullsim.scenario.model.startup import NodeStartup
from pullsim.scenario.model.variation import PoolSpreads  # noqa: TC001  # pydantic reads it
from pullsim.spec.cadence import LoopSpec
from pullsim.spec.cluster import Leave as LeaveSpec
from pullsim.spec.kubelet import DEFAULT_VERSION
from pullsim.spec.lazy import KINDS
from pullsim.spec.runtime import CrioSpec, usual_write
from pullsim.spec.scheduling import CPU
from pullsim.spec.snapshotter import EROFS, SOCI
from pullsim.spec.unpack import CRIO_UNPACK, gzip_rate
from pullsim.units import duration_text

_LOOP = LoopSpec()
_RETRY = {"base": duration_text(_LOOP.retry.base), "jitter": _LOOP.retry.jitter}
_LEAVE = LeaveSpec(rate=0.0)
#: The costs of unpacking that CRI-O has defaults of its own for.
COSTS = ("gzip", "stored", "per_file", "per_layer", "while_downloading", "second_core")


def _kubelet_source(value: Any) -> Any:
    if isinstance(value, str) or (isinstance(value, dict) and all(isinstance(key, str) for key in value)):
        return value
    raise ValueError(f"{shown(value)} is neither a KubeletConfiguration nor the path of one")


KubeletSource = Annotated[str | dict[str, Any], BeforeValidator(_kubelet_source)]


class Join(Section):
    """When the nodes of a pool join."""

    at: Duration = Field(default=0.0, description="The first node.")
    every: Duration = Field(default=0.0, description="Time between one node and the next.")
    ready: Duration = Field(
        default=0.0,
        description="Time from a node's join until it is Ready; until then it has the taint "
        "node.kubernetes.io/not-ready:NoSchedule, which pods must tolerate, as those of network plug-ins do.",
    )


class Leave(Section):
    """Churn: nodes leave at exponential times, each replaced by a cold one. It needs a horizon.

    A node takes its pods along, with pulls under way. Deployments, ReplicaSets, StatefulSets, DaemonSets and Jobs make
    new pods in their place, as do workloads with `pods` or `pod`, as if a Deployment made them; a bare Pod of a
    manifest is lost.
    """

    rate: Frequency = Field(description="How often a node leaves, each for itself.")
    replace_after: Duration = Field(default=_LEAVE.replace_after, description="Time until the node in its place joins.")


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
    autoscale: Autoscale | None = Field(default=None, description="Nodes that come and go with the pods.")
    count: Number = Field(
        default=1, description="Number of nodes; with `autoscale` those of time 0, by default its min."
    )
    join: Join = Field(default_factory=Join, description="When they join.")
    leave: Leave | None = Field(default=None, description="Churn.")
    preset: str | None = Field(
        default=None,
        description="Instance type (`pullsim presets`) or path of a preset file: its figures are the defaults.",
    )
    variation: PoolSpreads | None = Field(
        default=None,
        description="How its figures vary, for `variation: preset`; by default as those of its preset do.",
    )
    platform: PlatformName = Field(default=Platform("linux", "amd64"), description="os/architecture[/variant].")
    max_pods: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="Most pods on a node; by default what allocatable has as pods, or the kubelet's maxPods, 110.",
    )
    allocatable: Allocatable = Field(
        default={CPU: None},
        description="What pods may request of a node: {cpu: 15500m, memory: 60GiB, nvidia.com/gpu: 1}. By default as "
        "much cpu as cores, if those are given, and cpu, memory and ephemeral-storage without limit; of any other "
        "resource that is not listed a node has none.",
    )
    labels: Labels = Field(
        default={}, description="Labels, beside those that each node has: its name, platform, zone and pool."
    )
    taints: list[Taint] = Field(default=[], description="Taints: key=value:NoSchedule, as kubectl writes them.")
    zones: list[Zone] = Field(
        default=[], description="Zones in which its nodes are, in turn: topology.kubernetes.io/zone."
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
    snapshot: Snapshot | None = Field(
        default=None,
        description="The volume made of a snapshot, or the node image, on which the `cached` images lie, whose blocks "
        "come when they are first read; by default all of it is there.",
    )
    secondary_boot_disk: SecondaryBootDisk | None = Field(
        default=None, description="A second disk with unpacked layers of images (GKE); with containerd."
    )
    pinned: list[str] = Field(
        default=[], description="Images that the kubelet never removes (PinnedImageSet, containerd's pinned label)."
    )
    startup: NodeStartup = Field(default_factory=NodeStartup, description="What starting a pod takes beside its pulls.")
    peers: Peers | None = Field(default=None, description="Blobs from other nodes: a kind, or a mapping.")
    address: str | None = Field(
        default=None, description="As registries see it: of a limit `by: address`, and for `allow`."
    )
    credentials: NodeCredentials | None = Field(default=None, description="The kubelet's credentials.")
    simulation: Simulation = Field(default_factory=Simulation, description="The kubelet's loop, for replays and tests.")
    pull_policies: list[PullPolicy] = Field(
        default=[],
        description="Pull policies that no kubelet has, in order: a name, or a mapping with the name as its only key; "
        "by default the kubelet's own way. See docs/levers/pull-policies.md.",
    )

    @model_validator(mode="before")
    @classmethod
    def _count_of_the_autoscaler(cls, data: Any) -> Any:
        """Begin with the least nodes of an autoscaler, where the scenario has no count."""
        if not isinstance(data, Mapping) or data.get("count") is not None:
            return data
        autoscale = data.get("autoscale")
        least = autoscale.get("min", 0) if isinstance(autoscale, Mapping) else None
        return {**data, "count": least} if type(least) is int and 0 <= least <= MOST_NODES else data

    @field_validator("count")
    @classmethod
    def _some_nodes(cls, count: int, info: ValidationInfo) -> int:
        if not count and info.data.get("autoscale", count) is None:
            raise ValueError(f"{count} must be greater than or equal to 1")
        return count

    @model_validator(mode="after")
    def _fits_the_autoscaler(self) -> Self:
        scale = self.autoscale
        if scale is None:
            return self
        if not scale.min <= self.count <= scale.max:
            raise ValueError(f"count is {self.count:,}, and autoscale has from {scale.min:,} to {scale.max:,} nodes")
        if self.join.at or self.join.every:
            raise ValueError("join.at and join.every do not go with autoscale: its nodes join when pods need them")
        if self.leave is not None:
            raise ValueError("leave does not go with autoscale, which takes nodes away itself (consolidateAfter)")
        return self

    @field_validator("kubelet_version")
    @classmethod
    def _known_version(cls, version: tuple[int, ...]) -> tuple[int, ...]:
        KUBELET.resolve(version)
        return version

    @field_validator("taints")
    @classmethod
    def _each_taint_once(cls, taints: list[Taint]) -> list[Taint]:
        """Refuse what the API server does (pkg/apis/core/validation validateNodeTaints)."""
        seen: set[tuple[str, str]] = set()
        for taint in taints:
            if (taint.key, taint.effect) in seen:
                raise ValueError(f"{taint.key}:{taint.effect} is there twice: taints must be unique by key and effect")
            seen.add((taint.key, taint.effect))
        return taints

    @model_validator(mode="after")
    def _one_number_of_pods(self) -> Self:
        listed = self.allocatable.get(PODS)
        if listed is not None and self.max_pods not in (None, listed):
            raise ValueError(f"maxPods is {self.max_pods} and allocatable has {listed} pods: one of them is enough")
        return self

    @model_validator(mode="after")
    def _cpu_of_the_cores(self) -> Self:
        """Set the allocatable cpu to the cores, where the scenario has cores but no allocatable cpu."""
        if "allocatable" in self.model_fields_set and CPU in self.allocatable:
            return self
        cpu = self.cores.count * 1000 if "count" in self.cores.model_fields_set else None
        return self.model_copy(update={"allocatable": self.allocatable | {CPU: cpu}})

    @model_validator(mode="after")
    def _gzip_of_the_release(self) -> Self:
        """Set the rate of unpacking gzip layers to that of the containerd release, where the scenario has no rate."""
        release = self.runtime.containerd
        if release is None or "gzip" in self.unpack.model_fields_set:
            return self
        rate = gzip_rate(CONTAINERD.resolve(release))
        return self.model_copy(update={"unpack": self.unpack.model_copy(update={"gzip": rate})})

    @model_validator(mode="after")
    def _write_of_the_release(self) -> Self:
        """Set the time of a metadata write to that of the containerd release, where the scenario has none."""
        release = self.runtime.containerd
        if release is None or "write" in self.metadata.model_fields_set:
            return self
        write = usual_write(CONTAINERD.resolve(release))
        return self.model_copy(update={"metadata": self.metadata.model_copy(update={"write": write})})

    @model_validator(mode="after")
    def _uses_its_snapshotters(self) -> Self:
        """Refuse the settings of a snapshotter that neither the pool nor a handler of it uses."""
        used = {self.runtime.snapshotter, *(handler.snapshotter for handler in self.runtime_handlers)}
        for name, settings in ((SOCI, self.runtime.soci), (EROFS, self.runtime.erofs)):
            if settings is not None and name not in used and self.runtime.config is None:
                raise ValueError(f"runtime.{name} is given, and no image is unpacked with it: set snapshotter: {name}")
        if self.runtime.lazy is not None and not used & KINDS.keys():
            raise ValueError(
                f"runtime.lazy is given, and no image is mounted lazily: set snapshotter: {', '.join(KINDS)}"
            )
        return self

    @field_validator("pull_policies")
    @classmethod
    def _policies_go_together(cls, policies: list[PullPolicy], info: ValidationInfo) -> list[PullPolicy]:
        if wrong := contradiction(policies):
            raise ValueError(wrong)
        simulation = info.data.get("simulation")
        capped = any(policy.max_back_off is not None for policy in policies)
        if capped and simulation is not None and simulation.image_backoff.max != _LOOP.backoff_max:
            raise ValueError("maxBackOff and simulation.imageBackoff.max both are the longest back-off: one is enough")
        return policies

    @model_validator(mode="after")
    def _costs_of_crio(self) -> Self:
        """Set the costs of unpacking and of metadata to those of CRI-O, where it pulls and the scenario has none."""
        if self.runtime.crio is None:
            return self
        costs = {name: getattr(CRIO_UNPACK, name) for name in COSTS if name not in self.unpack.model_fields_set}
        changed: dict[str, Any] = {"unpack": self.unpack.model_copy(update=costs)}
        if "write" not in self.metadata.model_fields_set:
            changed["metadata"] = self.metadata.model_copy(update={"write": CrioSpec().metadata_write})
        return self.model_copy(update=changed)

    @field_validator("runtime_handlers")
    @classmethod
    def _named_once(cls, handlers: list[RuntimeHandler]) -> list[RuntimeHandler]:
        names = [handler.name for handler in handlers]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"two runtime handlers are named {twice[0]}; names must differ")
        return handlers
