"""Objects of the API as an import keeps them: events and secrets apart, all others by kind and name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullsim.inputs.fields import text

if TYPE_CHECKING:
    from pullsim.importer.place import Place


def add(value: dict[str, Any], place: Place) -> None:
    """Add an object to the inventory."""
    if text(value, "kind") == "Event":
        uid = text(value, "metadata", "uid") or text(value, "metadata", "name")
        value = {**value, "metadata": {"name": uid, "namespace": text(value, "metadata", "namespace")}}
        place.inventory.add(value, place.file, "Event")
    elif "metadata" not in value or not (text(value, "metadata", "name") or text(value, "metadata", "generateName")):
        place.notes.left_out["objects without a name"] += 1
    else:
        place.inventory.add(value, place.file)


def refusal(value: dict[str, Any], place: Place) -> None:
    """Say what the API server answered instead of what it was asked for."""
    answer = text(value, "message") or text(value, "reason")
    place.notes.unread.append(f"{place.path}: the API server answered: {answer}")


def table(_: dict[str, Any], place: Place) -> None:
    """Say that a table has only what people are shown."""
    place.notes.unread.append(f"{place.path}: is a table for people, which leaves out most: `-o json` has all of it")
