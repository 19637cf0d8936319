"""A node on Cimba: slots for pulls, and a disk that its jobs share equally."""

from __future__ import annotations

import math

import cimba as cb

from benchmarks.workloads.workload import DISK, PULLS


class Node(cb.Model):
    """One job a pull is on the disk at a time, so there are as many places as slots."""

    slots: cb.Resource = cb.Resource(capacity=PULLS)
    arrived: cb.Condition = cb.Condition()  # is told of each layer that is downloaded or unpacked
    rate: cb.Param[float] = DISK  # bytes/s
    ends: cb.Array[float] = cb.Array(PULLS)  # of jobs, by the clock
    waiting: cb.Array[int] = cb.Array(PULLS)  # their processes
    jobs: int = 0
    clock: float = 0.0  # bytes that each job has got, at `time`
    time: float = 0.0  # seconds
    due: float = math.inf  # seconds, of the event under way
    exact: bool = False  # it is the first job's end

    @cb.function
    def write(self, size: float, process: int) -> None:
        """Unpack so many bytes, and resume the process then."""
        self.advance()
        self.ends[self.jobs] = self.clock + size
        self.waiting[self.jobs] = process
        self.jobs += 1
        self.exact = False
        self.plan()

    @cb.function
    def advance(self) -> None:
        if self.jobs > 0:
            self.clock += (cb.now() - self.time) * self.rate / self.jobs
        self.time = cb.now()

    @cb.function
    def first(self) -> float:
        end = self.ends[0]
        for job in range(1, self.jobs):
            end = min(end, self.ends[job])
        return end

    @cb.function
    def plan(self) -> None:
        wait = max(0.0, self.first() - self.clock) * self.jobs / self.rate
        if cb.now() + wait < self.due:
            self.due = cb.now() + wait
            self.exact = True
            cb.schedule(self.wake, wait)

    @cb.event
    def wake(self):
        if cb.now() < self.due:  # an earlier event replaced this one
            return
        self.due = math.inf
        self.advance()
        if self.exact:
            self.clock = max(self.clock, self.first())  # whatever rounding says
        left = 0
        for job in range(self.jobs):
            if self.ends[job] <= self.clock:
                cb.Process(self.waiting[job]).resume()
            else:
                self.ends[left] = self.ends[job]
                self.waiting[left] = self.waiting[job]
                left += 1
        self.jobs = left
        if left > 0:
            self.plan()
