"""The command line: ``pullsim``, or ``python -m pullsim``. Each command imports what it needs when it runs."""

from __future__ import annotations

import os
from typing import Final

# A process of the standard library would complain of what the processes of a study leave when a signal ends them.
_QUIET: Final = "ignore::UserWarning:multiprocessing.resource_tracker"


def main() -> None:
    """Run the command line and exit with its code."""
    from pullsim import garbage  # noqa: PLC0415  importing pullsim.cli must not load what they need

    garbage.of_command()
    from pullsim.cli import signals, terminal  # noqa: PLC0415

    with signals.handled():
        # numpy's linear algebra, which nothing here uses, starts a busily waiting thread for each core: 0.1 s of CPU.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        # pydantic would look for plugins, which have nothing to do here, in the files of all that is installed.
        os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
        os.environ["PYTHONWARNINGS"] = ",".join(dict.fromkeys([*_warnings(), _QUIET]))
        try:
            terminal.tolerate_encoding()
            from pullsim.cli.app import app  # noqa: PLC0415  nor Typer

            app()
        except (KeyboardInterrupt, signals.OutOfTime):  # while the application itself was loaded
            signals.leave(signals.exit_code())
        except SystemExit as end:
            if signals.came():
                signals.leave(end.code if isinstance(end.code, int) else 0)
            raise
        finally:
            terminal.flush()


def _warnings() -> list[str]:
    return [each for each in os.environ.get("PYTHONWARNINGS", "").split(",") if each]
