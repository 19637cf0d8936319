"""Reading ``summary.json``, and checking it against the types from which it was written."""

from __future__ import annotations

from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Final, Union, get_args, get_origin, get_type_hints

import pydantic
from pydantic import BaseModel, ConfigDict, TypeAdapter, create_model

from pullsim.errors import Location
from pullsim.inputs import parse_json, read_text
from pullsim.inputs.validation import validated
from pullsim.inputs.versions import check_version
from pullsim.results.summary.summary import SCHEMA_VERSION, Summary, camel, plain, without_absent

if TYPE_CHECKING:
    from pathlib import Path

#: Whole numbers stay integers.
_NUMBER: Final = int | Annotated[float, pydantic.Field(allow_inf_nan=False)]


def read_summary(path: Path) -> dict[str, Any]:
    """Read a ``summary.json``, as `Summary.to_dict` gives it; unknown keys are left out.

    Raises InputError for a file that is no summary, for a newer format, and for values of the wrong type.
    """
    document = parse_json(read_text(path), str(path))
    check_version(document, "schemaVersion", SCHEMA_VERSION, "summary of a run", Location(str(path)))
    return without_absent(validated(_adapter(), document, str(path)).model_dump(by_alias=True))


@cache
def _adapter() -> TypeAdapter[BaseModel]:
    return TypeAdapter(_model(Summary))


@cache
def _model(kind: type) -> type[BaseModel]:
    """Return the pydantic model for a dataclass of the summary.

    Optional values, lists and mappings may be missing, and what has a default: older versions did not write it.
    """
    hints = get_type_hints(kind)
    made: dict[str, Any] = {}
    for each in fields(kind):
        hint = hints[each.name]
        made[each.name] = (
            _annotation(hint),
            pydantic.Field(_default(each, hint), alias=camel(each.name), validate_default=True),
        )
    return create_model(kind.__name__, __config__=ConfigDict(strict=True), **made)


def _annotation(hint: Any) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return Union[tuple(_annotation(each) for each in arguments)]  # noqa: UP007  made at run time
    if origin in (dict, list):
        return origin[tuple(_annotation(each) for each in arguments)]
    if is_dataclass(hint) and isinstance(hint, type):
        return _model(hint)
    return _NUMBER if hint is float else hint


def _default(field: Field[Any], hint: Any) -> Any:
    if field.default is not MISSING:
        return plain(field.default)
    if get_origin(hint) in (Union, UnionType) and type(None) in get_args(hint):
        return None
    return {dict: {}, list: []}.get(get_origin(hint), ...)
