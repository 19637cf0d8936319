"""Values of the scalars of a YAML file, by the core schema of YAML 1.2 (section 10.3 of its specification).

In this schema ``on``, ``yes`` and ``10:30`` are text, ``0o17`` is the number 15 and ``1e3`` is a float.
"""

from __future__ import annotations

import re
from typing import Any, Final, Self

from pullsim.errors import shown
from pullsim.inputs.json_text import MAX_DIGITS

TAG: Final = "tag:yaml.org,2002:"
_NULL: Final = re.compile(r"|~|null|Null|NULL")
_TRUE: Final = re.compile(r"true|True|TRUE")
_FALSE: Final = re.compile(r"false|False|FALSE")
_INT: Final = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITE: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


class RawFloat(float):
    """A float that keeps the text from which it was read, since ``1.30`` and ``1.3`` are different versions."""

    text: str

    def __new__(cls, text: str) -> Self:
        """Read ``text`` as a float and keep it."""
        value = super().__new__(cls, text)
        value.text = text
        return value


def tagged(tag: str, text: str) -> Any:
    """Return the value of a scalar with a tag. Raises ValueError for another schema's tag and for wrong text."""
    kind = tag.removeprefix(TAG)
    if kind == "str":
        return text
    value = resolved(text)
    types: dict[str, tuple[type, ...]] = {"int": (int,), "float": (float, int), "bool": (bool,), "null": (type(None),)}
    right = types.get(kind)
    if right is None:
        raise ValueError(f"tag {tag} is not one of YAML's core schema")
    if not isinstance(value, right):
        raise ValueError(f"{shown(text)} is no {kind}")  # noqa: TRY004  # wrong text, not a wrong type of ours
    return float(value) if kind == "float" and type(value) is int else value


def resolved(text: str) -> Any:
    """Return the value of a plain scalar. Raises ValueError for a whole number with too many digits."""
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text):
        return True
    if _FALSE.fullmatch(text):
        return False
    if _INT.fullmatch(text):
        if len(text) > MAX_DIGITS:
            raise ValueError(f"a number of {len(text)} digits is too long: at most {MAX_DIGITS}")
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        return int(text[2:] if base != 10 else text, base)
    if _FLOAT.fullmatch(text):
        return RawFloat(text)
    if _INFINITE.fullmatch(text):
        return float(text.replace(".", ""))
    return text
