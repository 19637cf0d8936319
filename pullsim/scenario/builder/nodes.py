"""From the section ``nodes`` to nodes."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING

from pullsim.errors import InputError
from pullsim.oci.reference import InvalidReference, cri_image
from pullsim.releases.crio import CRIO
from pullsim.releases.kubelet import KUBELET
from pullsim.scenario.builder.containerd import containerd_spec
from pullsim.scenario.builder.credentials import credential_sources
from pullsim.scenario.builder.kubelet import kubelet_config, kubelet_warnings
from pullsim.scenario.builder.pull_limits import kubelet_limit, layer_limit
from pullsim.scenario.presets.nodes import builtin
from pullsim.spec.cadence import Interval, LoopSpec
from pullsim.spec.cluster import Leave, Node, NodeSpec
from pullsim.spec.hardware import Burst, CoresSpec, DiskBurst, DiskSpec, FilesystemSpec, NicSpec, PageCacheSpec
from pullsim.spec.runtime import (
    ContainerdSpec,
    CrioSpec,
    FixedFailure,
    FixedImage,
    FixedSpec,
    FixedStatusFailure,
    RuntimeHandler,
)
from pullsim.spec.unpack import KLAUSPOST_GZIP, KNOWN_SINCE, InflateSpec, UnpackSpec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pullsim.inputs.findings import Findings
    from pullsim.scenario.model.hardware import Disk, Nic
    from pullsim.scenario.model.nodes import Fixed, NodePool, Simulation
    from pullsim.scenario.model.nodes import FixedImage as FixedImageModel
    from pullsim.spec.runtime import RuntimeSpec


def build_nodes(pools: Sequence[NodePool], directory: Path, findings: Findings) -> tuple[Node, ...]:
    """Make all nodes, pool by pool; pools with mistakes are noted and left out."""
    nodes: list[Node] = []
    for index, pool in enumerate(pools):
        try:
            spec = _node_spec(pool, index, directory, findings)
        except InputError as error:
            findings.take(error, "nodes", index, "kubelet")
            continue
        join = pool.join
        nodes += (Node(f"{pool.name}-{n:04d}", spec, join.at + n * join.every) for n in range(pool.count))
    return tuple(nodes)


def _node_spec(pool: NodePool, index: int, directory: Path, findings: Findings) -> NodeSpec:
    release = KUBELET.resolve(pool.kubelet_version)
    kubelet = kubelet_config(pool, directory)
    findings.ignored += (f"nodes[{pool.name}].kubelet.{name}" for name in kubelet.ignored)
    findings.warnings += kubelet_warnings(pool, kubelet, release)
    findings.notes.append(f"{pool.name}: {kubelet_limit(kubelet, release)}")
    runtime = _runtime(pool, index, directory, findings)
    handlers = tuple(RuntimeHandler(each.name, each.snapshotter) for each in pool.runtime_handlers)
    if (limit := runtime.layer_limit) is not None:
        findings.notes.append(f"{pool.name}: {layer_limit(kubelet, limit)}")
    return NodeSpec(
        pool=pool.name,
        platform=pool.platform,
        max_pods=kubelet.max_pods if pool.max_pods is None else pool.max_pods,
        nic=_nic(pool.nic),
        disk=_disk(pool.disk),
        filesystem=None if pool.disk.size is None else FilesystemSpec(pool.disk.size, pool.disk.used or 0),
        cores=CoresSpec(pool.cores.count, pool.cores.efficiency),
        kubelet=kubelet,
        kubelet_version=release,
        loop=_loop(pool.simulation),
        runtime=runtime,
        runtime_handlers=handlers or runtime.handlers,
        cached=tuple(pool.cached),
        address=pool.address,
        leave=None if not pool.leave or not pool.leave.rate else Leave(pool.leave.rate, pool.leave.replace_after),
        credentials=credential_sources(pool, kubelet, index, directory, findings),
    )


def _nic(nic: Nic) -> NicSpec:
    burst = nic.burst
    return NicSpec(nic.rate, None if burst is None else Burst(burst.rate, burst.credit))


def _disk(disk: Disk) -> DiskSpec:
    burst, cache = disk.burst, disk.page_cache
    return DiskSpec(
        disk.write,
        disk.fsync,
        None if burst is None else DiskBurst(burst.write, burst.credit),
        None if cache is None else PageCacheSpec(cache.limit, cache.background, cache.expire, cache.journal),
    )


def _loop(simulation: Simulation) -> LoopSpec:
    resync = simulation.resync
    return LoopSpec(
        minimal=simulation.loop == "minimal",
        retry=Interval(simulation.retry.base, simulation.retry.jitter),
        resync=None if resync is None else Interval(resync.base, resync.jitter),
        tick_phase=simulation.tick_phase,
        relist_phase=simulation.relist_phase,
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
    costs = UnpackSpec(
        gzip=unpack.gzip,
        zstd=unpack.zstd,
        stored=unpack.stored,
        per_file=unpack.per_file,
        per_layer=unpack.per_layer,
        while_downloading=unpack.while_downloading,
        decompressor=unpack.decompressor,
        unpigz=unpack.unpigz,
        igzip=unpack.igzip,
        piped=unpack.piped,
        sha256=unpack.sha256,
    )
    if runtime.crio is not None:
        if unpack.decompressor == "igzip":
            findings.error("CRI-O looks for pigz: unpigz or gzip are right", "nodes", index, "unpack", "decompressor")
        inflate = InflateSpec()
        if unpack.decompressor == "unpigz":
            inflate = replace(inflate, gzip=unpack.unpigz)
        if warning := CRIO.newer(runtime.crio):
            findings.warnings.append(f"nodes[{pool.name}].runtime.crio: {warning}")
        return CrioSpec(CRIO.resolve(runtime.crio), pool.metadata.write, costs, inflate)
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
    return replace(
        spec,
        metadata_write=pool.metadata.write,
        collect_after=ContainerdSpec().collect_after if runtime.collect_after is None else runtime.collect_after,
        unpack=costs,
    )


def _fixed(fixed: Fixed, index: int, findings: Findings) -> FixedSpec:
    images: dict[str, FixedImage] = {}
    for name, image in fixed.images.items():
        try:
            key = cri_image(name)
        except InvalidReference:
            key = name  # no pull ever gets to it
        made = _fixed_image(image)
        if images.setdefault(key, made) != made:
            message = f"is {key} once more, with other values: with the default tag both are one image"
            findings.error(message, "nodes", index, "runtime", "fixed", "images", name)
    return FixedSpec(images)


def _fixed_image(image: FixedImageModel) -> FixedImage:
    fail, status = image.fail, image.status_fail
    return FixedImage(
        pull=image.pull,
        repull=image.repull,
        size=image.size,
        present=image.present,
        removed_at=tuple(image.removed_at),
        fail=None
        if fail is None
        else FixedFailure(fail.after, fail.error, -1 if fail.times is None else fail.times, fail.pattern),
        status_fail=None
        if status is None
        else FixedStatusFailure(status.error, status.at, inf if status.for_ is None else status.at + status.for_),
    )
