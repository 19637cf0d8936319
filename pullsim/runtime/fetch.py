"""Fetching one layer's blob for a pull."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import simpy

from pullsim.runtime.failures import PullFailed
from pullsim.runtime.metadata import BLOB_OPEN

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pullsim.engine.flows import Transfer
    from pullsim.oci.manifest import Layer
    from pullsim.records import Stages
    from pullsim.runtime.pull import Pull

DOWNLOAD = ("download_egress", "download_connection", "download_nic")


class Fetch:
    """A process that gets a blob into the content store, and the times of its steps.

    To 2.0 a fetch holds a slot of its pull from before the blob's lock until the commit; from 2.1 it holds a slot of
    the node from after the lock until the last byte (core/unpack/unpacker.go fetch, core/remotes/docker/fetcher.go).
    """

    __slots__ = (
        "_abandoned",
        "_marks",
        "_pull",
        "_transfer",
        "committed",
        "ended",
        "fetched",
        "first_byte",
        "layer",
        "position",
        "process",
        "queued",
        "recorded",
        "requested",
        "slot",
    )

    def __init__(self, pull: Pull, position: int, layer: Layer) -> None:
        now = pull.env.now
        self._pull = pull
        self._abandoned = False
        self._marks: list[tuple[str, float]] = []  # (stage, begin), in order
        self.position = position
        self.layer = layer
        self.fetched = False  # from the registry, by this pull, and durable
        self.recorded = False  # its row is written
        self._transfer: Transfer | None = None
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
        return (0.0, 0.0, 0.0) if self._transfer is None else self._transfer.limited

    def request(self, now: float) -> None:
        """Note that the blob is asked for."""
        self._enter("request", now)

    def begin(self, now: float, transfer: Transfer) -> None:
        """Note that the blob begins to come."""
        self._enter("download", now)
        self.first_byte = now
        self._transfer = transfer

    def _enter(self, stage: str, now: float) -> None:
        self._marks.append((stage, now))

    def stages(self, begin: float, end: float) -> Stages:
        """Return what the fetch was in between ``begin`` and ``end``, while its pull waited for it."""
        stages: Stages = {}
        after = end
        for stage, since in reversed(self._marks):
            seconds = min(after, end) - max(since, begin)
            after = since
            if seconds <= 0:
                continue
            if stage == "download" and (limited := sum(limits := self.limited)) > 0:
                for name, part in zip(DOWNLOAD, limits, strict=True):
                    if part:
                        stages[name] = stages.get(name, 0.0) + seconds * part / limited
            else:
                name = DOWNLOAD[2] if stage == "download" else stage
                stages[name] = stages.get(name, 0.0) + seconds
        return stages

    def _run(self) -> Generator[Any, Any, None]:
        if self._abandoned:
            return
        pull = self._pull
        env, node_wide = pull.env, pull.containerd.behaviour.node_wide_slots
        try:
            if node_wide:
                yield from self._lock_and_get()
            else:
                yield from self._wait("slot", pull.slots.acquire(), pull.slots.cancel)
                self.slot = env.now
                try:
                    yield from self._lock_and_get()
                finally:
                    pull.slots.release()
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
                store.blobs.add(digest)
            else:
                self.requested = self.first_byte = self.ended = env.now
                if pull.containerd.behaviour.node_wide_slots:  # it needed none
                    self.slot = env.now
            self.committed = env.now
        finally:
            locks.release(digest)

    def _get(self) -> Generator[Any, Any, None]:
        """Download the blob, writing it to the disk meanwhile, and commit it."""
        pull, layer = self._pull, self.layer
        containerd, env = pull.containerd, pull.env
        slots = pull.slots if containerd.behaviour.node_wide_slots else None
        if slots is not None:
            yield from self._wait("slot", slots.acquire(), slots.cancel)
            self.slot = env.now
        written = None
        try:
            self.requested = env.now
            if containerd.disk is not None:
                written = containerd.disk.run(layer.size)
            yield from pull.request("blobs", layer.digest, layer.size, self)
        except BaseException:
            if written is not None and not written.triggered:
                written.cancel()
            raise
        finally:
            if slots is not None:
                slots.release()
        self.ended = env.now
        self._enter("commit", env.now)
        if written is not None:
            yield written
        yield from pull.commit_blob()
        self.fetched = True

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
