"""``pullsim compare``: compare two scenarios, two settings of one scenario, or two results."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path  # noqa: TC003  Typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from pullsim.cli import terminal
from pullsim.cli.exit_codes import exit_codes
from pullsim.cli.options import INPUT, OUTPUT, NodesOption, PresetOption, VerboseOption
from pullsim.cli.scenario_argument import load_scenario
from pullsim.cli.study_options import (
    DaskCaOption,
    DaskCertOption,
    DaskKeyOption,
    DaskOption,
    DrawsOption,
    ForceOption,
    MetricOption,
    ProcessesOption,
    QuietOption,
    ResumeOption,
    SeedsOption,
    checked_metrics,
    dask_tls,
    kept_runs,
    study_progress,
    warn_of_kept,
)
from pullsim.cli.study_source import study_source
from pullsim.errors import InputError, Location
from pullsim.inputs import is_directory
from pullsim.outputs import write_text
from pullsim.staging import staged

if TYPE_CHECKING:
    from rich.console import Group

    from pullsim.study.compare import Comparison
    from pullsim.study.pages.parts import Source


class ComparisonFormat(StrEnum):
    """What standard output gets."""

    table = "table"
    markdown = "markdown"
    json = "json"
    csv = "csv"


def compare(
    a: Annotated[
        Path, typer.Argument(metavar="A", help="Scenario file, or directory of run --out.", show_default=False)
    ],
    b: Annotated[
        Path | None, typer.Argument(metavar="[B]", help="Another one; by default A.", show_default=False)
    ] = None,
    nodes: NodesOption = None,
    preset: PresetOption = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=V1[,V2]",
            help="Change a key on both sides, or to V1 in A and V2 in B.",
            rich_help_panel=INPUT,
            show_default=False,
        ),
    ] = None,
    set_a: Annotated[
        list[str] | None,
        typer.Option("--a", metavar="KEY=VALUE", help="Change a key in A.", rich_help_panel=INPUT, show_default=False),
    ] = None,
    set_b: Annotated[
        list[str] | None,
        typer.Option("--b", metavar="KEY=VALUE", help="Change a key in B.", rich_help_panel=INPUT, show_default=False),
    ] = None,
    seeds: SeedsOption = None,
    processes: ProcessesOption = None,
    dask: DaskOption = None,
    dask_ca: DaskCaOption = None,
    dask_cert: DaskCertOption = None,
    dask_key: DaskKeyOption = None,
    interval: DrawsOption = None,
    force: ForceOption = False,
    metric: MetricOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Keep the runs there as they end, and write comparison.csv, .md, report.html and a chart.",
            rich_help_panel=OUTPUT,
            show_default=False,
        ),
    ] = None,
    resume: ResumeOption = False,
    output: Annotated[
        ComparisonFormat, typer.Option("--output", "-o", help="Print it so.", rich_help_panel=OUTPUT)
    ] = ComparisonFormat.table,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
) -> None:
    """Compare A with B: what changed in the inputs, what it did, and which stage of the time moved."""
    with exit_codes(debug=verbose):
        from pullsim.results.metrics import DEFAULT  # noqa: PLC0415

        metrics = checked_metrics(metric, DEFAULT)
        kept = kept_runs(out, resume=resume)
        if is_directory(a) or (b is not None and is_directory(b)):
            if nodes is not None or preset is not None:
                raise InputError(
                    "results are of their own nodes; it goes with manifests",
                    Location("--nodes" if preset is None else "--preset"),
                )
            if resume:
                raise InputError("results are not run again; it goes with scenarios", Location("--resume"))
            if interval is not None:
                raise InputError("results are not run again; it goes with scenarios", Location("--interval"))
            if set_ or set_a or set_b:
                raise InputError("results cannot be changed; --set goes with scenarios", Location("--set"))
            comparison, before = _saved(a, b), None
        else:
            from pullsim.study.compare import compare as compare_scenarios  # noqa: PLC0415

            warn_of_kept(out, resume=resume, quiet=quiet)
            before = load_scenario(a, (), nodes, preset, quiet=quiet)
            with study_progress(quiet=quiet, kept=kept) as progress:
                comparison = compare_scenarios(
                    before,
                    None if b is None else load_scenario(b, (), nodes, preset, quiet=quiet),
                    set=set_ or (),
                    set_a=set_a or (),
                    set_b=set_b or (),
                    seeds=seeds or 1,
                    processes=processes,
                    dask=dask,
                    dask_tls=dask_tls(dask_ca, dask_cert, dask_key),
                    force=force,
                    progress=progress,
                    metrics=metrics,
                    out=out,
                    resume=resume,
                    interval=interval,
                )
        if not metric:
            from pullsim.study.trade_off import money_of  # noqa: PLC0415

            metrics += money_of(run for side in (comparison.a, comparison.b) for run in side.runs.values())
        if out is not None:
            _write(comparison, metrics, out, study_source(before, force=force))
            if not quiet:
                terminal.note(f"files are in {out}")
        _print(comparison, metrics, output)


def _saved(a: Path, b: Path | None) -> Comparison:
    from pullsim.study.saved_sides import paired, saved  # noqa: PLC0415

    if b is None or not (is_directory(a) and is_directory(b)):
        raise InputError("one is a directory of results: compare it with another directory of results")
    return paired(saved(a), saved(b))


def _write(comparison: Comparison, metrics: tuple[str, ...], out: Path, source: Source) -> None:
    from pullsim.results.charts.style import save  # noqa: PLC0415  matplotlib
    from pullsim.study.compare_text import markdown, plot_moved  # noqa: PLC0415
    from pullsim.study.files import write_csv, write_page  # noqa: PLC0415
    from pullsim.study.pages.comparison_page import comparison_page  # noqa: PLC0415
    from pullsim.study.trade_off import draw_options, latency_of, of_comparison  # noqa: PLC0415

    with staged(out) as files:
        write_csv(comparison.table(metrics), files / "comparison.csv")
        write_text(files / "comparison.md", markdown(comparison, metrics))
        write_page(comparison_page(comparison, metrics, source), files)
        figure = plot_moved(comparison).figure
        latency = latency_of(metrics)
        options = of_comparison(comparison, latency)
        save(figure, files, "comparison")
        if options:
            save(draw_options(options, latency, ""), files, "trade-off")


def _print(comparison: Comparison, metrics: tuple[str, ...], output: ComparisonFormat) -> None:
    from pullsim.study.compare_text import markdown  # noqa: PLC0415

    if output is ComparisonFormat.table:
        terminal.show(_shown(comparison, metrics))
        return
    with terminal.standard_output() as stdout:
        if output is ComparisonFormat.markdown:
            stdout.write(markdown(comparison, metrics))
        elif output is ComparisonFormat.csv:
            from pullsim.results.tables import safe_cells  # noqa: PLC0415

            safe_cells(comparison.table(metrics)).to_csv(stdout, index=False, lineterminator="\n")
        else:
            comparison.table(metrics).to_json(stdout, orient="records", indent=2, double_precision=15)
            stdout.write("\n")


def _shown(comparison: Comparison, metrics: tuple[str, ...]) -> Group:
    from rich.console import Group, RenderableType  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from pullsim.results.fitted_table import FittedTable  # noqa: PLC0415
    from pullsim.results.notes import Notes  # noqa: PLC0415
    from pullsim.study import compare_text  # noqa: PLC0415
    from pullsim.study.cluster_tables import clusters_of_comparison, terminal_parts  # noqa: PLC0415

    heads: list[RenderableType] = [Text(f"a  {comparison.a.name}"), Text(f"b  {comparison.b.name}"), Text()]
    table = FittedTable()
    table.names("")
    for name, rank in (("a", 4), ("b", 3), ("b - a [95 %]", 0)):
        table.figures(name, rank)
    table.words("verdict", rank=2)
    for row in compare_text.rows(comparison, metrics):
        table.add_row(*row)
    parts = [*heads, table, *terminal_parts(clusters_of_comparison(comparison, metrics))]
    sections = {
        "Changed": compare_text.changes(comparison) or ["nothing in the inputs"],
        "Moved": compare_text.moved(comparison),
        "Bytes from": compare_text.sources(comparison),
        "Verdict a": [comparison.a.verdict] if comparison.a.verdict else [],
        "Verdict b": [comparison.b.verdict] if comparison.b.verdict else [],
        "Note": compare_text.notes(comparison, metrics),
    }
    notes = Notes()
    for name, lines in sections.items():
        notes.add_section(name, lines)
    return Group(*parts, Text(), notes)
