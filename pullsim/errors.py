"""Everything that pullsim raises on purpose.

PullsimError
├── InputError          the user's input is wrong: exit code 2
│   └── InputErrors     several of them at once
└── AssertionFailed     an assertion of the scenario does not hold: exit code 1

Anything else that leaves the package is a bug of ours (exit code 70).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class PullsimError(Exception):
    """The root of the errors that pullsim raises on purpose."""


@dataclass(frozen=True, slots=True)
class Location:
    """A place in an input: file (or a name such as ``--set``), and 1-based line and column where there are any."""

    file: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        """``file:line:column``, as far as it is known."""
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)


class InputError(PullsimError):
    """Wrong input. The message names the value, the rule and what would be right; ``location`` says where it stands."""

    def __init__(self, message: str, location: Location | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.location = location

    def __str__(self) -> str:
        return f"{self.location}: {self.message}" if self.location else self.message


class InputErrors(InputError):
    """All the mistakes found in one input, at least one."""

    def __init__(self, errors: Sequence[InputError]) -> None:
        super().__init__("; ".join(error.message for error in errors), errors[0].location)
        self.errors = tuple(errors)

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)


class AssertionFailed(PullsimError):
    """An assertion of the scenario does not hold."""
