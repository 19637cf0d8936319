"""What ``pullsim run --interval`` adds: the key figures in other clusters."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from pullsim.cli import signals, terminal
from pullsim.cli.study_options import study_progress
from pullsim.errors import InputError, Location

if TYPE_CHECKING:
    from collections.abc import Callable

    from pullsim.results.summary.summary import Summary
    from pullsim.scenario import Scenario


HINT: Final = "A single number is not a promise: --interval 40 gives it for other clusters."


def predictor(
    scenario: Scenario, draws: int | None, processes: int | None, *, quiet: bool, force: bool
) -> Callable[[Summary], Summary]:
    """Return what adds the intervals to a summary; without draws it changes nothing.

    Raises InputError for processes without draws, and for draws that are too few or too many.
    """
    if draws is None:
        if processes is not None:
            raise InputError("a run has one process: it goes with --interval", Location("--processes"))
        return lambda summary: summary

    from pullsim.study.cluster_draws import check_draws  # noqa: PLC0415  imported only with draws

    check_draws(draws, 1, force=force)

    def predict(summary: Summary) -> Summary:
        if signals.came():
            return summary
        from pullsim.study.prediction import with_prediction  # noqa: PLC0415

        with study_progress(quiet=quiet) as progress:
            return with_prediction(scenario, summary, draws, processes=processes, progress=progress, force=force)

    return predict


def tell_of_intervals(scenario: Scenario, summary: Summary) -> None:
    """Say below the figures of a run that they are of one cluster, to people: only where the output is a terminal.

    Whoever has asked for intervals, or has given variation, knows it.
    """
    if summary.prediction is None and scenario.variation is None and sys.stdout.isatty():
        from rich.console import Group  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        terminal.show(Group(Text(), Text(HINT, "dim")))
