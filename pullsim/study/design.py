"""Which variants of a scenario a study runs: knobs with values, all combinations or pairs of them."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pullsim.errors import InputError, Location

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_VARIANTS: Final = 100_000
_KEY: Final = re.compile(r"(?P<key>(?:[^=\[]|\[[^\]]*\])+)=(?P<values>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Knob:
    """A key of the scenario and the values that it takes, as texts for ``--set``."""

    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Variant:
    """One setting of all knobs."""

    settings: tuple[tuple[str, str], ...]  # (key, value)

    @property
    def overrides(self) -> list[str]:
        """What ``--set`` would get."""
        return [f"{key}={value}" for key, value in self.settings]

    def __str__(self) -> str:
        """``kubelet.maxParallelImagePulls=4, nodes[w].cores=8``; the scenario as it is has no settings."""
        return ", ".join(self.overrides) or "as it is"


def parse_knob(text: str) -> Knob:
    """Read ``KEY=V1,V2,…``; commas inside brackets, braces and quotes belong to a value. Raises InputError."""
    place = Location(f"--set {text}")
    match = _KEY.fullmatch(text)
    if match is None:
        raise InputError("a knob is KEY=VALUE[,VALUE…]: kubelet.maxParallelImagePulls=1,2,4,unlimited", place)
    values = tuple(value.strip() for value in _split(match["values"]))
    if "" in values:
        raise InputError("there is no value between two commas, or after =", place)
    if twice := [value for value in values if values.count(value) > 1]:
        raise InputError(f"the value {twice[0]} is given twice", place)
    return Knob(match["key"].strip(), values)


def variants(knobs: Sequence[Knob], *, paired: bool = False) -> list[Variant]:
    """Return all combinations of the knobs' values, the last knob's fastest; ``paired``: first with first and so on.

    Raises InputError for knobs given twice, pairs of unequal length, and more than MAX_VARIANTS combinations.
    """
    keys = [knob.key for knob in knobs]
    if twice := [key for key in keys if keys.count(key) > 1]:
        raise InputError(f"the knob {twice[0]} is given twice; write all its values at once, separated by commas")
    if paired:
        longest = max((len(knob.values) for knob in knobs), default=1)
        for knob in knobs:
            if len(knob.values) not in (1, longest):
                raise InputError(
                    f"{knob.key} has {len(knob.values)} values and another knob {longest}: paired knobs have equally "
                    "many (or one, which stays)"
                )
        columns = [knob.values * (longest if len(knob.values) == 1 else 1) for knob in knobs]
        rows: Iterable[tuple[str, ...]] = zip(*columns, strict=True) if columns else [()]
    else:
        count = 1
        for knob in knobs:
            count *= len(knob.values)
        if count > MAX_VARIANTS:
            raise InputError(f"the knobs make {count:,} combinations; {MAX_VARIANTS:,} are the most")
        rows = itertools.product(*(knob.values for knob in knobs))
    return [Variant(tuple(zip(keys, row, strict=True))) for row in rows]


def _split(text: str) -> list[str]:
    """Split at the commas outside of brackets, braces and quotes."""
    parts, depth, quote = [""], 0, ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter in "[{":
            depth += 1
        elif letter in "]}":
            depth -= 1
        elif letter == "," and depth == 0:
            parts.append("")
            continue
        parts[-1] += letter
    return parts
