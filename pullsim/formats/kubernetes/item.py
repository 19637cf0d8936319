"""Reading the fields of a Kubernetes object, with the place in the file for every error."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NoReturn

from pullsim.errors import InputError, shown
from pullsim.frozen import dataclass

if TYPE_CHECKING:
    from pullsim.inputs.document import Document, Route


@dataclass(frozen=True, slots=True)
class Item:
    """A mapping in a document, and its route from the top of the document."""

    value: dict[str, Any]
    document: Document
    route: Route

    def fail(self, message: str, *below: str | int) -> NoReturn:
        """Raise an InputError with the place of the mapping, or of the value at the keys ``below`` it."""
        route = self.document.own_route((*self.route, *below))
        name = self.document.name(route)
        raise InputError(f"{name}: {message}" if name else message, self.document.place(route))

    def mapping(self, *keys: str) -> Item:
        """Return the mapping at a path of keys, an empty one where there is none. Raises InputError for other types."""
        item = self
        for key in keys:
            value = item.value.get(key)
            if value is not None and not isinstance(value, dict):
                item.fail(f"{key} must be a mapping", key)
            item = Item(value or {}, self.document, (*item.route, key))
        return item

    def items(self, key: str) -> list[Item]:
        """Return the mappings in the list at a key; none where there is no list. Raises InputError for another type."""
        value = self.value.get(key)
        if value is not None and not (isinstance(value, list) and all(isinstance(entry, dict) for entry in value)):
            self.fail(f"{key} must be a list of mappings", key)
        return [Item(entry, self.document, (*self.route, key, index)) for index, entry in enumerate(value or ())]

    def text(self, key: str, default: str | None = None) -> str | None:
        """Return the text at a key, or ``default``. Raises InputError for another type."""
        value = self.value.get(key)
        if value is not None and not isinstance(value, str):
            self.fail(f"{key} must be text, not {shown(value)}", key)
        return default if value is None else value

    def count(self, key: str, default: int) -> int:
        """Return the number of pods at a key, or ``default``. Raises InputError for what is no such number."""
        value = self.value.get(key)
        if value is None:
            return default
        if type(value) is not int or not 0 <= value <= 1_000_000:
            self.fail(f"{key} must be a whole number from 0 to 1000000, not {shown(value)}", key)
        return value

    def check_spelling(self, read: tuple[str, ...]) -> None:
        """Raise InputError for a field that looks like a misspelt one of ``read``, as it would have no effect."""
        for key in self.value:
            if key not in read and (near := get_close_matches(key, read, n=1, cutoff=0.85)):
                self.fail(f"unknown field {shown(key)}; did you mean {near[0]}?", key)

    @property
    def name(self) -> str | None:
        """The object's name."""
        metadata = self.value.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else None
        return name if isinstance(name, str) else None


def item_at(document: Document, route: Route) -> Item:
    """Return the mapping at a route of a document."""
    value: Any = document.tree
    for part in route:
        value = value[part]
    return Item(value, document, route)
