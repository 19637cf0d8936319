"""The file that is being read, and the nodes that the name of a file tells of."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pullsim.frozen import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from pullsim.importer.inventory import Inventory
    from pullsim.importer.notes import Notes

_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.]*(?:-[A-Za-z0-9.]+)*")
_KINDS: Final = re.compile(
    r"^(configz|kubelet-?config(uration)?|kubelet|crictl-info|(crictl|ctr|docker|nerdctl)-images|nodeadm|containerd-config|containerd|config)"
    r"[-_.]?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value was read, and where what it holds goes."""

    path: Path
    inventory: Inventory
    notes: Notes

    @property
    def file(self) -> str:
        """The file's name as it is shown."""
        return self.path.name

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the file and of its directory, which are those of a node where somebody has named them so."""
        return (self.path.stem, self.path.parent.name)

    @property
    def hints(self) -> tuple[str, ...]:
        """The node or pool that the file's name tells of: of ``configz-wk-1.json`` it is ``wk-1``."""
        return hints_of(self.path.stem)


def hints_of(stem: str) -> tuple[str, ...]:
    """Return the name of a node or pool that stands in the name of a file: ``configz-wk-1`` tells of ``wk-1``."""
    rest = _KINDS.sub("", stem)
    return (rest,) if rest != stem and _WORD.fullmatch(rest) else ()
