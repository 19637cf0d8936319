"""The Typer application and its commands."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperGroup

from pullsim.cli import help_modules
from pullsim.cli.command_line import GIVEN
from pullsim.cli.commands import COMMANDS
from pullsim.printable import printable, shortened
from pullsim.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

_USAGE: Final = 600  # the most characters of a usage error's message
_HELP: Final = ("-h", "--help")
_USAGE_ERROR: Final[Any] = typer.BadParameter.__base__  # the class in the version of click that Typer brings along


class Commands(TyperGroup):
    """The group of commands, each of which is imported when it is asked for.

    It keeps the arguments, and makes errors of usage short and what they quote printable.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{**settings, "commands": {name: each.listed(name) for name, each in COMMANDS.items()}})
        self._load = True

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command, or None if there is none of this name."""
        listed = super().get_command(ctx, cmd_name)
        return COMMANDS[cmd_name].command(cmd_name) if listed is not None and self._load else listed

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help, for which no command is loaded."""
        with self._only_listed():
            super().format_help(ctx, formatter)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Return what completes the name of a command, for which none is loaded."""
        with self._only_listed():
            return super().shell_complete(ctx, incomplete)

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
        if not args or any(each in _HELP for each in args):
            help_modules.load()
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run a command, or raise an error of usage."""
        try:
            return super().invoke(ctx)
        except _USAGE_ERROR as error:
            error.message = shortened(printable(error.message), _USAGE)
            raise

    @contextmanager
    def _only_listed(self) -> Iterator[None]:
        self._load = False
        try:
            yield
        finally:
            self._load = True


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
    context_settings={"help_option_names": [*_HELP]},
)


def _show_version(show: bool) -> None:
    if show:
        from pullsim.compiled import build_text  # noqa: PLC0415  not for every start

        typer.echo(f"pullsim {__version__} ({build_text()})")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Take the options that belong to no command."""
