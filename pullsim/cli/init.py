"""``pullsim init``: a scenario from what people have of a cluster, or a commented template."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  Typer reads the annotations
from typing import Annotated

import typer

from pullsim.cli import terminal
from pullsim.cli.diagnostics import coded_warnings
from pullsim.cli.exit_codes import exit_codes
from pullsim.cli.options import INPUT, OUTPUT, NodesOption, PresetOption, VerboseOption
from pullsim.errors import InputError, Location
from pullsim.importer.draft import Question
from pullsim.inputs import is_file
from pullsim.printable import message


def init(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILES OR DIRS]...",
            help="What there is of the cluster, in any mix: kubectl get nodes, pods, events, deployments, … -A -o json "
            "or yaml, cluster-info dump, manifests, Helm output, kubelet and containerd settings, image files. "
            "- reads standard input. Without any, a template is written.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="Write the scenario there; else to standard output.",
            rich_help_panel=OUTPUT,
            show_default=False,
        ),
    ] = None,
    nodes: NodesOption = None,
    preset: PresetOption = None,
    question: Annotated[
        Question, typer.Option(help="What happens in the scenario.", rich_help_panel=INPUT)
    ] = Question.rollout,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.", rich_help_panel=OUTPUT)] = False,
    verbose: VerboseOption = False,
) -> None:
    """Write a commented scenario of a cluster, from its dumps and settings; without any, a template.

    Everything that is guessed is listed, what changes the results most first, with how to measure it. Of credentials
    only the hosts are read, and nothing of them is written.
    """
    with exit_codes(debug=verbose):
        from pullsim.importer.importing import import_cluster, template  # noqa: PLC0415  pydantic and Jinja2, not for --help
        from pullsim.outputs import write_text  # noqa: PLC0415

        if out is not None and is_file(out) and not force:
            raise InputError("is there already; --force overwrites it", Location(str(out)))
        fleet = None
        if nodes is not None or preset is not None:
            from pullsim.importer.fleet import Fleet  # noqa: PLC0415

            if not files:
                raise InputError("there is no manifest to run on nodes: give one", Location("--nodes"))
            fleet = Fleet(nodes, preset)
        text, told = import_cluster(files, question, fleet) if files else (template(), [])
        if out is None:
            with terminal.standard_output() as stdout:
                stdout.write(text)
        else:
            write_text(out, text)
            told.insert(0, f"{out} is written: `pullsim run {out}`")
        shown = message(coded_warnings(told))
        if shown and shown[-1].startswith("and "):
            shown[-1] += ": the scenario's comments have all of them"
        for line in shown:
            terminal.note(line)
