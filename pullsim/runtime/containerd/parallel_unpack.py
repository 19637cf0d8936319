"""Unpacking several layers of a pull at the same time, where max_concurrent_unpacks is more than 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import simpy

from pullsim.runtime.containerd.failures import PullFailed
from pullsim.runtime.fetch_stages import LayerStages
from pullsim.runtime.metadata import PREPARE, SNAPSHOT_COMMIT

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.records import Span, Stages
    from pullsim.runtime.containerd.fetch import Fetch
    from pullsim.runtime.containerd.fetches import Fetches
    from pullsim.runtime.containerd.ongoing_pull import OngoingPull
    from pullsim.runtime.fetch_stages import DownloadSlots
    from pullsim.spec.stored_image import StoredImage


class Unpacking(LayerStages):
    """A process that waits for a layer's blob and unpacks it, and holds one of the node's unpack slots meanwhile."""

    __slots__ = ("_slots", "began", "chain_id", "claimed", "fetch", "limit", "process", "pull")

    def __init__(self, pull: OngoingPull, slots: DownloadSlots, chain_id: str, fetch: Fetch) -> None:
        super().__init__(fetch.layer, pull.env.now)
        self.pull = pull
        self.chain_id = chain_id
        self.fetch = fetch
        self.began: float | None = None  # when unpacking began, in seconds; None: the blob is not there
        self.limit = "cpu"  # what limited the unpacking: cpu | disk
        self.claimed = 0  # bytes of the snapshot, until it is committed
        self._slots = slots
        self.process = pull.env.process(self._run())

    def divide(self, begin: float, end: float, spans: list[Span] | None, image: str | None) -> Stages:
        """Return the stages of the layer's fetch until its blob was there, and then the stage of unpacking."""
        began = self._began(begin, end)
        stages = self.fetch.divide(begin, began, spans, image) if began > begin else {}
        if end > began:
            name = f"unpack_{self.limit}"
            stages[name] = stages.get(name, 0.0) + end - began
            if spans is not None:
                spans.append((name, began, end, image, self.cause))
        return stages

    def _began(self, begin: float, end: float) -> float:
        """Return when unpacking began; ``begin`` if that was earlier, ``end`` if it was later or has not happened."""
        return end if self.began is None else min(max(self.began, begin), end)

    def _run(self) -> Generator[Any, Any, None]:
        """Wait for the blob, unpack it, and give the slot back."""
        try:
            if self.fetch.alive:
                yield self.fetch.process
            if self.fetch.done:  # if it is not, the pull has failed
                yield from self._unpack()
        except simpy.Interrupt:
            return
        except PullFailed as failed:
            self.pull.fail(failed.outcome)
        finally:
            self._slots.give_back(self)

    def _unpack(self) -> Generator[Any, Any, None]:
        """Unpack the blob. If the disk has too little space, unpack until it is full, and raise PullFailed."""
        layer, store = self.layer, self.pull.node.store
        self.began = self.pull.env.now
        self.claimed = store.claim(layer.unpacked)
        part = layer if self.claimed == layer.unpacked else layer.part(self.claimed)
        self.limit = yield from self.pull.snapshotter.unpack(part)
        if part is not layer:
            raise self.pull.no_space(layer, self.chain_id)


class _SlotWait:
    """The `Division` of a wait for an unpack slot, whose time goes to the stages of the layer that gives the slot back.

    If that layer belongs to another pull, the time goes to the stage ``slot``.
    """

    __slots__ = ("_pull", "_slots")

    def __init__(self, slots: DownloadSlots, pull: OngoingPull) -> None:
        self._slots = slots
        self._pull = pull

    def divide(self, begin: float, end: float, spans: list[Span] | None, image: str | None) -> Stages:
        """See `Division`."""
        before = self._before()
        if before is not None:
            return before.divide(begin, end, spans, image)
        if spans is not None:
            spans.append(("slot", begin, end, image, None))
        return {"slot": end - begin}

    def _before(self) -> Unpacking | None:
        """Return the layer of this pull that gave the slot back; None if that was a layer of another pull."""
        before = self._slots.given_back_by
        return before if isinstance(before, Unpacking) and before.pull is self._pull else None


