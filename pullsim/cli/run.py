"""``pullsim run``: simulate one scenario."""

from __future__ import annotations

import math
import shlex
import time
from contextlib import nullcontext
from pathlib import Path  # noqa: TC003  Typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from pullsim.cli import completers, signals, terminal
from pullsim.cli.assertions import hold, read_assertions
from pullsim.cli.command_line import again
from pullsim.cli.diagnostics import warning_lines
from pullsim.cli.exit_codes import exit_codes
from pullsim.cli.file_formats import asked_chart_formats, asked_table_formats
from pullsim.cli.metrics import By, Exposition
from pullsim.cli.options import (
    OUTPUT,
    ChartFormatsOption,
    Detail,
    ForceOption,
    Format,
    IntervalOption,
    NodesOption,
    PresetOption,
    ScenarioArgument,
    SeedOption,
    SetOption,
    TableFormatsOption,
    VerboseOption,
)
from pullsim.cli.progress import progress_bar
from pullsim.cli.scenario_argument import effective_scenario, load_scenario, options
from pullsim.cli.study_options import ProcessesOption  # noqa: TC001  Typer reads the annotations
from pullsim.errors import InputError, Location
from pullsim.inputs import is_directory

if TYPE_CHECKING:
    from collections.abc import Callable

    from pullsim.results.assertions import Assertion
    from pullsim.results.exports.export import Origin
    from pullsim.results.exports.files import OutputDirectory
    from pullsim.results.kubectl.watch import Watch
    from pullsim.results.summary.summary import Summary
    from pullsim.run import Result
    from pullsim.scenario import Scenario


