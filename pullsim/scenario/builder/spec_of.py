"""Building a spec from the section of a scenario that has fields with the same names."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from pullsim.scenario.model.quantities import Section

if TYPE_CHECKING:
    from collections.abc import Collection

Spec = TypeVar("Spec")


def spec_of(section: Section, spec: type[Spec], **given: Any) -> Spec:
    """Return a spec with the values of a section.

    ``given`` has the fields of the spec that the section has in another form, under another name or not at all. Every
    other field gets the section's value of the same name, or the spec's default if the section does not have one.
    """
    return spec(**shared(section, spec, apart=given), **given)


def shared(section: Section, spec: type, *, apart: Collection[str] = ()) -> dict[str, Any]:
    """Return the section's values of the fields that a spec has too, except those in ``apart``.

    Lists become tuples. Fields without a value are left out.
    """
    found = {}
    for name in _names(spec):
        value = getattr(section, name, None)
        if value is not None and name not in apart:
            assert not isinstance(value, Section), name  # a section needs a spec of its own
            found[name] = tuple(value) if isinstance(value, list) else value
    return found


@cache
def _names(spec: type) -> tuple[str, ...]:
    """Return the names of the fields of a data class or a named tuple."""
    if is_dataclass(spec):
        return tuple(field.name for field in fields(spec))
    names: tuple[str, ...] = spec._fields  # type: ignore[attr-defined]
    return names
