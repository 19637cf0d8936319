"""The command as it was given, for those who want to repeat what it made."""

from __future__ import annotations

import shlex
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: The arguments of the process; `pullsim.cli.app.Commands` sets them.
GIVEN: Final[ContextVar[tuple[str, ...]]] = ContextVar("given", default=())
#: Options that do not decide about the result: those with a value, and the others.
_LEFT_OUT: Final = (
    *("--out", "--output", "-o", "--export", "--metrics", "--metrics-by", "--metrics-interval", "--processes", "-j"),
    *("--chart-formats", "--table-formats"),
    *("--dask", "--dask-tls-ca-file", "--dask-tls-cert", "--dask-tls-key"),
)
_LEFT_OUT_FLAGS: Final = (
    "--quiet", "-q", "--verbose", "-v", "--resume", "--watch", "--charts", "--no-charts", "--parquet",
)  # fmt: skip
_OVERRIDES: Final = ("--set", "--a", "--b")


def again(arguments: Sequence[str] | None = None) -> str:
    """Return the command that makes the same again, for a shell, with made-up names for secrets.

    Which files it wrote and where, on which machines it ran, and what was printed meanwhile, is left out.
    """
    given = GIVEN.get() if arguments is None else arguments
    return shlex.join(["pullsim", *_kept(given)]) if given else ""


def _kept(arguments: Sequence[str]) -> Iterator[str]:
    """Yield the arguments that decide about the result."""
    from pullsim.formats.secret_values import override_without_secrets  # noqa: PLC0415  YAML

    words = iter(arguments)
    for word in words:
        joined = len(word) > 2 and word[0] == "-" != word[1]  # -ojson
        option, equals, value = (word[:2], "", word[2:]) if joined else word.partition("=")
        if option in _LEFT_OUT:
            if not (equals or joined):
                next(words, None)
        elif option in _LEFT_OUT_FLAGS:
            continue
        elif option in _OVERRIDES:
            yield option
            yield override_without_secrets(value if equals else next(words, ""))
        else:
            yield word
