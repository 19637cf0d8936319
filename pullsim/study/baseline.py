"""Regression checks for CI, which compare the metrics of scenarios with those in a baseline file.

Simulated time has no noise: the same version, scenario and seed give the same numbers, so that any difference comes
from a change. What got worse by more than its tolerance fails (`pullsim.results.direction` says which way that is);
what got better is named. ``strict`` lets nothing pass but what a tolerance was given for.
"""

from __future__ import annotations

import json
import math
from contextlib import nullcontext
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from pullsim.errors import InputError, Location
from pullsim.inputs import parse_json, read_text
from pullsim.inputs.validation import validated
from pullsim.inputs.versions import check_version
from pullsim.outputs import write_text
from pullsim.results import assertions, direction, metrics
from pullsim.results.summary.summary import summarize
from pullsim.run import run
from pullsim.study.job import Bundle, Job, Outcome
from pullsim.study.kept_runs import store_of
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

    def allows(self, before: float, now: float) -> bool:
        """Whether a metric may change so much."""
        return math.isfinite(before) and abs(now - before) <= max(self.absolute, self.relative * abs(before))

    def text(self, metric: str) -> str:
        """Write the tolerance of a metric with its unit: ``1%``, ``0.50 s``."""
        if self.absolute:
            return metrics.text(metric, self.absolute)
        return f"{self.relative * 100:.6g}%" if self.relative else "none"


#: What a metric may get worse by where no tolerance was given for it.
USUAL: Final = Tolerance("*", 0.01, 0.0)
NOTHING: Final = Tolerance("*", 0.0, 0.0)


class Kind(StrEnum):
    """What a difference from the baseline is."""

    worse = "worse"
    gone = "gone"  # the baseline has the figure, and a run does not have it any more
    better = "better"
    changed = "changed"  # it has no direction
    new = "new"  # the baseline does not have it
    within = "within"  # within its tolerance


class Change(NamedTuple):
    """A metric that differs from the baseline; None: the metric has no value there."""

    metric: str
    before: float | None
    now: float | None
    kind: Kind
    tolerance: Tolerance
    fails: bool

    @property
    def severity(self) -> float:
        """The size of the change as a part of the value before; infinite where a value comes from 0, or never comes."""
        if self.before is None or self.now is None or self.before == 0 or math.inf in (self.before, self.now):
            return math.inf
        return abs(self.now - self.before) / abs(self.before)

    @property
    def never(self) -> bool:
        """Whether it is the time of something that does not come any more."""
        return self.kind is Kind.worse and self.now in (None, math.inf)

    @property
    def figures(self) -> tuple[str, str, str]:
        """The texts of before, now and the change; figures that look equal are written in full."""
        before, now = direction.text(self.metric, self.before), direction.text(self.metric, self.now)
        if self.kind is Kind.gone or self.kind is Kind.new:
            return ("-", now, "") if self.kind is Kind.new else (before, "-", "")
        if self.before is None or self.now is None or math.inf in (self.before, self.now):
            return before, now, ""
        if before == now:
            before, now = repr(self.before), repr(self.now)
        by = self.now - self.before
        change = ("+" if by > 0 else "-") + metrics.text(self.metric, abs(by))
        return before, now, f"{change} ({by / abs(self.before):+.1%})" if self.before else change

    def __str__(self) -> str:
        """``pods.start.p99: 21.7 s → 23.0 s, +1.30 s (+6.0%), tolerance 1%``."""
        before, now, change = self.figures
        if self.kind is Kind.gone:
            return f"{self.metric}: {before} in the baseline, and gone; --update-baseline takes it out"
        parts = [f"{self.metric}: {before} → {now}", change, f"tolerance {self.tolerance.text(self.metric)}"]
        return ", ".join(filter(None, parts))


