"""Building what nodes have of images when they join, beside their own disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullsim.errors import shown
from pullsim.oci.reference import InvalidReference, parse
from pullsim.scenario.builder.snapshotter import mounts_lazily
from pullsim.scenario.builder.spec_of import spec_of
from pullsim.spec.snapshot import SecondaryDiskSpec, SnapshotSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pullsim.inputs.findings import Findings
    from pullsim.scenario.model.nodes import NodePool
    from pullsim.spec.cluster import NodeSpec, PodSpec


def snapshot_spec(pool: NodePool, index: int, findings: Findings) -> SnapshotSpec | None:
    """Return the volume that a pool's nodes get from a snapshot; warn of one on which no image lies."""
    snapshot = pool.snapshot
    if snapshot is None:
        return None
    if pool.runtime.fixed is not None:
        findings.error("the fixed runtime has no files of images to read", "nodes", index, "snapshot")
    elif not pool.cached:
        findings.warnings.append(f"nodes[{pool.name}].snapshot: no image lies on it: name them in cached")
    boot = 0.0 if pool.autoscale is None else pool.autoscale.boot
    return spec_of(
        snapshot,
        SnapshotSpec,
        cold=snapshot.cold,
        restored_since=None if snapshot.fast_restore is None else snapshot.fast_restore.since,
        age=boot if snapshot.age is None else snapshot.age,
    )


def secondary_disk_spec(pool: NodePool, index: int, findings: Findings) -> SecondaryDiskSpec | None:
    """Return the second disk of a pool's nodes; add an error where their runtime cannot mount it."""
    disk = pool.secondary_boot_disk
    if disk is None:
        return None
    if pool.runtime.fixed is not None or pool.runtime.crio is not None:
        findings.error("containerd alone mounts layers of a second disk", "nodes", index, "secondaryBootDisk")
    return spec_of(disk, SecondaryDiskSpec)


def pinned_images(pool: NodePool, index: int, findings: Findings) -> tuple[str, ...]:
    """Return the images that nodes of a pool keep; add an error for a text that names none."""
    found = []
    for position, image in enumerate(pool.pinned):
        try:
            found.append(str(parse(image)))
        except InvalidReference as error:
            findings.error(f"image {shown(image)}: {error}", "nodes", index, "pinned", position)
    return tuple(found)


def idle_reads(pods: Iterable[tuple[str, PodSpec]], specs: Sequence[NodeSpec]) -> Iterator[str]:
    """Yield a warning for each workload whose reads take no time: it does not think, and all files are there."""
    if any(spec.snapshot is not None or spec.secondary_disk is not None or mounts_lazily(spec) for spec in specs):
        return
    for workload, spec in dict(pods).items():
        if spec.reads is not None and not spec.reads.think:
            yield (
                f"workloads[{workload}].reads changes nothing: no node has a volume that is read lazily "
                "(nodes[].snapshot, secondaryBootDisk), and no runtime mounts images before they are there (lazy)"
            )