def run(
    scenario: ScenarioArgument,
    nodes: NodesOption = None,
    preset: PresetOption = None,
    set_: SetOption = None,
    seed: SeedOption = None,
    force: ForceOption = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write summary.json, report.html, tables, events and charts there; other files in it are kept.",
            rich_help_panel=OUTPUT,
            show_default=False,
        ),
    ] = None,
    export: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            autocompletion=completers.exports,
            help="Also write files for other programs into --out: perfetto, events, kwok, kube-burner, perfdata. "
            "Several are joined by commas.",
            rich_help_panel=OUTPUT,
            show_default=False,
        ),
    ] = None,
    charts: Annotated[bool, typer.Option(help="Draw charts into --out.", rich_help_panel=OUTPUT)] = True,
    chart_formats: ChartFormatsOption = None,
    table_formats: TableFormatsOption = None,
    detail: Annotated[
        Detail, typer.Option(help="Records to keep; layers keeps all of them.", rich_help_panel=OUTPUT)
    ] = Detail.layers,
    output: Annotated[
        Format,
        typer.Option(
            "--output", "-o", help="Print the summary as text or JSON, or the pods as CSV.", rich_help_panel=OUTPUT
        ),
    ] = Format.table,
    watch: Annotated[
        bool,
        typer.Option(
            "--watch",
            help="First print the pods as `kubectl get pods --watch` would, in simulated time.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    assert_: Annotated[
        list[str] | None,
        typer.Option(
            "--assert",
            metavar="CONDITION",
            help="Exit with 1 unless it holds: 'pods.start.p99 < 90s'. Repeatable.",
            rich_help_panel=OUTPUT,
            show_default=False,
        ),
    ] = None,
    metrics: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the kubelets' metrics there, as OpenMetrics text; --out has them as metrics.txt.",
            rich_help_panel=OUTPUT,
            show_default=False,
        ),
    ] = None,
    metrics_interval: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Metrics as a time series: one sample every 30s, with simulated timestamps.",
            rich_help_panel=OUTPUT,
            show_default=False,
        ),
    ] = None,
    metrics_by: Annotated[
        By, typer.Option(help="Metrics of each node, or summed over each pool.", rich_help_panel=OUTPUT)
    ] = By.node,
    splits: Annotated[
        bool | None,
        typer.Option(
            "--splits/--no-splits",
            help="Run with other typical layers of images with a size only, too; by default if that is quick.",
            rich_help_panel=OUTPUT,
            show_default=False,
        ),
    ] = None,
    interval: IntervalOption = None,
    processes: ProcessesOption = None,
    check: Annotated[bool, typer.Option("--check", help="Check the invariants of the records.", hidden=True)] = False,
    verbose: VerboseOption = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No text, notes or progress.", rich_help_panel=OUTPUT)
    ] = False,
) -> None:
    """Simulate a scenario and print how long its pods waited, and why.

    SCENARIO may be a directory that an earlier run wrote: then its effective scenario is run again.
    """
    with exit_codes(debug=verbose):
        if output is Format.csv and detail is Detail.none:
            raise InputError("csv is the table of pods, which --detail none does not keep", Location("--output"))
        if watch and output is not Format.table:
            raise InputError("goes with the output table only: its lines are for people", Location("--watch"))
        exposition = Exposition(metrics, metrics_by, metrics_interval, detail, out)
        asked = _asked(export, detail, out)
        formats = asked_chart_formats(chart_formats, out, charts=charts)
        tables = asked_table_formats(table_formats, out)
        overrides = [*(set_ or ()), *([] if seed is None else [f"seed={seed}"])]
        if is_directory(scenario) and nodes is None and preset is None:
            scenario = effective_scenario(scenario)
        loaded = load_scenario(scenario, overrides, nodes, preset, quiet=quiet)
        assertions = read_assertions(loaded, assert_ or [])
        words = [str(scenario), *options(nodes, preset), *(word for text in overrides for word in ("--set", text))]
        from pullsim.cli.interval import predictor, tell_of_intervals  # noqa: PLC0415  not for --help

        predict = predictor(loaded, interval, processes, quiet=quiet, force=force)

        def show(result: Result, summary: Summary) -> None:
            advise = shlex.join(["pullsim", "advise", *words])
            _print(result, summary, output, lambda: _hint(loaded, summary, advise, force=force), quiet=quiet)

        result, summary = _simulate(
            loaded,
            assertions,
            out,
            detail,
            exposition,
            show,
            words,
            asked=asked,
            predict=predict,
            splits=splits,
            formats=formats,
            tables=tables,
            watch=watch,
            quiet=quiet,
            verbose=verbose,
            force=force,
        )
        if check:
            _check(result)
        show(result, summary)
        if result.ended == "interrupted" or signals.came():
            if out is None:
                signals.keep(f"what is printed is of the run until t = {result.end:,.0f} s")
            raise KeyboardInterrupt
        if output is Format.table and not quiet:
            tell_of_intervals(loaded, summary)
        hold(assertions, summary)


def _asked(export: str | None, detail: Detail, out: Path | None) -> tuple[str, ...]:
    """Read the names of exports; without any, nothing is imported."""
    if export is None:
        return ()
    from pullsim.cli.exports import asked_exports  # noqa: PLC0415

    return asked_exports(export, detail.value, out)


