"""What the kubelets removed from their nodes, what that cost, and how full the disks were."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullsim.frozen import dataclass
from pullsim.kubelet.pod_status import EVICTED
from pullsim.rows import values

if TYPE_CHECKING:
    from pullsim.records import DiskUse, ImageRemoval
    from pullsim.run import Result


@dataclass(frozen=True, slots=True)
class Removed:
    """Images that kubelets removed for one reason, and their bytes."""

    images: int
    counted: int  # bytes that the kubelet counts as freed: compressed sizes, with layers that other images share
    freed: int  # bytes of disk space that became free


@dataclass(frozen=True, slots=True)
class Disk:
    """The disks of a pool that have a size."""

    nodes: int
    capacity: int  # size of the smallest of them
    peak: int  # most that was used on one node
    peak_share: float  # largest share of its capacity that was in use on one node


@dataclass(frozen=True, slots=True)
class Housekeeping:
    """What was removed from nodes, what that cost, and how full their disks were."""

    removed: dict[str, Removed]  # removed images by reason: age, space, eviction
    refetched: int  # bytes of layers that pulls fetched again on a node that had them before
    refetched_share: float | None  # share of all bytes downloaded; None: none were
    evicted_pods: int
    disks: dict[str, Disk]  # the disks by pool


def housekeeping(result: Result) -> Housekeeping:
    """Count removals by reason and disks by pool."""
    by_reason: dict[str, list[ImageRemoval]] = {}
    for removal in result.removals:
        by_reason.setdefault(removal.reason, []).append(removal)
    pools: dict[str, list[DiskUse]] = {}
    for use in result.disks:
        pools.setdefault(result.pools[use.node], []).append(use)
    refetched = sum(values(result.pulls, "refetched"))
    downloaded = sum(values(result.pulls, "downloaded"))
    return Housekeeping(
        removed={
            reason: Removed(len(rows), sum(row.size for row in rows), sum(row.freed for row in rows))
            for reason, rows in sorted(by_reason.items())
        },
        refetched=refetched,
        refetched_share=refetched / downloaded if downloaded else None,
        evicted_pods=sum(reason == EVICTED for reason in values(result.events, "reason")),
        disks={
            pool: Disk(
                len(uses),
                min(use.capacity for use in uses),
                max(use.peak for use in uses),
                max(use.peak / use.capacity for use in uses),
            )
            for pool, uses in sorted(pools.items())
        },
    )
