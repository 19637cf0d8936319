"""The preset: the fitted figures in the form that ``nodes[].preset`` takes, with where they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullsim.printable import printable
from pullsim.study.fit.parameters import ALWAYS, NEVER
from pullsim.study.fit.wording import error_text, interval_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pullsim.study.fit.outcome import Outcome
    from pullsim.study.fit.parameters import Parameter


def preset_text(fit: Outcome) -> str:
    """Write YAML with the keys of a node pool, and those of a registry under ``registry``; only what was fitted."""
    tree: dict[str, Any] = {}
    for each in fit.fitted:
        if each.parameter.written != NEVER:
            _put_all(tree, each.parameter, each.value, interval_text(each))
    for held in fit.held:
        if held.value is not None and held.parameter.written == ALWAYS:
            _put_all(tree, held.parameter, held.value, "held, see above")
    lines = [f"# {printable(line)}".rstrip() for line in _provenance(fit)]
    return "\n".join([*lines, *(_lines(tree, 0) if tree else ("{}",))]) + "\n"


def _provenance(fit: Outcome) -> Iterator[str]:
    yield f"Fitted by pullsim {fit.version} (pullsim fit, seed {fit.seed}) on {fit.source}."
    yield f"Error of the rows that it was fitted on: {error_text(fit.errors)}."
    if fit.held_out_errors.rows:
        yield f"Error of {fit.held_out}: {error_text(fit.held_out_errors)}."
    yield "Comments: 90 % intervals. A registry's figures are for the entry of `registries`."
    for held in fit.held:
        yield f"Not told by these pulls: {held.parameter.name} ({held.why})."


def _put_all(tree: dict[str, Any], parameter: Parameter, value: float, comment: str) -> None:
    _put(tree, parameter.name, f"{parameter.text(value)}  # {comment}")
    for name, ratio in parameter.also:
        _put(tree, name, parameter.text(ratio * value))


def _put(tree: dict[str, Any], path: str, text: str) -> None:
    *sections, key = path.split(".")
    for section in sections:
        tree = tree.setdefault(section, {})
    tree[key] = text


def _lines(tree: dict[str, Any], depth: int) -> Iterator[str]:
    indent = "  " * depth
    for key, value in tree.items():
        if isinstance(value, dict):
            yield f"{indent}{key}:"
            yield from _lines(value, depth + 1)
        else:
            yield f"{indent}{key}: {value}"
