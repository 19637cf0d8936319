"""Fetching one layer's blob for a pull."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import simpy

from pullsim.engine.process import Process
from pullsim.runtime.chunks import ChunkedGet
from pullsim.runtime.failures import PullFailed, blob_no_space
from pullsim.runtime.metadata import BLOB_OPEN
from pullsim.runtime.steps import Steps

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pullsim.oci.manifest import Layer
    from pullsim.runtime.pull import Pull


class Fetch(Steps):
    """A process that gets a blob into the content store, and the times of its steps.

    To 2.0 a fetch holds a slot of its pull from before the blob's lock until the commit; from 2.1 it holds a slot of
    the node from after the lock until the last byte (core/unpack/unpacker.go fetch, core/remotes/docker/fetcher.go).
    """

    __slots__ = (
        "_abandoned",
        "_chunks",
        "_pull",
        "committed",
        "done",
        "ended",
        "fetched",
        "layer",
        "position",
        "process",
        "queued",
        "recorded",
        "requested",
        "resumed",
        "slot",
    )

    def __init__(self, pull: Pull, position: int, layer: Layer) -> None:
        now = pull.env.now
        super().__init__(now)
        self._pull = pull
        self._abandoned = False
        self._chunks: ChunkedGet | None = None
        self.position = position
        self.layer = layer
        self.fetched = False  # from the registry, by this pull, and durable
        self.done = False  # it is durable
        self.resumed = 0  # of these were there before, from a pull that failed
        self.recorded = False  # its row is written
        self.queued = self.slot = self.requested = self.ended = self.committed = now
        self.process = Process(pull.env, self._run())

    def abandon(self) -> None:
        """Stop, if it is not done: the pull has failed."""
        self._abandoned = True
        if self.process.is_alive and self._marks:  # else it has not begun, and will see that it need not
            self.process.interrupt()

    @property
    def downloaded(self) -> int:
        """Bytes that this pull has fetched, also of chunks behind one that is missing."""
        return self.received - self.resumed if self._chunks is None else self._chunks.downloaded

    def stall(self, now: float, *, begun: bool) -> None:
        """Note that nothing comes any more."""
        super().stall(now, begun=begun)
        self._pull.stalled(begun=begun)

    def _run(self) -> Generator[Any, Any, None]:
        if self._abandoned:
            return
        pull = self._pull
        try:
            if pull.containerd.behaviour.slots_of_requests:
                yield from self._lock_and_get()
            else:
                yield from self._take_slot()
                try:
                    yield from self._lock_and_get()
                finally:
                    pull.slots.give_back(self)
        except simpy.Interrupt:  # abandoned
            return
        except PullFailed as failed:
            pull.fail(failed.outcome)

    def _lock_and_get(self) -> Generator[Any, Any, None]:
        pull, digest = self._pull, self.layer.digest
        store, env = pull.containerd.store, pull.env
        locks = store.blob_locks
        self.enter("lock", env.now)
        if (turn := locks.acquire(digest)) is not None:
            yield from self._wait(turn, lambda turn: locks.cancel(digest, turn))
        try:
            if digest not in store.blobs:
                self.enter("commit", env.now)
                if (written := store.metadata.write(BLOB_OPEN)) is not None:
                    yield written
                yield from self._get()
                store.blobs[digest] = self.layer.size
            else:
                self.requested = self.first_byte = self.ended = env.now
                if pull.containerd.behaviour.slots_of_requests:  # it needed none
                    self.slot = env.now
            pull.lease.blobs.add(digest)
            self.committed = env.now
            self.done = True
        finally:
            locks.release(digest)

    def _get(self) -> Generator[Any, Any, None]:
        """Download the blob (what is missing of it), writing it to the disk meanwhile, and commit it.

        Where there is not enough space, the download goes on until the disk is full.
        """
        pull, layer = self._pull, self.layer
        containerd, env, store = pull.containerd, pull.env, pull.containerd.store
        slots = pull.slots if containerd.behaviour.slots_of_requests else None
        if slots is not None:
            yield from self._take_slot()
        self.requested = env.now
        self.received = self.resumed = store.resume(layer.digest)
        rest = layer.size - self.resumed
        claimed = store.claim(rest)
        written = None if containerd.disk is None else containerd.disk.run(claimed)
        try:
            try:
                if containerd.chunk and claimed > containerd.chunk:
                    self._chunks = ChunkedGet(self, pull, self.resumed, claimed, slots)
                    yield from self._chunks.run()
                else:
                    yield from pull.request("blobs", layer.digest, self.resumed + claimed, self)
            finally:
                self.ended = env.now
                if slots is not None and (self._chunks is None or self._chunks.holds):
                    slots.give_back(self)
            self.received = self.resumed + claimed
            self.bytes_until = env.now
            if written is not None:
                self.enter("unpack_disk", env.now)
                yield written
            if claimed < rest:
                raise blob_no_space(pull.reference, layer.digest)  # noqa: TRY301  # as any failed write, it leaves its bytes
            self.enter("commit", env.now)
            yield from pull.commit_blob()
        except BaseException:
            store.leave(layer.digest, self.received, of=self.resumed + claimed)
            if written is not None and not written.triggered:
                written.cancel()
            raise
        self.fetched = True

    def _take_slot(self) -> Generator[Any, Any, None]:
        slots = self._pull.slots
        turn = slots.acquire()
        self.enter("slot", self._pull.env.now)
        if turn is not None:
            yield from self._wait(turn, slots.cancel)
        self.slot = self._pull.env.now
        before = slots.given_back_by
        if turn is not None and isinstance(before, Fetch) and before._pull is self._pull:  # noqa: SLF001  # of this class
            self._before = before

    def _wait(self, turn: simpy.Event, cancel: Callable[[simpy.Event], None]) -> Generator[Any, Any, None]:
        """Wait for a slot or lock; withdraw if the pull fails meanwhile."""
        try:
            yield turn
        except simpy.Interrupt:
            cancel(turn)
            raise
