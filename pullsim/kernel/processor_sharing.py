"""One server shared equally by its jobs, in virtual time: O(log jobs) an event."""

from __future__ import annotations

import math
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any

from pullsim.kernel.event import OVER, PENDING, Call, Event, happen

if TYPE_CHECKING:
    from collections.abc import Callable

    import simpy

_REBASE = 2.0**36  # service after which the clock starts again: it keeps 1e-5 of a unit, the finest that jobs need


class Job(Event):
    """Work under way. It happens as an event only if it is waited for, by `wait`: most writes to a disk are not."""

    __slots__ = ("_server", "done", "waited")

    def __init__(self, server: ProcessorSharing) -> None:
        self.env = server.env
        self._callback = None
        self._more = None
        self._value = PENDING
        self.done = False
        self.waited = False
        self._server = server

    def wait(self) -> Job | None:
        """Return the event of its end; None: it is done."""
        if not self.done and not self.waited:
            self._server.await_(self)
        return None if self.done else self

    def cancel(self) -> float:
        """Take the job away; returns the work left (0 if it was done), and the event never happens."""
        return self._server.remove(self)


class ProcessorSharing:
    """A server that does ``capacity(n)`` > 0 units of work a second while n jobs share it equally.

    The clock is the service a job has had, so a job ends when the clock reads its key, whatever the rates until then.
    Ends of jobs that nobody waits for cost no events: they are made up for when something else happens (a third of all
    wake-ups are left of W(100)).
    """

    def __init__(self, env: simpy.Environment, capacity: Callable[[int], float]) -> None:
        self.env = env
        self._capacity = capacity
        self._speed = 1.0
        self._jobs: list[tuple[float, int, Job]] = []  # heap of (clock at its end, order of start, job)
        self._waited = 0  # jobs that are waited for
        self._started = 0
        self._clock = 0.0  # service per job, at time _time
        self._time = 0.0
        self._rate = 0.0  # of the clock
        self._due = math.inf  # of the wake-up under way
        self._call: Call | None = None  # that wake-up; earlier ones are void
        self._key = 0.0  # what the clock reads then at the least, whatever rounding says

    @property
    def jobs(self) -> int:
        """Number of jobs under way."""
        self._advance()
        return len(self._jobs)

    def run(self, work: float) -> Job:
        """Start a job of ``work`` >= 0 units that is waited for."""
        job = self.begin(work)
        if not job.done:
            job.waited = True
            self._waited += 1
            self._plan(self._time)
        return job

    def begin(self, work: float) -> Job:
        """Start a job of ``work`` >= 0 units."""
        if work < 0.0:
            raise ValueError(f"work is >= 0, not {work}")
        job = Job(self)
        if work == 0.0:
            _end(job)
            return job
        if self._jobs:
            self._advance()
        jobs = self._jobs
        if not jobs:
            self._clock = 0.0
            self._time = self.env.now
        self._started += 1
        heappush(jobs, (self._clock + work, self._started, job))
        if self._waited:
            self._plan(self._time)
        else:
            n = len(jobs)
            self._rate = self._capacity(n) * self._speed / n
        return job

    def await_(self, job: Job) -> None:
        """Let a job's end be an event, unless it is done."""
        now = self._advance()
        if not job.done:
            job.waited = True
            self._waited += 1
            if self._waited == 1:
                self._plan(now)

    def remove(self, job: Job) -> float:
        """Take a job out; returns the work left, 0 if it was done."""
        now = self._advance()
        if job.done:
            return 0.0
        index = next(i for i, entry in enumerate(self._jobs) if entry[2] is job)
        left = max(0.0, self._jobs.pop(index)[0] - self._clock)
        heapify(self._jobs)
        self._waited -= job.waited
        self._plan(now)
        return left

    def set_speed(self, factor: float) -> None:
        """Work at ``factor`` > 0 times the capacity from now on."""
        if factor <= 0.0:
            raise ValueError(f"a speed is > 0, not {factor}")
        if factor == self._speed:
            return
        now = self._advance()
        self._speed = factor
        self._plan(now)

    def _advance(self) -> float:
        """Bring the clock up to now, past the ends of jobs that nobody waits for."""
        now: float = self.env.now
        jobs, clock, time, rate = self._jobs, self._clock, self._time, self._rate
        while jobs and not jobs[0][2].waited:
            key = jobs[0][0]
            end = time + (key - clock) / rate if key > clock else time
            if end > now:
                break
            clock, time = key, end
            while jobs and jobs[0][0] <= clock and not jobs[0][2].waited:
                _end(heappop(jobs)[2])
            n = len(jobs)
            rate = self._capacity(n) * self._speed / n if n else 0.0
        self._clock = clock + (now - time) * rate
        self._time = now
        self._rate = rate
        return now

    def _plan(self, now: float) -> None:
        self._key = 0.0
        jobs = self._jobs
        if not jobs:
            self._rate = 0.0
            return
        n = len(jobs)
        clock = self._clock
        if clock > _REBASE:
            self._jobs = jobs = [(key - clock, order, job) for key, order, job in jobs]
            self._clock = clock = 0.0
        self._rate = rate = self._capacity(n) * self._speed / n
        if not self._waited:
            return
        wait = (jobs[0][0] - clock) / rate
        wait = max(wait, 0.0)
        due = now + wait  # as SimPy computes it, to the bit
        if due < self._due:  # an earlier wake-up than needed plans again; a later one would be too late
            self._due = due
            self._key = jobs[0][0]
            self._call = Call(self.env, self._wake, wait)

    def _wake(self, call: Any) -> None:
        if call is not self._call:
            return
        self._due = math.inf
        now = self._advance()
        clock, jobs = self._clock, self._jobs
        if clock < self._key:  # rounding can leave it short of the key by less than a later step adds
            self._clock = clock = self._key
        done = []
        while jobs and jobs[0][0] <= clock:
            job = heappop(jobs)[2]
            if job.waited:
                job.done = True
                done.append(job)
            else:
                _end(job)
        self._waited -= len(done)
        self._plan(now)
        happen(done)


def _end(job: Job) -> None:
    """Mark a job as done that nobody waits for."""
    job.done = True
    job._ok = True
    job._value = None
    job._callback = OVER
