"""The conditions that ``pullsim run`` is to hold to: those of the scenario and of ``--assert``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullsim.errors import AssertionFailed

if TYPE_CHECKING:
    from pullsim.results.assertions import Assertion
    from pullsim.results.summary.summary import Summary
    from pullsim.scenario import Scenario


def read_assertions(scenario: Scenario, more: list[str]) -> list[Assertion]:
    """Read the conditions before anything runs; without any, nothing is imported."""
    if not scenario.assertions and not more:
        return []
    from pullsim.results.assertions import scenario_assertions  # noqa: PLC0415

    return scenario_assertions(scenario, more)


def hold(assertions: list[Assertion], summary: Summary) -> None:
    """Raise AssertionFailed if any of the assertions does not hold."""
    if not assertions:
        return
    from pullsim.results.assertions import failures  # noqa: PLC0415

    if failed := failures(assertions, summary):
        raise AssertionFailed("; ".join(failed))
