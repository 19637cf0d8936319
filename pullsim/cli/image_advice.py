"""``pullsim image-advice``: what could be built otherwise in images so that pods start earlier, by trying each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path  # noqa: TC003  Typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from pullsim.cli import completers, terminal
from pullsim.cli.advise import AdviceFormat
from pullsim.cli.exit_codes import exit_codes
from pullsim.cli.image_arguments import nodes_of, options_of, with_registries
from pullsim.cli.options import INPUT, OUTPUT, PresetOption, SetOption, VerboseOption
from pullsim.cli.study_options import (
    RUNS,
    DaskCaOption,
    DaskCertOption,
    DaskKeyOption,
    DaskOption,
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
from pullsim.printable import json_text
from pullsim.staging import staged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Group

    from pullsim.study.image_advice.image_advice import ImageAdvice
    from pullsim.study.pages.parts import Source

_PAIRS: Final = 12  # of images whose shared layers are shown in the terminal


def image_advice(
    images: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGE…",
            autocompletion=completers.images,
            help="Files or directories with manifests (crane, skopeo, docker, OCI layouts), or names of images in a "
            "catalogue or in the scenario.",
            show_default=False,
        ),
    ],
    scenario: Annotated[
        Path | None,
        typer.Option(
            "--scenario",
            metavar="FILE",
            help="The nodes and registries; its own pods are measured if they pull all of the images.",
            rich_help_panel=INPUT,
            show_default=False,
        ),
    ] = None,
    nodes: Annotated[
        int | None,
        typer.Option(
            "--nodes",
            metavar="N",
            min=1,
            help="How many nodes; by default 3.",
            rich_help_panel=INPUT,
            show_default=False,
        ),
    ] = None,
    preset: PresetOption = None,
    set_: SetOption = None,
    base: Annotated[
        str | None,
        typer.Option(
            "--base",
            metavar="IMAGE",
            help="An image that all could stand on; by default the largest bottom layer of several images.",
            rich_help_panel=INPUT,
            show_default=False,
        ),
    ] = None,
    zstd: Annotated[
        list[str] | None,
        typer.Option(
            "--zstd",
            metavar="LEVEL=RATIO",
            help="Bytes of a zstd layer for each byte with gzip; by default 3=0.97, 9=0.88, 19=0.79. Repeatable.",
            rich_help_panel=INPUT,
            show_default=False,
        ),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(
            "--weights",
            metavar="SIZE",
            help="Layers of at least this size do not compress, as weights of models do not: 2GB.",
            rich_help_panel=INPUT,
            show_default=False,
        ),
    ] = None,
    unpack_ratio: Annotated[
        float | None,
        typer.Option(
            "--unpack-ratio",
            metavar="RATIO",
            help="Unpacked bytes for each compressed byte, where nothing says it; by default 2.6.",
            rich_help_panel=INPUT,
            show_default=False,
        ),
    ] = None,
    seeds: Annotated[
        int, typer.Option("--seeds", min=1, help="Runs a change, each with another seed.", rich_help_panel=RUNS)
    ] = 3,
    max_runs: Annotated[int, typer.Option("--max-runs", min=2, help="Most runs in all.", rich_help_panel=RUNS)] = 200,
    processes: ProcessesOption = None,
    dask: DaskOption = None,
    dask_ca: DaskCaOption = None,
    dask_cert: DaskCertOption = None,
    dask_key: DaskKeyOption = None,
    force: ForceOption = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Keep the runs there as they end, and write image-advice.csv, .json and .md, shared.csv and "
            "report.html.",
            rich_help_panel=OUTPUT,
            show_default=False,
        ),
    ] = None,
    resume: ResumeOption = False,
    output: Annotated[
        AdviceFormat, typer.Option("--output", "-o", help="Print it so.", rich_help_panel=OUTPUT)
    ] = AdviceFormat.table,
    json_: Annotated[bool, typer.Option("--json", help="The same as -o json.", rich_help_panel=OUTPUT)] = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
) -> None:
    """Try what could be built otherwise in images - zstd, other layers, a shared base - and rank it by seconds gained.

    Several images also get a table of the layers that they share.
    """
    with exit_codes(debug=verbose):
        from pullsim.study.image_advice.advise import try_images  # noqa: PLC0415
        from pullsim.study.image_advice.chosen import chosen_images  # noqa: PLC0415

        kept = kept_runs(out, resume=resume)
        warn_of_kept(out, resume=resume, quiet=quiet)
        where = nodes_of(scenario, nodes, preset, _overrides(set_, unpack_ratio), quiet=quiet)
        chosen = chosen_images(images, where)
        options = options_of(base, zstd, weights, where)
        if scenario is None:
            where, assumed = with_registries(where, chosen, set_ or ())
            options = replace(options, registries=assumed)
        with study_progress(quiet=quiet, kept=kept) as progress:
            found = try_images(
                where,
                chosen,
                options,
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
            )
        if out is not None and not found.interrupted:
            _write(found, out, study_source(where, force=force))
            if not quiet:
                terminal.note(f"files are in {out}")
        _print(found, AdviceFormat.json if json_ else output)
        if found.advice.stopped is not None:
            raise InputError(found.advice.stopped)
        if found.interrupted:
            raise KeyboardInterrupt


def _overrides(texts: Sequence[str] | None, unpack_ratio: float | None) -> list[str]:
    return [*(texts or ()), *([] if unpack_ratio is None else [f"images.unpackRatio={unpack_ratio}"])]


def _write(found: ImageAdvice, out: Path, source: Source) -> None:
    from pullsim.study.files import write_csv, write_page  # noqa: PLC0415
    from pullsim.study.image_advice import text  # noqa: PLC0415
    from pullsim.study.image_advice.document import document  # noqa: PLC0415
    from pullsim.study.pages.image_advice_page import image_advice_page  # noqa: PLC0415

    with staged(out) as files:
        write_csv(found.table(), files / "image-advice.csv")
        write_csv(found.shared_table(), files / "shared.csv")
        write_text(files / "image-advice.json", json_text(document(found), indent=2) + "\n")
        write_text(files / "image-advice.md", text.markdown(found))
        write_page(image_advice_page(found, source), files)


def _print(found: ImageAdvice, output: AdviceFormat) -> None:
    from pullsim.study.image_advice import text  # noqa: PLC0415
    from pullsim.study.image_advice.document import document  # noqa: PLC0415

    if output is AdviceFormat.table:
        terminal.show(_shown(found))
        return
    with terminal.standard_output() as stdout:
        if output is AdviceFormat.markdown:
            stdout.write(text.markdown(found))
        elif output is AdviceFormat.csv:
            from pullsim.results.tables import safe_cells  # noqa: PLC0415

            safe_cells(found.table()).to_csv(stdout, index=False, lineterminator="\n")
        else:
            stdout.write(json_text(document(found), indent=2) + "\n")


def _shown(found: ImageAdvice) -> Group:
    from rich.console import Group  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from pullsim.results.fitted_table import FittedTable  # noqa: PLC0415
    from pullsim.results.notes import Notes  # noqa: PLC0415
    from pullsim.results.prose import Prose  # noqa: PLC0415
    from pullsim.study.image_advice import text  # noqa: PLC0415

    table = FittedTable()
    table.words("")
    for heading in text.COLUMNS:
        table.figures(heading)
    for name, cells, doubt in text.rows(found):
        table.add_row(name + (f"\n{doubt}" if doubt else ""), *(Text("\n".join(filter(None, cell))) for cell in cells))
    notes = Notes()
    for label, note in text.notes(found).items():
        notes.add(label, note)
    parts: list[Any] = [Prose(text.heading(found)), Text(), table, Text(), Prose(text.best(found), "bold")]
    parts += (Prose(f"{number}. {row.change.sentence}") for number, row in enumerate(found.best, 1))
    return Group(*parts, notes, *_shared(found), Text())


def _shared(found: ImageAdvice) -> list[Any]:
    """Return the table of what images share, with the pairs that share most."""
    from rich.text import Text  # noqa: PLC0415

    from pullsim.results.fitted_table import FittedTable  # noqa: PLC0415
    from pullsim.results.prose import Prose  # noqa: PLC0415
    from pullsim.study.image_advice import text  # noqa: PLC0415

    pairs = text.shared_rows(found)
    if not pairs:
        return [Prose(text.nothing_shared(found))]
    table = FittedTable()
    for place, heading in enumerate(text.SHARED_COLUMNS):
        (table.names if place < 2 else table.figures)(heading)
    for row in pairs[:_PAIRS]:
        table.add_row(*row)
    more = f"{len(pairs) - _PAIRS:,} pairs more, which share less, are in -o json." if len(pairs) > _PAIRS else ""
    return [Text(), Prose("What a node saves that has one image and pulls the other:"), table, Prose(more)]
