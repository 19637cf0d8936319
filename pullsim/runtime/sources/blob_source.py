"""Where a pull gets blobs from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.oci.manifest import Layer
    from pullsim.registry.request import Download


class Wanted:
    """A manifest or blob that a pull wants, or a part of one."""

    __slots__ = ("cut_short", "digest", "index", "kind", "layer", "size", "start")

    def __init__(self, kind: str, digest: str, size: int, layer: Layer | None = None, *, index: bool = False) -> None:
        """``kind``: manifests | blobs; ``size`` in bytes; ``layer``: whose blob it is; ``index``: it is an index."""
        self.kind = kind
        self.digest = digest
        self.size = size
        self.layer = layer
        self.index = index
        self.start = 0
        self.cut_short = False

    @classmethod
    def chunk(cls, layer: Layer, start: int, size: int, *, final: bool) -> Wanted:
        """Return a part of a layer's blob, whose request asks for all from ``start`` on and is closed after ``size``.

        ``final``: no more would come after it.
        """
        wanted = cls("blobs", layer.digest, size, layer)
        wanted.start = start
        wanted.cut_short = not final
        return wanted


class BlobSource(Protocol):
    """Has the content of images. Today's are registries and their mirrors, as each runtime asks them."""

    def get(self, wanted: Wanted, download: Download) -> Generator[Any, Any, None]:
        """Bring what is missing of ``wanted``, telling ``download`` how it goes.

        ``download.received`` is what was there before. Raises the runtime's own exception if it cannot be had.
        """
