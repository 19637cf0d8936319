"""Keys that are part of the format but that this version does not simulate: using one is an error, never ignored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pullsim.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pullsim.scenario.document import Document, Route

#: Key by its path (``*`` is every entry of a list), and what can be done instead. A key counts as used when its value
#: is neither absent nor empty nor false; with a value in the path, only that value does.
NOT_SIMULATED: Final[tuple[tuple[str, str], ...]] = (("placement=imageLocality", "spread, pack and given are"),)


def unsupported_keys(document: Document) -> list[InputError]:
    """Report every key of the document that is not simulated, at its place."""
    errors = []
    for pattern, instead in NOT_SIMULATED:
        path, _, value = pattern.partition("=")
        for route, found in _matches(document.tree, path.split("."), ()):
            if found == value if value else _used(found):
                name = f"{document.name(route)}: {value}" if value else document.name(route)
                message = f"{name} is part of the format but not simulated by this version: remove it ({instead})"
                errors.append(InputError(message, document.place(route, key=True)))
    return errors


def _used(value: Any) -> bool:
    return value is not None and value is not False and value not in ([], {}, "")


def _matches(node: Any, path: list[str], route: Route) -> Iterator[tuple[Route, Any]]:
    if not path:
        yield route, node
    elif path[0] == "*":
        for index, entry in enumerate(node if isinstance(node, list) else ()):
            yield from _matches(entry, path[1:], (*route, index))
    elif isinstance(node, dict) and path[0] in node:
        yield from _matches(node[path[0]], path[1:], (*route, path[0]))
