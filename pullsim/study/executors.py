"""Executors that run the jobs of a study: in this process, in processes of this machine, or on a Dask cluster.

All give the same outcomes; only the order in which these arrive differs. The scenario is sent once, as text.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from itertools import islice
from multiprocessing import connection, get_context, parent_process, resource_tracker
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final, Protocol

from pullsim.errors import InputError, Location
from pullsim.held_signals import signals_held
from pullsim.study.dask_cluster import TRIES, Dask
from pullsim.study.job import Bundle, Job, Outcome, run_job

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence
    from concurrent.futures import Future

    from pullsim.study.dask_cluster import TlsFiles

_AHEAD: Final = 2  # jobs given to each process at a time, so that none waits for its next one
_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h


class Executor(Protocol):
    """Runs jobs."""

    def run(self, bundle: Bundle, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Yield the outcomes in the order in which jobs end; closing the iterator ends the jobs that still run."""

    def close(self) -> None:
        """End what `run` has left for the next jobs."""


class InProcess:
    """Runs jobs one after another in this process."""

    def run(self, bundle: Bundle, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """See `Executor.run`."""
        for job in jobs:
            yield run_job(bundle, job)

    def close(self) -> None:
        """See `Executor.close`."""


class Processes:
    """Runs jobs in processes of this machine; one that dies is replaced, and its jobs are tried again.

    The processes stay until `close`, for the next jobs of the same bundle: to start one takes a second.
    """

    def __init__(self, count: int | None = None) -> None:
        """``count`` is the number of processes; None: one for each core that this process may use."""
        self.count = count or _cores()
        self._kept: tuple[Hashable, ProcessPoolExecutor] | None = None  # the bundle's identity, and its processes

    def run(self, bundle: Bundle, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """See `Executor.run`."""
        waiting = {job.number: job for job in jobs}
        tries = dict.fromkeys(waiting, 0)
        while waiting:
            pool = self._ready(bundle)
            try:
                yield from self._gather(pool, waiting)
            except BrokenProcessPool:
                self.close()
                # Which job killed its process is not known: those under way have each used one try.
                suspects = list(waiting)[: _AHEAD * self.count]
                for number in suspects:
                    tries[number] += 1
                    if tries[number] >= TRIES:
                        del waiting[number]
                        yield Outcome(number, None, None, f"the process that ran it died {TRIES} times")
            except BaseException:
                for process in list((pool._processes or {}).values()):  # noqa: SLF001  # terminate_workers, from 3.14
                    process.terminate()
                self.close()
                raise

    def close(self) -> None:
        """See `Executor.close`."""
        if self._kept is not None:
            # Without waiting, Python's own clean-up at exit would find the pool's pipes half closed.
            self._kept[1].shutdown(wait=True, cancel_futures=True)
            self._kept = None

    def _ready(self, bundle: Bundle) -> ProcessPoolExecutor:
        """Return processes that have the bundle."""
        if self._kept is not None and self._kept[0] != bundle.identity:
            self.close()
        if self._kept is None:
            self._kept = bundle.identity, self._pool(bundle)
        return self._kept[1]

    def _pool(self, bundle: Bundle) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self.count, mp_context=get_context("spawn"), initializer=_install, initargs=(bundle,)
        )

    def _gather(self, pool: ProcessPoolExecutor, waiting: dict[int, Job]) -> Iterator[Outcome]:
        """Run the waiting jobs. Few more than there are processes are submitted at once: a wait visits all of them.

        `concurrent.futures.wait` is not used: it holds locks of the futures, which a signal would leave locked.
        """
        done: SimpleQueue[Future[Outcome]] = SimpleQueue()
        running: dict[Future[Outcome], Job] = {}
        left = iter([*waiting.values()])

        def submit(count: int) -> None:
            for job in islice(left, count):
                with _spawning():
                    future = pool.submit(_run_installed, job)
                running[future] = job
                future.add_done_callback(done.put)

        submit(_AHEAD * self.count)
        while running:
            future = done.get()
            outcome = future.result()
            submit(1)  # where this finds the pool broken, the job still waits: its outcome has not been told
            del waiting[running.pop(future).number]
            yield outcome


@contextmanager
def _spawning() -> Iterator[None]:
    """Let processes be started in the body. A Ctrl-C meanwhile comes after it, and never to a process that begins.

    A terminal sends it to all processes of a command, and a new one would write a traceback until `_install` ignores
    it; what is blocked here is blocked there.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # to start it later would end the blocking
    with signals_held():
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _cores() -> int:
    """Return the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def choose(processes: int | None, dask: str | None, runs: int, dask_tls: TlsFiles | None = None) -> Executor:
    """Return the executor for so many runs: a Dask cluster, processes (None: one for each core), or this process.

    Raises InputError for contradicting options.
    """
    if dask is not None:
        if processes not in (None, 1):
            raise InputError("processes are of this machine: give them or a Dask cluster, not both", Location("--dask"))
        return Dask(dask, dask_tls)
    if dask_tls is not None:
        raise InputError("it goes with --dask tls://HOST:PORT", Location("--dask-tls-ca-file"))
    count = min(Processes(processes).count, runs)
    return InProcess() if count <= 1 else Processes(count)


_installed: Bundle | None = None


def _install(bundle: Bundle) -> None:
    """Prepare a process of the pool: it keeps the scenario of all jobs, ends with its parent and ignores Ctrl-C."""
    global _installed  # noqa: PLW0603  # once in a worker process
    _end_with_parent()
    _installed = bundle
    with suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _end_with_parent() -> None:
    """End this process when its parent ends in any way; otherwise a pool's processes would wait on their open pipes."""
    if sys.platform == "linux":  # the kernel ends this process at once, in the middle of a job too
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="watch-parent", daemon=True).start()


def _run_installed(job: Job) -> Outcome:
    assert _installed is not None
    return run_job(_installed, job)
