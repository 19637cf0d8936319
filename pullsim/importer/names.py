"""Names as a scenario takes them."""

from __future__ import annotations

import re


def dns_name(text: str, otherwise: str) -> str:
    """Return a text in lower-case letters, digits, ``-`` and ``.``; ``otherwise`` where nothing of it is left."""
    name = re.sub(r"[^a-z0-9.-]+", "-", text.lower())
    name = re.sub(r"[.-]*\.[.-]*", ".", name)
    return name.strip("-.")[:200].strip("-.") or otherwise
