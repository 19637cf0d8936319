"""The variants that a study runs: all combinations of the values of its knobs, or pairs of values, and named ones."""

from __future__ import annotations

import itertools
import math
import re
from typing import TYPE_CHECKING, Final

from pullsim.errors import InputError, Location, shown
from pullsim.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_RUNS: Final = 100_000  # the most runs of a study without ``force``
MAX_FORCED: Final = 10_000_000  # the most runs with ``force``
_COUNTABLE: Final = 10**15  # runs; a larger number says nothing more, and may have hundreds of digits
_RUN_MEMORY: Final = 12_000  # measured bytes of memory for the metrics of a run
NAME: Final = "name"  # the column of the names of variants
_LONGEST_NAME: Final = 60
_KEY: Final = re.compile(r"(?P<key>(?:[^=\[]|\[[^\]]*\])+)=(?P<values>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Knob:
    """A key of the scenario and the values that it takes, as texts for ``--set``."""

    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """A name for some settings, so that changes of any keys stand side by side."""

    name: str
    changes: tuple[tuple[str, str], ...]  # (key, value); none: the scenario as it is


@dataclass(frozen=True, slots=True)
class Variant:
    """One setting of all knobs. The first one of a named variant is (NAME, its name), which stands for its changes."""

    settings: tuple[tuple[str, str], ...]  # (key, value)
    changes: tuple[tuple[str, str], ...] | None = None  # None: it has no name

    @property
    def applied(self) -> tuple[tuple[str, str], ...]:
        """The keys of the scenario that it sets, with their values."""
        return self.settings if self.changes is None else (*self.changes, *self.settings[1:])

    @property
    def overrides(self) -> list[str]:
        """The setting as values of ``--set``."""
        return [f"{key}={value}" for key, value in self.applied]

    def __str__(self) -> str:
        """``kubelet.maxParallelImagePulls=4, nodes[w].cores=8``; the scenario as it is has no settings.

        A named variant begins with its name alone.
        """
        return ", ".join(value if key == NAME else f"{key}={value}" for key, value in self.settings) or "as it is"


def parse_knob(text: str) -> Knob:
    """Read ``KEY=V1,V2,…``; commas inside brackets, braces and quotes belong to a value. Raises InputError."""
    place = Location(f"--set {text}")
    match = _KEY.fullmatch(text)
    if match is None:
        raise InputError("a knob is KEY=VALUE[,VALUE…]: kubelet.maxParallelImagePulls=1,2,4,unlimited", place)
    values = tuple(value.strip() for value in _split(match["values"]))
    if "" in values:
        raise InputError("there is no value between two commas, or after =", place)
    check_values(values, place)
    return Knob(match["key"].strip(), values)


def parse_named(text: str) -> Named:
    """Read ``NAME:KEY=VALUE,KEY=VALUE,…``; ``NAME:`` is the scenario as it is. Raises InputError."""
    name, colon, changes = text.partition(":")
    if not colon:
        rule = "a variant is NAME:KEY=VALUE[,KEY=VALUE…]: zstd:nodes[gpu].unpack.gzip=450MB/s"
        raise InputError(rule, Location(f"--variant {text}"))
    return named_variant(name.strip(), _split(changes) if changes.strip() else ())


def named_variant(name: str, overrides: Iterable[str]) -> Named:
    """Return a variant of overrides ``KEY=VALUE``. Raises InputError for one that is none, and for a wrong name."""
    place, found = Location(f"--variant {name}"), []
    for each in overrides:
        match = _KEY.fullmatch(each.strip())
        if match is None or not match["values"].strip():
            rule = "is no KEY=VALUE; a value with commas goes in quotes or brackets"
            raise InputError(f"{shown(each.strip())} {rule}", place)
        found.append((match["key"].strip(), match["values"].strip()))
    return checked_name(Named(name, tuple(found)), place)


def checked_name(named: Named, place: Location) -> Named:
    """Return a named variant. Raises InputError for a name that a table cannot show."""
    if not named.name or len(named.name) > _LONGEST_NAME or not named.name.isprintable():
        raise InputError(f"the name {shown(named.name)} of a variant must have 1 to {_LONGEST_NAME} letters", place)
    return named


def name_knob(named: Sequence[Named]) -> Knob:
    """Return the names of variants as a knob. Raises InputError for a name that is given twice."""
    names = tuple(each.name for each in named)
    if twice := [name for name in names if names.count(name) > 1]:
        raise InputError(f"two variants are named {shown(twice[0])}; names must differ")
    return Knob(NAME, names)


def variant(overrides: Iterable[str]) -> Variant:
    """Return the variant that has these overrides, each ``KEY=VALUE``."""
    matches = [_KEY.fullmatch(text) for text in overrides]
    return Variant(tuple((match["key"], match["values"]) for match in matches if match is not None))


def check_values(values: Sequence[str], place: Location) -> None:
    """Raise InputError for a value that is given twice or that is not valid text."""
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise InputError(f"the value {shown(value)} is given twice", place)
        seen.add(value)
        if not value.isprintable() and any("\ud800" <= letter <= "\udfff" for letter in value):
            raise InputError(f"the value {shown(value)} is no text in UTF-8", place)


def count_variants(knobs: Sequence[Knob], *, paired: bool = False) -> int:
    """Return how many variants there are, without making them."""
    sizes = [len(knob.values) for knob in knobs]
    return max(sizes, default=1) if paired else math.prod(sizes)


def check_size(
    variants: int, seeds: int, *, force: bool = False, noun: str = "seed", place: Location | None = None
) -> None:
    """Raise InputError for more runs than MAX_RUNS, or with ``force`` for more than MAX_FORCED.

    ``noun``: what the seeds are called, ``place``: where they are given.
    """
    runs = variants * seeds
    if runs <= MAX_RUNS or (force and runs <= MAX_FORCED):
        return
    if runs > _COUNTABLE:
        most, given = (MAX_FORCED, "also with") if force else (MAX_RUNS, "without")
        raise InputError(f"these are more than {_COUNTABLE:,} runs; {most:,} are the most {given} --force", place)
    what = f"{variants:,} variants"
    if seeds > 1:
        what = f"{variants:,} variant{'s' * (variants > 1)} with {seeds:,} {noun}s are {runs:,} runs"
    if force:
        raise InputError(f"{what}; {MAX_FORCED:,} are the most, also with --force: no memory holds more", place)
    raise InputError(
        f"{what}; {MAX_RUNS:,} are the most without --force: the results of a run take about {_RUN_MEMORY // 1000} kB "
        f"of memory, {runs * _RUN_MEMORY / 1e9:,.1f} GB in all",
        place,
    )


def variants(knobs: Sequence[Knob], *, paired: bool = False, named: Sequence[Named] = ()) -> list[Variant]:
    """Return all combinations of the knobs' values, or with ``paired`` the first values together, the second ones, ….

    Each of them goes with each of the ``named`` ones, if there are any. Raises InputError for knobs given twice and
    pairs of unequal length.
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
        rows = itertools.product(*(knob.values for knob in knobs))
    plain = [tuple(zip(keys, row, strict=True)) for row in rows]
    if not named:
        return [Variant(settings) for settings in plain]
    return [Variant(((NAME, each.name), *settings), each.changes) for each in named for settings in plain]


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
