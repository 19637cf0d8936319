"""Frozen dataclasses whose classes are made quickly: a command makes two hundred before it does anything.

``dataclasses.dataclass(frozen=True, slots=True)`` compiles six methods for each class, which takes four million
instructions and was a quarter of `pullsim validate`. Here each class has an ``__init__`` of its own, which is compiled
when it is first used, and all classes share the other methods. What such a class does is the same. A class of a module
that is compiled keeps its attributes as the compiled code has them, so that it reads them without a look-up.
"""

from __future__ import annotations

import dataclasses
from dataclasses import MISSING, FrozenInstanceError
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

_T = TypeVar("_T")
_ATTRIBUTES: Final = "__mypyc_attrs__"  # what a compiled class has
_COMPARED: Final = "_compared_values"  # the attribute of a class that returns the values of an instance, as a tuple


class _Factory:
    """The default of an argument for which a function makes the value; signatures show it."""

    def __repr__(self) -> str:
        return "<factory>"


_FACTORY: Final = _Factory()


def _made(cls: type[_T]) -> type[_T]:
    """Turn a class into a frozen dataclass with slots. Methods that the class itself has are kept."""
    compiled = _ATTRIBUTES in cls.__dict__  # it has places for its attributes, and cannot be made again with slots
    if compiled:  # the compiler leaves out that the other names are those of the class
        own = getattr(cls, _ATTRIBUTES)
        cls.__annotations__ = {name: kind for name, kind in cls.__annotations__.items() if name in own}
    made = dataclasses.dataclass(init=False, repr=False, eq=False, slots=not compiled)(cls)
    compared = [field.name for field in dataclasses.fields(made) if field.compare]  # type: ignore[arg-type]
    shared = {**(_COMPILED if compiled else _SHARED), "__init__": _Initializer(made)}
    for name, method in shared.items():
        if name not in cls.__dict__:
            setattr(made, name, method)
    # An attrgetter returns a tuple only of two names at least: that of a single field has it twice.
    names = compared * 2 if len(compared) == 1 else compared
    setattr(made, _COMPARED, attrgetter(*names) if names else staticmethod(lambda _: ()))
    return made


class _Initializer:
    """The ``__init__`` of a class until somebody asks for it, when the compiled one takes its place."""

    def __init__(self, cls: type) -> None:
        self._cls = cls

    def __get__(self, instance: object, owner: type) -> Any:
        method = _compiled(self._cls)
        setattr(self._cls, "__init__", method)  # noqa: B010  mypy takes no other way
        return method.__get__(instance, owner)


def _compiled(cls: type) -> Any:
    """Compile ``__init__``, as dataclasses does: a default is an object of the function's globals."""
    names: dict[str, Any] = {"_set": object.__setattr__, "_factory": _FACTORY}
    arguments = ["self"]
    by_name: list[str] = []
    body: list[str] = []
    for field in dataclasses.fields(cls):
        name, value = field.name, field.name
        names[f"_default_{name}"], names[f"_make_{name}"] = field.default, field.default_factory
        if field.default_factory is not MISSING:
            value = f"_make_{name}() if {name} is _factory else {name}" if field.init else f"_make_{name}()"
            names[f"_default_{name}"] = _FACTORY
        elif not field.init:
            value = f"_default_{name}"
        if field.init:
            optional = field.default is not MISSING or field.default_factory is not MISSING
            (by_name if field.kw_only else arguments).append(f"{name}=_default_{name}" if optional else name)
        elif field.default is MISSING and field.default_factory is MISSING:
            continue  # ``__post_init__`` sets it
        body.append(f" _set(self, {name!r}, {value})")
    if hasattr(cls, "__post_init__"):
        body.append(" self.__post_init__()")
    head = ", ".join([*arguments, *(["*", *by_name] if by_name else [])])
    exec("\n".join([f"def __init__({head}):", *(body or [" pass"])]), names)  # noqa: S102  its own text
    method = names["__init__"]
    method.__qualname__ = f"{cls.__qualname__}.__init__"
    method.__annotations__ = {each.name: each.type for each in dataclasses.fields(cls) if each.init} | {"return": None}
    return method


def _repr(self: Any) -> str:
    shown = (f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(self) if field.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _eq(self: Any, other: Any) -> Any:
    if type(other) is not type(self):
        return NotImplemented
    return self._compared_values(self) == self._compared_values(other)


def _hash(self: Any) -> int:
    return hash(self._compared_values(self))


def _setattr(_: object, name: str, value: object) -> NoReturn:  # noqa: ARG001
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _delattr(_: object, name: str) -> NoReturn:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _getstate(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _setstate(self: Any, state: list[Any]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)


def _reduce(self: Any) -> tuple[Any, ...]:
    return _restored, (type(self), _getstate(self))


def _restored(cls: type[_T], state: list[Any]) -> _T:
    made = cls.__new__(cls)
    _setstate(made, state)
    return made


_SHARED: Final = {
    "__repr__": _repr,
    "__eq__": _eq,
    "__hash__": _hash,
    "__setattr__": _setattr,
    "__delattr__": _delattr,
    "__getstate__": _getstate,
    "__setstate__": _setstate,
}

#: A compiled class has a ``__setstate__`` of its own, which would set the attributes as everybody does, in vain.
_COMPILED: Final = {**_SHARED, "__reduce__": _reduce}

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # noqa: PLC0414  with the types that it has for mypy
else:

    def dataclass(**options: bool) -> Any:
        """Do as `dataclasses.dataclass`, which makes the classes that are not frozen with slots."""
        return _made if options == {"frozen": True, "slots": True} else dataclasses.dataclass(**options)
