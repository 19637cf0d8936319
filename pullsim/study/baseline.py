"""Regression checks for CI, which compare the metrics of scenarios with those in a baseline file.

Simulated time has no noise: the same version, scenario and seed give the same numbers, so that any difference comes
from a change. Tolerances let small differences pass.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from pullsim.errors import InputError, Location
from pullsim.inputs import parse_json, read_text
from pullsim.inputs.validation import validated
from pullsim.inputs.versions import check_version
from pullsim.outputs import write_text
from pullsim.results import assertions, metrics
from pullsim.results.summary.summary import summarize
from pullsim.run import run
from pullsim.units import parse_percent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from pullsim.results.assertions import Assertion, Checked
    from pullsim.scenario import Scenario

FORMAT: Final = 1
EXACT: Final = 1e-9  # relative difference up to which sums may differ between processors


class _File(BaseModel):
    """A baseline file; keys of later versions are ignored."""

    model_config = ConfigDict(strict=True)

    scenarios: dict[str, dict[str, int | Annotated[float, Field(allow_inf_nan=False)] | None]]


_FILE: Final = TypeAdapter(_File)


class Tolerance(NamedTuple):
    """How much the metrics that match a pattern may differ: a part of the baseline's value, or an amount."""

    pattern: str
    relative: float
    absolute: float


class Change(NamedTuple):
    """A metric that differs from the baseline; None: the metric has no value there."""

    metric: str
    before: float | None
    now: float | None
    allowed: bool

    def __str__(self) -> str:
        """``pods.start.p99: 21.7 s → 23.0 s (+6.0%)``."""
        text = f"{self.metric}: {metrics.text(self.metric, self.before)} → {metrics.text(self.metric, self.now)}"
        if self.before is None or self.now is None:
            return text
        if metrics.text(self.metric, self.before) == metrics.text(self.metric, self.now):
            text = f"{self.metric}: {self.before!r} → {self.now!r}"
        return f"{text} ({(self.now - self.before) / self.before:+.2%})" if self.before else text


@dataclass(slots=True)
class Verdict:
    """The outcome of one scenario."""

    name: str  # path of the scenario, as given
    metrics: dict[str, float | None] = field(default_factory=dict)
    known: bool = True  # whether the scenario is in the baseline
    changes: list[Change] = field(default_factory=list)
    assertions: list[Checked] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        """The reasons why the scenario does not pass; none if it does."""
        lines = [] if self.known else ["it is not in the baseline; --update-baseline adds it"]
        lines += [str(change) for change in self.changes if not change.allowed]
        return lines + [f"assertion failed: {checked}" for checked in self.assertions if not checked.holds]

    @property
    def ok(self) -> bool:
        """Whether the scenario passes."""
        return not self.problems


def parse_tolerance(text: str) -> Tolerance:
    """Read ``METRIC=2%`` or ``METRIC=0.5s``; the metric may be a shell pattern. Raises InputError."""
    place = Location(f"--tolerance {text}")
    name, equals, amount = (part.strip() for part in text.partition("="))
    if not equals or not amount:
        raise InputError("a tolerance is METRIC=AMOUNT: pods.start.*=2%, pods.lastReadyAt=0.5s", place)
    wild = [known for known in metrics.names() if fnmatchcase(known, name)]
    if not wild:
        metrics.check(name, place)
    if amount.endswith("%"):
        try:
            return Tolerance(name, parse_percent(amount), 0.0)
        except ValueError as error:
            raise InputError(str(error), place) from None
    try:
        return Tolerance(name, 0.0, metrics.parse_value(wild[0] if wild else name, amount))
    except ValueError as error:
        raise InputError(str(error), place) from None


def measure(
    scenario: Scenario,
    name: str,
    wanted: Sequence[Assertion],
    *,
    force: bool = False,
    announce: Callable[[str], None] | None = None,
) -> Verdict:
    """Run a scenario (``force`` and ``announce`` as in `run`) and check its assertions. Raises InputError."""
    notice = None if announce is None else lambda text: announce(f"{name}: {text}")
    found = metrics.values(summarize(run(scenario, force=force, announce=notice)).to_dict())
    return Verdict(name, found, assertions=assertions.check(wanted, found))


def hold(verdict: Verdict, before: Mapping[str, float | None] | None, tolerances: Sequence[Tolerance]) -> None:
    """Add to a verdict the differences from the baseline ``before``; None: the scenario is not in the baseline."""
    if before is None:
        verdict.known = False
        return
    for name in dict.fromkeys([*before, *verdict.metrics]):
        was, now = before.get(name), verdict.metrics.get(name)
        if was == now or (was is not None and now is not None and abs(now - was) <= EXACT * max(abs(was), abs(now))):
            continue
        verdict.changes.append(Change(name, was, now, _allowed(name, was, now, tolerances)))


def read(path: Path) -> dict[str, dict[str, float | None]]:
    """Read a baseline: metrics by scenario. Raises InputError for a file that is no baseline, or of a newer format."""
    document = parse_json(read_text(path), str(path))
    check_version(document, "formatVersion", FORMAT, "baseline, as --update-baseline writes it", Location(str(path)))
    return validated(_FILE, document, str(path)).scenarios


def write(path: Path, verdicts: Sequence[Verdict], before: Mapping[str, Mapping[str, float | None]]) -> None:
    """Write a baseline with the metrics of these scenarios and of the others that it had. Raises InputError."""
    scenarios = dict(before) | {verdict.name: verdict.metrics for verdict in verdicts}
    document = {"formatVersion": FORMAT, "scenarios": dict(sorted(scenarios.items()))}
    write_text(path, json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def _allowed(name: str, was: float | None, now: float | None, tolerances: Sequence[Tolerance]) -> bool:
    for pattern, relative, absolute in tolerances:
        if name == pattern or fnmatchcase(name, pattern):
            if was is None or now is None:
                return False
            return abs(now - was) <= max(absolute, relative * abs(was))
    return False
