"""Fetching one layer's blob for a pull."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import simpy

from pullsim.hardware.jobs import cancel_all
from pullsim.kernel.process import Process
from pullsim.runtime.containerd.chunks import ChunkedGet
from pullsim.runtime.containerd.failures import PullFailed, blob_no_space
from pullsim.runtime.fetch_stages import BlobFetch
from pullsim.runtime.metadata import BLOB_COMMIT, BLOB_OPEN
from pullsim.runtime.sources.blob_source import Wanted

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.kernel.event import Event
    from pullsim.oci.manifest import Layer
    from pullsim.runtime.containerd.ongoing_pull import OngoingPull


class Fetch(BlobFetch):
    """Gets the blob of a layer into the content store.

    Up to 2.0 a fetch holds a slot from before it has the blob's lock until the commit (pkg/unpack/unpacker.go fetch).
    From 2.1 on it holds one from when it has the lock until the last byte, whoever pulls: slots are those of the node,
    and core/remotes/docker/fetcher.go takes them.

    A fetch that waits for its slot has no process yet, only an event in the queue for slots: with ten layers and three
    slots that saves a third of a pull's memory.
    """

    __slots__ = (
        "_abandoned",
        "_chunks",
        "_process",
        "_started",
        "_turn",
        "alive",
        "done",
        "fetched",
        "pull",
        "resumed",
    )

    def __init__(self, pull: OngoingPull, position: int, layer: Layer) -> None:
        """Ask for a slot, if layers take it before their request.

        If no slot is free, the fetch `waits` and starts by itself when it gets one; otherwise the caller calls `start`.
        """
        super().__init__(layer, position, pull.env.now)
        self.alive = True  # the fetch has not ended
        self.fetched = False  # the blob came from the registry, for this pull, and is durable
        self.done = False  # the blob is durable, wherever it came from
        self._abandoned = False
        self._started = False
        self._process: Process | None = None  # made when the fetch starts, or when something waits for it
        self.pull = pull
        self.resumed = 0  # those bytes of ``received`` that an earlier, failed pull had downloaded
        self._chunks: ChunkedGet | None = None
        self._turn = None if pull.node.behaviour.node_wide_slots else self._ask_for_slot()
        if self._turn is not None:
            pull.queued += 1
            self._turn.call(self._take_over)

    @property
    def process(self) -> Process:
        """The process that gets the blob, of a fetch that has not ended."""
        if self._process is None:
            self._process = Process(self.pull.env)
        return self._process

    @property
    def waits(self) -> bool:
        """Whether the fetch waits for a slot, and starts by itself when it gets one."""
        return self._turn is not None

    def start(self) -> None:
        """Start the fetch, unless its pull has failed before."""
        if not self._abandoned:
            self._started = True
            self.process.start(self._run())

    def abandon(self) -> None:
        """Stop the fetch, if it has not ended, because its pull has failed."""
        self._abandoned = True
        if not self.alive:
            return
        if self._turn is not None:
            self.pull.slots.cancel(self._turn)
        elif self._started:
            self.process.interrupt()

    @property
    def downloaded(self) -> int:
        """Bytes that this pull has downloaded; in chunks, those of all complete ones, also behind a missing one."""
        return self.received - self.resumed if self._chunks is None else self._chunks.downloaded

    def stall(self, now: float, *, begun: bool) -> None:
        """Note that no more bytes come; ``begun``: some have come before."""
        super().stall(now, begun=begun)
        self.pull.stalled(begun=begun)

    def _take_over(self, _: Event) -> None:
        """Start with the slot that another fetch has given back."""
        self._turn = None
        self.pull.queued -= 1
        self._has_waited()
        self.start()

    def _run(self) -> Generator[Any, Any, None]:
        """Take the blob's lock, and get the blob unless another pull has stored it in the meantime."""
        pull, digest, env = self.pull, self.layer.digest, self.pull.env
        node = pull.node
        store, node_wide = node.store, node.behaviour.node_wide_slots
        locks = store.blob_locks
        try:
            self.enter("lock", env.now)
            if (turn := locks.acquire(digest)) is not None:
                yield from locks.wait(digest, turn)
            try:
                if digest not in store.blobs:
                    self.enter("commit", env.now)
                    if (written := store.metadata.write(BLOB_OPEN)) is not None:
                        yield written
                    yield from self._get()
                    layer: Any = self.layer
                    store.commit(digest, layer.size)
                else:
                    self.requested = self.first_byte = self.ended = env.now
                    if node_wide:  # a blob that is there needs no slot
                        self.slot = env.now
                pull.lease.blobs.append(digest)
                self.committed = env.now
                self.done = True
            finally:
                locks.release(digest)
        except simpy.Interrupt:  # `abandon` was called
            return
        except PullFailed as failed:
            pull.fail(failed.outcome)
        finally:
            if not node_wide:
                if self.done:
                    last = not pull.queued
                    pull.slots.pass_on(self)
                    if last and node.unpack_slots is None:
                        self.forget_stages(pull.clock)
                else:
                    pull.slots.give_back(self)
            self.alive = False
            self._process = None  # those who wait for it have it

    def _get(self) -> Generator[Any, Any, None]:
        """Download the missing bytes of the blob, write them to the disk at the same time, and commit the blob.

        If the disk has too little space, the download goes on until the disk is full. Raises PullFailed.
        """
        pull, layer, env = self.pull, self.layer, self.pull.env
        node = pull.node
        store, disk = node.store, node.disk
        slots = pull.slots if node.behaviour.node_wide_slots else None
        if slots is not None and (turn := self._ask_for_slot()) is not None:
            yield from self._wait_for_slot(turn)
        self.requested = env.now
        self.received = self.resumed = store.resume(layer.digest)
        rest = layer.size - self.resumed
        claimed = store.claim(rest)
        written = None if disk is None else disk.begin(claimed)
        try:
            try:
                if node.chunk and claimed > node.chunk:
                    self._chunks = ChunkedGet(self, pull, self.resumed, claimed, slots)
                    yield from self._chunks.run()
                else:
                    yield from pull.blobs.get(Wanted("blobs", layer.digest, self.resumed + claimed, layer), self)
            finally:
                self.ended = env.now
                if slots is not None and (self._chunks is None or self._chunks.holds):
                    slots.give_back(self)
            self.received = self.resumed + claimed
            self.settle(self.limited)
            self.bytes_until = env.now
            if written is not None and (writing := written.wait()) is not None:
                self.enter("unpack_disk", env.now)
                yield writing
            if claimed < rest:
                raise blob_no_space(pull.reference, layer.digest)  # noqa: TRY301  # the handler below cleans up
            self.enter("commit", env.now)
            if node.fsyncs:
                yield from node.sync_blob()
            if (committed := store.metadata.write(BLOB_COMMIT)) is not None:
                yield committed
        except BaseException:
            store.leave(layer.digest, self.received, of=self.resumed + claimed)
            cancel_all(written)
            raise
        self.fetched = True

    def _ask_for_slot(self) -> Event | None:
        """Take a slot and return None; if there is none, return the event that hands one over."""
        turn = self.pull.slots.acquire()
        self.slot = now = self.pull.env.now
        self.enter("slot", now)
        return turn

    def _wait_for_slot(self, turn: Event) -> Generator[Any, Any, None]:
        """Wait for a slot; withdraw if the pull fails meanwhile."""
        yield from self.pull.slots.wait(turn)
        self._has_waited()

    def _has_waited(self) -> None:
        """Note when the slot came, and from which fetch if that is one of the same pull."""
        self.slot = self.pull.env.now
        before = self.pull.slots.given_back_by
        if isinstance(before, Fetch) and before.pull is self.pull:
            self._slot_from = before