class ParallelUnpack:
    """Unpacks several layers of a pull at a time.

    Layers take slots in order, each as soon as one is free, even before its blob is there. A snapshot is prepared
    without a parent; once all layers have been started, the snapshots are committed in order, each with the one below
    it as its parent. The lock of each chain ID is held until its snapshot is committed. Models core/unpack/unpacker.go
    from 2.2 on (transfer service, with a snapshotter that has the capability rebase).
    """

    def __init__(self, pull: OngoingPull, fetches: Fetches, image: StoredImage, slots: DownloadSlots) -> None:
        self._pull = pull
        self._fetches = fetches
        self._image = image
        self._slots = slots
        self._unpackings: list[Unpacking] = []
        self._locked: list[str] = []  # chain IDs

    def run(self) -> Generator[Any, Any, None]:
        """Unpack all layers that the node does not have. Raises PullFailed, or simpy.Interrupt if a part has failed."""
        try:
            yield from self._start()
            yield from self._commit()
        except BaseException:
            store = self._pull.node.store
            for unpacking in self._unpackings:
                if unpacking.process.is_alive:
                    unpacking.process.interrupt()
                store.abandon(unpacking.claimed, of=unpacking.claimed)
            for chain_id in self._locked:
                store.chain_locks.release(chain_id)
            raise

    def _start(self) -> Generator[Any, Any, None]:
        """Take the layers in order, and begin to unpack each that the node does not have as soon as a slot is free."""
        pull, env, clock = self._pull, self._pull.env, self._pull.clock
        store, layers = pull.node.store, self._image.manifest.layers
        for position, (layer, chain_id) in enumerate(zip(layers, self._image.snapshots(), strict=True)):
            if (turn := store.chain_locks.acquire(chain_id)) is not None:
                clock.enter("lock", env.now, layer.digest)
                yield from store.chain_locks.wait(chain_id, turn)
            if chain_id in store.snapshots:
                pull.find(chain_id)
                store.chain_locks.release(chain_id)
                continue
            self._locked.append(chain_id)
            mount = pull.snapshotter.mount(layer, pull.blobs)
            if mount is not None and (yield from pull.wait_for_mount(mount, layer, chain_id)):
                self._release(chain_id)
                continue
            fetch = self._fetches.of(layers, position)
            clock.enter("commit", env.now)
            if (written := store.metadata.write(pull.with_due(PREPARE))) is not None:
                yield written
            yield from self._slot()
            self._unpackings.append(Unpacking(pull, self._slots, chain_id, fetch))

    def _slot(self) -> Generator[Any, Any, None]:
        """Take an unpack slot; if there is none, wait for one."""
        slots, now = self._slots, self._pull.env.now
        if (turn := slots.acquire()) is None:
            return
        self._pull.clock.split(_SlotWait(slots, self._pull), now)
        yield from slots.wait(turn)

    def _commit(self) -> Generator[Any, Any, None]:
        """Commit the snapshots in order, each when its layer is unpacked."""
        pull, env = self._pull, self._pull.env
        store, node = pull.node.store, pull.node
        for unpacking in self._unpackings:
            if unpacking.process.is_alive:
                pull.clock.split(unpacking, env.now)
                yield unpacking.process
            pull.clock.enter("commit", env.now, unpacking.layer.digest)
            if node.fsyncs:
                yield from node.commit_journal()
            if (written := store.metadata.write(SNAPSHOT_COMMIT)) is not None:
                yield written
            store.snapshots[unpacking.chain_id] = unpacking.layer.unpacked
            unpacking.claimed = 0
            assert unpacking.began is not None
            self._fetches.unpacked(unpacking.fetch, (unpacking.began, env.now, unpacking.limit))
            self._release(unpacking.chain_id)

    def _release(self, chain_id: str) -> None:
        """Release the lock of a chain ID whose snapshot is committed, and add the snapshot to the pull's lease."""
        self._pull.lease.snapshots.append(chain_id)
        self._locked.remove(chain_id)
        self._pull.node.store.chain_locks.release(chain_id)
