"""The page of the commands: ``python docs/list_commands.py > docs/commands.md`` writes what they say of themselves."""

from __future__ import annotations

import re
import sys

import typer
from typer.cli import get_docs_for_click
from typer.main import get_command

from pullsim.cli.app import app

_HEAD = "<!-- Generated: python docs/list_commands.py > docs/commands.md -->\n\n"


def commands() -> str:
    """Write the page in Markdown, as ``typer utils docs`` would."""
    group = get_command(app)
    text = get_docs_for_click(
        obj=group, ctx=typer.Context(group, info_name="pullsim"), name="pullsim", title="Commands"
    )
    text = re.sub(r"\*\*Commands\*\*:\n\n(\* .*\n)+\n", "", text)  # their names with half a sentence each
    text = text.replace("```console\n$ ", "```text\n")  # a usage is no command that runs
    text = re.sub(r"^\* `--help`: .*\n", "", text, flags=re.MULTILINE)
    title, rest = text.split("\n\n", 1)
    return f"{title}\n\n{_HEAD}{rest.rstrip()}\n"


if __name__ == "__main__":
    sys.stdout.write(commands())
