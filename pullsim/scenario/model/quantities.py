"""The types of the scenario's fields (quantities with units, versions, names) and the base class of its sections.

A quantity is stored as the number that the simulation uses (in bytes, bytes/s or seconds) and written with its unit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, core_schema

from pullsim.errors import shown
from pullsim.inputs.core_schema import RawFloat
from pullsim.oci.platform import Platform
from pullsim.releases.release import parse as parse_release
from pullsim.releases.release import written_text
from pullsim.units import (
    duration_text,
    parse_duration,
    parse_frequency,
    parse_price,
    parse_rate,
    parse_size,
    rate_text,
    size_text,
)

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo
    from pydantic.json_schema import JsonSchemaValue

#: The sections that pydantic is building at this moment.
_BUILDING: Final[set[type[Section]]] = set()
_DNS_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


class Section(BaseModel):
    """A mapping of the scenario: camelCase keys, no others; a key with null counts as absent.

    A section is built, which is to say its validator made, when a scenario first has it or its defaults: of the ninety
    that there are, a scenario has twenty.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        json_schema_serialization_defaults_required=False,
        defer_build=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _absent(cls, data: Any) -> Any:
        if isinstance(data, Mapping):
            return {key: value for key, value in data.items() if value is not None}
        return data

    @classmethod
    def model_rebuild(cls, **settings: Any) -> bool | None:
        """Do as pydantic, which calls this for the first value of the section."""
        _BUILDING.add(cls)
        try:
            return super().model_rebuild(**settings)
        finally:
            _BUILDING.discard(cls)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the section's own schema to build it, and to build what it is in one that waits for a value."""
        if cls in _BUILDING:
            return handler(source)
        name = f"{cls.__module__}.{cls.__qualname__}:{id(cls)}"  # as pydantic's: sections are definitions of the schema
        return core_schema.no_info_plain_validator_function(cls.model_validate, ref=name)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Return the JSON Schema of the mapping, and of its short form if it has one."""
        if schema["type"] == "function-plain":
            cls.model_rebuild()  # pydantic comes back with the section's own schema, which it finds in this one
            return handler(core_schema.definitions_schema(cls.__pydantic_core_schema__, []))
        whole = handler(schema)
        mapping = handler.resolve_ref_schema(whole)
        short = cls.short_form(mapping)
        return whole if short is None else {"anyOf": [mapping, short], "description": mapping["description"]}

    @classmethod
    def short_form(cls, mapping: JsonSchemaValue) -> JsonSchemaValue | None:  # noqa: ARG003
        """Return the JSON Schema of what may be written instead of the mapping, whose own is given; None: nothing."""
        return None

    def __setstate__(self, state: dict[Any, Any]) -> None:
        """Take the values of a pickled section, which another process has built and this one may not have."""
        type(self).model_rebuild()
        super().__setstate__(state)

    @classmethod
    def model_fields_by_key(cls) -> dict[str, FieldInfo]:
        """Return the fields by their keys in a scenario file, which are in camel case."""
        return {field.alias or name: field for name, field in cls.model_fields.items()}


def _number(parse: Callable[[str | float], float], *, unlimited: bool = False) -> BeforeValidator:
    """Return a validator that reads a value with ``parse``; a number is read from the text that the file has."""

    def validate(value: Any) -> Any:
        if unlimited and value in (None, "unlimited"):
            return None
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ValueError(f"{shown(value)} is not text with a unit")  # noqa: TRY004  # pydantic takes ValueError
        return parse(value.text if isinstance(value, RawFloat) else value)

    return BeforeValidator(validate)


def _text(write: Callable[[Any], str]) -> PlainSerializer:
    return PlainSerializer(write, return_type=str, when_used="unless-none")


def _schema(examples: str, *types: str) -> WithJsonSchema:
    """Return the JSON Schema of values of these types; ``examples`` are separated by blanks."""
    return WithJsonSchema({"type": list(types) if len(types) > 1 else types[0], "examples": examples.split()})


def _price_text(price: float) -> str:
    return f"{price!r}/B"


def _frequency_text(frequency: float) -> str:
    return f"{frequency!r}/s"


def _release(value: Any) -> Any:
    """Read a release from the text in the file, since the number ``1.30`` would be the same as 1.3."""
    text = value.text if isinstance(value, RawFloat) else value
    if isinstance(text, tuple):
        return text
    if not isinstance(text, str):
        raise ValueError(f"{shown(value)} is no version; a version is major.minor or major.minor.patch: 1.35, 2.3.4")  # noqa: TRY004  # for pydantic
    return parse_release(text)


def _portion(value: Any) -> Any:
    """Read a percentage as a float (a share of 1), and a size as an int (bytes)."""
    text = value.text if isinstance(value, RawFloat) else value
    if isinstance(text, str) and text.endswith("%"):
        try:
            share = float(text[:-1]) / 100
        except ValueError:
            share = -1.0
        if not 0 <= share <= 1:
            raise ValueError(f"{shown(value)} is no share; a share is 0% to 100%")
        return share
    if isinstance(text, bool) or not isinstance(text, str | int):
        raise ValueError(f"{shown(value)} is neither a share (40%) nor a size (10MB)")  # noqa: TRY004  # for pydantic
    return parse_size(text)


def _portion_text(portion: float) -> str:
    return f"{portion * 100:.10g}%" if isinstance(portion, float) else size_text(portion)


def _platform(value: Any) -> Any:
    return Platform.parse(value) if isinstance(value, str) else value


def _dns_name(value: str) -> str:
    if not _DNS_LABEL.fullmatch(value):
        raise ValueError(f"{shown(value)} is no name for Kubernetes: lower-case letters, digits, - and . are allowed")
    return value


Size = Annotated[int, _number(parse_size), _text(size_text), _schema("30MB", "string", "integer")]
Rate = Annotated[float, _number(parse_rate), _text(rate_text), _schema("10Gbit/s", "string")]
#: None: there is no limit.
OptionalRate = Annotated[
    float | None, _number(parse_rate, unlimited=True), _text(rate_text), _schema("10Gbit/s", "string", "null")
]
Duration = Annotated[float, _number(parse_duration), _text(duration_text), _schema("5m0s", "string", "integer")]
Frequency = Annotated[float, _number(parse_frequency), _text(_frequency_text), _schema("4/s", "string")]
Price = Annotated[float, _number(parse_price), _text(_price_text), _schema("0.09/GB", "string", "integer")]
#: A float is a share of 1, an int is a number of bytes.
Portion = Annotated[int | float, BeforeValidator(_portion), _text(_portion_text), _schema("40%", "string", "integer")]
#: A release as written, with or without a patch version; the program's table in `pullsim.releases` resolves it.
WrittenRelease = Annotated[
    tuple[int, ...], BeforeValidator(_release), _text(written_text), _schema("1.35 2.3.4", "string", "number")
]
PlatformName = Annotated[Platform, BeforeValidator(_platform), _text(str), _schema("linux/amd64", "string")]
DnsName = Annotated[str, BeforeValidator(lambda value: _dns_name(value) if isinstance(value, str) else value)]
#: The text of a disk by its name; `pullsim.scenario.presets` has read it before.
VolumeName = Annotated[str, _schema("gp3:1000MiB/s pd-balanced:200GB P20 local-nvme", "string")]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
