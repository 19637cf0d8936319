"""Where a pull gets blobs from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from pullsim.registry.request import Request

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.oci.manifest import Layer
    from pullsim.oci.reference import Reference
    from pullsim.registry.access import Presented
    from pullsim.registry.request import Download


class Wanted:
    """A manifest or blob that a pull wants, or a part of one."""

    __slots__ = ("cut_short", "digest", "index", "kind", "layer", "size", "start")

    def __init__(self, kind: str, digest: str, size: int, layer: Layer | None = None, *, index: bool = False) -> None:
        """``kind``: manifests | blobs; ``size`` in bytes.

        ``layer`` is the layer of a blob, None for a document; ``index``: the manifest is an index.
        """
        self.kind = kind
        self.digest = digest
        self.size = size
        self.layer = layer
        self.index = index
        self.start = 0
        self.cut_short = False

    @classmethod
    def chunk(cls, layer: Layer, start: int, size: int, *, final: bool) -> Wanted:
        """Return a part of a layer's blob: ``size`` bytes from byte ``start`` on.

        Its request asks for everything from ``start`` on, and its connection is closed after ``size`` bytes, unless the
        part is the last one of the blob (``final``).
        """
        wanted = cls("blobs", layer.digest, size, layer)
        wanted.start = start
        wanted.cut_short = not final
        return wanted

    def request(self, presented: Presented, reference: Reference, got: int) -> Request:
        """Return the request for what is missing, if ``got`` bytes are there."""
        request = Request(presented, reference, self.kind, self.digest, self.size - got, is_index=self.index)
        request.offset = self.start + got
        request.cut_short = self.cut_short
        return request


class BlobSource(Protocol):
    """A source of manifests and blobs. The existing ones are the registries and mirrors, as each runtime asks them."""

    def get(self, wanted: Wanted, download: Download) -> Generator[Any, Any, None]:
        """Get the missing bytes of ``wanted``, and report to ``download``.

        ``download.received`` is the number of bytes that are there already. Raises the runtime's own exception
        (`PullFailed`, `CopyFailed`) if the rest cannot be had.
        """
