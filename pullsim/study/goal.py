"""What a search looks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pullsim.errors import InputError, Location
from pullsim.results import metrics as metric_names
from pullsim.results.assertions import parse_assertion

if TYPE_CHECKING:
    from pullsim.results.assertions import Assertion

METRIC: Final = "pods.start.p99"  # the objective where neither an objective nor a limit names one


class Goal(NamedTuple):
    """The goal of a search: a metric, a limit on it or none, and which of the values that meet it is wanted."""

    metric: str
    limit: Assertion | None
    want: str  # smallest | largest | best
    maximize: bool = False


def parse_goal(objective: str | None, slo: str | None, want: str | None, *, maximize: bool = False) -> Goal:
    """Read an objective (a metric) and an SLO (``< 90s``). Without an objective it is the SLO's. Raises InputError."""
    metric = metric_names.check(objective or METRIC, Location("--objective"))
    if slo is None:
        if want in ("smallest", "largest"):
            raise InputError(f"the {want} value that meets what? give --slo '< 90s'", Location("--want"))
        return Goal(metric, None, "best", maximize)
    text = slo.strip()
    limit = parse_assertion(f"{metric} {text}" if text[:1] in "<>=!" else text, Location("--slo"))
    if objective is None:
        metric = limit.metric
    if limit.metric != metric:
        raise InputError(f"the SLO is on {limit.metric}, the objective is {metric}", Location("--slo"))
    counted = limit.limit == 0 or metric_names.dimension(metric) == metric_names.COUNT
    if limit.compare == "!=" or (limit.compare == "==" and not counted):
        raise InputError("an SLO is a limit: < <= > >=, or == 0", Location("--slo"))
    return Goal(metric, limit, want or "smallest", limit.compare in (">", ">=") or maximize)
