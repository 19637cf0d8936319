"""Words of a fit's figures and errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pullsim.study.fit.outcome import Errors, Fitted, Held, Outcome


def interval_text(each: Fitted) -> str:
    """Write ``a to b``."""
    return f"{each.parameter.text(each.low)} to {each.parameter.text(each.high)}"


def held_text(each: Held) -> str:
    """Write the value at which a figure was held."""
    return "never binds" if each.value is None else each.parameter.text(each.value)


def error_text(errors: Errors) -> str:
    """Write count, median and 90th percentile."""
    return f"median {100 * errors.median:.1f} %, 90 % within {100 * errors.p90:.1f} % ({errors.rows:,} rows)"


def spread_text(fit: Outcome) -> str:
    """Say how pull times of the same images differ; empty where that is not known."""
    found = fit.spreads
    if found is None:
        return ""
    return (
        f"pull times of one image differ by {found.pull:.1%} from pull to pull and {found.node:.1%} between nodes "
        f"(standard deviations, {found.pulls:,} pulls on {found.nodes:,} nodes)"
    )


def more(fit: Outcome) -> str:
    """Say how many more pulls would halve the intervals, which shrink with the root of their number."""
    return (
        f"{3 * fit.errors.rows:,} more pulls like these would halve the intervals; by what other clusters differ, only "
        "pulls of other clusters tell"
    )
