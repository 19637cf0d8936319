"""Arguments and options that several commands have."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pullsim.cli import completers

INPUT = "Input"
OUTPUT = "Output"


class Format(StrEnum):
    """What standard output gets."""

    table = "table"
    json = "json"
    csv = "csv"


class Detail(StrEnum):
    """Which records a run keeps."""

    pods = "pods"
    pulls = "pulls"
    layers = "layers"
    none = "none"


ScenarioArgument = Annotated[
    Path,
    typer.Argument(
        metavar="SCENARIO",
        help="Scenario file (YAML), or a manifest with --nodes; - is standard input.",
        show_default=False,
    ),
]
ChartFormatsOption = Annotated[
    str | None,
    typer.Option(
        "--chart-formats",
        metavar="FORMATS",
        help="What charts are drawn as: png (the default), svg, pdf. Several are joined by commas.",
        rich_help_panel=OUTPUT,
        show_default=False,
    ),
]
TableFormatsOption = Annotated[
    str | None,
    typer.Option(
        "--table-formats",
        metavar="FORMATS",
        help="What tables are written as: csv (the default), parquet. Both are joined by a comma.",
        rich_help_panel=OUTPUT,
        show_default=False,
    ),
]
NodesOption = Annotated[
    int | None,
    typer.Option(
        "--nodes",
        metavar="N",
        min=1,
        help="Run a manifest, whatever has pods, on so many nodes; by default 3 with --preset.",
        rich_help_panel=INPUT,
        show_default=False,
    ),
]
PresetOption = Annotated[
    str | None,
    typer.Option(
        "--preset",
        metavar="NAME",
        autocompletion=completers.presets,
        help="What these nodes are, of `pullsim presets`; by default aws/m6i.xlarge-gp3.",
        rich_help_panel=INPUT,
        show_default=False,
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        autocompletion=completers.keys,
        help="Change a key: nodes\\[workers].nic=25Gbit/s, kubelet.maxParallelImagePulls=8. Repeatable.",
        rich_help_panel=INPUT,
        show_default=False,
    ),
]
SeedOption = Annotated[
    int | None,
    typer.Option("--seed", help="Seed, instead of the scenario's.", min=0, rich_help_panel=INPUT, show_default=False),
]
ForceOption = Annotated[
    bool,
    typer.Option(
        "--force", help="Run what would not fit into memory, or take more than a day, too.", rich_help_panel=INPUT
    ),
]
VerboseOption = Annotated[
    bool,
    typer.Option("--verbose", "-v", help="Say more; show tracebacks of bugs.", rich_help_panel=OUTPUT),
]
IntervalOption = Annotated[
    int | None,
    typer.Option(
        "--interval",
        metavar="DRAWS",
        min=10,
        help="Also run so many draws of how clusters, nodes and pulls vary, 40 for instance, and give the key figures "
        "with intervals of 50 and 90 %.",
        rich_help_panel=OUTPUT,
        show_default=False,
    ),
]
