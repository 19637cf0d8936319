"""Who runs the jobs of a study: this process, processes of this machine, or a Dask cluster.

All give the same outcomes; only their order of arrival differs. The scenario is sent once, as text.
"""

from __future__ import annotations

import os
import signal
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing import get_context
from typing import TYPE_CHECKING, Final, Protocol

from pullsim.errors import InputError, Location
from pullsim.study.job import Bundle, Job, Outcome, run_job

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future

TRIES: Final = 3  # of a job whose worker died under it
DASK_TIMEOUT: Final = 10.0  # seconds to wait for a scheduler


class Executor(Protocol):
    """Runs jobs."""

    def run(self, bundle: Bundle, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Yield the outcomes as they come; closing the iterator ends what still runs."""


class InProcess:
    """Runs one after another, here."""

    def run(self, bundle: Bundle, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """See `Executor.run`."""
        for job in jobs:
            yield run_job(bundle, job)


class Processes:
    """Runs in processes of this machine; a process that dies is replaced, and its jobs are tried again."""

    def __init__(self, count: int | None = None) -> None:
        """``count``: processes; None: one a core that this process may use."""
        self.count = count or _cores()

    def run(self, bundle: Bundle, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """See `Executor.run`."""
        waiting = {job.number: job for job in jobs}
        tries = dict.fromkeys(waiting, 0)
        while waiting:
            pool = self._pool(bundle)
            try:
                futures = {pool.submit(_run_installed, job): job for job in waiting.values()}
                yield from self._gather(futures, waiting)
            except BrokenProcessPool:
                # Which job killed its process is not known: those that were next have each used one try.
                suspects = list(waiting)[: 2 * self.count]
                for number in suspects:
                    tries[number] += 1
                    if tries[number] >= TRIES:
                        del waiting[number]
                        yield Outcome(number, None, None, f"the process that ran it died {TRIES} times")
            except (GeneratorExit, KeyboardInterrupt):
                for process in list((pool._processes or {}).values()):  # noqa: SLF001  # terminate_workers, from 3.14
                    process.terminate()
                raise
            finally:
                pool.shutdown(wait=True, cancel_futures=True)  # else Python's exit meets its half-closed pipes

    def _pool(self, bundle: Bundle) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self.count, mp_context=get_context("spawn"), initializer=_install, initargs=(bundle,)
        )

    @staticmethod
    def _gather(futures: dict[Future[Outcome], Job], waiting: dict[int, Job]) -> Iterator[Outcome]:
        pending = set(futures)
        while pending:
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in done:
                outcome = future.result()
                del waiting[futures[future].number]
                yield outcome


def _cores() -> int:
    """Return the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Dask:
    """Runs on a Dask cluster: ``tcp://HOST:PORT`` of its scheduler, or ``local:N`` for N worker processes here.

    A worker that dies costs the jobs it was running, which the scheduler gives to another.
    """

    def __init__(self, address: str) -> None:
        """Raise InputError for an address that is none, or without the extra ``pullsim[dask]``."""
        self.address = address
        local, _, count = address.partition("local:")
        self._workers = int(count) if not local and count.isdecimal() else 0
        if not self._workers and not address.startswith(("tcp://", "tls://", "ucx://", "ws://", "wss://")):
            raise InputError(f"{address!r} is no Dask scheduler: give tcp://HOST:PORT, or local:N for N workers here")
        try:
            import distributed  # noqa: F401, PLC0415  an extra
        except ImportError:
            raise InputError("Dask is not installed: pip install 'pullsim[dask]'") from None

    def run(self, bundle: Bundle, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """See `Executor.run`. Raises InputError if the scheduler does not answer in time."""
        from distributed import Client, LocalCluster, as_completed  # noqa: PLC0415

        cluster = None
        if self._workers:
            cluster = LocalCluster(
                n_workers=self._workers, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
            )
        try:
            client = Client(cluster or self.address, timeout=DASK_TIMEOUT)
        except (OSError, TimeoutError):
            raise InputError(
                f"the Dask scheduler {self.address} does not answer within {DASK_TIMEOUT:g} s: is it running there?"
            ) from None
        try:
            sent = client.scatter(bundle, broadcast=True)
            futures = {client.submit(run_job, sent, job, pure=False, retries=TRIES - 1): job for job in jobs}
            for future in as_completed(futures):
                error = future.exception()
                if error is None:
                    yield future.result()
                else:
                    yield Outcome(futures[future].number, None, None, f"on the Dask cluster: {error}")
        finally:
            client.close()
            if cluster is not None:
                cluster.close()


def choose(processes: int | None, dask: str | None, runs: int) -> Executor:
    """Return who makes so many runs: a Dask cluster, so many processes (None: one a core), or this process for one.

    Raises InputError for contradicting options.
    """
    if dask is not None:
        if processes not in (None, 1):
            raise InputError("processes are of this machine: give them or a Dask cluster, not both", Location("--dask"))
        return Dask(dask)
    count = min(Processes(processes).count, runs)
    return InProcess() if count <= 1 else Processes(count)


_installed: Bundle | None = None


def _install(bundle: Bundle) -> None:
    """Take the scenario of all jobs; Ctrl-C is for the parent alone."""
    global _installed  # noqa: PLW0603  # once in a worker process
    _installed = bundle
    with suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _run_installed(job: Job) -> Outcome:
    assert _installed is not None
    return run_job(_installed, job)
