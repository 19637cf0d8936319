"""Sections of a scenario are built when they get their first value, and do then what they would do if built at once."""

from __future__ import annotations

import pickle

import pytest
from pydantic import Field, TypeAdapter, ValidationError

from pullsim.scenario.model.hardware import Short
from pullsim.scenario.model.quantities import Section, Size


def sections():
    """Two sections of their own for each test, of which the second is in the first."""

    class Inner(Short):
        """What is inside."""

        size: Size = Field(default=1, description="Bytes.")

    class Outer(Section):
        """What is outside."""

        one: Inner | None = None
        many: list[Inner] = Field(default=[], description="More of them.")

    Outer.model_rebuild(_types_namespace={"Inner": Inner})
    return Outer, Inner


def test_a_section_is_built_for_its_first_value():
    outer, inner = sections()
    assert outer.model_validate({"one": None}).one is None
    assert not inner.__pydantic_complete__
    assert outer.model_validate({"many": ["2kB"]}).many == [inner(size=2000)]
    assert inner.__pydantic_complete__


def test_an_instance_may_be_given_and_is_the_one_that_is_kept():
    outer, inner = sections()
    given = inner(size=3)
    assert outer(one=given).one is given


def test_errors_inside_have_their_whole_place():
    outer, _ = sections()
    with pytest.raises(ValidationError) as raised:
        outer.model_validate({"one": {"sizes": 1}, "many": [1, {"size": -1}, "x"]})
    places = {error["loc"]: error["type"] for error in raised.value.errors()}
    assert places == {
        ("one", "sizes"): "extra_forbidden",
        ("many", 1, "size"): "value_error",
        ("many", 2, "size"): "value_error",
    }


def test_a_section_that_comes_from_another_process_is_written_as_one_of_this():
    outer, inner = sections()
    states = pickle.dumps([inner(size=5).__getstate__(), outer().__getstate__()])
    other_outer, other_inner = sections()
    inside, outside = other_inner.__new__(other_inner), other_outer.__new__(other_outer)
    inside_state, outside_state = pickle.loads(states)  # noqa: S301  our own
    outside_state["__dict__"]["one"] = inside
    inside.__setstate__(inside_state)
    outside.__setstate__(outside_state)
    written = outside.model_dump(mode="json")
    assert written == {"one": {"size": "5B"}, "many": []} == outer(one=inner(size=5)).model_dump(mode="json")


def test_the_schema_names_sections_and_has_their_short_forms():
    outer, inner = sections()
    schema = outer.model_json_schema()
    assert schema["properties"]["many"]["items"] == {"$ref": "#/$defs/Inner"}
    mapping, short = schema["$defs"]["Inner"]["anyOf"]
    assert mapping["properties"].keys() == {"size"}
    assert short == {"type": ["string", "integer"], "examples": ["30MB"]}
    assert TypeAdapter(list[inner]).json_schema()["$defs"]["Inner"] == schema["$defs"]["Inner"]
