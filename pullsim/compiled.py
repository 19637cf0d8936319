"""Whether the simulated side is compiled, as in wheels and after `make compiled`; what it simulates is the same."""

from __future__ import annotations

import platform
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_extensions import mypyc_attr as mypyc_attr  # noqa: PLC0414

_T = TypeVar("_T", bound=type)

if not TYPE_CHECKING:

    def mypyc_attr(**_: object) -> Callable[[_T], _T]:
        """Return a decorator that tells the compiler something about a class, and does nothing where it runs."""
        return lambda cls: cls


def compiled() -> bool:
    """Tell whether the modules that are compiled at all are extension modules here."""
    spec = find_spec("pullsim.kernel.event")
    assert spec is not None
    assert spec.origin is not None
    return not spec.origin.endswith(".py")


def build_text() -> str:
    """Return what runs the simulation: ``compiled, CPython 3.11.7`` or ``pure Python, CPython 3.11.7``."""
    kind = "compiled" if compiled() else "pure Python"
    return f"{kind}, {platform.python_implementation()} {platform.python_version()}"
