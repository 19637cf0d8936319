"""Where a study comes from, as its page says it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullsim.cli.command_line import again

if TYPE_CHECKING:
    from pullsim.scenario import Scenario
    from pullsim.study.pages.parts import Source


def study_source(scenario: Scenario | None = None, *, force: bool = False) -> Source:
    """Return the command, and of the scenario its description, the model's error and the guesses."""
    from pullsim.results.model_error import model_error  # noqa: PLC0415
    from pullsim.study.pages.parts import Source  # noqa: PLC0415

    if scenario is None:
        return Source(again())
    built = scenario.assemble(force=force)
    error = model_error(spec.runtime.kind for spec in built.cluster.pools.values())
    return Source(again(), scenario.description, error, built.guesses)
