"""A frozen dataclass of `pullsim.frozen` does what one of the standard library does."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import math
import pickle
from dataclasses import field

import pytest

from pullsim.frozen import dataclass


def classes(dataclass):
    @dataclass(frozen=True, slots=True)
    class Part:
        """A part."""

        name: str
        size: int = 1
        tags: list[str] = field(default_factory=list, compare=False)
        total: int = field(init=False, repr=False)
        kind: str = field(init=False, default="part")

        def __post_init__(self) -> None:
            object.__setattr__(self, "total", 2 * self.size)

    @dataclass(frozen=True, slots=True)
    class Special(Part):
        """A part with a field of its own, which is given by its name."""

        extra: float | None = field(kw_only=True)

    @dataclass(frozen=True, slots=True)
    class Named:
        """It shows itself in its own way."""

        value: float

        def __repr__(self) -> str:
            return "it"

    @dataclass(frozen=True, slots=True)
    class Empty:
        """Nothing."""

    return Part, Special, Named, Empty


OURS, THEIRS = classes(dataclass), classes(dataclasses.dataclass)
#: What is made of each class, by its place in the tuple.
CALLS = [
    (0, ("a",), {}), (0, ("a", 2, ["x"]), {}), (0, (), {"size": 3, "name": "b"}), (0, ("a",), {"tags": ["y"]}),
    (1, ("a",), {"extra": None}), (1, ("a", 2), {"extra": 1.5}),
    (2, (math.nan,), {}), (2, (1.0,), {}), (3, (), {}),
]  # fmt: skip
# Pickles find a class by its name in its module.
Part, Special, Named, Empty = OURS
for each in OURS:
    each.__qualname__ = each.__name__


@pytest.mark.parametrize("made", [each[0](*each[1], **each[2]) for each in [(OURS[i], a, k) for i, a, k in CALLS]])
def test_copies_are_equal_and_nothing_can_be_set(made):
    for same in (copy.copy(made), pickle.loads(pickle.dumps(made)), dataclasses.replace(made)):  # noqa: S301  our own
        assert type(same) is type(made)
        assert same == made or made.value != made.value
        assert repr(dataclasses.asdict(same)) == repr(dataclasses.asdict(made))  # as they are, not only as compared
    for name in ("name", "unknown"):
        with pytest.raises(dataclasses.FrozenInstanceError, match=name):
            setattr(made, name, 1)
        with pytest.raises(dataclasses.FrozenInstanceError, match=name):
            delattr(made, name)
    assert not hasattr(made, "__dict__")


@pytest.mark.parametrize(("place", "given", "named"), CALLS)
def test_values_texts_and_signatures_are_those_of_the_standard_library(place, given, named):
    ours, theirs = OURS[place](*given, **named), THEIRS[place](*given, **named)
    assert repr(dataclasses.astuple(ours)) == repr(dataclasses.astuple(theirs))  # as NaN does not equal itself
    assert repr(ours).rpartition(".")[2] == repr(theirs).rpartition(".")[2]
    assert hash(ours) == hash(OURS[place](*given, **named))
    assert str(inspect.signature(type(ours))) == str(inspect.signature(type(theirs)))
    assert type(ours).__match_args__ == type(theirs).__match_args__


def test_equal_are_those_of_one_class_with_the_same_compared_values():
    for first, *first_call in CALLS:
        for second, *second_call in CALLS:
            ours, theirs = (
                each[first](*first_call[0], **first_call[1]) == each[second](*second_call[0], **second_call[1])
                for each in (OURS, THEIRS)
            )
            assert ours == theirs


def test_a_hash_is_of_the_values_alone():
    """One of the class too would differ between processes, and so would the order of a set."""
    _, _, named, empty = classes(dataclass)
    assert hash(named(1.0)) == hash(Named(1.0))
    assert hash(empty()) == hash(Empty())


@pytest.mark.parametrize("wrong", [(), ("a", 1, [], 2), ("a", 1, [], 2, "kind")])
def test_wrong_arguments_are_refused(wrong):
    for part in (OURS[0], THEIRS[0]):
        with pytest.raises(TypeError):
            part(*wrong)


def test_other_dataclasses_are_those_of_the_standard_library():
    @dataclass(slots=True)
    class Open:
        value: int

    made = Open(1)
    made.value = 2
    assert made == Open(2)


def test_the_initializer_is_compiled_when_it_is_first_asked_for():
    @dataclass(frozen=True, slots=True)
    class Late:
        """A class of its own, which nobody has used."""

        name: str

    assert not inspect.isfunction(vars(Late)["__init__"])
    assert Late("a").name == "a"
    assert inspect.isfunction(vars(Late)["__init__"])
    assert vars(Late)["__init__"] is Late.__init__


class Point:
    """What a class of a compiled module is like when it is made a dataclass: it has places for its attributes."""

    __mypyc_attrs__ = ("x", "y")
    __slots__ = ("x", "y")

    x: int
    y: int

    def __setstate__(self, state):
        raise AssertionError("the compiler's, which sets attributes")


def test_compiled_class_is_kept_and_copied():
    made = dataclass(frozen=True, slots=True)(Point)
    assert made is Point
    point = made(1, 2)
    assert pickle.loads(pickle.dumps(point)) == point == copy.copy(point)  # noqa: S301
    with pytest.raises(dataclasses.FrozenInstanceError):
        point.x = 3
