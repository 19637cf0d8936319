"""From a section of a scenario to the spec of the same thing: fields of one name are one value."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from pullsim.scenario.model.quantities import Section

if TYPE_CHECKING:
    from collections.abc import Collection

Spec = TypeVar("Spec")


def spec_of(section: Section, spec: type[Spec], **given: Any) -> Spec:
    """Make a spec of a section.

    ``given`` are the fields that the section has in another form, or under another name, or not at all. Every other
    field of the spec is what the section has under its name; what is absent there has the spec's default.
    """
    return spec(**shared(section, spec, apart=given), **given)


def shared(section: Section, spec: type, *, apart: Collection[str] = ()) -> dict[str, Any]:
    """Return what a section has of the fields of a spec; lists become tuples, and what is absent is left out."""
    found = {}
    for name in _names(spec):
        value = getattr(section, name, None)
        if value is not None and name not in apart:
            assert not isinstance(value, Section), name  # it has a spec of its own
            found[name] = tuple(value) if isinstance(value, list) else value
    return found


@cache
def _names(spec: type) -> tuple[str, ...]:
    """Return the names of the fields of a data class or a named tuple."""
    if is_dataclass(spec):
        return tuple(field.name for field in fields(spec))
    names: tuple[str, ...] = spec._fields  # type: ignore[attr-defined]
    return names
