"""Building the nodes from the section ``nodes``."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING

from pullsim.errors import InputError
from pullsim.formats.kubernetes.kubelet_node import READ
from pullsim.frozen import dataclass
from pullsim.oci.reference import InvalidReference, cri_image
from pullsim.releases.crio import CRIO
from pullsim.releases.kubelet import KUBELET
from pullsim.scenario.builder.containerd import containerd_spec
from pullsim.scenario.builder.credentials import credential_sources
from pullsim.scenario.builder.kubelet import kubelet_config, kubelet_node, kubelet_warnings
from pullsim.scenario.builder.node_scheduling import max_pods, node_scheduling, with_resources
from pullsim.scenario.builder.partial import partial_spec
from pullsim.scenario.builder.peers import peer_spec
from pullsim.scenario.builder.pull_limits import kubelet_limit, layer_limit
from pullsim.scenario.builder.pull_policies import policy_warnings, pull_policies
from pullsim.scenario.builder.snapshot import pinned_images, secondary_disk_spec, snapshot_spec
from pullsim.scenario.builder.snapshotter import with_snapshotter
from pullsim.scenario.builder.spec_of import spec_of
from pullsim.scenario.presets.nodes import builtin
from pullsim.spec.cadence import Interval, LoopSpec
from pullsim.spec.cluster import AutoscaledPool, Leave, Node, NodeSpec
from pullsim.spec.hardware import Burst, CoresSpec, DiskBurst, DiskSpec, FilesystemSpec, NicSpec, PageCacheSpec
from pullsim.spec.runtime import (
    CrioSpec,
    FixedFailure,
    FixedImage,
    FixedSpec,
    FixedStatusFailure,
    RuntimeHandler,
)
from pullsim.spec.startup import Startup
from pullsim.spec.unpack import KLAUSPOST_GZIP, KNOWN_SINCE, UnpackSpec, inflate_spec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pullsim.inputs.findings import Findings
    from pullsim.scenario.model.autoscale import Autoscale
    from pullsim.scenario.model.hardware import Disk, Nic
    from pullsim.scenario.model.nodes import NodePool, Simulation
    from pullsim.scenario.model.runtime import Fixed
    from pullsim.scenario.model.runtime import FixedImage as FixedImageModel
    from pullsim.spec.runtime import RuntimeSpec


@dataclass(frozen=True, slots=True)
class Nodes:
    """The nodes of a scenario, pool by pool."""

    nodes: tuple[Node, ...]  # of time 0, and those that join at given times
    autoscaled: tuple[AutoscaledPool, ...]
    scan_interval: float | None  # seconds between two looks of the autoscaler; None: it looks at batches of pods

    @property
    def kinds(self) -> tuple[Node, ...]:
        """All nodes, and of each pool with an autoscaler the next one in each zone: all that pods can meet."""
        coming = (
            pool.node(pool.first + turn, pool.zones[(pool.first + turn) % len(pool.zones)], 0.0)
            for pool in self.autoscaled
            for turn in range(len(pool.zones))
        )
        return (*self.nodes, *coming)

    def with_resources(self, amounts: dict[str, int]) -> Nodes:
        """Return the nodes, each with these amounts of resources too."""
        if not amounts:
            return self
        specs = {id(node.spec): with_resources(node.spec, amounts) for node in self.kinds}
        nodes = tuple(replace(node, spec=specs[id(node.spec)]) for node in self.nodes)
        autoscaled = tuple(replace(pool, spec=specs[id(pool.spec)]) for pool in self.autoscaled)
        return replace(self, nodes=nodes, autoscaled=autoscaled)

    def most(self) -> Iterator[tuple[NodeSpec, int]]:
        """Yield the spec of each pool, and the most nodes that it has at a time."""
        specs = {id(node.spec): node.spec for node in self.kinds}
        counts = Counter(id(node.spec) for node in self.nodes)
        counts.update({id(pool.spec): max(pool.maximum - counts[id(pool.spec)], 0) for pool in self.autoscaled})
        return ((spec, counts[key]) for key, spec in specs.items())


def build_nodes(pools: Sequence[NodePool], directory: Path, findings: Findings) -> Nodes:
    """Return all nodes, pool by pool. A pool with errors is left out; its errors go to the findings."""
    nodes: list[Node] = []
    autoscaled: list[AutoscaledPool] = []
    for index, pool in enumerate(pools):
        try:
            spec = _node_spec(pool, index, directory, findings)
        except InputError as error:
            findings.take(error, "nodes", index, "kubelet")
            continue
        join = pool.join
        zones: tuple[str | None, ...] = tuple(pool.zones) or (None,)
        nodes += (
            Node(f"{pool.name}-{n:04d}", spec, join.at + n * join.every, zones[n % len(zones)], join.ready)
            for n in range(pool.count)
        )
        if pool.autoscale is not None:
            autoscaled.append(_autoscaled(pool, pool.autoscale, spec, zones))
    return Nodes(tuple(nodes), tuple(autoscaled), _scan_interval(pools, findings))


def _autoscaled(pool: NodePool, scale: Autoscale, spec: NodeSpec, zones: tuple[str | None, ...]) -> AutoscaledPool:
    return AutoscaledPool(
        spec,
        maximum=scale.max,
        boot=scale.boot,
        minimum=scale.min,
        first=pool.count,
        zones=zones,
        ready_after=pool.join.ready,
        consolidate_after=scale.consolidate_after,
        underutilized=scale.consolidation_policy == "WhenEmptyOrUnderutilized",
    )


def _scan_interval(pools: Sequence[NodePool], findings: Findings) -> float | None:
    """Return the interval of the autoscaler, of which a cluster has one; add an error where pools have another."""
    intervals = {n: pool.autoscale.scan_interval for n, pool in enumerate(pools) if pool.autoscale is not None}
    first = next(iter(intervals.values()), None)
    for index, interval in intervals.items():
        if interval != first:
            message = "scanInterval is not that of the other pools, and a cluster has one autoscaler: give all the same"
            findings.error(message, "nodes", index, "autoscale")
    return first


def _node_spec(pool: NodePool, index: int, directory: Path, findings: Findings) -> NodeSpec:
    release = KUBELET.resolve(pool.kubelet_version)
    kubelet = kubelet_config(pool, directory)
    own = kubelet_node(pool, directory)
    findings.ignored += (f"nodes[{pool.name}].kubelet.{name}" for name in kubelet.ignored if name not in READ)
    findings.warnings += kubelet_warnings(pool, kubelet, release)
    findings.notes.append(f"{pool.name}: {kubelet_limit(kubelet, release)}")
    policies = pull_policies(pool.pull_policies)
    findings.warnings += policy_warnings(pool.name, policies, kubelet)
    runtime = _runtime(pool, index, directory, findings)
    handlers = tuple(spec_of(each, RuntimeHandler) for each in pool.runtime_handlers)
    if (limit := runtime.layer_limit) is not None:
        findings.notes.append(f"{pool.name}: {layer_limit(kubelet, limit)}")
    return spec_of(
        pool,
        NodeSpec,
        pool=pool.name,
        max_pods=max_pods(pool, kubelet, own, findings),
        nic=_nic(pool.nic),
        disk=_disk(pool.disk),
        snapshot=snapshot_spec(pool, index, findings),
        secondary_disk=secondary_disk_spec(pool, index, findings),
        pinned=pinned_images(pool, index, findings),
        filesystem=None if pool.disk.size is None else FilesystemSpec(pool.disk.size, pool.disk.used or 0),
        cores=spec_of(pool.cores, CoresSpec),
        kubelet=kubelet,
        kubelet_version=release,
        loop=_loop(pool.simulation),
        runtime=runtime,
        runtime_handlers=handlers or runtime.handlers,
        leave=None if not pool.leave or not pool.leave.rate else spec_of(pool.leave, Leave),
        credentials=credential_sources(pool, kubelet, index, directory, findings),
        startup=spec_of(pool.startup, Startup),
        peers=peer_spec(pool, runtime, index, findings),
        removable=pool.autoscale is not None and pool.autoscale.consolidate_after is not None,
        scheduling=node_scheduling(pool, own, index, findings),
        pull_policies=policies,
    )


def _nic(nic: Nic) -> NicSpec:
    return spec_of(nic, NicSpec, burst=None if nic.burst is None else spec_of(nic.burst, Burst))


def _disk(disk: Disk) -> DiskSpec:
    burst, cache = disk.burst, disk.page_cache
    return spec_of(
        disk,
        DiskSpec,
        burst=None if burst is None else spec_of(burst, DiskBurst),
        page_cache=None if cache is None else spec_of(cache, PageCacheSpec),
    )


def _loop(simulation: Simulation) -> LoopSpec:
    resync = simulation.resync
    return spec_of(
        simulation,
        LoopSpec,
        minimal=simulation.loop == "minimal",
        retry=spec_of(simulation.retry, Interval),
        resync=None if resync is None else spec_of(resync, Interval),
        requeue_draws={pod: tuple(draws) for pod, draws in simulation.requeue_draws.items()},
        backoff_initial=simulation.image_backoff.initial,
        backoff_max=simulation.image_backoff.max,
    )


def _runtime(pool: NodePool, index: int, directory: Path, findings: Findings) -> RuntimeSpec:
    runtime, unpack = pool.runtime, pool.unpack
    if runtime.fixed is not None:
        if pool.cached:
            message = "the fixed runtime has its own images: write present: true there"
            findings.error(message, "nodes", index, "cached")
        return _fixed(runtime.fixed, index, findings)
    costs = spec_of(unpack, UnpackSpec)
    if runtime.crio is not None:
        if unpack.decompressor == "igzip":
            findings.error("CRI-O looks for pigz: unpigz or gzip are right", "nodes", index, "unpack", "decompressor")
        rate = unpack.unpigz if unpack.inflate is None and unpack.decompressor == "unpigz" else unpack.inflate
        if warning := CRIO.newer(runtime.crio):
            findings.warnings.append(f"nodes[{pool.name}].runtime.crio: {warning}")
        inflate = inflate_spec(costs, rate, unpack.inflate_per_layer)
        partial = partial_spec(runtime.partial_images)
        return CrioSpec(CRIO.resolve(runtime.crio), pool.metadata.write, costs, inflate, partial)
    findings.warnings += (
        f"nodes[{pool.name}].unpack.{key} is CRI-O's, and this pool has containerd: it is ignored"
        for key, value in (("inflate", unpack.inflate), ("inflatePerLayer", unpack.inflate_per_layer))
        if value is not None
    )
    spec = containerd_spec(pool, index, directory, findings)
    since = KNOWN_SINCE.get(unpack.decompressor)
    if since is not None and spec.version < since:
        message = f"containerd looks for {unpack.decompressor} from {since[0]}.{since[1]} on; unpigz or gzip are right"
        findings.error(message, "nodes", index, "unpack", "decompressor")
    if spec.version >= KLAUSPOST_GZIP and unpack.decompressor == "gzip" and pool.preset in builtin():
        figure = ("nodes", index, "unpack", "gzip")
        if findings.document.own_route(figure) != figure:
            findings.warnings.append(
                f"nodes[{pool.name}]: unpack.gzip of the preset is that of containerd to 2.3, and 2.4 unpacks 1.2 to "
                "1.6 times as fast: give unpack.gzip"
            )
    spec = replace(spec, metadata_write=pool.metadata.write, unpack=costs)
    return with_snapshotter(spec, pool, costs, findings)


def _fixed(fixed: Fixed, index: int, findings: Findings) -> FixedSpec:
    images: dict[str, FixedImage] = {}
    for name, image in fixed.images.items():
        try:
            key = cri_image(name)
        except InvalidReference:
            key = name  # pods with this invalid name fail before any pull
        made = _fixed_image(image)
        if images.setdefault(key, made) != made:
            message = f"is {key} once more, with other values: with the default tag both are one image"
            findings.error(message, "nodes", index, "runtime", "fixed", "images", name)
    return FixedSpec(images)


def _fixed_image(image: FixedImageModel) -> FixedImage:
    fail, status = image.fail, image.status_fail
    return spec_of(
        image,
        FixedImage,
        fail=None if fail is None else spec_of(fail, FixedFailure),
        status_fail=None
        if status is None
        else spec_of(status, FixedStatusFailure, until=inf if status.for_ is None else status.at + status.for_),
    )
