"""What a node is made of: network interface, disk, filesystem of images, cores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Burst(NamedTuple):
    """A higher rate of a network interface while credit lasts."""

    rate: float  # bytes/s, above the sustained rate
    credit: float  # bytes above the sustained rate that may be sent before it ends; all of them are there at first


@dataclass(frozen=True, slots=True)
class NicSpec:
    """Capacity of a node's NIC for incoming bytes, in bytes/s of the wire; sustained, if it has a burst rate."""

    rate: float = 10e9 / 8
    burst: Burst | None = None


@dataclass(frozen=True, slots=True)
class DiskBurst:
    """A higher write rate in bytes/s, for ``credit`` bytes above the sustained rate; unused rate refills it."""

    write: float
    credit: float


@dataclass(frozen=True, slots=True)
class PageCacheSpec:
    """Dirty bytes at which writers wait, at which write-back begins, and the seconds after which it begins anyway.

    ``journal`` is the part of what is being written back that an fsync waits for: ext4 in ordered mode commits the data
    of all files of a transaction together: 1; xfs 0.
    """

    limit: float
    background: float
    expire: float = 30.0  # vm.dirty_expire_centisecs
    journal: float = 0.0


@dataclass(frozen=True, slots=True)
class DiskSpec:
    """Sustained write rate in bytes/s (None: never binds), seconds that an fsync of a blob takes, and what helps it.

    A burst or a page cache needs a write rate.
    """

    write: float | None = None
    fsync: float = 0.0
    burst: DiskBurst | None = None
    page_cache: PageCacheSpec | None = None


@dataclass(frozen=True, slots=True)
class FilesystemSpec:
    """Bytes that the image filesystem holds, and how many of them are used by others: system, logs, volumes."""

    size: int
    used: int = 0


@dataclass(frozen=True, slots=True)
class CoresSpec:
    """Number of cores, and how much of its speed alone a core keeps when several are busy.

    One busy core works at rate 1; n > 1 busy ones at n * efficiency together (lab: two unpacks run at 1.7 of one).
    """

    count: int = 4
    efficiency: float = 0.85

    def rate(self, jobs: int) -> float:
        """Return the seconds of work done a second for that many jobs, each of which uses one core at the most."""
        busy = min(jobs, self.count)
        return 1.0 if busy == 1 else busy * self.efficiency
