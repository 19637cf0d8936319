"""``pullsim schema``: the format of scenario files."""

from __future__ import annotations

from pullsim.cli import terminal
from pullsim.cli.exit_codes import exit_codes


def schema() -> None:
    """Print the JSON Schema of scenario files, for editors and checkers."""
    with exit_codes():
        from pullsim.scenario.schema import schema_text  # noqa: PLC0415  pydantic, only when it is wanted

        with terminal.standard_output() as stdout:
            stdout.write(schema_text())
