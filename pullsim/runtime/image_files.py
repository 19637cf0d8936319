"""Where the files of a node's images come from when processes read them, other than from the node's disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from pullsim.reads import Part

if TYPE_CHECKING:
    from collections.abc import Container, Generator, Iterable

    from pullsim.reads import Reads


class LazyFiles(Protocol):
    """A place from which files come only when they are read: a volume made of a snapshot, or a mounted blob."""

    def read(self, part: Part, reads: Reads) -> Generator[Any, Any, None]:
        """Wait until a process that reads as ``reads`` says has read a part that lies here."""


class ImageFiles:
    """The layers of a node whose files come lazily, by the keys of their snapshots."""

    __slots__ = ("_lazy",)

    def __init__(self) -> None:
        self._lazy: dict[str, LazyFiles] = {}

    def lie_in(self, place: LazyFiles, keys: Iterable[str]) -> None:
        """Note that the files of these snapshots lie in a lazy place."""
        for key in keys:
            self._lazy[key] = place

    def keep(self, keys: Container[str]) -> None:
        """Forget the snapshots that are not among these any more: an image that is pulled again is on the disk."""
        self._lazy = {key: place for key, place in self._lazy.items() if key in keys}

    def read(self, layers: Iterable[tuple[str, int]], reads: Reads) -> Generator[Any, Any, None] | None:
        """Read an image with layers of these keys and unpacked bytes; None: all that is read is on the node's disk.

        What is read is spread over the layers in proportion to their bytes, which sum to it.
        """
        every = list(layers)
        total = sum(size for _, size in every)
        amount, below = reads.amount(total), 0
        parts: list[tuple[LazyFiles, Part]] = []
        for key, size in every:
            share = amount * (below + size) // total - amount * below // total if total else 0
            below += size
            place = self._lazy.get(key)
            if place is not None and share:
                parts.append((place, Part(key, size, share)))
        return _read(parts, reads) if parts else None


def _read(parts: list[tuple[LazyFiles, Part]], reads: Reads) -> Generator[Any, Any, None]:
    """Read the layers from the bottom up."""
    for place, part in parts:
        yield from place.read(part, reads)
