"""Getting one layer for a copy: from the registry into a temporary file, or from layers that the node has."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import simpy

from pullsim.hardware.jobs import cancel_all
from pullsim.kernel.process import Process
from pullsim.runtime.crio.failures import CopyFailed, temporary_no_space
from pullsim.runtime.crio.partial_pull import PartialPull
from pullsim.runtime.fetch_stages import BlobFetch
from pullsim.runtime.sources.blob_source import Wanted

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.oci.manifest import Layer
    from pullsim.runtime.crio.ongoing_copy import OngoingCopy
    from pullsim.runtime.fetch_stages import Unpacked

#: Writes to the cache of blob locations for each layer that is fetched; it has one writer at a time on a node, and each
#: write ends with an fsync (containers/image pkg/blobinfocache/sqlite transaction; docker/docker_image_src.go GetBlob).
BLOB_RECORDS: Final = 1


class BlobCopy(BlobFetch):
    """A process that gets the blob of one layer, and holds one of the copy's slots meanwhile.

    A blob is not downloaded if a committed layer on the node has the same content. Otherwise it is written to a
    temporary file, which stays until the copy ends, and decompressed at the same time to compute the digest of its
    content. The fetch of the layer that is committed next keeps its slot, because it does the committing.

    Models containers/image copy/single.go (copyLayers), storage/storage_dest.go (tryReusingBlobAsPending,
    putBlobToPendingFile, queueOrCommit).
    """

    __slots__ = (
        "_copy",
        "copied",
        "failure",
        "local",
        "process",
        "staged",
    )

    def __init__(self, copy: OngoingCopy, position: int, layer: Layer) -> None:
        super().__init__(layer, position, copy.env.now)
        self._copy = copy
        self.local = False  # the node had the content
        self.copied = False  # the node had it as the content of another layer, which is copied
        self.staged: Unpacked | None = None  # the layer was pulled in parts and unpacked beside the store
        self.failure: CopyFailed | None = None
        self.process = Process(copy.env, self._run())

    def cut(self) -> None:
        """Stop the fetch, if it has not ended, because the node leaves."""
        if self.process.is_alive:
            self.process.interrupt()

    def _run(self) -> Generator[Any, Any, None]:
        with suppress(simpy.Interrupt):  # `cut` was called
            yield from self._copy_blob()

    def _copy_blob(self) -> Generator[Any, Any, None]:
        """Get the blob while holding a slot, and keep the slot if the layer is committed next.

        Before the request the store is asked for the layer. Where layers are applied under the store's lock, that
        waits for the layer that any pull of the node applies (storage_dest.go tryReusingBlobAsPending).
        """
        copy = self._copy
        yield from self._take_slot()
        if copy.node.release.locks_layers and (reading := copy.store.lock.reading()) is not None:
            self.enter("lock", copy.env.now)
            yield reading
            self.enter("request", copy.env.now)
        try:
            if not self._present():
                if copy.node.partial is not None and self.layer.chunked is not None:
                    self.staged = yield from PartialPull(copy, self, copy.node.partial).run()
                if self.staged is None:
                    yield from self._get()
        except CopyFailed as failed:
            self.failure = failed
        if self.failure is not None or copy.next != self.position:
            copy.slots.give_back(self)

    def _present(self) -> bool:
        """Whether the node has the content of the layer already, so that nothing is downloaded."""
        copy, now, digest = self._copy, self._copy.env.now, self.layer.digest
        self.copied = digest not in copy.files and copy.store.knows(digest)
        self.local = self.copied or digest in copy.files
        if self.local:
            self.requested = self.first_byte = self.ended = self.committed = now
        return self.local

    def _get(self) -> Generator[Any, Any, None]:
        """Download the blob, and decompress and write it at the same time.

        If there is too little space, go on until the disk is full, and raise CopyFailed.
        """
        copy, node, layer = self._copy, self._copy.node, self.layer
        env = copy.env
        if (recorded := copy.store.records.write(BLOB_RECORDS)) is not None:
            yield recorded
        self.requested = env.now
        claimed = copy.store.claim(layer.size)
        copy.temporary += claimed
        inflating = copy.inflate.work(layer) * (claimed / layer.size if layer.size else 1.0)
        inflate = node.cores.begin(inflating)
        written = None if node.disk is None else node.disk.buffer(claimed, inflating)
        try:
            try:
                yield from copy.source.get(Wanted("blobs", layer.digest, claimed, layer), self)
            finally:
                self.ended = env.now
            self.received = claimed
            for job, stage in ((inflate, "unpack_cpu"), (written, "unpack_disk")):
                if job is not None and (work := job.wait()) is not None:
                    self.enter(stage, env.now)
                    yield work
            if claimed < layer.size:
                raise temporary_no_space(self.position + 1)  # noqa: TRY301  # the handler below cleans up
        except BaseException:
            cancel_all(inflate, written)
            raise
        self.committed = env.now
        copy.files.add(layer.digest)

    def _take_slot(self) -> Generator[Any, Any, None]:
        """Take a slot of the copy; if there is none, wait for one."""
        slots, env = self._copy.slots, self._copy.env
        self.enter("slot", env.now)
        turn = slots.acquire()
        if turn is not None:
            yield from slots.wait(turn)
            self._slot_from = slots.given_back_by
        self.slot = env.now
        self.enter("request", env.now)