@dataclass(slots=True)
class Verdict:
    """The outcome of one scenario."""

    name: str  # path of the scenario, as given
    metrics: dict[str, float | None] = field(default_factory=dict)
    known: bool = True  # whether the scenario is in the baseline
    changes: list[Change] = field(default_factory=list)  # the worst first, then what got better, then the others
    assertions: list[Checked] = field(default_factory=list)

    @property
    def others(self) -> list[str]:
        """The reasons beside changed figures why the scenario does not pass."""
        lines = [] if self.known else ["it is not in the baseline; --update-baseline adds it"]
        return lines + [f"assertion failed: {checked}" for checked in self.assertions if not checked.holds]

    @property
    def problems(self) -> list[str]:
        """The reasons why the scenario does not pass, the worst figures first; none if it does."""
        return [*(str(change) for change in self.changes if change.fails), *self.others]

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
    wild = metrics.matching(name)
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
    out: Path | None = None,
    resume: bool = False,
) -> Verdict:
    """Run a scenario (``force`` and ``announce`` as in `run`) and check its assertions.

    ``out``: a directory that keeps what it came to; ``resume`` takes that in place of a run. Raises InputError, and
    KeyboardInterrupt after Ctrl-C.
    """
    asked = {each.metric for each in wanted}
    job = Job(0, (), scenario.seed)
    with (
        nullcontext() if out is None else store_of(Bundle.of(scenario, (), metrics=asked), out, resume=resume) as store
    ):
        known = None if store is None else store.get(job)
        found = None if known is None else known.metrics
        if found is None:
            notice = None if announce is None else lambda text: announce(f"{name}: {text}")
            result = run(scenario, force=force, announce=notice)
            result.check_complete()
            found = metrics.kept(summarize(result).to_dict(), asked)
            if store is not None:
                store.add(job, Outcome(0, found, None))
    return Verdict(name, found, assertions=assertions.check(wanted, found))


def hold(
    verdict: Verdict,
    before: Mapping[str, float | None] | None,
    tolerances: Sequence[Tolerance],
    *,
    strict: bool = False,
) -> None:
    """Add to a verdict the differences from the baseline ``before``; None: the scenario is not in the baseline.

    The first of the tolerances whose pattern fits a metric is its own; one without any has `USUAL`, or with ``strict``
    none, and then whatever differs fails. A metric without a direction fails only when a tolerance was given for it, by
    another pattern than ``*``.
    """
    if before is None:
        verdict.known = False
        return
    for name in dict.fromkeys([*before, *verdict.metrics]):
        change = _change(name, before, verdict.metrics, tolerances, strict=strict)
        if change is not None:
            verdict.changes.append(change)
    verdict.changes.sort(key=order)


def order(change: Change) -> tuple[bool, int, bool, bool, float]:
    """Return the key by which changes are sorted: failures, by kind, what is of all pods, never, then the largest."""
    part = metrics.of_group(change.metric) is not None
    return not change.fails, list(Kind).index(change.kind), part, not change.never, -change.severity


def read(path: Path) -> dict[str, dict[str, float | None]]:
    """Read a baseline: metrics by scenario. Raises InputError for a file that is no baseline, or of a newer format."""
    document = parse_json(read_text(path), str(path))
    check_version(document, "formatVersion", FORMAT, "baseline, as --update-baseline writes it", Location(str(path)))
    return {name: metrics.with_never(found) for name, found in validated(_FILE, document, str(path)).scenarios.items()}


def write(path: Path, verdicts: Sequence[Verdict], before: Mapping[str, Mapping[str, float | None]]) -> None:
    """Write a baseline with the metrics of these scenarios and of the others that it had. Raises InputError."""
    found = dict(before) | {verdict.name: verdict.metrics for verdict in verdicts}
    scenarios = {name: metrics.without_never(each) for name, each in found.items()}
    document = {"formatVersion": FORMAT, "scenarios": dict(sorted(scenarios.items()))}
    write_text(path, json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def _change(
    name: str,
    before: Mapping[str, float | None],
    after: Mapping[str, float | None],
    tolerances: Sequence[Tolerance],
    *,
    strict: bool,
) -> Change | None:
    """Return how a metric differs; None if it does not."""
    was, now = metrics.value(before, name), metrics.value(after, name)
    tolerance = next((t for t in tolerances if fnmatchcase(name, t.pattern)), NOTHING if strict else USUAL)
    gated = strict or tolerance.pattern != "*"
    if not direction.has(before, name):
        return Change(name, None, now, Kind.new, tolerance, strict)
    if not direction.has(after, name):
        if was is None:  # a section that a run did not have, and has now
            return None
        fails = gated or direction.direction(name) != direction.NONE
        return Change(name, was, None, Kind.gone, tolerance, fails)
    if was == now or (was is not None and now is not None and math.isclose(was, now, rel_tol=EXACT, abs_tol=0.0)):
        return None
    kind = _kind(name, was, now, tolerance)
    fails = kind is Kind.worse or (kind is Kind.changed and gated) or (kind is Kind.better and strict)
    return Change(name, was, now, kind, tolerance, fails)


def _kind(name: str, was: float | None, now: float | None, tolerance: Tolerance) -> Kind:
    way = direction.direction(name)
    if was is None or now is None:
        if way == direction.NONE or not direction.may_never_come(name):
            return Kind.changed
        return Kind.worse if now is None else Kind.better
    if tolerance.allows(was, now):
        return Kind.within
    if way == direction.NONE:
        return Kind.changed
    return Kind.worse if (now - was) * way > 0 else Kind.better