def _simulate(
    scenario: Scenario,
    assertions: list[Assertion],
    out: Path | None,
    detail: Detail,
    metrics: Exposition,
    show: Callable[[Result, Summary], None],
    words: list[str],
    *,
    asked: tuple[str, ...],
    predict: Callable[[Summary], Summary],
    splits: bool | None,
    formats: tuple[str, ...],
    tables: tuple[str, ...],
    watch: bool,
    quiet: bool,
    verbose: bool,
    force: bool,
) -> tuple[Result, Summary]:
    """Run, and write the files: first the data, so that they are there if the charts are interrupted.

    If the files cannot be written, the summary is printed, so that it is not lost.
    """
    from pullsim.results.summary.summary import summarize  # noqa: PLC0415
    from pullsim.run import run as simulate  # noqa: PLC0415
    from pullsim.scenario import effective_yaml  # noqa: PLC0415

    begun = time.monotonic()
    with nullcontext() if out is None else _output_directory(out, tables) as directory:
        lines = _watch() if watch else None
        status = watch or metrics.file is not None or (out is not None and detail is not Detail.none)
        with progress_bar(quiet=quiet or watch) or nullcontext() as progress:
            result = simulate(
                scenario,
                detail=detail.value,
                progress=progress,
                status=status,
                watch=lines,
                force=force,
                announce=None if quiet else terminal.note,
                scratch=None if directory is None else directory.path,
            )
        if lines is not None:
            lines.finish(result.end if result.ended == "horizon" else math.inf)
            terminal.line("")
        if verbose:
            for ignored in scenario.assemble(force=force).ignored:
                terminal.note(f"ignored, it cannot matter to pulls: {ignored}")
            terminal.note(f"simulated {result.end:,.1f} s in {time.monotonic() - begun:.1f} s")
        summary = summarize(result)
        if splits is not False and scenario.images.sizes_only and not signals.came():
            from pullsim.study.splits import with_splits  # noqa: PLC0415

            summary = with_splits(scenario, summary, always=bool(splits))
        summary = predict(summary)
        if assertions:
            from pullsim.results.assertions import with_assertions  # noqa: PLC0415

            summary = with_assertions(summary, assertions)
        try:
            if directory is not None:
                effective = effective_yaml(scenario, directory.path)
                directory.write_data(result, summary, effective, metrics.write, asked)
                signals.keep(f"the files in {directory.path} are of the run until t = {result.end:,.0f} s")
                if not signals.came():
                    directory.write_later(result, summary, effective, _origin(scenario, words, force=force))
                if formats and not signals.came():
                    directory.write_charts(result, formats)
                if not quiet:
                    terminal.note(f"files are in {directory.path}")
            metrics.write_file(result)
        except InputError:
            show(result, summary)
            raise
    return result, summary


def _output_directory(out: Path, tables: tuple[str, ...]) -> OutputDirectory:
    from pullsim.results.exports.files import OutputDirectory  # noqa: PLC0415  all kinds of files, for runs that write

    return OutputDirectory(out, tables)


def _watch() -> Watch:
    from pullsim.results.kubectl.watch import Watch  # noqa: PLC0415

    return Watch(terminal.line)


def _origin(scenario: Scenario, words: list[str], *, force: bool) -> Origin:
    """Return where the run comes from, and what was guessed for it; ``words``: the scenario's file and its changes."""
    from pullsim.results.exports.export import Origin  # noqa: PLC0415
    from pullsim.results.wording import counted  # noqa: PLC0415

    built = scenario.assemble(force=force)
    images = f"how {counted(len(built.guessed), 'image')} of known size are cut into layers" if built.guessed else None
    guessed = tuple(filter(None, (built.assumption, images)))
    return Origin(scenario.description, again(), guessed, again(["advise", *words]))


def _check(result: Result) -> None:
    from pullsim.results.invariants import check  # noqa: PLC0415

    if problems := check(result):
        raise RuntimeError(f"{len(problems)} violations of invariants, the first: {problems[0]}")


def _hint(scenario: Scenario, summary: Summary, command: str, *, force: bool) -> list[str]:
    """Return the lines about what helps: tried where that takes no longer than the run itself."""
    if summary.bottleneck is None or summary.bottleneck.resource is None:
        return []
    from pullsim.study.advice.hint import lines, tried  # noqa: PLC0415

    return lines(tried(scenario, summary, force=force), command)


def _print(result: Result, summary: Summary, output: Format, hint: Callable[[], list[str]], *, quiet: bool) -> None:
    if output is Format.json:
        from pullsim.results.exports.registry import summary_json  # noqa: PLC0415

        with terminal.standard_output() as stdout:
            stdout.write(summary_json(summary))
    elif output is Format.csv:
        from pullsim.results.tables import write_pods_csv  # noqa: PLC0415

        with terminal.standard_output() as stdout:
            write_pods_csv(result, stdout)
        for warning in () if quiet else warning_lines(summary.warnings):
            terminal.note(f"warning: {warning}")
    elif not quiet:
        from pullsim.results.text import render  # noqa: PLC0415

        terminal.show(render(summary, hint(), warning_lines(summary.warnings)))
