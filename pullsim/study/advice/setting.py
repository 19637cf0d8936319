"""One setting of a lever."""

from __future__ import annotations

import shlex
from typing import NamedTuple


class Setting(NamedTuple):
    """What is done, in words for a planner, and the overrides that do it."""

    sentence: str
    overrides: tuple[str, ...]

    @property
    def options(self) -> str:
        """The overrides as options of a command in a shell."""
        return " ".join(f"--set {shlex.quote(text)}" for text in self.overrides)


def setting(sentence: str, *overrides: str) -> list[Setting]:
    """Return the setting as the only one, or none where there is nothing to override."""
    return [Setting(sentence, overrides)] if overrides else []
