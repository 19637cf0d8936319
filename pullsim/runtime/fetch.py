"""Fetching one layer's blob for a pull."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import simpy

from pullsim.engine.locks import Slots
from pullsim.runtime.failures import PullFailed, blob_no_space
from pullsim.runtime.metadata import BLOB_OPEN

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from pullsim.engine.flows import Transfer
    from pullsim.oci.manifest import Layer
    from pullsim.records import Stages
    from pullsim.runtime.pull import Pull

DOWNLOAD = ("download_egress", "download_connection", "download_nic")


class DownloadSlots(Slots):
    """Slots that remember who gave the last one back."""

    __slots__ = ("given_back_by",)

    def __init__(self, env: simpy.Environment, count: int) -> None:
        super().__init__(env, count)
        self.given_back_by: Fetch | None = None

    def give_back(self, fetch: Fetch | None) -> None:
        """Release the slot of a layer's fetch, or of a manifest's or config's (None)."""
        self.given_back_by = fetch
        self.release()


class Fetch:
    """A process that gets a blob into the content store, and the times of its steps.

    To 2.0 a fetch holds a slot of its pull from before the blob's lock until the commit; from 2.1 it holds a slot of
    the node from after the lock until the last byte (core/unpack/unpacker.go fetch, core/remotes/docker/fetcher.go).
    """

    __slots__ = (
        "_abandoned",
        "_before",
        "_limited",
        "_marks",
        "_pull",
        "_transfer",
        "bytes_until",
        "committed",
        "done",
        "ended",
        "fetched",
        "first_byte",
        "host",
        "layer",
        "position",
        "process",
        "queued",
        "received",
        "recorded",
        "requested",
        "resumed",
        "slot",
    )

    def __init__(self, pull: Pull, position: int, layer: Layer) -> None:
        now = pull.env.now
        self._pull = pull
        self._abandoned = False
        self._before: Fetch | None = None  # of the same pull, whose slot this one took over
        self._marks: list[tuple[str, float]] = []  # (stage, begin), in order
        self.position = position
        self.layer = layer
        self.fetched = False  # from the registry, by this pull, and durable
        self.done = False  # it is durable
        self.received = 0  # bytes of it that are there
        self.resumed = 0  # of these were there before, from a pull that failed
        self.host: str | None = None  # that served it
        self.bytes_until = -1.0  # when bytes came last before they stopped
        self.recorded = False  # its row is written
        self._transfer: Transfer | None = None
        self._limited = (0.0, 0.0, 0.0)  # as `limited`, of earlier transfers
        self.queued = self.slot = self.requested = self.first_byte = self.ended = self.committed = now
        self.process = pull.env.process(self._run())

    def abandon(self) -> None:
        """Stop, if it is not done: the pull has failed."""
        self._abandoned = True
        if self.process.is_alive and self._marks:  # else it has not begun, and will see that it need not
            self.process.interrupt()

    @property
    def limited(self) -> tuple[float, float, float]:
        """Seconds of the download so far limited by (egress, connection, NIC)."""
        if self._transfer is None:
            return self._limited
        egress, connection, nic = self._limited
        now_egress, now_connection, now_nic = self._transfer.limited
        return egress + now_egress, connection + now_connection, nic + now_nic

    @property
    def downloaded(self) -> int:
        """Bytes that this pull has fetched."""
        return self.received - self.resumed

    @property
    def step(self) -> str:
        """What it is in."""
        return self._marks[-1][0] if self._marks else ""

    def request(self, now: float) -> None:
        """Note that the blob is asked for."""
        self._enter("request", now)

    def begin(self, now: float, transfer: Transfer) -> None:
        """Note that the blob begins to come, or goes on."""
        self._enter("download", now)
        if self._transfer is None:
            self.first_byte = now
        else:
            self._limited = self.limited
        self._transfer = transfer

    def stall(self, now: float, *, begun: bool) -> None:
        """Note that nothing comes any more."""
        self._enter("stall", now)
        if begun:
            self.bytes_until = now
        self._pull.stalled(begun=begun)

    def _enter(self, stage: str, now: float) -> None:
        self._marks.append((stage, now))

    def stages(self, begin: float, end: float) -> Stages:
        """Return what the fetch was in between ``begin`` and ``end``, while its pull waited for it.

        Waiting for a slot behind another layer of the same pull is what that layer was in meanwhile: the slots only
        order what the pull has to do. Behind another pull, it is waiting.
        """
        stages: Stages = {}
        spans = [(self, begin, end)]
        while spans:
            fetch, begin, until = spans.pop()
            for stage, since in reversed(fetch._marks):  # noqa: SLF001  # of this class
                first, last, until = max(since, begin), until, min(since, until)
                if last <= first:
                    continue
                if stage == "slot" and fetch._before is not None:  # noqa: SLF001
                    spans.append((fetch._before, first, last))  # noqa: SLF001
                    continue
                for name, part in fetch._split(stage):  # noqa: SLF001
                    stages[name] = stages.get(name, 0.0) + (last - first) * part
        return stages

    def _split(self, stage: str) -> Iterable[tuple[str, float]]:
        """Yield the stages of the records that a step belongs to, and the share of each."""
        if stage != "download":
            return ((stage, 1.0),)
        limits = self.limited
        limited = sum(limits)
        if limited <= 0:  # too short to tell
            return ((DOWNLOAD[2], 1.0),)
        return ((name, seconds / limited) for name, seconds in zip(DOWNLOAD, limits, strict=True) if seconds)

    def _run(self) -> Generator[Any, Any, None]:
        if self._abandoned:
            return
        pull = self._pull
        try:
            if pull.containerd.behaviour.node_wide_slots:
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
        yield from self._wait("lock", locks.acquire(digest), lambda turn: locks.cancel(digest, turn))
        try:
            if digest not in store.blobs:
                self._enter("commit", env.now)
                yield from pull.write(BLOB_OPEN)
                yield from self._get()
                store.blobs[digest] = self.layer.size
            else:
                self.requested = self.first_byte = self.ended = env.now
                if pull.containerd.behaviour.node_wide_slots:  # it needed none
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
        slots = pull.slots if containerd.behaviour.node_wide_slots else None
        if slots is not None:
            yield from self._take_slot()
        self.requested = env.now
        self.received = self.resumed = store.resume(layer.digest)
        rest = layer.size - self.resumed
        claimed = store.claim(rest)
        written = None if containerd.disk is None else containerd.disk.run(claimed)
        try:
            try:
                yield from pull.request("blobs", layer.digest, self.resumed + claimed, self)
            finally:
                self.ended = env.now
                if slots is not None:
                    slots.give_back(self)
            self.received = self.resumed + claimed
            self.bytes_until = env.now
            if written is not None:
                self._enter("unpack_disk", env.now)
                yield written
            if claimed < rest:
                raise blob_no_space(pull.reference, layer.digest)  # noqa: TRY301  # as any failed write, it leaves its bytes
            self._enter("commit", env.now)
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
        yield from self._wait("slot", turn, slots.cancel)
        self.slot = self._pull.env.now
        before = slots.given_back_by
        if turn is not None and before is not None and before._pull is self._pull:  # noqa: SLF001  # of this class
            self._before = before

    def _wait(
        self, stage: str, turn: simpy.Event | None, cancel: Callable[[simpy.Event], None]
    ) -> Generator[Any, Any, None]:
        """Wait for a slot or lock; withdraw if the pull fails meanwhile."""
        self._enter(stage, self._pull.env.now)
        if turn is not None:
            try:
                yield turn
            except simpy.Interrupt:
                cancel(turn)
                raise
