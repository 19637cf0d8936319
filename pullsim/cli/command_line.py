"""The command as it was given, for those who want to repeat what it made."""

from __future__ import annotations

import shlex
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: The arguments of the process; `pullsim.cli.app.Commands` sets them.
GIVEN: Final[ContextVar[tuple[str, ...]]] = ContextVar("given", default=())
#: Options that do not decide about the result, and how many values they take.
_LEFT_OUT: Final = {"--out": 1, "--output": 1, "-o": 1} | dict.fromkeys(
    ("--quiet", "-q", "--verbose", "-v", "--resume", "--watch", "--charts", "--no-charts"), 0
)
_OVERRIDES: Final = ("--set", "--a", "--b")


def again(arguments: Sequence[str] | None = None) -> str:
    """Return the command that makes the same again, for a shell, with made-up names for secrets.

    Where its files went, and what was printed meanwhile, is left out.
    """
    given = GIVEN.get() if arguments is None else arguments
    return shlex.join(["pullsim", *_kept(given)]) if given else ""


def _kept(arguments: Sequence[str]) -> Iterator[str]:
    """Yield the arguments that decide about the result."""
    from pullsim.formats.secret_values import override_without_secrets  # noqa: PLC0415  YAML

    words = iter(arguments)
    for word in words:
        option, equals, value = word.partition("=")
        if option in _LEFT_OUT:
            for _ in range(0 if equals else _LEFT_OUT[option]):
                next(words, None)
        elif option in _OVERRIDES:
            yield option
            yield override_without_secrets(value if equals else next(words, ""))
        else:
            yield word
