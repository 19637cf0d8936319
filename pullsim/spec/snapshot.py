"""Volumes that a node gets from a snapshot, whose blocks come from an object store when they are first read.

The rules of fast snapshot restore are those of the Amazon EBS User Guide (Fast snapshot restore, volume creation
credits). Latency and rate of cold blocks are not published: their defaults are estimates.
"""

from __future__ import annotations

from typing import Final

from pullsim.frozen import dataclass

GIB: Final = 2**30
#: Most volumes of a snapshot that are restored fast in an hour and a zone; that of 1 TiB is restored fast once.
MOST_AN_HOUR: Final = 10.0


@dataclass(frozen=True, slots=True)
class SnapshotSpec:
    """The volume on which the images that a node has from the start lie."""

    size: int | None = None  # bytes of the volume; needed for initialisation and fast restore
    block: int = 524_288  # bytes that come together
    latency: float = 0.02  # seconds until a cold block is there
    cold: float | None = 100e6  # most bytes/s of cold blocks, however many are read at a time; None: no limit
    read: float | None = None  # bytes/s of blocks that are there; None: reading them takes no time
    initialize: float | None = None  # bytes/s at which the volume gets its blocks by itself; None: it does not
    restored_since: float | None = None  # seconds before time 0 at which fast restore was enabled; None: it is not
    age: float = 0.0  # seconds from the volume's creation until its node joins


@dataclass(frozen=True, slots=True)
class SecondaryDiskSpec:
    """A second disk with unpacked layers, which a node has when it joins (GKE secondary boot disk)."""

    images: tuple[str, ...]  # whose layers are on it, named as in a pod
    read: float | None = None  # bytes/s; None: reading takes no time


def credits_an_hour(size: int) -> float:
    """Return how many volumes of a snapshot of ``size`` bytes are restored fast in an hour and a zone."""
    return min(MOST_AN_HOUR, 1024 * GIB / size)
