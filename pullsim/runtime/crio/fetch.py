"""Getting one layer of a copy: from the registry to a temporary file, or from what the node has."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import simpy

from pullsim.kernel.process import Process
from pullsim.runtime.crio.failures import CopyFailed, temporary_no_space
from pullsim.runtime.fetch_stages import Steps

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.oci.manifest import Layer
    from pullsim.runtime.crio.copy import Copy


class BlobCopy(Steps):
    """A process that holds one of the copy's slots, and gets the blob of one layer.

    A blob that a committed layer of the node has is not asked for. Others are written to a temporary file and inflated
    at the same time, only to know the digest of the content; the file stays until the copy ends. The one whose layer is
    the next to be committed keeps its slot: it does the committing.

    Models containers/image copy/single.go (copyLayers), storage/storage_dest.go (tryReusingBlobAsPending,
    putBlobToPendingFile, queueOrCommit).
    """

    __slots__ = (
        "_copy",
        "committed",
        "copied",
        "ended",
        "failure",
        "layer",
        "local",
        "position",
        "process",
        "queued",
        "requested",
        "slot",
    )

    def __init__(self, copy: Copy, position: int, layer: Layer) -> None:
        now = copy.env.now
        super().__init__(now)
        self._copy = copy
        self.position = position
        self.layer = layer
        self.local = False  # the node had the content
        self.copied = False  # as another layer
        self.failure: CopyFailed | None = None
        self.queued = self.slot = self.requested = self.ended = now
        self.committed: float | None = None  # the file is complete
        self.process = Process(copy.env, self._run())

    @property
    def cause(self) -> str | None:
        """The layer."""
        return self.layer.digest

    def cut(self) -> None:
        """Stop, if it is not done: the node leaves."""
        if self.process.is_alive:
            self.process.interrupt()

    def _run(self) -> Generator[Any, Any, None]:
        with suppress(simpy.Interrupt):  # it is cut
            yield from self._copy_blob()

    def _copy_blob(self) -> Generator[Any, Any, None]:
        copy = self._copy
        yield from self._take_slot()
        try:
            if not self._present():
                yield from self._get()
        except CopyFailed as failed:
            self.failure = failed
        if self.failure is not None or copy.next != self.position:
            copy.slots.give_back(self)

    def _present(self) -> bool:
        copy, now, digest = self._copy, self._copy.env.now, self.layer.digest
        self.copied = digest not in copy.files and copy.store.knows(digest)
        self.local = self.copied or digest in copy.files
        if self.local:
            self.requested = self.first_byte = self.ended = self.committed = now
        return self.local

    def _get(self) -> Generator[Any, Any, None]:
        """Download, inflating and writing meanwhile; where there is not enough space, until the disk is full."""
        copy, crio, layer = self._copy, self._copy.crio, self.layer
        env = copy.env
        self.requested = env.now
        claimed = copy.store.claim(layer.size)
        copy.temporary += claimed
        inflating = crio.spec.inflate.work(layer) * (claimed / layer.size if layer.size else 1.0)
        inflate = crio.cores.begin(inflating)
        written = None if crio.disk is None else crio.disk.buffer(claimed, inflating)
        try:
            try:
                yield from copy.source.blob(layer.digest, claimed, self)
            finally:
                self.ended = env.now
            self.received = claimed
            for job, stage in ((inflate, "unpack_cpu"), (written, "unpack_disk")):
                if job is not None and (work := job.wait()) is not None:
                    self.enter(stage, env.now)
                    yield work
            if claimed < layer.size:
                raise temporary_no_space(self.position + 1)  # noqa: TRY301  # as any failed write, it leaves its bytes
        except BaseException:
            for job in (inflate, written):
                if job is not None:
                    job.cancel()
            raise
        self.committed = env.now
        copy.files.add(layer.digest)

    def _take_slot(self) -> Generator[Any, Any, None]:
        slots, env = self._copy.slots, self._copy.env
        self.enter("slot", env.now)
        turn = slots.acquire()
        if turn is not None:
            yield turn
            self._before = slots.given_back_by
        self.slot = env.now
        self.enter("request", env.now)
