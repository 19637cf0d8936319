"""A node's disk, as far as pulls use it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pullsim.hardware.page_cache import CachedDisk
from pullsim.kernel.processor_sharing import ProcessorSharing

if TYPE_CHECKING:
    import simpy

    from pullsim.hardware.page_cache import DiskJob
    from pullsim.kernel.processor_sharing import Job
    from pullsim.spec.hardware import DiskSpec


class Disk(Protocol):
    """What pulls do with a disk."""

    @property
    def writing_back(self) -> bool:
        """Whether the page cache is being written back because there is too much in it."""
        ...

    @property
    def has_page_cache(self) -> bool:
        """Whether writes go to a page cache first."""
        ...

    def begin(self, work: float) -> Job | DiskJob:
        """Write that many bytes durably."""
        ...

    def buffer(self, size: float, seconds: float) -> Job | DiskJob:
        """Write bytes that nobody waits to be durable, and that take ``seconds`` to be made."""
        ...

    def sync(self) -> Job | DiskJob | None:
        """Write all that waits to be written; None: nothing does."""
        ...

    def commit_journal(self) -> Job | DiskJob | None:
        """Write the data of other files that an fsync waits for; None: it waits for none."""
        ...


class UncachedDisk(ProcessorSharing):
    """A shared server of bytes: whatever is written waits for the disk."""

    @property
    def writing_back(self) -> bool:
        """See `Disk`."""
        return False

    @property
    def has_page_cache(self) -> bool:
        """See `Disk`."""
        return False

    def buffer(self, size: float, seconds: float) -> Job:  # noqa: ARG002 - the protocol's
        """See `Disk`."""
        return self.begin(size)

    def sync(self) -> None:
        """See `Disk`."""

    def commit_journal(self) -> None:
        """See `Disk`."""


def disk(env: simpy.Environment, spec: DiskSpec) -> Disk | None:
    """Return the disk; None: it never binds."""
    rate = spec.write
    if rate is None:
        return None
    if spec.burst is None and spec.page_cache is None:
        return UncachedDisk(env, lambda _jobs: rate)
    return CachedDisk(env, rate, spec.burst, spec.page_cache)
