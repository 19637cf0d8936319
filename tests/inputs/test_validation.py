from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from pullsim.errors import InputErrors
from pullsim.inputs.validation import validated


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    size: Annotated[int, Field(ge=0, le=2**63 - 1)]
    kind: Literal["a", "b"] = "a"


class Outer(BaseModel):
    model_config = ConfigDict(strict=True)

    items: list[Inner]


def test_values_of_the_right_shape_become_typed():
    assert validated(TypeAdapter(Outer), {"items": [{"size": 3}]}, "f").items[0].size == 3


@pytest.mark.parametrize(
    "value, lines",
    [
        ([], ["a list must be a mapping"]),
        ({}, ["items: is missing"]),
        (
            {"items": [{"size": "x", "k": 1}]},
            ["items[0].size: 'x' must be a whole number", "items[0].k: is no known key"],
        ),
        (
            {"items": [{"size": 10**99}]},
            [f"items[0].size: {10**59}… must be less than or equal to 9223372036854775807"],
        ),
        (
            {"items": [{"size": -1, "kind": "\x1b"}]},
            ["items[0].size: -1 must be greater than or equal to 0", r"items[0].kind: '\x1b' is not one of a, b"],
        ),
    ],
)
def test_mistakes_have_the_file_the_path_the_value_and_the_rule(value, lines):
    with pytest.raises(InputErrors) as caught:
        validated(TypeAdapter(Outer), value, "f")
    assert caught.value.lines() == [f"f: {line}" for line in lines]
