"""Unpacking layers of a pull side by side: max_concurrent_unpacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import simpy

from pullsim.records import Span
from pullsim.runtime.containerd.failures import PullFailed, snapshot_no_space
from pullsim.runtime.fetch_stages import Steps
from pullsim.runtime.metadata import PREPARE, SNAPSHOT_COMMIT
from pullsim.time_line import Division

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.oci.manifest import Layer
    from pullsim.records import Stages
    from pullsim.runtime.containerd.fetch import Fetch
    from pullsim.runtime.containerd.pull import Pull
    from pullsim.runtime.fetch_stages import DownloadSlots
    from pullsim.spec.stored_image import StoredImage


class Unpacking(Steps):
    """A process that waits for a layer's blob and unpacks it, holding one of the node's slots for that."""

    __slots__ = ("_slots", "began", "chain_id", "claimed", "fetch", "layer", "limit", "process", "pull")

    def __init__(self, pull: Pull, slots: DownloadSlots, layer: Layer, chain_id: str, fetch: Fetch) -> None:
        super().__init__(pull.env.now)
        self.pull = pull
        self.layer = layer
        self.chain_id = chain_id
        self.fetch = fetch
        self.began: float | None = None
        self.limit = "cpu"
        self.claimed = 0  # bytes of the snapshot, until it is committed
        self._slots = slots
        self.process = pull.env.process(self._run())

    @property
    def cause(self) -> str | None:
        """The layer."""
        return self.layer.digest

    def divide(self, begin: float, end: float) -> Stages:
        """Return what it was in: what its fetch was in until the blob was there, then unpacking."""
        began = self._began(begin, end)
        stages = self.fetch.divide(begin, began) if began > begin else {}
        if end > began:
            name = f"unpack_{self.limit}"
            stages[name] = stages.get(name, 0.0) + end - began
        return stages

    def trace(self, begin: float, end: float) -> list[Span]:
        """Return the same as spans."""
        began = self._began(begin, end)
        spans = self.fetch.trace(begin, began) if began > begin else []
        if end > began:
            spans.append(Span(f"unpack_{self.limit}", began, end, None, self.cause))
        return spans

    def _began(self, begin: float, end: float) -> float:
        """Return when it began to unpack, within an interval."""
        return end if self.began is None else min(max(self.began, begin), end)

    def _run(self) -> Generator[Any, Any, None]:
        try:
            if self.fetch.process.is_alive:
                yield self.fetch.process
            if self.fetch.done:  # else the pull has failed
                yield from self._unpack()
        except simpy.Interrupt:
            return
        except PullFailed as failed:
            self.pull.fail(failed.outcome)
        finally:
            self._slots.give_back(self)

    def _unpack(self) -> Generator[Any, Any, None]:
        layer, containerd = self.layer, self.pull.containerd
        store = containerd.store
        self.began = self.pull.env.now
        self.claimed = store.claim(layer.unpacked)
        part = layer if self.claimed == layer.unpacked else layer.part(self.claimed)
        self.limit = yield from containerd.unpacker.unpack(part)
        if part is not layer:
            number, version = len(store.snapshots) + 1, containerd.spec.version
            raise snapshot_no_space(self.pull.reference, layer, self.chain_id, number, version)


class _Behind(Division):
    """The wait for a slot: what the layer of the same pull was in that gives it back, if it is one."""

    __slots__ = ("_pull", "_slots")

    def __init__(self, slots: DownloadSlots, pull: Pull) -> None:
        self._slots = slots
        self._pull = pull

    def divide(self, begin: float, end: float) -> Stages:
        """See `Division`."""
        before = self._before()
        return {"slot": end - begin} if before is None else before.divide(begin, end)

    def trace(self, begin: float, end: float) -> list[Span]:
        """See `Division`."""
        before = self._before()
        return [Span("slot", begin, end, None, None)] if before is None else before.trace(begin, end)

    def _before(self) -> Unpacking | None:
        before = self._slots.given_back_by
        return before if isinstance(before, Unpacking) and before.pull is self._pull else None


class ParallelUnpack:
    """Layers in order, each as soon as there is a slot: it has the slot before its blob is there. Commits are in order.

    A snapshot is prepared without those below it, and put on top of them when it is committed, after all layers have
    been started; the locks of all their chain IDs are held until then. Models core/unpack/unpacker.go from 2.2 on
    (capability rebase of the snapshotter, transfer service).
    """

    def __init__(self, pull: Pull, image: StoredImage, slots: DownloadSlots) -> None:
        self._pull = pull
        self._image = image
        self._slots = slots
        self._unpackings: list[Unpacking] = []
        self._locked: list[str] = []  # chain IDs

    def run(self) -> Generator[Any, Any, None]:
        """Unpack all layers that the node does not have; raises what ends the pull."""
        try:
            yield from self._start()
            yield from self._commit()
        except BaseException:
            store = self._pull.containerd.store
            for unpacking in self._unpackings:
                if unpacking.process.is_alive:
                    unpacking.process.interrupt()
                store.abandon(unpacking.claimed, of=unpacking.claimed)
            for chain_id in self._locked:
                store.chain_locks.release(chain_id)
            raise

    def _start(self) -> Generator[Any, Any, None]:
        pull, env, clock = self._pull, self._pull.env, self._pull.clock
        store, layers = pull.containerd.store, self._image.manifest.layers
        for position, (layer, chain_id) in enumerate(zip(layers, self._image.snapshots(), strict=True)):
            if (turn := store.chain_locks.acquire(chain_id)) is not None:
                clock.enter("lock", env.now, layer.digest)
                yield from store.chain_locks.wait(chain_id, turn)
            if chain_id in store.snapshots:
                pull.lease.snapshots.add(chain_id)
                store.chain_locks.release(chain_id)
                continue
            self._locked.append(chain_id)
            fetch = pull.fetch_of(layers, position)
            clock.enter("commit", env.now)
            if (written := store.metadata.write(PREPARE)) is not None:
                yield written
            yield from self._slot()
            self._unpackings.append(Unpacking(pull, self._slots, layer, chain_id, fetch))

    def _slot(self) -> Generator[Any, Any, None]:
        """Wait for a slot: behind layers of the same pull, in what the one was in that gives it back."""
        slots, now = self._slots, self._pull.env.now
        if (turn := slots.acquire()) is None:
            return
        self._pull.clock.split(_Behind(slots, self._pull), now)
        yield from slots.wait(turn)

    def _commit(self) -> Generator[Any, Any, None]:
        pull, env = self._pull, self._pull.env
        store = pull.containerd.store
        for unpacking in self._unpackings:
            if unpacking.process.is_alive:
                pull.clock.split(unpacking, env.now)
                yield unpacking.process
            pull.clock.enter("commit", env.now, unpacking.layer.digest)
            if pull.containerd.fsyncs:
                yield from pull.containerd.drag()
            if (written := store.metadata.write(SNAPSHOT_COMMIT)) is not None:
                yield written
            store.snapshots[unpacking.chain_id] = unpacking.layer.unpacked
            unpacking.claimed = 0
            pull.record(unpacking.fetch, unpacking.began, unpacking.limit)
            pull.lease.snapshots.add(unpacking.chain_id)
            self._locked.remove(unpacking.chain_id)
            store.chain_locks.release(unpacking.chain_id)
