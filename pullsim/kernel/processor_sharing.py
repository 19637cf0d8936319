"""A server that all its jobs share equally (CPU cores, a disk), in virtual time: O(log jobs) for each event.

Work and capacity are in any unit and that unit per second: seconds of CPU for cores, bytes for a disk.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from pullsim.compiled import mypyc_attr
from pullsim.kernel.agenda import Entry
from pullsim.kernel.ends import Ends
from pullsim.kernel.event import NORMAL, OVER, PENDING, Event, happen

if TYPE_CHECKING:
    from collections.abc import Callable

    from pullsim.kernel.agenda import Agenda

_REBASE: Final = 2.0**36  # units of service after which the clock restarts from 0; a double resolves 1e-5 of them


class Job(Event):
    """Work under way.

    Its end is an event only if somebody has called `wait`: nobody waits for most writes to a disk.
    """

    __slots__ = ("_server", "done", "waited")

    def __init__(self, server: ProcessorSharing) -> None:
        self.env = server.env
        self._callback = None
        self._more = None
        self._value = PENDING
        self.done = False
        self.waited = False
        self.order = 0.0
        self._above = self._below = self._beside = None
        self._server = server

    def wait(self) -> Job | None:
        """Return the job, which is the event of its own end, or None if it is done."""
        if not self.done and not self.waited:
            self._server.await_(self)
        return None if self.done else self

    def cancel(self) -> float:
        """Stop the job. Returns the units of work left, which are 0 if it was done; the event never happens."""
        return self._server.remove(self)


class ProcessorSharing:
    """A server that does ``capacity(n)`` > 0 units of work a second while n jobs share it equally.

    The clock is virtual time: the service in units that each job has had since the clock read 0. A job ends when the
    clock reads its key, the reading at its start plus its work, whatever the rates until then. The end of a job that
    nobody waits for costs no event: it is processed when something else happens. That leaves a third of all wake-ups
    of a rollout to 100 nodes (W100 of `benchmarks.speed`).
    """

    def __init__(self, env: Agenda, capacity: Callable[[int], float]) -> None:
        self.env = env
        self._capacity = capacity
        self._speed = 1.0
        self._jobs: Ends[Job] = Ends()  # by what the clock reads at their ends
        self._running = 0  # their number
        self._waited = 0  # jobs that somebody waits for
        self._started = 0  # jobs started so far
        self._clock = 0.0  # service of each job in units, at the time `_time`
        self._time = 0.0
        self._rate = 0.0  # units a second by which the clock advances
        self._due = math.inf  # time of the wake-up that is scheduled
        self._wake_up: _WakeUp | None = None  # that wake-up; those scheduled before it do nothing
        self._key = 0.0  # what the clock must read at that wake-up, even if rounding leaves it below

    @property
    def jobs(self) -> int:
        """The number of jobs under way."""
        self._advance()
        return self._running

    def run(self, work: float) -> Job:
        """Start a job of ``work`` >= 0 units whose end is an event. Raises ValueError for less than 0."""
        job = self.begin(work)
        if not job.done:
            job.waited = True
            self._waited += 1
            self._plan(self._time)
        return job

    def begin(self, work: float) -> Job:
        """Start a job of ``work`` >= 0 units; see `Job.wait`. Raises ValueError for less than 0."""
        if work < 0.0:
            raise ValueError(f"work is >= 0, not {work}")
        job = Job(self)
        if work == 0.0:
            _end(job)
            return job
        if self._running:
            self._advance()
        if not self._running:
            self._clock = 0.0
            self._time = self.env.now
        self._started += 1
        self._running = n = self._running + 1
        self._jobs.put(job, self._clock + work, self._started)
        if self._waited:
            self._plan(self._time)
        else:
            self._rate = self._capacity(n) * self._speed / n
        return job

    def await_(self, job: Job) -> None:
        """Make the end of a job an event, unless the job is done."""
        now = self._advance()
        if not job.done:
            job.waited = True
            self._waited += 1
            if self._waited == 1:
                self._plan(now)

    def remove(self, job: Job) -> float:
        """Stop a job. Returns the units of work left, which are 0 if it was done."""
        now = self._advance()
        if job.done:
            return 0.0
        left = max(0.0, job.when - self._clock)
        self._jobs.withdraw(job)
        self._running -= 1
        self._waited -= job.waited
        self._plan(now)
        return left

    def set_speed(self, factor: float) -> None:
        """Work at ``factor`` > 0 times the capacity from now on. Raises ValueError for any other factor."""
        if factor <= 0.0:
            raise ValueError(f"a speed is > 0, not {factor}")
        if factor == self._speed:
            return
        now = self._advance()
        self._speed = factor
        self._plan(now)

    def _advance(self) -> float:
        """Bring the clock up to now and end the jobs that nobody waits for. Returns the present time in seconds."""
        now: float = self.env.now
        jobs, clock, time, rate = self._jobs, self._clock, self._time, self._rate
        job = jobs.first() if self._waited < self._running else None
        while job is not None and not job.waited:
            key = job.when
            end = time + (key - clock) / rate if key > clock else time
            if end > now:
                break
            clock, time = key, end
            while job is not None and job.when <= clock and not job.waited:
                jobs.withdraw(job)
                self._running -= 1
                _end(job)
                job = jobs.first()
            n = self._running
            rate = self._capacity(n) * self._speed / n if n else 0.0
        self._clock = clock + (now - time) * rate
        self._time = now
        self._rate = rate
        return now

    def _plan(self, now: float) -> None:
        """Set the rate of the clock, and schedule a wake-up at the next end of a job if any job is waited for."""
        self._key = 0.0
        jobs, n = self._jobs, self._running
        if not n:
            self._rate = 0.0
            return
        clock = self._clock
        if clock > _REBASE:
            for number, job in enumerate(jobs.take_until(math.inf), start=self._started + 1):
                jobs.put(job, job.when - clock, number)
            self._started += n
            self._clock = clock = 0.0
        self._rate = rate = self._capacity(n) * self._speed / n
        if not self._waited:
            return
        first = jobs.first()
        assert first is not None
        key = first.when
        wait = (key - clock) / rate
        wait = max(wait, 0.0)
        due = now + wait  # computed as SimPy does, so that both agree to the last bit
        if due < self._due:  # a wake-up that comes too early plans again; one that comes too late must be replaced
            self._due = due
            self._key = key
            self._wake_up = _WakeUp(self)
            self.env.add(self._wake_up, wait, NORMAL)

    def wake(self, wake_up: _WakeUp) -> None:
        """End the jobs that are due, and schedule the next wake-up."""
        if wake_up is not self._wake_up:
            return
        self._due = math.inf
        now = self._advance()
        clock = self._clock
        if clock < self._key:  # rounding can leave the clock so little below the key that no later time would move it
            self._clock = clock = self._key
        done = []
        for job in self._jobs.take_until(clock):
            self._running -= 1
            if job.waited:
                job.done = True
                done.append(job)
            else:
                _end(job)
        self._waited -= len(done)
        self._plan(now)
        happen(done)


@mypyc_attr(free_list_len=1)
class _WakeUp(Entry):
    """The next end of a job that is waited for, as far as it was known."""

    __slots__ = ("_server",)

    def __init__(self, server: ProcessorSharing) -> None:
        self._server = server

    def process(self) -> None:
        """See `ProcessorSharing.wake`."""
        self._server.wake(self)


def _end(job: Job) -> None:
    """Mark a job that nobody waits for as done."""
    job.done = True
    job._ok = True
    job._value = None
    job._callback = OVER
