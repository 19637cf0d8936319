"""Writing a draft as a commented scenario. Values are written by the YAML library, comments are one line of print."""

from __future__ import annotations

import textwrap
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import jinja2

from pullsim.importer.questions import ASKED
from pullsim.printable import printable
from pullsim.scenario.file.yaml_text import yaml_text

if TYPE_CHECKING:
    from pullsim.importer.draft import Draft
    from pullsim.importer.notes import Guess, Notes

_WIDTH: Final = 118
_SHORT: Final = 150  # letters of what to do to know a guess, on standard error
_MOST: Final = 300  # letters of a comment at the end of a line


def scenario_text(draft: Draft) -> str:
    """Return the scenario; the same draft gives the same text."""
    return _template().render(
        head=_head(draft),
        name=f"{draft.question}",
        asked=ASKED[draft.question],
        guesses=[
            {"what": guess.text, "measure": _measure(guess, "the comments of the scenario")}
            for guess in sorted(draft.notes.guesses)
        ],
        images=draft.images,
        registries=draft.registries,
        pools=draft.pools,
        workloads=draft.workloads,
    )


@cache
def _template() -> jinja2.Template:
    """Compile the template: once, as that takes longer than an import."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("pullsim.importer"),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  # it is YAML, and each value goes through a filter
    )
    environment.filters |= {
        "yaml": _flow,
        "yaml_block": _block,
        "comment": _comment,
        "comments": _comments,
        "plain": printable,
    }
    return environment.get_template("scenario.yaml.j2")


def report(notes: Notes, comments: str) -> list[str]:
    """Return the lines for standard error: guesses, files that were not read, warnings, what was left out.

    The scenario's comments, as which ``comments`` names them, have the commands that are too long for a line here.
    """
    lines = []
    for number, guess in enumerate(sorted(notes.guesses), 1):
        lines.append(f"guess {number}: {guess.text}; to know it: {_measure(guess, comments)}")
    lines += [f"not read: {each}" for each in notes.unread]
    lines += [f"warning: {each}" for each in notes.warnings]
    return [*lines, *(f"left out: {each}" for each in notes.left_out_lines())]


def _head(draft: Draft) -> list[str]:
    lines = [
        f"Written by `pullsim init` from {_some(draft.files)}.",
        "",
        f"Question: {draft.question}: {'; '.join(draft.told)}.",
    ]
    lines += [
        "",
        "Behind each figure stands where it is from: read (in which file), preset, catalogue, or default and guess,",
        "which nobody gave. A value that is changed here counts: this file is yours.",
    ]
    if draft.notes.guesses:
        lines += ["", "Guessed, what changes the results most first:"]
        for number, guess in enumerate(sorted(draft.notes.guesses), 1):
            lines += [f"{number}. {guess.text}", f"   to know it: {guess.measure}"]
    if draft.notes.left_out:
        lines += ["", "Left out:", *(f"- {line}" for line in draft.notes.left_out_lines())]
    if draft.notes.warnings or draft.notes.unread:
        lines += [
            "",
            "To know:",
            *(f"- {line}" for line in draft.notes.warnings),
            *(f"- not read: {line}" for line in draft.notes.unread),
        ]
    return lines


def _measure(guess: Guess, comments: str) -> str:
    """Return what to do to know a figure; a long command stands in the comments alone, which are named so."""
    return guess.measure if len(guess.measure) <= _SHORT else f"by the command in {comments}"


def _some(files: list[str]) -> str:
    return ", ".join(files[:8]) + (f" and {len(files) - 8} more files" if len(files) > 8 else "")


def _flow(value: Any) -> str:
    """Write a value in one line."""
    return yaml_text(value, flow=True)


def _block(value: Any, indent: int) -> str:
    """Write a mapping over lines, the first of which is not indented."""
    return yaml_text(value).rstrip("\n").replace("\n", "\n" + " " * indent)


def _comment(text: str) -> str:
    return f"# {printable(text)[:_MOST]}"


def _comments(lines: str | list[str], indent: int = 0) -> str:
    """Write lines as comments, longer ones over several."""
    found: list[str] = []
    for line in [lines] if isinstance(lines, str) else lines:
        text = printable(line)
        if any(len(part) > _SHORT for part in text.split("`")[1::2]):  # a command stays in one line, to be copied
            found.append(text)
            continue
        inner = " " * (len(text) - len(text.lstrip()) + 2)
        found += textwrap.wrap(
            text, _WIDTH - indent, subsequent_indent=inner, break_long_words=False, break_on_hyphens=False
        ) or [""]
    return ("\n" + " " * indent).join(f"# {line}".rstrip() for line in found)
