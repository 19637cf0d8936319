"""How the figures of presets vary, as fitted on pulls of real clusters (variation.yaml)."""

from __future__ import annotations

import math
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from pullsim.inputs.document import parse_document

if TYPE_CHECKING:
    from collections.abc import Iterator

_FILE: Final = "variation.yaml"


@cache
def _tree() -> dict[str, Any]:
    tree: dict[str, Any] = parse_document(
        files("pullsim.scenario.presets").joinpath(_FILE).read_text("utf-8"), _FILE
    ).tree
    return tree


def variation_of(name: str | None) -> dict[str, Any]:
    """Return the section ``variation`` of a preset: its own spreads, and those of all presets together for the rest.

    A preset that was not fitted on pulls, or none, has no cluster behind it.
    """
    own = _tree()["presets"].get(name, {"clusters": 0, "rows": 0})
    return {**_tree()["pooled"], **own}


def between_presets() -> dict[str, float]:
    """Return by how much the fitted figures differ from what was known without any pull, as spreads by factor."""
    found: dict[str, float] = _tree()["presetless"]
    return found


def figures(name: str, given: dict[str, Any] | None) -> Iterator[tuple[str, Any, str]]:
    """Yield (dotted key, value, source) of how a preset varies; ``given``: what its file says, if it does."""
    tree = given or variation_of(name)
    source = "the preset's file" if given else str(_tree()["source"])
    clusters = tree.get("clusters")
    told = {"rows": "pulls that the figures are fitted on"}
    if clusters == 0:
        told["clusters"] = "no cluster is behind the figures: drawn wider, by what presets differ from vendors' figures"
    elif clusters is not None:
        wider = math.sqrt(1 + 1 / clusters)
        told["clusters"] = f"clusters behind the figures: spreads between clusters are drawn {wider:.2f} times as wide"
    if not given:
        if "cluster" in _tree()["presets"].get(name, {}):
            told["cluster"] = "of all presets, times as much as its own clusters disagree by more or less than others'"
        tree = {**tree, "correlations": dict.fromkeys(_tree()["told"], 0.0) | tree.get("correlations", {})}
    for section, value in tree.items():
        for key, spread in value.items() if isinstance(value, dict) else (("", value),):
            said = _correlation(key) if section == "correlations" and not given else told.get(section, source)
            yield f"variation.{section}{key and '.'}{key}", spread, said


def _correlation(key: str) -> str:
    """Say what is known of a correlation."""
    found = _tree()["told"][key]
    if not found["presets"]:
        return "not told: pulls of no preset with several clusters are bound by both"
    several = "1 preset tells" if found["presets"] == 1 else f"{found['presets']} presets tell"
    sure = f"{several} {found['correlation']}, to a standard error of {found['error']}"
    carried = key in _tree()["pooled"].get("correlations", {})
    return sure if carried else f"{sure}, which is not sure to differ from 0"
