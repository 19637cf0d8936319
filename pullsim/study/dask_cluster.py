"""Running the jobs of a study on a Dask cluster, also when workers join and leave it."""

from __future__ import annotations

import signal
import ssl
import threading
import time
from concurrent.futures import CancelledError
from contextlib import ExitStack, closing, contextmanager
from multiprocessing import active_children, resource_tracker
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

from pullsim.errors import InputError, Location
from pullsim.inputs import is_file
from pullsim.study.job import Bundle, Job, Outcome, run_job

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

TRIES: Final = 3  # how often a job is started whose workers die
CONNECT_TIMEOUT: Final = 10.0  # seconds to wait for a scheduler
WORKERS_TIMEOUT: Final = 60.0  # seconds to wait for a worker where there is none
_POLL: Final = 0.02  # seconds
_SCHEMES: Final = ("tcp://", "tls://", "ucx://", "ws://", "wss://")


class WorkersLost(InputError):
    """The cluster has no workers any more or does not answer, so the remaining jobs cannot be run."""


class TlsFiles(NamedTuple):
    """PEM files for a ``tls://`` scheduler: trusted CA, client certificate and key; None: as Dask is configured."""

    ca_file: Path | None = None
    cert: Path | None = None
    key: Path | None = None


class Dask:
    """Runs on a Dask cluster: ``tcp://HOST:PORT`` of its scheduler, or ``local:N`` for N worker processes here.

    A worker that dies costs the jobs it was running, which the scheduler gives to another. When all die at once, the
    scenario is sent again to those that come within WORKERS_TIMEOUT. ``tls://HOST:PORT`` needs certificates: ``tls``,
    or Dask's own configuration (``distributed.comm.tls``).
    """

    def __init__(self, address: str, tls: TlsFiles | None = None) -> None:
        """Raise InputError if the address is not valid or the extra ``pullsim[dask]`` is not installed."""
        self.address = address
        self._tls = tls
        local, _, count = address.partition("local:")
        self._workers = int(count) if not local and count.isdecimal() and len(count) < 5 else 0
        if not self._workers and not address.startswith(_SCHEMES):
            raise InputError(
                f"{address:.60} is no Dask scheduler: give tcp://HOST:PORT, tls://HOST:PORT, or local:N for N workers "
                "here",
                Location("--dask"),
            )
        if tls is not None and not address.startswith("tls://"):
            raise InputError("certificates go with --dask tls://HOST:PORT", Location("--dask-tls-ca-file"))
        for option, file in (tls._asdict() if tls else {}).items():
            if file is not None and not is_file(file):
                place = Location(f"--dask-tls-{option.replace('_', '-')}")
                raise InputError(f"{file!s:.60} is no file; a PEM file is needed", place)
        try:
            import distributed  # noqa: F401, PLC0415  an extra
        except ImportError:
            raise InputError("Dask is not installed: pip install 'pullsim[dask]'", Location("--dask")) from None

    def run(self, bundle: Bundle, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """See `pullsim.study.executors.Executor.run`.

        Raises InputError if the scheduler does not answer in time, and WorkersLost if there are no workers any more.
        """
        waiting = {job.number: job for job in jobs}
        with ExitStack() as stack:
            cluster = stack.enter_context(_local(self._workers)) if self._workers else None
            fruitless = 0
            while waiting:
                before = len(waiting)
                with closing(self._client(cluster, again=before < len(jobs) or fruitless > 0)) as client:
                    yield from self._gather(client, bundle, waiting)
                fruitless = fruitless + 1 if len(waiting) == before else 0
                if fruitless == TRIES:
                    raise WorkersLost(f"all workers of {self.address} died {TRIES} times before any run was done")

    def close(self) -> None:
        """See `pullsim.study.executors.Executor.close`; `run` leaves nothing behind."""

    def _client(self, cluster: Any, *, again: bool) -> Any:
        from distributed import Client  # noqa: PLC0415

        try:
            return Client(cluster or self.address, timeout=CONNECT_TIMEOUT, security=self._security())
        except (OSError, TimeoutError) as error:
            if isinstance(error.__cause__ or error, ssl.SSLError):
                self._refuse_certificates(error.__cause__ or error)
            message = f"the Dask scheduler {self.address} does not answer within {CONNECT_TIMEOUT:g} s"
            if again:
                raise WorkersLost(f"{message} any more") from None
            raise InputError(f"{message}: is it running there?", Location("--dask")) from None
        except (TypeError, ValueError, RuntimeError) as error:  # what Dask raises where certificates are missing
            self._refuse_certificates(error)

    def _refuse_certificates(self, error: BaseException) -> NoReturn:
        raise InputError(
            f"no connection to {self.address}: {error!s:.200}; give --dask-tls-ca-file, --dask-tls-cert and "
            "--dask-tls-key, or set distributed.comm.tls in Dask's configuration",
            Location("--dask"),
        ) from None

    def _security(self) -> Any:
        """Return the TLS settings of the client; None: those of Dask's configuration."""
        if self._tls is None:
            return None
        from distributed.security import Security  # noqa: PLC0415

        ca_file, cert, key = (None if file is None else str(file) for file in self._tls)
        given = {"tls_ca_file": ca_file, "tls_client_cert": cert, "tls_client_key": key}
        return Security(require_encryption=True, **{name: file for name, file in given.items() if file is not None})

    def _gather(self, client: Any, bundle: Bundle, waiting: dict[int, Job]) -> Iterator[Outcome]:
        """Run the waiting jobs while there are workers; jobs that are lost with a worker stay among them."""
        from distributed import as_completed  # noqa: PLC0415

        try:
            client.wait_for_workers(1, timeout=WORKERS_TIMEOUT)
            sent = client.scatter(bundle, broadcast=True)
        except (OSError, TimeoutError):
            self._refuse_without_workers(client)
            return
        futures = {client.submit(run_job, sent, job, pure=False, retries=TRIES - 1): job for job in waiting.values()}
        completed = as_completed(futures)
        while not completed.is_empty():
            if not self._comes(client, completed):
                return
            future = next(completed)
            number = futures[future].number
            try:
                outcome = future.result()
            except CancelledError:  # the job was lost with its worker, and remains in ``waiting``
                continue
            except Exception as error:  # noqa: BLE001  one run that fails must not lose the others
                outcome = Outcome(number, None, None, f"on the Dask cluster: {type(error).__name__}: {error}")
            del waiting[number]
            yield outcome

    def _comes(self, client: Any, completed: Any) -> bool:
        """Wait for the next future; False: the connection is gone. Raises WorkersLost without workers for long."""
        seen = looked = time.monotonic()
        while not completed.has_ready():
            time.sleep(_POLL)
            now = time.monotonic()
            if client.status != "running":
                return False
            if now - looked < min(1.0, WORKERS_TIMEOUT):  # so that the scheduler is not asked all the time
                continue
            looked = now
            if client.scheduler_info().get("workers"):
                seen = now
            elif now - seen > WORKERS_TIMEOUT:
                self._refuse_without_workers(client)
        return True

    def _refuse_without_workers(self, client: Any) -> None:
        if client.status == "running" and not client.scheduler_info().get("workers"):
            raise WorkersLost(f"the Dask cluster {self.address} has had no worker for {WORKERS_TIMEOUT:g} s")


@contextmanager
def _local(workers: int) -> Iterator[Any]:
    """Give a cluster of workers here; when it is left by an exception, they end at once, in the middle of a run."""
    started: SimpleQueue[Any] = SimpleQueue()
    threading.Thread(target=_start, args=(workers, started), name="start-dask", daemon=True).start()
    try:
        cluster = started.get()
    except BaseException:  # Ctrl-C: what is being started is ended as soon as it is there
        threading.Thread(target=lambda: _end(started.get()), name="end-dask", daemon=True).start()
        raise
    if isinstance(cluster, Exception):
        raise cluster
    try:
        yield cluster
    except BaseException:
        _end(cluster)
        raise
    cluster.close()


def _start(workers: int, started: SimpleQueue[Any]) -> None:
    """Start a cluster, in a thread that blocks SIGINT, and give it or the exception that it ended in.

    Its processes block it too: a terminal sends Ctrl-C to all of them, and one that begins would write a traceback.
    """
    from distributed import LocalCluster  # noqa: PLC0415

    if hasattr(signal, "pthread_sigmask"):  # not on Windows
        resource_tracker.ensure_running()  # to start it later would end the blocking
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    cluster: Any
    try:
        cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address="127.0.0.1:0",  # without one, it is 8787, on all interfaces
            scheduler_kwargs={"dashboard": False},
            silence_logs=50,
        )
    except Exception as error:  # noqa: BLE001  # it is raised in the thread that waits
        cluster = error
    started.put(cluster)


def _end(cluster: Any) -> None:
    """End the workers of a cluster by force, so that none finishes its run first."""
    if isinstance(cluster, Exception):
        return
    for worker in cluster.workers.values():
        worker.auto_restart = False
    for process in active_children():
        if process.name.startswith("Dask Worker"):
            process.kill()
    cluster.close()
