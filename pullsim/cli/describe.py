"""``pullsim describe``: show a pod at a simulated time as `kubectl describe pod` does."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from pullsim.cli import terminal
from pullsim.cli.exit_codes import exit_codes
from pullsim.cli.options import (  # Typer reads the annotations
    INPUT,
    ForceOption,
    NodesOption,
    PresetOption,
    ScenarioArgument,
    SeedOption,
    SetOption,
    VerboseOption,
)
from pullsim.cli.pod_argument import PodArgument, find, find_pod  # Typer reads the annotations
from pullsim.cli.progress import progress_bar
from pullsim.cli.scenario_argument import load_scenario
from pullsim.errors import InputError, Location
from pullsim.inputs import is_directory

if TYPE_CHECKING:
    from pathlib import Path


def describe(
    scenario: ScenarioArgument,
    pod: PodArgument,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Simulated time: 90s, 15m; by default the end of the run.",
            rich_help_panel=INPUT,
            show_default=False,
        ),
    ] = None,
    nodes: NodesOption = None,
    preset: PresetOption = None,
    set_: SetOption = None,
    seed: SeedOption = None,
    force: ForceOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Simulate a scenario and show a pod as `kubectl describe pod` would: its events, counted and thinned.

    SCENARIO may be a directory of `run --out` too: then its pods are shown, and nothing is simulated.
    """
    with exit_codes(debug=verbose):
        if is_directory(scenario) and nodes is None and preset is None:
            if set_ or seed is not None:
                where = Location("--set" if set_ else "--seed")
                raise InputError("results cannot be changed; it goes with scenarios", where)
            for line in _saved(scenario, pod, at):
                terminal.line(line)
            return
        from pullsim.results.kubectl.describe import describe as describe_pod  # noqa: PLC0415
        from pullsim.run import run  # noqa: PLC0415

        overrides = [*(set_ or ()), *([] if seed is None else [f"seed={seed}"])]
        if at is not None:
            overrides.append(f"horizon={_time(at)}")
        loaded = load_scenario(scenario, overrides, nodes, preset)
        with progress_bar(quiet=False) or nullcontext() as progress:
            result = run(loaded, detail="pulls", status=True, progress=progress, force=force, announce=terminal.note)
        result.check_complete()
        found = find_pod(result, pod)
        for line in describe_pod(result, found, result.end):
            terminal.line(line)


def _saved(directory: Path, wanted: str, at: str | None) -> list[str]:
    """Return the lines about a pod of a run that was written into a directory. Raises InputError."""
    from pullsim.results.kubectl.describe import lines  # noqa: PLC0415
    from pullsim.results.kubectl.saved import SavedRun  # noqa: PLC0415
    from pullsim.units import parse_duration  # noqa: PLC0415

    run = SavedRun(directory)
    time = run.end if at is None else parse_duration(_time(at))
    if time > run.end:
        raise InputError(f"the run ended at {run.end:g} s, before {at}", Location("--at"))
    pod = find([each for each in run.pods if each.created <= time], wanted, time)
    return lines(pod, run.statuses(pod), run.events(pod), time)


def _time(text: str) -> str:
    from pullsim.units import parse_duration  # noqa: PLC0415

    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise InputError(
            f"{error}; a time is a duration from the start of the run: 90s, 15m", Location("--at")
        ) from None
    if seconds <= 0:
        raise InputError(f"{text} is not after the start of the run", Location("--at"))
    return text
