"""The check of the format version in files that pullsim writes and reads again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullsim.errors import InputError, shown

if TYPE_CHECKING:
    from pullsim.errors import Location


def check_version(tree: Any, key: str, newest: int, what: str, place: Location) -> None:
    """Check that a document is of the kind ``what`` (a baseline, a summary) and has a known format version.

    Raises InputError; the message for a newer version says that it is newer.
    """
    version = tree.get(key) if isinstance(tree, dict) else None
    if type(version) is int and version > newest:
        raise InputError(
            f"{key} {shown(version)} is newer than {newest}, the newest that this version of pullsim reads: update it",
            place,
        )
    if type(version) is not int or version < 1:
        found = f"{key} is {shown(version)}" if isinstance(tree, dict) and key in tree else f"it has no {key}"
        raise InputError(f"this is no {what}: {found}; it must be a whole number from 1 to {newest}", place)
