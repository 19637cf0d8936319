"""A key of a scenario needs a field in the model and one of its name in the spec, and nothing between them."""

from dataclasses import dataclass
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from pullsim.scenario.builder.spec_of import shared, spec_of
from pullsim.scenario.model.quantities import Section


@dataclass(frozen=True)
class Spec:
    name: str
    rate: float = 5.0
    names: tuple[str, ...] = ("a",)
    only_here: int = 7


class Pair(NamedTuple):
    rate: float
    only_here: int = 7


class Keys(Section):
    name: str = Field(default="n")
    rate: float | None = None
    names: list[str] = Field(default=[])
    only_there: bool = True


class Nested(Section):
    name: Keys = Field(default_factory=Keys)


@given(st.text(), st.none() | st.sampled_from([0.0, 5.0, 6.0]), st.lists(st.text()))
def test_fields_of_one_name_are_one_value_and_absent_ones_the_specs_default(name, rate, names):
    made = spec_of(Keys(name=name, rate=rate, names=names), Spec)
    assert made == Spec(name, 5.0 if rate is None else rate, tuple(names), 7)


def test_what_is_given_goes_first_even_if_it_is_none():
    assert spec_of(Keys(rate=6.0), Spec, rate=None, only_here=1) == Spec("n", None, (), 1)


def test_named_tuples_are_specs_too():
    assert spec_of(Keys(rate=6.0), Pair) == Pair(6.0)


def test_what_both_have_can_be_asked_for_alone():
    assert shared(Keys(rate=6.0, names=["b"]), Spec, apart=["names"]) == {"name": "n", "rate": 6.0}


def test_a_section_in_a_section_needs_a_spec_of_its_own():
    with pytest.raises(AssertionError, match="name"):
        spec_of(Nested(), Spec)
