"""A disk with a page cache, burst credit, or both, in which bytes flow at constant rates: O(jobs) for each event.

The rules and the files named here are those of Linux. Buffered writes run at the speed at which their bytes are
produced until the dirty bytes reach a limit. From then on the writers together get the rate at which the disk writes
back (mm/page-writeback.c balance_dirty_pages). Write-back begins when the dirty bytes reach the background threshold,
and keeps them there (fs/fs-writeback.c wb_check_background_flush). It also begins when dirty bytes have waited for the
expiry time, and then continues until nothing is dirty (wb_check_old_data_flush). It ends some seconds after the last
buffered write. Write-back shares the disk equally with durable writes: it counts as one more of them.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

from pullsim.kernel.event import PENDING, Call, Event

if TYPE_CHECKING:
    from collections.abc import Callable

    from pullsim.kernel.environment import Environment
    from pullsim.spec.hardware import DiskBurst, PageCacheSpec

_CHUNK = 0.5  # seconds of writing at the disk's rate: the most data of other files that one journal commit waits for
_NEGLIGIBLE = 1e-6  # bytes; fewer count as none
_MEMORY = 1e10  # bytes/s at which memory takes writes: so fast that pulls never wait for it
_LINGER = 5.0  # seconds between two runs of the flusher thread (vm.dirty_writeback_centisecs)
_ROUNDING = 1e-12  # relative; values that differ by less are equal


class DiskJob(Event):
    """Bytes to be written: an event that succeeds when the last one is written."""

    __slots__ = ("_disk", "left", "pace", "rate")

    def __init__(self, disk: CachedDisk, left: float, pace: float) -> None:
        self.env = disk.env
        self._callback = None
        self._more = None
        self._value = PENDING
        self.left = left  # bytes, as of the last change of a rate
        self.pace = pace  # bytes/s at which their writer produces them
        self.rate = 0.0  # bytes/s at which they are written
        self._disk = disk

    def wait(self) -> DiskJob | None:
        """Return the job, which is the event of its own end, or None if it is done."""
        return None if self.processed else self

    def cancel(self) -> float:
        """Stop the job. Returns the bytes left, 0 if it was done; the event never happens."""
        return 0.0 if self.triggered else self._disk.remove(self)


class CachedDisk:
    """The disk of one node. ``dirty``: bytes in the cache that are not on the disk, as of the last change of a rate."""

    def __init__(self, env: Environment, write: float, burst: DiskBurst | None, cache: PageCacheSpec | None) -> None:
        self.env = env
        self.dirty = 0.0
        self._write = write  # bytes/s; with a burst, the sustained rate
        self._burst = burst
        self._cache = cache
        self._durable: dict[DiskJob, None] = {}
        self._buffered: dict[DiskJob, None] = {}
        self._writing_back = False
        self._floor = 0.0  # dirty bytes at which write-back stops
        self._write_back_rate = 0.0  # bytes/s
        self._uncommitted = 0.0  # bytes written to the cache during write-back since the last fsync
        # Without write-back: time since which bytes have been dirty. During it: time at which the last write ended.
        self._since = 0.0
        self._balance = 0.0 if burst is None else burst.credit  # bytes of burst credit
        self._used = 0.0  # bytes/s that the disk writes
        self._time = env.now  # up to which the jobs and the cache are accounted for
        self._generation = 0  # number of the wake-up that is scheduled; those before it do nothing

    @property
    def writing_back(self) -> bool:
        """Whether the cache is written back because its dirty bytes have reached the background threshold."""
        threshold = math.inf if self._cache is None else self._cache.background * (1 - _ROUNDING)
        return self._writing_back and self._floor >= threshold

    @property
    def has_page_cache(self) -> bool:
        """Whether writes go to a page cache first."""
        return self._cache is not None

    def begin(self, work: float) -> DiskJob:
        """Write ``work`` >= 0 bytes durably. Raises ValueError for less than 0."""
        return self._start(work, math.inf, self._durable)

    def buffer(self, size: float, seconds: float) -> DiskJob:
        """Write ``size`` >= 0 bytes, which take ``seconds`` to be produced, into the cache if there is one."""
        if self._cache is None or size <= _NEGLIGIBLE:
            return self.begin(size)
        return self._start(size, size / max(seconds, size / _MEMORY), self._buffered)

    def sync(self) -> DiskJob | None:
        """Write all dirty bytes durably; returns None if there are none."""
        self._advance()
        dirty, self.dirty, self._uncommitted = self.dirty, 0.0, 0.0
        return self.begin(dirty) if dirty > _NEGLIGIBLE else None

    def commit_journal(self) -> DiskJob | None:
        """Write the data of other files that an fsync has to wait for; returns None if there are none.

        These are the bytes written to the cache during write-back since the last fsync, as far as the journal's
        transaction has allocated them: at most what the disk writes in half a second (fs/fs-writeback.c
        writeback_chunk_size).
        """
        cache = self._cache
        if cache is None or not cache.journal or not self.writing_back:
            return None
        self._advance()
        written = cache.journal * min(self._uncommitted, self.dirty, _CHUNK * self._write)
        self._uncommitted = 0.0
        self.dirty -= written
        return self.begin(written)

    def remove(self, job: DiskJob) -> float:
        """Stop a job under way. Returns the bytes left."""
        self._advance()
        self._take_out(job, self._durable if job in self._durable else self._buffered)
        self._plan()
        return job.left

    def _start(self, size: float, pace: float, jobs: dict[DiskJob, None]) -> DiskJob:
        """Start a job of ``size`` bytes, which come at ``pace`` bytes/s, among the durable or buffered ``jobs``."""
        if size < 0.0:
            raise ValueError(f"work is >= 0, not {size}")
        job = DiskJob(self, size, pace)
        if size <= _NEGLIGIBLE:
            job.succeed()
            return job
        self._advance()
        jobs[job] = None
        self._plan()
        return job

    def _advance(self) -> None:
        """Account for jobs, dirty bytes and credit up to now."""
        now = self.env.now
        elapsed, self._time = now - self._time, now
        if not elapsed:
            return
        intake = 0.0
        for jobs in (self._durable, self._buffered):
            for job in jobs:
                job.left = max(0.0, job.left - job.rate * elapsed)
        for job in self._buffered:
            intake += job.rate
        if self.writing_back:
            self._uncommitted += intake * elapsed
        self.dirty = max(0.0, self.dirty + (intake - self._write_back_rate) * elapsed)
        if self._burst is not None:
            earned = (self._write - self._used) * elapsed
            self._balance = max(0.0, min(self._burst.credit, self._balance + earned))

    def _plan(self) -> None:
        """Find all rates, and schedule a wake-up at the next time at which one of them changes."""
        if not self._writing_back and not self.dirty:
            self._since = self.env.now
        ends = self._rates()
        self._generation += 1
        if ends:
            wait, reached = min(ends, key=lambda end: end[0])
            Call(self.env, self._wake, max(0.0, wait), value=(self._generation, reached))

    def _rates(self) -> list[tuple[float, Callable[[], None]]]:
        """Set all rates. Returns what can change them next: the seconds until then, and what to call then."""
        ends: list[tuple[float, Callable[[], None]]] = []
        speed = self._write
        if self._burst is not None and self._balance > 0.0:
            speed = self._burst.write
        writers = len(self._durable) + self._writing_back
        share = speed / writers if writers else 0.0
        intake = self._take_in(share)
        self._write_back_rate = 0.0
        if self._writing_back:
            self._write_back_rate = share if self.dirty > self._floor else min(share, intake)
        self._used = speed if self._durable else self._write_back_rate
        for job in self._durable:
            job.rate = (speed - self._write_back_rate) / len(self._durable)
            ends.append((job.left / job.rate, partial(self._end, job, self._durable)))
        ends += [(job.left / job.rate, partial(self._end, job, self._buffered)) for job in self._buffered if job.rate]
        if self._cache is not None:
            ends += self._thresholds(self._cache, intake - self._write_back_rate)
        if self._used > self._write:
            ends.append((self._balance / (self._used - self._write), self._exhaust))
        return ends

    def _end_write_back(self) -> None:
        """Stop write-back; the dirty bytes that are left wait for their expiry.

        The oldest of these bytes counts as older than the last write by the time in which the disk writes them all.
        """
        self._writing_back = False
        self._since -= self._floor / self._write

    def _begin_write_back(self, floor: float) -> None:
        """Begin write-back, down to ``floor`` dirty bytes."""
        self._writing_back = True
        self._floor = floor
        self._since = self.env.now

    def _take_in(self, throttled: float) -> float:
        """Set the rates of buffered writes, at most ``throttled`` together if dirty bytes are at the limit.

        Rates are in bytes/s. Returns the sum of the rates.
        """
        waiting = sorted(self._buffered, key=lambda job: job.pace)
        left = math.inf
        if self._cache is not None and self.dirty >= self._cache.limit * (1 - _ROUNDING):
            left = throttled
        intake = 0.0
        for position, job in enumerate(waiting):
            share = left / (len(waiting) - position)
            job.rate = min(job.pace, share)
            left -= job.rate
            intake += job.rate
        return intake

    def _thresholds(self, cache: PageCacheSpec, growth: float) -> list[tuple[float, Callable[[], None]]]:
        """Return when the dirty bytes, growing by ``growth`` bytes/s, reach a threshold or a time limit.

        The form of the result is that of `_rates`.
        """
        now = self.env.now
        ends: list[tuple[float, Callable[[], None]]] = []
        if self._writing_back:
            if growth > 0.0 and self.dirty < cache.limit * (1 - _ROUNDING):
                ends.append(((cache.limit - self.dirty) / growth, partial(self._reach, cache.limit)))
            if growth < 0.0 and self.dirty > self._floor:
                ends.append(((self.dirty - self._floor) / -growth, partial(self._reach, self._floor)))
            if not self._buffered and self.dirty <= self._floor:
                ends.append((self._since + _LINGER - now, self._end_write_back))
        elif self.dirty > 0.0 or growth > 0.0:
            if growth > 0.0:
                ends.append(((cache.background - self.dirty) / growth, self._reach_background))
            ends.append((self._since + cache.expire - now, self._expire))
        return ends

    def _wake(self, event: Any) -> None:
        """Do what the wake-up was scheduled for, unless rates have changed since, and find all rates anew."""
        value: Any = event.value
        generation, reached = value
        if generation == self._generation:
            self._advance()
            reached()
            self._plan()

    def _end(self, job: DiskJob, jobs: dict[DiskJob, None]) -> None:
        """End a job whose last byte is written."""
        job.left = 0.0
        self._take_out(job, jobs)
        job.succeed()

    def _take_out(self, job: DiskJob, jobs: dict[DiskJob, None]) -> None:
        """Remove a job, and note the time if write-back may soon end because of that."""
        del jobs[job]
        if self._writing_back and jobs is self._buffered:
            self._since = self.env.now

    def _reach(self, dirty: float) -> None:
        """Set the dirty bytes to the threshold that they have reached, without rounding errors."""
        self.dirty = dirty

    def _reach_background(self) -> None:
        """Begin write-back at the background threshold."""
        assert self._cache is not None
        self.dirty = self._cache.background
        self._begin_write_back(self.dirty)

    def _expire(self) -> None:
        """Begin write-back because the oldest dirty bytes have reached the expiry time."""
        # While a pull writes, new bytes replace the expired ones: write-back keeps the dirty bytes at their present
        # number, as bytes that are written from now on are too young to expire.
        self._begin_write_back(self.dirty if self._buffered else 0.0)

    def _exhaust(self) -> None:
        """Note that the burst credit is used up."""
        self._balance = 0.0
