"""Everything that pullsim raises on purpose.

PullsimError
├── InputError          the user's input is wrong: exit code 2
│   └── InputErrors     several of them at once
└── AssertionFailed     an assertion of the scenario does not hold: exit code 1

Anything else that leaves the package is a bug of ours (exit code 70).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pullsim.frozen import dataclass
from pullsim.printable import message as short_message
from pullsim.printable import printable, shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAX_MESSAGE: Final = 1_300  # letters
_MAX_PLACE: Final = 250
_MAX_VALUE: Final = 60


def shown(value: Any) -> str:
    """Show a value in a message: text in quotes, cut to 60 characters, with what cannot be printed escaped."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list | tuple):
        return "a mapping" if isinstance(value, dict) else "a list"
    if isinstance(value, int) and value.bit_length() > 1_000:
        return f"a number of about {value.bit_length() * 3 // 10} digits"
    text = repr(value[: _MAX_VALUE + 1] if isinstance(value, str) else value)
    return text if len(text) <= _MAX_VALUE else f"{text[:_MAX_VALUE]}…"


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
        file = printable(shortened(self.file, _MAX_PLACE).replace("\n", " "))
        return ":".join(str(part) for part in (file, self.line, self.column) if part is not None)


class InputError(PullsimError):
    """Wrong input. The message names the value, the rule and what would be right; ``location`` says where it stands.

    Whatever stands in the message, it is one line that can be printed, and not too long to be read.
    """

    def __init__(self, message: str, location: Location | None = None) -> None:
        message = printable(shortened(message, _MAX_MESSAGE).replace("\n", " "))
        super().__init__(message)
        self.message = message
        self.location = location

    def __str__(self) -> str:
        return f"{self.location}: {self.message}" if self.location else self.message

    def lines(self) -> list[str]:
        """Say it in lines for people: few, and short."""
        return short_message([str(self)])


class InputErrors(InputError):
    """All the mistakes found in one input, at least one."""

    def __init__(self, errors: Sequence[InputError]) -> None:
        super().__init__("; ".join(error.message for error in errors), errors[0].location)
        self.errors = tuple(errors)

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """Say each in a line, as many as can be read, and how many more there are."""
        return short_message([*dict.fromkeys(map(str, self.errors))])  # several pools may have the same one


class AssertionFailed(PullsimError):
    """An assertion of the scenario does not hold."""
