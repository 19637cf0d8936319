"""Fetching the documents of an image: its index, manifest and config."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import simpy

from pullsim.registry.request import Download
from pullsim.runtime.containerd.failures import PullFailed, blob_no_space
from pullsim.runtime.metadata import DOCUMENT_COMMIT, DOCUMENT_OPEN

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.network.flows import Transfer
    from pullsim.oci.manifest import Image
    from pullsim.runtime.containerd.ongoing_pull import OngoingPull
    from pullsim.runtime.sources.blob_source import Wanted


class DocumentDownload(Download):
    """The `Download` of a document, whose time is in the pull's stage ``resolve``."""

    __slots__ = ("_pull", "stalled")

    def __init__(self, pull: OngoingPull) -> None:
        super().__init__()
        self._pull = pull
        self.stalled = False

    def request(self, now: float) -> None:
        """See `Download`."""
        self._go_on(now)

    def begin(self, now: float, transfer: Transfer) -> None:  # noqa: ARG002 - the protocol has it
        """See `Download`."""
        self._go_on(now)

    def stall(self, now: float, *, begun: bool) -> None:
        """See `Download`."""
        self.stalled = True
        self._pull.clock.enter("stall", now)
        self._pull.stalled(begun=begun)

    def _go_on(self, now: float) -> None:
        """Return from the stage ``stall`` to ``resolve``."""
        if self.stalled:
            self.stalled = False
            self._pull.clock.enter("resolve", now)


class Resolution(DocumentDownload):
    """The requests that resolve the name. They have no body, but a host may keep them waiting for a header."""

    __slots__ = ()

    def stall(self, now: float, *, begun: bool) -> None:  # noqa: ARG002 - the time stays in the stage ``resolve``
        """See `Download`."""
        self.stalled = True
        self._pull.stalled(begun=begun)

    def _go_on(self, now: float) -> None:  # noqa: ARG002
        self.stalled = False


class Documents:
    """Fetches the documents of one pull into the content store, one at a time."""

    __slots__ = ("_download", "_pull")

    def __init__(self, pull: OngoingPull) -> None:
        self._pull = pull
        self._download: DocumentDownload | None = None  # the download under way; None: there is none

    def stalled(self) -> bool:
        """Whether the request for a document is under way and gets no bytes."""
        return self._download is not None and self._download.stalled

    def received_since(self, since: float) -> bool:  # noqa: ARG002 - the protocol has it
        """Return False: documents are too small to count as progress of a download."""
        return False

    def resolve(self) -> Generator[Any, Any, Image]:
        """Resolve the name, see `Remote.resolve`. The CRI plugin watches the progress of these requests too.

        Source: internal/cri/server/images/image_pull.go pullRequestReporterRoundTripper; the transfer service counts
        what it downloads (transferProgressReporter).
        """
        pull = self._pull
        if pull.node.behaviour.by_service:
            return (yield from pull.remote.resolve())
        self._download = Resolution(pull)
        try:
            return (yield from pull.remote.resolve(self._download))
        finally:
            self._download = None

    def fetch(self, wanted: Wanted) -> Generator[Any, Any, None]:
        """Fetch a document unless the content store has it. Raises PullFailed."""
        pull, env, clock, digest = self._pull, self._pull.env, self._pull.clock, wanted.digest
        node = pull.node
        store, slots = node.store, pull.slots if node.behaviour.node_wide_slots else None
        if (turn := store.blob_locks.acquire(digest)) is not None:
            clock.enter("lock", env.now)
            yield from store.blob_locks.wait(digest, turn)
            clock.enter("resolve", env.now)
        try:
            if digest in store.blobs:
                pull.lease.blobs.append(digest)
                return
            clock.enter("commit", env.now)
            if (written := store.metadata.write(DOCUMENT_OPEN)) is not None:
                yield written
            if slots is not None and (turn := slots.acquire()) is not None:
                clock.enter("slot", env.now)
                yield from slots.wait(turn)
            clock.enter("resolve", env.now)
            size = wanted.size
            wanted.size = claimed = store.claim(size)
            try:
                self._download = DocumentDownload(pull)
                yield from pull.remote.get(wanted, self._download)
                if claimed < size:
                    raise blob_no_space(pull.reference, digest)
            except (PullFailed, simpy.Interrupt):
                store.abandon(0, of=claimed)
                raise
            finally:
                self._download = None
                if slots is not None:
                    slots.give_back(None)
            clock.enter("commit", env.now)
            if node.fsyncs:
                yield from node.sync_blob()
            if (written := store.metadata.write(DOCUMENT_COMMIT)) is not None:
                yield written
            clock.enter("resolve", env.now)
            store.commit(digest, size)
            pull.lease.blobs.append(digest)
        finally:
            store.blob_locks.release(digest)
