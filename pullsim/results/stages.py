"""Seconds by stage, summed over many rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pullsim.stages import STAGES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Key = TypeVar("Key")


def total(rows: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Return the seconds by stage, summed over all rows, in the order of STAGES; stages without any are left out."""
    return totals((None, stages) for stages in rows).get(None, {})


def totals(rows: Iterable[tuple[Key, Mapping[str, float]]]) -> dict[Key, dict[str, float]]:
    """Return the same as `total` for each of the keys that come with the rows."""
    found: dict[Key, dict[str, float]] = {}
    for key, stages in rows:
        seconds = found.get(key)
        if seconds is None:
            seconds = found[key] = dict.fromkeys(STAGES, 0.0)
        for stage, value in stages.items():
            seconds[stage] += value
    return {key: {stage: value for stage, value in seconds.items() if value > 0} for key, seconds in found.items()}
