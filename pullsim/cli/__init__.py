"""The command line: ``pullsim``, or ``python -m pullsim``. Each command imports what it needs when it runs."""

from __future__ import annotations

import os


def main() -> None:
    """Run the command line and exit with its code."""
    # numpy's linear algebra, which nothing here uses, starts a busily waiting thread for each core: 0.1 s of CPU time.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from pullsim.cli import signals, terminal  # noqa: PLC0415  importing pullsim.cli must not load Typer
    from pullsim.cli.app import app  # noqa: PLC0415

    terminal.tolerate_encoding()
    signals.unwind()
    try:
        app()
    finally:
        terminal.flush()
