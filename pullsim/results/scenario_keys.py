"""The keys of a scenario file as Markdown, from the typed scenario itself: type, default and meaning of each."""

from __future__ import annotations

import re
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter

from pullsim.scenario import Scenario
from pullsim.scenario.model import quantities as quantity
from pullsim.scenario.model.deprecation import Deprecated
from pullsim.scenario.model.hardware import Short
from pullsim.scenario.model.images import Chunked
from pullsim.scenario.model.nodes import KubeletSource
from pullsim.scenario.model.placement import Allocatable, Labels, PodField, PodFields, Requests
from pullsim.scenario.model.prices import HourPrices
from pullsim.scenario.model.pull_policies import RegistryLimits
from pullsim.scenario.model.quantities import Section
from pullsim.scenario.model.scenario import AlwaysPullImages
from pullsim.scenario.model.workloads import Share
from pullsim.units import duration_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

#: How the reference names the types of `pullsim.scenario`; quantities have links to the table of units.
_NAMES: Final[tuple[tuple[Any, str], ...]] = (
    (quantity.Size, "[size](#units)"),
    (quantity.Rate, "[rate](#units)"),
    (quantity.OptionalRate, "[rate](#units) or `unlimited`"),
    (quantity.Duration, "[duration](#units)"),
    (quantity.Frequency, "[frequency](#units)"),
    (quantity.Portion, "[size](#units) or percentage"),
    (quantity.Price, "[price](#units)"),
    (quantity.WrittenRelease, "version"),
    (quantity.PlatformName, "platform"),
    (quantity.DnsName, "name"),
    (quantity.Count, "whole number"),
    (Share, "number or percentage"),
    (RegistryLimits, "whole number ≥ 1, or one by registry"),
    (Chunked, "`true` or sizes by name"),
    (AlwaysPullImages, "`true`, `false` or `validate`"),
    (KubeletSource, "mapping or path"),
    (Requests, "[amounts](#units)"),
    (Allocatable, "[amounts](#units) or `unlimited`"),
    (Labels, "labels"),
    (HourPrices, "number, or numbers by name"),
    (PodField, "as in a Pod"),
    (PodFields, "as in a Pod"),
    (str, "text"),
    (bool, "`true` or `false`"),
    (int, "whole number"),
    (float, "number"),
    (Any, "anything"),
)
_SECTION: Final = "section"
_BOUNDS: Final = (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<"))
_WIDE: Final = 10**5  # larger bounds only avoid overflows, and are not shown


def key_tables(names: tuple[str, ...]) -> Iterator[str]:
    """Yield the tables of these keys of a scenario and of all sections below them, outer ones first."""
    fields = Scenario.model_fields_by_key()
    hints = _hints(Scenario)
    plain = {name: fields[name] for name in names if _section(hints[name]) is None}
    if plain:
        yield _table(plain, hints, {})
    for name in names:
        section = _section(hints[name])
        if section is not None:
            yield from _section_tables(section, name + _suffix(hints[name]), {})


def anchor(heading: str) -> str:
    """Return the anchor that viewers of Markdown make of a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def plain_text(text: str | None) -> str:
    """Return the text as one line for a cell of a Markdown table, with everything outside of code escaped."""
    parts = " ".join((text or "").split()).split("`")
    parts[::2] = [re.sub(r"([|<*\[])", r"\\\1", part) for part in parts[::2]]
    return "`".join(parts)


def _section_tables(section: type[Section], path: str, places: dict[type[Section], str]) -> Iterator[str]:
    """Yield the table of a section, then the tables of the sections in it.

    A section that occurs several times has its table at the path where it occurs first, which ``places`` holds.
    """
    fields, hints = section.model_fields_by_key(), _hints(section)
    for key, hint in hints.items():
        below = _section(hint)
        if below is not None:
            places.setdefault(below, f"{path}.{key}{_suffix(hint)}")
    text = plain_text(section.__doc__)
    if issubclass(section, Short):
        text += f" May be written as its `{next(iter(fields))}` alone."
    yield f"### `{path}`\n\n{text}\n\n{_table(fields, hints, places)}"
    for key, hint in hints.items():
        below, here = _section(hint), f"{path}.{key}{_suffix(hint)}"
        if below is not None and places[below] == here:
            yield from _section_tables(below, here, places)


def _table(fields: dict[str, FieldInfo], hints: dict[str, Any], places: dict[type[Section], str]) -> str:
    rows = ["| key | type | default | meaning |", "|---|---|---|---|"]
    for key, field in fields.items():
        hint = hints[key]
        kind, below = _type(hint, field), _section(hint)
        if below is not None:
            kind = kind.replace(_SECTION, f"[{_SECTION}](#{anchor(places[below])})")
        gone = next((f" **{each.text}**" for each in field.metadata if isinstance(each, Deprecated)), "")
        rows.append(f"| `{key}` | {kind} | {_default(hint, field)} | {plain_text(field.description)}{gone} |")
    return "\n".join(rows)


def _hints(section: type[Section]) -> dict[str, Any]:
    """Return the annotated types of a section's keys."""
    hints = get_type_hints(section, include_extras=True)
    return {field.alias or name: hints[name] for name, field in section.model_fields.items()}


def _bare(hint: Any) -> Any:
    """Return a type without None, and without its annotations unless it is one of the named types."""
    if any(hint == known for known, _ in _NAMES):
        return hint
    origin = get_origin(hint)
    if origin is Annotated:
        return next((known for known, _ in _NAMES if _narrows(hint, known)), None) or _bare(get_args(hint)[0])
    if origin in (Union, UnionType):
        choices = [choice for choice in get_args(hint) if choice is not NoneType]
        return _bare(choices[0]) if len(choices) == 1 else hint
    return hint


def _narrows(hint: Any, known: Any) -> bool:
    """Whether an annotated type is a named one with further bounds: Python flattens nested annotations."""
    if get_origin(known) is not Annotated or get_args(hint)[0] != get_args(known)[0]:
        return False
    return bool(hint.__metadata__[: len(known.__metadata__)] == known.__metadata__)


def _section(hint: Any) -> type[Section] | None:
    """Return the section that a key has as its value, or in a list or mapping; None: it has no section."""
    bare = _bare(hint)
    if get_origin(bare) in (list, dict):
        bare = _bare(get_args(bare)[-1])
    return bare if isinstance(bare, type) and issubclass(bare, Section) else None


def _suffix(hint: Any) -> str:
    """Return the brackets with which a path names an entry of a key: by index or by name."""
    origin = get_origin(_bare(hint))
    return "[]" if origin is list else ".NAME" if origin is dict else ""


def _type(hint: Any, field: FieldInfo | None = None) -> str:
    bare = _bare(hint)
    origin = get_origin(bare)
    if origin is Literal:
        return " or ".join(f"`{'true' if value is True else value}`" for value in get_args(bare))
    if origin is list:
        return f"list of {_type(get_args(bare)[0])}"
    if origin is dict:
        return f"mapping of {_type(get_args(bare)[1])}"
    if isinstance(bare, type) and issubclass(bare, Section):
        return _SECTION
    name = next(name for known, name in _NAMES if bare == known)
    bounds = _bounds(hint, field)
    return f"{name} {bounds}" if bounds else name


def _bounds(hint: Any, field: FieldInfo | None) -> str:
    limits = list(field.metadata) if field else []
    for choice in (hint, *get_args(hint)):
        for extra in getattr(choice, "__metadata__", ()):
            limits += getattr(extra, "metadata", [extra])
    texts: list[str] = []
    for name, sign in _BOUNDS:
        values = sorted({getattr(limit, name) for limit in limits if getattr(limit, name, None) is not None})
        texts += (f"{sign} {_bound(hint, value)}" for value in values if abs(value) <= _WIDE)
    return ", ".join(texts)


def _bound(hint: Any, value: float) -> str:
    """Return a bound as the file has it, that of a duration with its unit."""
    return duration_text(value) if value and _bare(hint) == quantity.Duration else f"{value:,}"


def _default(hint: Any, field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    default = field.get_default(call_default_factory=True, validated_data={})
    if default is None and hint == quantity.OptionalRate:
        return "`unlimited`"
    if default is None or default == "":
        return "none"
    if isinstance(default, Section):
        return "its keys' own"
    value = TypeAdapter(hint).dump_python(default, mode="json")
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, list):
        return f"`[{', '.join(map(str, value))}]`"
    if isinstance(value, float):
        return f"`{value:g}`"
    if isinstance(value, str) and value.endswith("B/s") and len(value) > len("1234.5MB/s"):
        return f"about `{float(value.removesuffix('B/s')) / 1e6:.4g}MB/s`"
    return f"`{value}`"
