"""``pullsim completion``: the script that lets a shell complete command lines of pullsim."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import Annotated

import typer


class Shell(StrEnum):
    """A shell that can complete."""

    bash = "bash"
    zsh = "zsh"
    fish = "fish"
    powershell = "powershell"


def completion(
    ctx: typer.Context, shell: Annotated[Shell, typer.Argument(help="Your shell.", show_default=False)]
) -> None:
    """Print the script that completes commands, options, metrics, keys and presets: source <(pullsim completion bash).

    For good: pullsim completion bash > ~/.local/share/bash-completion/completions/pullsim, for zsh and fish a file that
    your shell reads, or pullsim --install-completion.
    """
    os.environ["_PULLSIM_COMPLETE"] = f"source_{shell.value}"
    try:
        ctx.find_root().command.main([], prog_name="pullsim")
    finally:
        del os.environ["_PULLSIM_COMPLETE"]
