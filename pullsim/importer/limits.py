"""The limits that a scenario has for the figures of pools, kept by what files say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from pullsim.inputs.document import Document
from pullsim.inputs.validation import path_text, rule_text
from pullsim.scenario.model.nodes import NodePool
from pullsim.scenario.presets.nodes import expand

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pullsim.importer.notes import Notes
    from pullsim.importer.pools import Pool


def keep_limits(pools: Iterable[Pool], notes: Notes) -> None:
    """Leave out of pools what a scenario refuses, and say it once with the files that have it."""
    for pool in pools:
        for key, below, rule in list(_refused(pool)):
            figure = pool.keys.pop(key, None)
            if figure is None:  # it had several mistakes
                continue
            notes.warn(f"{figure.origin.removeprefix('read: ')}: {path_text((key, *below))} is left out: {rule}")
            if below and isinstance(figure.value, dict) and below[0] in figure.value:
                left = {name: value for name, value in figure.value.items() if name != below[0]}
                if left:
                    pool.keys[key] = replace(figure, value=left)


def _refused(pool: Pool) -> Iterator[tuple[str, tuple[Any, ...], str]]:
    """Yield the key, the place below it and the rule of each value of a pool that a scenario refuses."""
    written = {key: figure.value for key, figure in pool.keys.items()}
    pools = expand(Document("nodes", {"nodes": [written]}), Path()).tree["nodes"]  # with the figures of its preset
    try:
        NodePool.model_validate(pools[0])
    except ValidationError as error:
        for details in error.errors(include_url=False):
            if details["loc"]:
                key, *below = details["loc"]
                yield str(key), tuple(below), rule_text(details)
