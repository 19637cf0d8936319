"""Checking plain values with pydantic's types, with error messages in the terms of the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from pullsim.errors import InputError, InputErrors, Location, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import TypeAdapter
    from pydantic_core import ErrorDetails

T = TypeVar("T")

_MUST_BE = {
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "dataclass_type": "a mapping",
    "dict_type": "a mapping",
    "list_type": "a list",
    "tuple_type": "a list",
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
}


def validated(adapter: TypeAdapter[T], value: Any, file: str, route: tuple[str | int, ...] = ()) -> T:
    """Check a value and return it as the adapter's type; ``route`` is its route in the document.

    Raises InputErrors with all errors, each in the form ``file: path.in[0].it: what is wrong``.
    """
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        raise InputErrors([_input_error(each, file, route) for each in error.errors(include_url=False)]) from None


def rule_text(details: ErrorDetails) -> str:
    """Return the message for an error of pydantic: the value and the rule, or that a key is missing or unknown."""
    kind, value, context = details["type"], details["input"], details.get("ctx", {})
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return "is no known key"
    if kind == "value_error":
        return str(context["error"])
    if kind in _MUST_BE:
        if kind == "string_type" and isinstance(value, int | float):
            return f"{shown(value)} must be {_MUST_BE[kind]}; write it in quotes"
        return f"{shown(value)} must be {_MUST_BE[kind]}{_without(value)}"
    if kind == "literal_error":
        known = [part.strip().strip("'") for part in str(context["expected"]).replace(" or ", ", ").split(",")]
        return f"{shown(value)} is not one of {', '.join(known)}{_without(value, known)}"
    if kind == "too_short":
        return f"at least {context['min_length']} needed, here are {context['actual_length']}"
    if kind == "too_long":
        return f"at most {context['max_length']} are read, here are {context['actual_length'] or 'more'}"
    rule = details["msg"].removeprefix("Input should ").removeprefix("String should ")
    return f"{shown(value)} must {rule}"


def _without(value: Any, known: Sequence[str] = ()) -> str:
    """Say how one goes without what a key is for, where ``false`` was written; ``known``: the words that it takes."""
    if value is not False:
        return ""
    return "; none goes without" if "none" in known else "; leave it out to go without"


def path_text(route: tuple[str | int, ...]) -> str:
    """Write a route as text: ``images[3].layers[0].size``."""
    text = ""
    for part in route:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _input_error(details: ErrorDetails, file: str, route: tuple[str | int, ...]) -> InputError:
    path, what = path_text((*route, *details["loc"])), rule_text(details)
    return InputError(f"{path}: {what}" if path else what, Location(file))
