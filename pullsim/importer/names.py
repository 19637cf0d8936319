"""Names as a scenario takes them."""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


def dns_name(text: str, otherwise: str) -> str:
    """Return a text in lower-case letters, digits, ``-`` and ``.``; ``otherwise`` where nothing of it is left."""
    name = re.sub(r"[^a-z0-9.-]+", "-", text.lower())
    name = re.sub(r"[.-]*\.[.-]*", ".", name)
    return name.strip("-.")[:200].strip("-.") or otherwise


def free_name(names: Sequence[str], taken: Collection[str]) -> str:
    """Return the first of some names that is not taken; if all are, the first with a number."""
    numbered = (f"{names[0]}-{number}" for number in count(2))
    return next((name for name in names if name not in taken), "") or next(
        name for name in numbered if name not in taken
    )
