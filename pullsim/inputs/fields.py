"""Fields of values that others wrote: what is absent, null or of another type counts as empty, and none raises."""

from __future__ import annotations

from typing import Any


def at(value: Any, *keys: str) -> Any:
    """Return the value at a path of keys; None where a part of the path is no mapping or lacks the key."""
    for key in keys:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def mapping(value: Any, *keys: str) -> dict[str, Any]:
    """Return the mapping at a path; an empty one for anything else."""
    found = at(value, *keys)
    return found if isinstance(found, dict) else {}


def entries(value: Any, *keys: str) -> list[dict[str, Any]]:
    """Return the mappings in the list at a path; other things in it are passed over."""
    found = at(value, *keys)
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def text(value: Any, *keys: str) -> str:
    """Return the text at a path; an empty one for anything else."""
    found = at(value, *keys)
    return found if isinstance(found, str) else ""


def texts(value: Any, *keys: str) -> list[str]:
    """Return the texts in the list at a path."""
    found = at(value, *keys)
    return [entry for entry in found if isinstance(entry, str)] if isinstance(found, list) else []


def labels(value: Any, *keys: str) -> dict[str, str]:
    """Return the texts of the mapping at a path, by key."""
    return {key: each for key, each in mapping(value, *keys).items() if isinstance(key, str) and isinstance(each, str)}


def whole(value: Any, *keys: str) -> int | None:
    """Return the whole number from 0 on at a path, also one written as text; None for anything else."""
    found = at(value, *keys)
    if isinstance(found, str) and found.isascii() and found.isdigit() and len(found) < 19:
        return int(found)
    return found if type(found) is int and found >= 0 else None
