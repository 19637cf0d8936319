"""An executor that keeps the outcomes of its jobs in a directory, so that any study can go on after it was ended.

A study other than a sweep chooses its next runs by the last ones, and may make runs of several scenarios. Begun again,
it chooses the same ones, and those that are kept are not made again. ``runs`` in the directory has a directory for each
scenario, named by the digest of its text and files.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pullsim.outputs import written
from pullsim.study.store import FILE, RunStore

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from pullsim.study.executors import Executor
    from pullsim.study.job import Bundle, Job, Outcome

DIRECTORY: Final = "runs"
_DIGITS: Final = 16  # of a digest, in the name of a directory


class KeptRuns:
    """Runs jobs with another executor, but for those whose outcomes are kept."""

    def __init__(self, executor: Executor, out: Path, *, resume: bool) -> None:
        """``resume`` takes over what an earlier study has kept."""
        self._executor = executor
        self.out = out
        self._resume = resume
        self._begun: set[str] = set()  # the scenarios of which this study keeps runs already

    def run(self, bundle: Bundle, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """See `pullsim.study.executors.Executor.run`. Raises InputError if the directory cannot be written."""
        resume = self._resume or bundle.digest in self._begun
        self._begun.add(bundle.digest)
        with store_of(bundle, self.out, resume=resume) as store:
            left = {}
            for job in jobs:
                if (outcome := store.get(job)) is not None:
                    yield outcome
                else:
                    left[job.number] = job
            if not left:
                return
            with closing(self._executor.run(bundle, [*left.values()])) as outcomes:  # type: ignore[type-var]
                for outcome in outcomes:
                    store.add(left[outcome.number], outcome)
                    yield outcome

    def close(self) -> None:
        """See `pullsim.study.executors.Executor.close`."""
        self._executor.close()


class RememberedRuns:
    """Runs jobs with another executor, each of them once."""

    def __init__(self, executor: Executor) -> None:
        self.out = executor.out if isinstance(executor, KeptRuns) else None  # where they are kept
        self._executor = executor
        self._known: dict[tuple[Hashable, tuple[str, ...], int], Outcome] = {}

    def run(self, bundle: Bundle, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """See `pullsim.study.executors.Executor.run`."""
        left = []
        for job in jobs:
            known = self._known.get((bundle.identity, job.overrides, job.seed))
            if known is None:
                left.append(job)
            else:
                yield known._replace(number=job.number)
        places = {job.number: (bundle.identity, job.overrides, job.seed) for job in left}
        if left:
            with closing(self._executor.run(bundle, left)) as outcomes:  # type: ignore[type-var]
                for outcome in outcomes:
                    self._known[places[outcome.number]] = outcome
                    yield outcome

    def close(self) -> None:
        """See `pullsim.study.executors.Executor.close`."""
        self._executor.close()


def store_of(bundle: Bundle, out: Path, *, resume: bool) -> RunStore:
    """Return the file in ``out`` with the runs of a scenario; ``resume``: see `RunStore`."""
    return RunStore(out / DIRECTORY / bundle.digest[:_DIGITS], bundle, resume=resume)


def scenarios_in(out: Path) -> int:
    """Return of how many scenarios a directory keeps runs. Raises InputError if none could be written there."""
    with written(out):
        return sum(1 for _ in out.glob(f"{DIRECTORY}/*/{FILE}"))


def keeping(executor: Executor, out: str | Path | None, *, resume: bool) -> Executor:
    """Return an executor that keeps what it runs in ``out``, or the given one without it."""
    return executor if out is None else KeptRuns(executor, Path(out), resume=resume)
