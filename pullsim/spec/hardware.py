"""The hardware of a node: its network interface, its disk, the filesystem for images, and its cores."""

from __future__ import annotations

from typing import NamedTuple

from pullsim.frozen import dataclass


class Burst(NamedTuple):
    """A higher rate of a network interface, which holds while there is burst credit."""

    rate: float  # bytes/s while there is credit; higher than the sustained rate
    credit: float  # bytes above the sustained rate until the burst ends; a node starts with the full credit


@dataclass(frozen=True, slots=True)
class NicSpec:
    """The NIC's rate for incoming data, in bytes/s on the wire; with a burst it is the sustained rate."""

    rate: float = 10e9 / 8
    burst: Burst | None = None
    uplink: float | None = None  # bytes/s for outgoing data; None: the sustained rate


@dataclass(frozen=True, slots=True)
class DiskBurst:
    """A disk's higher write rate in bytes/s, which holds for ``credit`` bytes above the sustained rate.

    Sustained rate that is not used refills the credit.
    """

    write: float
    credit: float


@dataclass(frozen=True, slots=True)
class PageCacheSpec:
    """The kernel's page cache in front of a disk: how many bytes it takes before it writes them back.

    ``journal`` is the part (0 to 1) of the data being written back for which an fsync waits: 1 for ext4 in ordered
    mode, which commits the data of all files of a transaction together; 0 for xfs.
    """

    limit: float  # dirty bytes at which writers have to wait for the disk
    background: float  # dirty bytes at which write-back begins
    expire: float = 30.0  # seconds after which write-back of a dirty byte begins anyway (vm.dirty_expire_centisecs)
    journal: float = 0.0


@dataclass(frozen=True, slots=True)
class DiskSpec:
    """A node's disk. A burst or a page cache can be given only together with a write rate."""

    write: float | None = None  # sustained write rate in bytes/s; None: the disk limits nothing
    fsync: float = 0.0  # seconds that an fsync of a blob takes
    burst: DiskBurst | None = None
    page_cache: PageCacheSpec | None = None


@dataclass(frozen=True, slots=True)
class FilesystemSpec:
    """Size of the image filesystem in bytes, and how many bytes the system, logs and volumes use."""

    size: int
    used: int = 0


@dataclass(frozen=True, slots=True)
class CoresSpec:
    """Number of cores, and the fraction of its speed that a core keeps when several are busy.

    One busy core works at rate 1; n > 1 busy cores work at rate n * efficiency together (measured in the lab: two
    unpacks side by side get 1.7 times as much done as one).
    """

    count: int = 4
    efficiency: float = 0.85

    def rate(self, jobs: int) -> float:
        """Return the seconds of work done per second for ``jobs`` jobs, each of which uses at most one core."""
        busy = min(jobs, self.count)
        return 1.0 if busy == 1 else busy * self.efficiency
