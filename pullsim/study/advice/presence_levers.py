"""Levers of images that are on nodes already, or nearly: node images, snapshots, second disks, lazy pulls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.spec.lazy import KINDS
from pullsim.spec.runtime import DEFAULT_SNAPSHOTTER, ContainerdSpec
from pullsim.study.advice.setting import Setting, setting
from pullsim.study.advice.situation import flow

if TYPE_CHECKING:
    from pullsim.scenario.model.nodes import NodePool
    from pullsim.spec.cluster import NodeSpec
    from pullsim.study.advice.situation import Situation

INITIALIZE: Final = "300MiB/s"  # the highest volume initialization rate that EBS sells
ENABLED: Final = "1h"  # after which a snapshot with fast restore has all the credits that it can have
_GCP: Final = "gcp/"
_MOUNTS: Final = "stargz"
_FRONT: Final = "10%"  # of each layer, which an optimised image has in front


def node_image(situation: Situation) -> list[Setting]:
    """All images in the node image or on a volume of a snapshot, with blocks that come when they are read.

    Only where pods say what they read, as nothing else tells what that costs.
    """
    if not situation.reads:
        return []
    cached = situation.nodes("cached", lambda pool, spec: _missing(situation, pool, spec) if _plain(pool) else None)
    if not cached:
        return []
    lazy = situation.nodes(
        "snapshot",
        lambda pool, spec: flow({}) if _plain(pool) and _missing(situation, pool, spec) else None,
    )
    return setting(
        "all images in the node image, whose blocks come from its snapshot when they are read", *cached, *lazy
    )


def secondary_disk(situation: Situation) -> list[Setting]:
    """The layers of all images on a secondary boot disk, on nodes of GKE."""
    return setting(
        "the layers of all images on a secondary boot disk",
        *situation.nodes(
            "secondaryBootDisk",
            lambda pool, spec: (
                flow({"images": list(situation.images)})
                if (pool.preset or "").startswith(_GCP)
                and isinstance(spec.runtime, ContainerdSpec)
                and pool.secondary_boot_disk is None
                and _missing(situation, pool, spec)
                else None
            ),
        ),
    )


def fast_restore(situation: Situation) -> list[Setting]:
    """Fast restore of the snapshots of volumes that do not have it."""
    return setting(
        f"fast restore of the snapshot, enabled {ENABLED} before",
        *situation.nodes("snapshot.fastRestore", lambda pool, _: ENABLED if _lazy(pool) else None),
    )


def initialization(situation: Situation) -> list[Setting]:
    """Volumes that get their blocks by themselves."""
    return setting(
        f"volumes initialised at {INITIALIZE}",
        *situation.nodes("snapshot.initialize", lambda pool, _: INITIALIZE if _lazy(pool) else None),
    )


def read_before(situation: Situation) -> list[Setting]:
    """Volumes all of whose blocks are there: read once before pods come, or disks of the instance."""
    return setting(
        "all blocks of the volumes there before pods come: read once, or on disks of the instance",
        *situation.nodes("snapshot", lambda pool, _: "null" if pool.snapshot is not None else None),
    )


def mounted(situation: Situation) -> list[Setting]:
    """Images that are mounted before they are there, only where pods say what they read."""
    if not situation.reads:
        return []
    return setting(
        f"images mounted before they are there ({_MOUNTS}): see when pods are ready",
        *situation.nodes(
            "runtime.snapshotter",
            lambda pool, spec: _MOUNTS if _unpacks(spec) and _missing(situation, pool, spec) else None,
        ),
    )


def optimised(situation: Situation) -> list[Setting]:
    """Images of which that is in front, and comes beforehand, what is read first."""
    return setting(
        f"optimised images, of which {_FRONT} come before the containers start",
        *situation.nodes("runtime.lazy.prefetch", lambda _, spec: _FRONT if _mounts(spec, prefetch=False) else None),
    )


def whole(situation: Situation) -> list[Setting]:
    """Images that are pulled whole again."""
    return setting(
        "images pulled whole",
        *situation.nodes("runtime.snapshotter", lambda _, spec: DEFAULT_SNAPSHOTTER if _mounts(spec) else None),
        *situation.nodes("runtime.lazy", lambda pool, spec: "null" if pool.runtime.lazy and _mounts(spec) else None),
    )


def _unpacks(spec: NodeSpec) -> bool:
    runtime = spec.runtime
    return isinstance(runtime, ContainerdSpec) and runtime.snapshotter == DEFAULT_SNAPSHOTTER and runtime.soci is None


def _mounts(spec: NodeSpec, *, prefetch: bool = True) -> bool:
    """Whether images are mounted before they are there; ``prefetch``: also if a part of them comes beforehand."""
    runtime = spec.runtime
    if not isinstance(runtime, ContainerdSpec) or runtime.snapshotter not in KINDS:
        return False
    lazy = runtime.lazy.get(runtime.snapshotter)
    return lazy is not None and (prefetch or not lazy.prefetch)


def _plain(pool: NodePool) -> bool:
    return pool.snapshot is None and not pool.cached


def _missing(situation: Situation, pool: NodePool, spec: NodeSpec) -> str | None:
    """Return the images of a pool with those that pods want and it has not; None: it has all, or pulls nothing."""
    missing = [image for image in situation.images if image not in pool.cached]
    return flow([*pool.cached, *missing]) if spec.runtime.pulls and missing else None


def _lazy(pool: NodePool) -> bool:
    """Whether a pool has volumes of a known size that could get their blocks sooner."""
    snapshot = pool.snapshot
    if snapshot is None or snapshot.size is None:
        return False
    return snapshot.fast_restore is None and snapshot.initialize is None
