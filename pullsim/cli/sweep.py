"""``pullsim sweep``: run a scenario with every combination of the values of some knobs."""

from __future__ import annotations

import math
from pathlib import Path  # noqa: TC003  Typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from pullsim.cli import completers, terminal
from pullsim.cli.exit_codes import exit_codes
from pullsim.cli.options import INPUT, OUTPUT, Format, NodesOption, PresetOption, VerboseOption
from pullsim.cli.scenario_argument import read_scenario
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
)
from pullsim.cli.study_source import study_source
from pullsim.errors import InputError, Location
from pullsim.printable import message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullsim.results.fitted_table import FittedTable
    from pullsim.study.intervals import Interval
    from pullsim.study.variant_runs import Sweep


def sweep(
    scenario: Annotated[
        Path, typer.Argument(metavar="SCENARIO", help="Scenario file, or study file (YAML).", show_default=False)
    ],
    nodes: NodesOption = None,
    preset: PresetOption = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=V1,V2,…",
            autocompletion=completers.keys,
            help="A knob and its values: kubelet.maxParallelImagePulls=1,2,4,unlimited. Repeatable.",
            rich_help_panel=INPUT,
            show_default=False,
        ),
    ] = None,
    variant: Annotated[
        list[str] | None,
        typer.Option(
            "--variant",
            metavar="NAME:KEY=VALUE,…",
            help="Some settings under a name, beside those of other names. Repeatable.",
            rich_help_panel=INPUT,
            show_default=False,
        ),
    ] = None,
    seeds: SeedsOption = None,
    paired: Annotated[
        bool, typer.Option("--paired", help="First values together, then second ones, not all combinations.")
    ] = False,
    processes: ProcessesOption = None,
    dask: DaskOption = None,
    dask_ca: DaskCaOption = None,
    dask_cert: DaskCertOption = None,
    dask_key: DaskKeyOption = None,
    interval: DrawsOption = None,
    force: ForceOption = False,
    metric: MetricOption = None,
    cost: Annotated[
        str | None,
        typer.Option(
            metavar="METRIC",
            help="Draw this against the first metric; by default money, if there are prices.",
            rich_help_panel=OUTPUT,
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write runs.jsonl as runs end, then tables, charts and report.html.",
            rich_help_panel=OUTPUT,
            show_default=False,
        ),
    ] = None,
    resume: ResumeOption = False,
    parquet: Annotated[bool, typer.Option("--parquet", help="Tables as parquet too.", rich_help_panel=OUTPUT)] = False,
    output: Annotated[
        Format,
        typer.Option("--output", "-o", help="Print a table, or one row a run as CSV or JSON.", rich_help_panel=OUTPUT),
    ] = Format.table,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
) -> None:
    """Run every variant of a scenario with the same seeds, and tabulate what they came to."""
    with exit_codes(debug=verbose):
        if interval is not None and output is not Format.table and out is None:
            raise InputError("goes with the output table or with --out: other rows are of runs", Location("--interval"))
        kept = kept_runs(out, resume=resume)
        from pullsim.results.metrics import DEFAULT, check  # noqa: PLC0415
        from pullsim.study.design import check_size, count_variants, name_knob, parse_knob, parse_named, variants  # noqa: PLC0415
        from pullsim.study.study_file import is_study, read_study  # noqa: PLC0415
        from pullsim.study.sweep import check_metrics, run_sweep  # noqa: PLC0415
        from pullsim.study.trade_off import COST, latency_of, money_of  # noqa: PLC0415

        knobs = {knob.key: knob for knob in map(parse_knob, set_ or ())}
        if len(knobs) < len(set_ or ()):
            raise InputError("a knob is given twice; write all its values at once", Location("--set"))
        named = [parse_named(text) for text in variant or ()]
        wanted: int | Sequence[int] = seeds or 1
        default: tuple[str, ...] = DEFAULT
        given = read_scenario(scenario, nodes, preset, quiet=quiet)
        if is_study(given.document):
            study = read_study(scenario, given.document)
            given = read_scenario(study.scenario)
            knobs = {knob.key: knob for knob in study.knobs} | knobs
            named = [*study.named, *named]
            paired = paired or study.paired
            wanted = seeds or study.seeds
            default = tuple(check(name) for name in study.metrics) or default
        metrics = checked_metrics(metric, default)
        if cost is not None:
            check(cost, Location("--cost"))
        count = wanted if isinstance(wanted, int) else len(wanted)
        names = name_knob(named)
        check_size(count_variants(list(knobs.values()), paired=paired) * max(len(named), 1), count, force=force)
        loaded = given.load()
        made = variants(list(knobs.values()), paired=paired, named=named)
        asked = {*metrics, *([] if cost is None else [cost])}
        check_metrics(loaded, made, dict.fromkeys(asked, Location("--metric")))
        with study_progress(quiet=quiet, kept=kept) as progress:
            result = run_sweep(
                loaded,
                [*([names] if named else []), *knobs.values()],
                made,
                seeds=wanted,
                processes=processes,
                dask=dask,
                dask_tls=dask_tls(dask_ca, dask_cert, dask_key),
                out=out,
                resume=resume,
                force=force,
                progress=progress,
                announce=None if quiet else terminal.note,
                metrics=asked,
                interval=interval,
            )
        latency = metrics[0]
        money = money_of(outcome.metrics for outcome in result.outcomes.values())
        if money and metrics == DEFAULT:
            metrics += money
        if money and cost is None:
            cost, latency = COST, latency_of(metrics)
        if out is not None and result.outcomes and not result.interrupted:
            from pullsim.study.files import write  # noqa: PLC0415

            source = study_source(loaded, force=force)
            write(result, metrics, out, parquet=parquet, cost=cost, latency=latency, source=source)
            if not quiet:
                terminal.note(f"files are in {out}")
        if result.outcomes:
            _print(result, metrics, output, quiet=quiet)
        for line in [] if quiet else message(_failed(result)):
            terminal.note(line)
        result.check_complete()


