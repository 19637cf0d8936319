"""Reading a scenario file into a typed scenario, with the place of every error."""

from __future__ import annotations

from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

from pydantic import ValidationError

from pullsim.errors import InputError, InputErrors, shown
from pullsim.formats.recognise import in_place_of_scenario
from pullsim.inputs import read_text
from pullsim.inputs.document import MAX_BYTES, Document, only_document, parse_documents
from pullsim.inputs.suggestion import did_you_mean
from pullsim.inputs.validation import rule_text
from pullsim.scenario.file.overrides import apply, parse_override
from pullsim.scenario.model.quantities import Section
from pullsim.scenario.presets.nodes import expand
from pullsim.scenario.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic_core import ErrorDetails


def load(path: str | Path, overrides: Iterable[str] = ()) -> Scenario:
    """Read a scenario file, apply overrides (``KEY=VALUE``) and validate.

    Raises InputErrors with all errors of the file at once, or an InputError if the file cannot be read or parsed, or is
    a manifest, which has pods but no nodes.
    """
    file = Path(path)
    return from_document(scenario_document(read_text(file, MAX_BYTES), str(file)), file.parent, overrides)


def scenario_document(text: str, file: str, argument: str | None = None) -> Document:
    """Parse the text of a scenario; ``file`` is its name in errors, and ``argument`` in commands, if that differs.

    Raises InputError, for a manifest or another file that people have of a cluster one that says where that goes.
    """
    documents = parse_documents(text, file)
    if wrong := in_place_of_scenario([document.tree for document in documents], argument or file):
        raise InputError(wrong, documents[0].place(()))
    return only_document(documents, file)


def from_mapping(mapping: Mapping[str, Any], overrides: Iterable[str] = (), directory: str | Path = "") -> Scenario:
    """Return the scenario with the plain values that a scenario file would have. Raises InputErrors.

    Relative paths start at ``directory``.
    """
    return from_document(Document("scenario", mapping), Path(directory), overrides)


def override(scenario: Scenario, overrides: Iterable[str]) -> Scenario:
    """Return a copy of the scenario with overrides (``KEY=VALUE``) applied. Raises InputErrors."""
    return from_document(scenario.document, scenario.directory, overrides)


def from_document(document: Document, directory: Path, overrides: Iterable[str] = ()) -> Scenario:
    """Validate a copy of the document with overrides applied, and return the scenario. Raises InputErrors."""
    document = document.copy()
    if not isinstance(document.tree, dict):
        raise InputError(
            f"a scenario is a mapping with nodes and workloads, not {shown(document.tree)}", document.place(())
        )
    for text in overrides:
        apply(document, parse_override(text), directory)
    expanded = expand(document, directory)
    try:
        scenario = Scenario.model_validate(expanded.tree)
    except ValidationError as error:
        errors = [_input_error(details, expanded) for details in error.errors(include_url=False)]
        raise InputErrors(sorted(errors, key=_place_order)) from None
    scenario.attach(document, directory)
    return scenario


def _place_order(error: InputError) -> tuple[bool, int, int]:
    place = error.location
    return (place is None or place.line is None, (place and place.line) or 0, (place and place.column) or 0)


def _input_error(details: ErrorDetails, document: Document) -> InputError:
    """Turn an error of pydantic into an InputError with its place in the file."""
    loc, kind = details["loc"], details["type"]
    if kind in ("extra_forbidden", "missing"):
        parent, key = loc[:-1], str(loc[-1])
        section = _section_at(parent)
        if kind == "missing":
            described = section.model_fields_by_key()[key].description if section else None
            message = f"{key} is missing" + (f" ({described.rstrip('.')})" if described else "")
        else:
            message = f"unknown key {shown(key)}" + did_you_mean(key, section.model_fields_by_key() if section else ())
        name = document.name(document.own_route(parent))
        place = document.place(document.own_route(loc), key=kind == "extra_forbidden")
        return InputError(f"{name}: {message}" if name else message, place)
    route = document.own_route(loc)
    name = document.name(route)
    message = rule_text(details)
    return InputError(f"{name}: {message}" if name else message, document.place(route))


def _section_at(loc: tuple[str | int, ...]) -> type[Section] | None:
    """Return the model of the mapping at ``loc``, a location in an error of pydantic; None: there is no mapping."""
    annotation: Any = Scenario
    for part in loc:
        section = _section(annotation)
        if section is not None:
            field = section.model_fields_by_key().get(str(part))
            annotation = field.annotation if field else None
        else:
            arguments = get_args(_without_none(annotation))
            annotation = arguments[-1] if arguments else None
    return _section(annotation)


def _section(annotation: Any) -> type[Section] | None:
    bare = _without_none(annotation)
    return bare if isinstance(bare, type) and issubclass(bare, Section) else None


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, UnionType):
        return next(argument for argument in get_args(annotation) if argument is not type(None))
    return annotation
