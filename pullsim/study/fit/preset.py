"""The preset: the fitted figures in the form that ``nodes[].preset`` takes, with where they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pullsim.printable import printable
from pullsim.scenario.presets.variations import variation_of
from pullsim.study.fit.parameters import ALWAYS, NEVER
from pullsim.study.fit.wording import error_text, interval_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pullsim.study.fit.outcome import Outcome
    from pullsim.study.fit.parameters import Parameter
    from pullsim.study.fit.spreads import Spreads

#: How much of a pull's time goes with the speed of unpacking, and with that of unpacking and disk together: medians of
#: real images on all fitted presets (`benchmarks.fidelity.moved_rows`).
OF_UNPACKING: Final = 0.71
OF_BOTH: Final = 0.77


def preset_text(fit: Outcome) -> str:
    """Write YAML with the keys of a node pool, and those of a registry under ``registry``; only what was fitted."""
    tree: dict[str, Any] = {}
    for each in fit.fitted:
        if each.parameter.written != NEVER:
            _put_all(tree, each.parameter, each.value, interval_text(each))
    for held in fit.held:
        if held.value is not None and held.parameter.written == ALWAYS:
            _put_all(tree, held.parameter, held.value, "held, see above")
    if fit.spreads is not None:
        tree["variation"] = _variation(fit.spreads, fit.errors.rows)
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


def _variation(spreads: Spreads, rows: int) -> dict[str, Any]:
    """Return how the nodes vary: by these pulls within the cluster, and by those of all presets between clusters.

    Pull times move by part of what figures do, by as much as those of real images on all fitted presets.
    """
    pooled = variation_of(None)
    node, pull = spreads.node / OF_BOTH, spreads.pull / OF_UNPACKING
    cluster = ", ".join(f"{name}: {spread}" for name, spread in pooled["cluster"].items())
    return {
        "cluster": f"{{{cluster}}}  # of all presets: one cluster does not tell it",
        "node": f"{{disk: {node:.3f}, unpack: {node:.3f}}}",
        "pull": f"{pull:.3f}",
        "unpacked": f"{pooled['unpacked']}  # of all presets, where sizes are guessed",
        "model": f"{pooled['model']}  # of all presets",
        "clusters": "1",
        "rows": str(rows),
    }


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
