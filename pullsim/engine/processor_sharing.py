"""One server shared equally by its jobs, in virtual time: O(log jobs) an event."""

from __future__ import annotations

import math
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

import simpy

from pullsim.engine.clock import Call, happen

if TYPE_CHECKING:
    from collections.abc import Callable

_REBASE = 2.0**36  # service after which the clock starts again: it keeps 1e-5 of a unit, the finest that jobs need


class Job(simpy.Event):
    """Work under way; succeeds when it is done."""

    def __init__(self, server: ProcessorSharing) -> None:
        self.env = server.env
        self.callbacks = []
        self._server = server

    def cancel(self) -> float:
        """Take the job away; returns the work left (0 if it was done), and the event never happens."""
        return 0.0 if self.triggered else self._server.remove(self)


class ProcessorSharing:
    """A server that does ``capacity(n)`` > 0 units of work a second while n jobs share it equally.

    The clock is the service a job has had, so a job ends when the clock reads its key, whatever the rates until then.
    """

    def __init__(self, env: simpy.Environment, capacity: Callable[[int], float]) -> None:
        self.env = env
        self._capacity = capacity
        self._speed = 1.0
        self._jobs: list[tuple[float, int, Job]] = []  # heap of (clock at its end, order of start, job)
        self._started = 0
        self._clock = 0.0  # service per job, at time _time
        self._time = 0.0
        self._rate = 0.0  # of the clock
        self._due = math.inf  # of the wake-up under way
        self._call: Call | None = None  # that wake-up; earlier ones are void
        self._exact = False  # that wake-up is the end of the first job

    @property
    def jobs(self) -> int:
        """Number of jobs under way."""
        return len(self._jobs)

    def run(self, work: float) -> Job:
        """Start a job of ``work`` >= 0 units."""
        if work < 0.0:
            raise ValueError(f"work is >= 0, not {work}")
        job = Job(self)
        if work == 0.0:
            job.succeed()
            return job
        now: float = self.env.now
        jobs = self._jobs
        self._clock = clock = self._clock + (now - self._time) * self._rate if jobs else 0.0
        self._time = now
        self._started += 1
        heappush(jobs, (clock + work, self._started, job))
        self._plan(now)
        return job

    def remove(self, job: Job) -> float:
        """Take a job under way out; returns the work left."""
        now = self._advance()
        index = next(i for i, entry in enumerate(self._jobs) if entry[2] is job)
        left = max(0.0, self._jobs.pop(index)[0] - self._clock)
        heapify(self._jobs)
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
        now: float = self.env.now
        self._clock += (now - self._time) * self._rate
        self._time = now
        return now

    def _plan(self, now: float) -> None:
        self._exact = False
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
        wait = (jobs[0][0] - clock) / rate
        wait = max(wait, 0.0)
        due = now + wait  # as SimPy computes it, to the bit
        if due < self._due:  # an earlier wake-up than needed plans again; a later one would be too late
            self._due = due
            self._exact = True
            self._call = Call(self.env, self._wake, wait)

    def _wake(self, call: simpy.Event) -> None:
        if call is not self._call:
            return
        self._due = math.inf
        now: float = self.env.now
        clock = self._clock + (now - self._time) * self._rate
        self._time = now
        jobs = self._jobs
        if self._exact and clock < jobs[0][0]:  # rounding can leave it short of the key by less than a later step adds
            clock = jobs[0][0]
        self._clock = clock
        done = []
        while jobs and jobs[0][0] <= clock:
            done.append(heappop(jobs)[2])
        self._plan(now)
        happen(done)
