"""One run of a study: from a scenario as text, a variant and a seed to the run's metrics."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pullsim.errors import InputError
from pullsim.formats.secret_values import SecretValues
from pullsim.inputs import collecting, serving
from pullsim.inputs.document import parse_document
from pullsim.results import metrics
from pullsim.results.summary.summary import summarize
from pullsim.results.waits import waits_of
from pullsim.run import run
from pullsim.scenario import override
from pullsim.scenario.file.effective import source_yaml
from pullsim.scenario.file.overrides import parse_override
from pullsim.scenario.file.reader import from_document

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence

    from pullsim.results.waits import Objective, Waiting
    from pullsim.scenario import Scenario
    from pullsim.study.design import Variant


_NUMBER: Final = re.compile(r"[-+]?[0-9.]+\s*[A-Za-z%/]*")
_NUMBERS: Final = 2  # how many of a knob's numbers are tried, from the first on


@dataclass(frozen=True)
class Bundle:
    """A scenario to be sent to other processes: its text, and the content of the files that it reads, by path."""

    text: str
    directory: str
    files: Mapping[str, bytes]
    wanted: frozenset[str] = field(default=frozenset(), compare=False)  # metrics to be kept, see `metrics.kept`
    #: Whose waits outcomes are to have one by one.
    waits: frozenset[Objective] = field(default=frozenset(), compare=False)
    force: bool = field(default=False, compare=False)  # whether to make runs that take too much memory or time
    seconds: float = field(default=0.0, compare=False)  # estimated CPU time of a run: the mean of those tried
    digest: str = field(init=False)  # SHA-256 of the text and the files, by their paths from the directory

    def __post_init__(self) -> None:
        """Compute the digest."""
        whole = hashlib.sha256(self.text.encode())
        relative = {_from(self.directory, name): content for name, content in self.files.items()}
        for name in sorted(relative):
            whole.update(b"\0%b\0%b" % (name, relative[name]))
        object.__setattr__(self, "digest", whole.hexdigest())

    def __hash__(self) -> int:
        return hash(self.digest)

    @property
    def identity(self) -> Hashable:
        """Equal for bundles of which a job has the same outcome."""
        return self.digest, self.directory, self.wanted, self.waits, self.force

    @classmethod
    def of(
        cls,
        scenario: Scenario,
        wanted: Sequence[Variant],
        *,
        metrics: Iterable[str] = (),
        waits: Collection[Objective] = (),
        force: bool = False,
    ) -> Bundle:
        """Pack a scenario with every file that its variants read, each value of each knob tried once.

        Of a knob's numbers, which name no file, only the first two and the last are tried. Secrets are replaced, see
        `pullsim.formats.secret_values`. A variant that cannot be built is no error here, as its run reports why; if
        none that was tried can be, the InputError of the first is raised. ``metrics``: those of workloads, pools and
        images that must be among those of a run; ``waits``: whose waits its outcome is to have; ``force``: see
        `pullsim.run.run`.
        """
        errors, seconds = [], []
        tried = _each_value_once(wanted)
        with collecting() as files:
            for variant in tried:
                try:
                    built = override(scenario, variant.overrides).assemble(force=force)
                    seconds.append(built.estimate.seconds)
                except InputError as error:
                    errors.append(error)
        if errors and len(errors) == len(tried):
            raise errors[0]
        secrets = SecretValues(keep=_texts(wanted))
        text = secrets.yaml(source_yaml(scenario))
        hidden = {name: secrets.hidden(name, data) for name, data in sorted(files.items())}
        mean = sum(seconds) / len(seconds) if seconds else 0.0
        return cls(text, str(scenario.directory), hidden, frozenset(metrics), frozenset(waits), force, mean)

    def load(self) -> Scenario:
        """Read the scenario."""
        return _load(self)


def _from(directory: str, name: str) -> bytes:
    """Return the path of a file as it is from a directory, so that a digest does not depend on where both are."""
    try:
        return os.fsencode(os.path.relpath(name, directory or os.curdir))
    except ValueError:  # they are on two drives
        return os.fsencode(name)


class Job(NamedTuple):
    """One run that is to be made: a variant and a seed."""

    number: int  # position in the study
    overrides: tuple[str, ...]
    seed: int


class Outcome(NamedTuple):
    """The outcome of a job: the metrics and the verdict of its run, or why there are none."""

    number: int
    metrics: dict[str, float | None] | None
    #: resource, sentence and hint as in `pullsim.results.summary.bottleneck.Bottleneck`, ended and absent as in
    #: `pullsim.run.Result`.
    verdict: dict[str, Any] | None
    error: str | None = None
    waits: Mapping[Objective, Waiting] | None = None  # those that the bundle asks for; None: it asks for none


def run_job(bundle: Bundle, job: Job) -> Outcome:
    """Run a job. An error in its variant is not raised but is part of its outcome; Ctrl-C is raised."""
    try:
        with serving(bundle.files):
            scenario = override(bundle.load(), [*job.overrides, f"seed={job.seed}"])
            result = run(scenario, force=bundle.force)
            result.check_complete()
            summary = summarize(result)
    except InputError as error:
        return Outcome(job.number, None, None, str(error))
    except Exception as error:  # noqa: BLE001  one run that fails must not lose the others
        return Outcome(job.number, None, None, f"internal error: {type(error).__name__}: {error}")
    binding = summary.bottleneck
    verdict: dict[str, Any] | None = None
    if binding is not None:
        verdict = {"resource": binding.resource, "sentence": binding.sentence, "hint": binding.hint}
        verdict |= {"ended": result.ended, "absent": result.absent}
    waits = waits_of(result, bundle.waits) if bundle.waits else None
    return Outcome(job.number, metrics.kept(summary.to_dict(), bundle.wanted), verdict, waits=waits)


def _texts(wanted: Sequence[Variant]) -> set[str]:
    """Return the texts that knobs set. They are not hidden as secrets, since they identify the runs."""
    found: set[str] = set()
    left: list[Any] = []
    for key, value in {
        setting for variant in wanted for setting in variant.applied if not _NUMBER.fullmatch(setting[1])
    }:
        with suppress(InputError):  # the run of that variant reports it
            left.append(parse_override(f"{key}={value}").value)
    while left:
        value = left.pop()
        if isinstance(value, str):
            found.add(value)
        elif isinstance(value, dict | list):
            left += value.values() if isinstance(value, dict) else value
    return found


def _each_value_once(wanted: Sequence[Variant]) -> list[Variant]:
    """Return variants in which each value of each knob occurs at least once; `Bundle.of` says which numbers do not."""
    seen: set[tuple[str, str]] = set()
    numbers: Counter[str] = Counter()  # how many numbers of a knob were tried, by key
    chosen: list[Variant] = []
    for variant in wanted:
        fresh = [setting for setting in variant.applied if setting not in seen]
        seen.update(fresh)
        plain = [key for key, value in fresh if _NUMBER.fullmatch(value)]
        if not chosen or len(plain) < len(fresh) or any(numbers[key] < _NUMBERS for key in plain):
            chosen.append(variant)
        numbers.update(plain)
    if wanted and wanted[-1] not in chosen[-1:]:
        chosen.append(wanted[-1])
    return chosen


@lru_cache(maxsize=4)
def _load(bundle: Bundle) -> Scenario:
    with serving(bundle.files):
        return from_document(parse_document(bundle.text, "scenario"), Path(bundle.directory))
