"""A node's disk: the writes of pulls, durable or into a page cache. Sizes are bytes, times seconds."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from pullsim.hardware.page_cache import CachedDisk
from pullsim.kernel.processor_sharing import ProcessorSharing

if TYPE_CHECKING:
    from collections.abc import Callable

    from pullsim.hardware.page_cache import DiskJob
    from pullsim.kernel.environment import Environment
    from pullsim.kernel.processor_sharing import Job
    from pullsim.spec.hardware import DiskSpec


class Disk(Protocol):
    """The operations that pulls need of a disk. Each returns a job; `Job.wait` gives the event of its end."""

    @property
    def writing_back(self) -> bool:
        """Whether the page cache is written back because its dirty bytes have reached the background threshold."""
        ...

    @property
    def has_page_cache(self) -> bool:
        """Whether writes go to a page cache first."""
        ...

    def begin(self, work: float) -> Job | DiskJob:
        """Write ``work`` bytes durably. Raises ValueError for less than 0."""
        ...

    def buffer(self, size: float, seconds: float) -> Job | DiskJob:
        """Write ``size`` bytes that need not be durable, and that their writer takes ``seconds`` to produce."""
        ...

    def sync(self) -> Job | DiskJob | None:
        """Write all dirty bytes of the page cache durably; returns None if there are none."""
        ...

    def commit_journal(self) -> Job | DiskJob | None:
        """Write the data of other files that an fsync has to wait for; returns None if there are none.

        An fsync commits the journal of the file system, which first needs the data that its transaction has allocated.
        """
        ...


class UncachedDisk(ProcessorSharing):
    """A disk without page cache, which all writes share equally: each write takes as long as the disk takes for it."""

    @property
    def writing_back(self) -> bool:
        """See `Disk`."""
        return False

    @property
    def has_page_cache(self) -> bool:
        """See `Disk`."""
        return False

    def buffer(self, size: float, seconds: float) -> Job:  # noqa: ARG002 - the protocol has it
        """See `Disk`."""
        return self.begin(size)

    def sync(self) -> None:
        """See `Disk`."""

    def commit_journal(self) -> None:
        """See `Disk`."""


def disk(env: Environment, spec: DiskSpec) -> Disk | None:
    """Return the disk, or None if its write rate is not given, so that no write waits for it."""
    rate = spec.write
    if rate is None:
        return None
    if spec.burst is None and spec.page_cache is None:
        return UncachedDisk(env, _always(rate))
    return CachedDisk(env, rate, spec.burst, spec.page_cache)


@lru_cache(maxsize=1024)
def _always(rate: float) -> Callable[[int], float]:
    """Return a capacity that does not depend on the number of jobs; equal disks share it."""
    return lambda _jobs: rate
