"""Conditions on the metrics of a run: ``pods.start.p99 < 90s``, ``pulls.failed == 0``."""

from __future__ import annotations

import math
import operator
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pullsim.errors import InputError, InputErrors, Location, shown
from pullsim.frozen import dataclass
from pullsim.results import metrics
from pullsim.results.metric_list import check_groups
from pullsim.results.model_error import within
from pullsim.results.summary.summary import AssertionOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pullsim.results.model_error import ModelError
    from pullsim.results.summary.summary import Summary
    from pullsim.scenario import Scenario

_END: Final = re.compile(r"(?P<compare><=|>=|==|!=|<|>)(?P<value>[^<>=!]*)\Z")  # of an assertion, after the metric
_COMPARE: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True, slots=True)
class Assertion:
    """One condition on a metric."""

    text: str
    metric: str
    compare: str  # < <= > >= == !=
    limit: float

    def holds(self, value: float | None) -> bool:
        """Whether a value fulfils the condition.

        None (a number that does not exist, as there are no pods) does not; infinity (pods never started) is above all.
        """
        return value is not None and _COMPARE[self.compare](value, self.limit)


@dataclass(frozen=True, slots=True)
class Checked:
    """An assertion and the value that the run had."""

    assertion: Assertion
    value: float | None
    never: str = ""  # why the value is infinite: ``2 of 100 never did``

    @property
    def holds(self) -> bool:
        """Whether the run fulfilled it."""
        return self.assertion.holds(self.value)

    def within(self, error: ModelError | None) -> bool:
        """Whether the value differs from the limit by less than the model's measured error."""
        timed = metrics.dimension(self.assertion.metric) in (metrics.SECONDS, metrics.RATE)
        return timed and self.value is not None and within(error, self.value, self.assertion.limit)

    def __str__(self) -> str:
        """``pods.start.p99 < 90s: it is 94.1 s``."""
        metric = self.assertion.metric
        had = "it has no value (no such pod or pull)" if self.value is None else f"it is {self._shown(metric)}"
        had += f" ({self.never})" if self.value == math.inf and self.never else ""
        return f"{self.assertion.text}: {had}"

    def _shown(self, metric: str) -> str:
        """Write the value with enough digits to differ from the limit."""
        shown = metrics.text(metric, self.value)
        return f"{shown} ({self.value!r})" if shown == metrics.text(metric, self.assertion.limit) else shown


def parse_assertion(text: str, place: Location | None = None) -> Assertion:
    """Read an assertion. Raises InputError for an unknown metric or a wrong form."""
    match = _END.search(text)
    if match is None or not (name := text[: match.start()].strip()):
        raise InputError(f"{shown(text)} is no assertion: METRIC < VALUE, as in pods.start.p99 < 90s", place)
    metric = metrics.check(name, place)
    try:
        limit = metrics.parse_value(metric, match["value"].strip())
    except ValueError as error:
        raise InputError(f"{shown(text)}: {error}", place) from None
    return Assertion(" ".join(text.split()), metric, match["compare"], limit)


def scenario_assertions(scenario: Scenario, more: Iterable[str] = ()) -> list[Assertion]:
    """Read the assertions of a scenario, followed by those of the command line (``more``). Raises InputErrors."""
    texts = [(text, scenario.document.place(("assert", index))) for index, text in enumerate(scenario.assertions)]
    texts += [(text, Location("--assert")) for text in more]
    found: list[Assertion] = []
    errors: list[InputError] = []
    for text, place in texts:
        try:
            found.append(parse_assertion(text, place))
        except InputError as error:
            errors.append(error)
    if errors:
        raise InputErrors(errors)
    places = {assertion.metric: place for assertion, (_, place) in zip(found, texts, strict=True)}
    check_groups(places, [scenario])
    return found


def with_assertions(summary: Summary, assertions: Sequence[Assertion]) -> Summary:
    """Return the summary with the outcome of each assertion."""
    checked = check(assertions, metrics.values(summary.to_dict()))
    outcomes = [
        AssertionOutcome(
            each.assertion.text,
            each.value,
            each.holds,
            each.within(summary.model_error),
            never=each.value == math.inf,
        )
        for each in checked
    ]
    return replace(summary, assertions=outcomes)


def failures(assertions: Sequence[Assertion], summary: Summary) -> list[str]:
    """Return a line for each assertion that does not hold: ``pods.start.p99 < 90s: it is 94.1 s``."""
    checked = check(assertions, metrics.values(summary.to_dict()))
    return [str(each) for each in checked if not each.holds]


def check(assertions: Sequence[Assertion], values: Mapping[str, float | None]) -> list[Checked]:
    """Check assertions against the metrics of a run (see `metrics.values`)."""
    return [
        Checked(each, metrics.value(values, each.metric), metrics.never(values, each.metric)) for each in assertions
    ]