def _print(result: Sweep, metrics: tuple[str, ...], output: Format, *, quiet: bool) -> None:
    if output is Format.table:
        from rich.console import Group  # noqa: PLC0415

        from pullsim.study.cluster_tables import clusters_of_sweep, terminal_parts  # noqa: PLC0415

        terminal.show(Group(_table(result, metrics), *terminal_parts(clusters_of_sweep(result, metrics))))
        if not quiet:
            _note(result, metrics)
        return
    with terminal.standard_output() as stdout:
        frame = result.runs()
        if output is Format.csv:
            from pullsim.results.tables import safe_cells  # noqa: PLC0415

            safe_cells(frame).to_csv(stdout, index=False, lineterminator="\n")
        else:
            frame.to_json(stdout, orient="records", indent=2, double_precision=15)
            stdout.write("\n")


def _note(result: Sweep, metrics: tuple[str, ...]) -> None:
    """Print what a reader must know of the figures: knobs that move none of them, pods that never started."""
    from rich.console import Group  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from pullsim.results.prose import Prose  # noqa: PLC0415
    from pullsim.study.ending import notes  # noqa: PLC0415

    if found := message(notes(result, metrics)):
        terminal.show(Group(Text(), *map(Prose, found)))


def _table(result: Sweep, metrics: tuple[str, ...]) -> FittedTable:
    from pullsim.results.fitted_table import FittedTable  # noqa: PLC0415

    rows = [
        [*(value for _, value in variant.settings), *(_cell(name, result.interval(position, name)) for name in metrics)]
        for position, variant in enumerate(result.variants)
    ]
    knobs = [knob.key.rpartition(".")[2] for knob in result.knobs]
    names = [name.removeprefix("pods.") for name in metrics]
    table = FittedTable()
    for knob in knobs:
        table.names(knob)
    for name in names:
        table.figures(name)
    for row in rows:
        table.add_row(*row)
    return table


def _cell(name: str, interval: Interval) -> str:
    """Write a figure with its interval: ``13.7 s ±0.2 s``, or ``13.7 s [13.5 s, never]`` where it need not be amid it.

    A mean is about amid its interval, but a percentile may be at an end of it.
    """
    from pullsim.results.metrics import text  # noqa: PLC0415
    from pullsim.results.waits import pod_percentile  # noqa: PLC0415

    mean, low, high, _ = interval
    if low is None or high is None or low == high:
        return text(name, mean)
    if math.isinf(high) or math.isinf(low) or pod_percentile(name) is not None:
        ends = [text(name, low), text(name, high)]
        return text(name, mean) + (f" [{', '.join(ends)}]" if {*ends} != {text(name, mean)} else "")
    return f"{text(name, mean)} ±{text(name, (high - low) / 2)}"


def _failed(result: Sweep) -> list[str]:
    """Return one line for each variant that failed."""
    first: dict[str, str] = {}
    for failure in result.failures:
        first.setdefault(str(failure.variant), failure.error)
    return [f"failed: {variant}: {error}" for variant, error in first.items()]
