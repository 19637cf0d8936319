"""What a runtime asks of its node's peers, and what peers see of a node's content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from pullsim.oci.reference import Reference
    from pullsim.peer_record import PeerRecord
    from pullsim.registry.host import Registry
    from pullsim.registry.request import Download
    from pullsim.runtime.sources.blob_source import Wanted
    from pullsim.spec.stored_image import StoredImage


class Agent(Protocol):
    """The agent on a node that gets content from other nodes. A runtime asks it before the registry's own hosts."""

    def resolve(self, reference: Reference) -> Generator[Any, Any, str | None]:
        """Return the digest that a reference has among the peers; None: none of them knows it."""

    def get(self, wanted: Wanted, download: Download, registry: Registry) -> Generator[Any, Any, int]:
        """Get the missing bytes of ``wanted`` from peers and report to ``download``; return the status.

        ``registry`` is the one of the image, for agents that get from it what no peer has.

        OK: all are there. CUT: the peer went away in between, and ``download.received`` counts what has come.
        NOT_FOUND: no peer has it, so that the next host is asked.
        """

    def leave(self) -> None:
        """Note that the node leaves."""

    def close(self) -> None:
        """Count what has come by the end of the run, where that is not counted as it comes."""

    def record(self) -> PeerRecord:
        """Return what the node has sent and received so far."""
        ...


class Content(Protocol):
    """The content of a node: what it can give to peers."""

    blobs: dict[str, int]  # bytes by digest
    images: dict[str, StoredImage]  # by name


class WatchedContent(Content, Protocol):
    """The content of a node, with one who is told how it changes."""

    watcher: ContentWatcher | None


class ContentWatcher(Protocol):
    """Is told how the content of a node changes."""

    def listed(self, name: str, blobs: Iterable[tuple[str, int]]) -> None:
        """Note that the node has an image from the start: its name, and digest and bytes of its blobs."""

    def committed(self, digest: str) -> None:
        """Note that a blob was committed."""

    def named(self, name: str, blobs: Iterable[tuple[str, int]]) -> None:
        """Note that an image record was written, when all blobs were there."""

    def removed(self, names: Iterable[str], lost: Iterable[str]) -> None:
        """Note that image records were removed, and with them the blobs ``lost``."""
