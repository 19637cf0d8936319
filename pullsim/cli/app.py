"""The Typer application and its commands."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from pullsim.cli.advise import advise
from pullsim.cli.catalogs import catalogs
from pullsim.cli.ci import ci
from pullsim.cli.command_line import GIVEN
from pullsim.cli.compare import compare
from pullsim.cli.completion import completion
from pullsim.cli.describe import describe
from pullsim.cli.explain import explain
from pullsim.cli.explain_credentials import explain_credentials
from pullsim.cli.fit import fit
from pullsim.cli.image import image
from pullsim.cli.image_advice import image_advice
from pullsim.cli.init import init
from pullsim.cli.list_diagnostics import diagnostics
from pullsim.cli.list_metrics import metrics
from pullsim.cli.presets import presets
from pullsim.cli.run import run
from pullsim.cli.schema import schema
from pullsim.cli.solve import solve
from pullsim.cli.sweep import sweep
from pullsim.cli.validate import validate
from pullsim.printable import printable, shortened
from pullsim.version import __version__

SIMULATE = "Simulate"
STUDY = "Study"
INFORM = "Inform"

_USAGE: Final = 600  # the most characters of a usage error's message
_USAGE_ERROR: Final[Any] = typer.BadParameter.__base__  # the class in the version of click that Typer brings along


class Commands(TyperGroup):
    """The group of commands. It keeps the arguments, and makes errors of usage short and what they quote printable."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Hide Typer's options for completion, which work: `pullsim completion` is what users of kubectl look for."""
        found: list[Any] = [*super().get_params(ctx)]
        for each in found:
            if each.name in ("install_completion", "show_completion"):
                each.hidden = True
        return found

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Keep the arguments as they were given, and parse them."""
        GIVEN.set(tuple(args))
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run a command, or raise an error of usage."""
        try:
            return super().invoke(ctx)
        except _USAGE_ERROR as error:
            error.message = shortened(printable(error.message), _USAGE)
            raise


app = typer.Typer(
    cls=Commands,
    name="pullsim",
    help="Simulate how Kubernetes nodes pull images: how long pods wait, why, and which knob to turn.",
    epilog=(
        "Exit codes: 0 done, 1 an assertion failed, 2 wrong input, 130 interrupted, 143 ended by SIGTERM, "
        "70 a bug of pullsim."
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(show: bool) -> None:
    if show:
        typer.echo(f"pullsim {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Take the options that belong to no command."""


app.command(rich_help_panel=SIMULATE)(init)
app.command(rich_help_panel=SIMULATE)(run)
app.command(rich_help_panel=SIMULATE)(describe)
app.command(rich_help_panel=SIMULATE)(explain)
app.command(rich_help_panel=SIMULATE)(validate)
app.command(rich_help_panel=STUDY)(fit)
app.command(rich_help_panel=STUDY)(sweep)
app.command(rich_help_panel=STUDY)(compare)
app.command(rich_help_panel=STUDY)(advise)
app.command(rich_help_panel=STUDY)(image_advice)
app.command(rich_help_panel=STUDY)(solve)
app.command(rich_help_panel=STUDY)(ci)
app.command(rich_help_panel=INFORM)(metrics)
app.command(rich_help_panel=INFORM)(schema)
app.command(rich_help_panel=INFORM)(catalogs)
app.command(rich_help_panel=INFORM)(diagnostics)
app.command(rich_help_panel=INFORM)(explain_credentials)
app.command(rich_help_panel=INFORM)(image)
app.command(rich_help_panel=INFORM)(presets)
app.command(rich_help_panel=INFORM)(completion)
