"""``pullsim advise``: which change of a scenario starts its pods earlier, found by trying each."""

from __future__ import annotations

import shlex
from enum import StrEnum
from pathlib import Path  # noqa: TC003  Typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from pullsim.cli import completers, terminal
from pullsim.cli.exit_codes import exit_codes
from pullsim.cli.options import INPUT, OUTPUT, NodesOption, PresetOption, ScenarioArgument, SetOption, VerboseOption
from pullsim.cli.scenario_argument import load_scenario, options
from pullsim.cli.study_options import (
    RUNS,
    DaskCaOption,
    DaskCertOption,
    DaskKeyOption,
    DaskOption,
    DrawsOption,
    ForceOption,
    ProcessesOption,
    QuietOption,
    ResumeOption,
    dask_tls,
    kept_runs,
    study_progress,
    warn_of_kept,
)
from pullsim.cli.study_source import study_source
from pullsim.errors import InputError
from pullsim.outputs import write_text
from pullsim.staging import staged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Group

    from pullsim.study.advice.advice import Advice
    from pullsim.study.pages.parts import Source


class AdviceFormat(StrEnum):
    """What standard output gets."""

    table = "table"
    markdown = "markdown"
    json = "json"
    csv = "csv"


def advise(
    scenario: ScenarioArgument,
    objective: Annotated[
        str | None,
        typer.Option(
            metavar="METRIC",
            autocompletion=completers.metrics,
            help="What to rank by; by default pods.start.p99, or pods.ready.p99 where workloads have reads.",
            rich_help_panel=INPUT,
            show_default=False,
        ),
    ] = None,
    nodes: NodesOption = None,
    preset: PresetOption = None,
    set_: SetOption = None,
    seeds: Annotated[
        int, typer.Option("--seeds", min=1, help="Runs a change, each with another seed.", rich_help_panel=RUNS)
    ] = 3,
    max_runs: Annotated[
        int, typer.Option("--max-runs", min=2, help="Most runs in all; what binds comes first.", rich_help_panel=RUNS)
    ] = 200,
    processes: ProcessesOption = None,
    dask: DaskOption = None,
    dask_ca: DaskCaOption = None,
    dask_cert: DaskCertOption = None,
    dask_key: DaskKeyOption = None,
    interval: DrawsOption = None,
    force: ForceOption = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Keep the runs there as they end, and write advice.csv, .json, .md, report.html and a chart.",
            rich_help_panel=OUTPUT,
            show_default=False,
        ),
    ] = None,
    resume: ResumeOption = False,
    output: Annotated[
        AdviceFormat, typer.Option("--output", "-o", help="Print it so.", rich_help_panel=OUTPUT)
    ] = AdviceFormat.table,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
) -> None:
    """Try what could start the pods earlier, each alone and the best in pairs, and rank it by what it gains."""
    with exit_codes(debug=verbose):
        from pullsim.study.advice.advise import advise as find  # noqa: PLC0415

        kept = kept_runs(out, resume=resume)
        warn_of_kept(out, resume=resume, quiet=quiet)
        loaded = load_scenario(scenario, set_ or (), nodes, preset, quiet=quiet)
        with study_progress(quiet=quiet, kept=kept) as progress:
            advice = find(
                loaded,
                objective=objective,
                seeds=seeds,
                processes=processes,
                dask=dask,
                dask_tls=dask_tls(dask_ca, dask_cert, dask_key),
                max_runs=max_runs,
                force=force,
                progress=progress,
                announce=None if quiet else terminal.note,
                out=out,
                resume=resume,
                interval=interval,
            )
        file = shlex.join([str(scenario), *options(nodes, preset)])
        if out is not None and not advice.interrupted:
            _write(advice, file, set_ or (), out, study_source(loaded, force=force))
            if not quiet:
                terminal.note(f"files are in {out}")
        _print(advice, file, set_ or (), output)
        if advice.stopped is not None:
            raise InputError(advice.stopped)
        if advice.interrupted:
            raise KeyboardInterrupt


def _write(advice: Advice, file: str, overrides: Sequence[str], out: Path, source: Source) -> None:
    from pullsim.results.charts.style import save  # noqa: PLC0415  matplotlib
    from pullsim.study.advice.text import markdown, plot_gains  # noqa: PLC0415
    from pullsim.study.files import write_csv, write_page  # noqa: PLC0415
    from pullsim.study.pages.advice_page import advice_page  # noqa: PLC0415
    from pullsim.study.trade_off import draw_options, of_advice  # noqa: PLC0415

    with staged(out) as files:
        table = advice.table()
        write_csv(table, files / "advice.csv")
        write_text(files / "advice.json", table.to_json(orient="records", indent=2, double_precision=15) + "\n")
        write_text(files / "advice.md", markdown(advice, file, overrides))
        write_page(advice_page(advice, file, overrides, source), files)
        figure = plot_gains(advice).figure
        options = of_advice(advice)
        save(figure, files, "advice")
        if len(options) > 1:
            save(draw_options(options, advice.judged, advice.name), files, "trade-off")


def _print(advice: Advice, file: str, overrides: Sequence[str], output: AdviceFormat) -> None:
    from pullsim.study.advice import text  # noqa: PLC0415

    if output is AdviceFormat.table:
        terminal.show(_shown(advice))
        told = zip(text.sentences(advice), text.commands(advice, file, overrides), strict=True)
        for number, (sentence, command) in enumerate(told, 1):
            terminal.line(f"{number}. {sentence}")
            terminal.line(f"   {command}")
        return
    with terminal.standard_output() as stdout:
        if output is AdviceFormat.markdown:
            stdout.write(text.markdown(advice, file, overrides))
        elif output is AdviceFormat.csv:
            from pullsim.results.tables import safe_cells  # noqa: PLC0415

            safe_cells(advice.table()).to_csv(stdout, index=False, lineterminator="\n")
        else:
            advice.table().to_json(stdout, orient="records", indent=2, double_precision=15)
            stdout.write("\n")


def _shown(advice: Advice) -> Group:
    from rich.console import Group  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from pullsim.results.fitted_table import FittedTable  # noqa: PLC0415
    from pullsim.results.notes import Notes  # noqa: PLC0415
    from pullsim.results.prose import Prose  # noqa: PLC0415
    from pullsim.study.advice import text  # noqa: PLC0415
    from pullsim.study.cluster_tables import clusters_of_advice, terminal_parts  # noqa: PLC0415

    table = FittedTable()
    table.words("")
    for name in text.columns(advice):
        table.figures(name)
    for name, figures, verdict in text.rows(advice):
        cells = [Text("\n".join(filter(None, figure))) for figure in figures]
        table.add_row(name + (f"\n{verdict}" if verdict else ""), *cells)
    notes = Notes()
    for label, note in text.notes(advice).items():
        notes.add(label, note)
    drawn = terminal_parts(clusters_of_advice(advice))
    return Group(
        Prose(text.heading(advice)), Text(), table, *drawn, Text(), Prose(text.best(advice), "bold"), notes, Text()
    )
