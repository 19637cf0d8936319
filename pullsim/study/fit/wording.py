"""Words of a fit's figures and errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pullsim.study.fit.outcome import Errors, Fitted, Held


def interval_text(each: Fitted) -> str:
    """Write ``a to b``."""
    return f"{each.parameter.text(each.low)} to {each.parameter.text(each.high)}"


def held_text(each: Held) -> str:
    """Write the value at which a figure was held."""
    return "never binds" if each.value is None else each.parameter.text(each.value)


def error_text(errors: Errors) -> str:
    """Write count, median and 90th percentile."""
    return f"median {100 * errors.median:.1f} %, 90 % within {100 * errors.p90:.1f} % ({errors.rows:,} rows)"
