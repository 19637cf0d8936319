"""One pull of containerd, from the name to the snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import simpy

from pullsim.cri import PullOutcome
from pullsim.kernel.event import URGENT, Call, Event, Timeout
from pullsim.oci.manifest import Index, select
from pullsim.records import LayerRecord
from pullsim.runtime.containerd.failures import PullFailed, blob_no_space, no_platform, snapshot_no_space
from pullsim.runtime.containerd.fetch import Fetch
from pullsim.runtime.containerd.parallel_unpack import ParallelUnpack
from pullsim.runtime.containerd.progress import ProgressWatch
from pullsim.runtime.containerd.remote import Remote
from pullsim.runtime.containerd.store import Lease, image_record
from pullsim.runtime.metadata import BLOB_COMMIT, BLOB_OPEN, IMAGE_RECORDS, PREPARE, SNAPSHOT_COMMIT

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.cri import Auth, Caller
    from pullsim.network.flows import Transfer
    from pullsim.oci.manifest import Layer, Manifest
    from pullsim.oci.reference import Reference
    from pullsim.runtime.containerd.server import Containerd
    from pullsim.spec.stored_image import StoredImage
    from pullsim.time_line import Fork, TimeLine


class Pull:
    """Resolve, fetch manifests and config, then unpack bottom-up while the layers come in.

    Models client/pull.go and pkg/unpack/unpacker.go (to 2.0), core/transfer/local/pull.go and core/unpack/unpacker.go
    (from 2.1): layers are fetched from the first chain ID that the snapshotter does not have, all at once as far as
    there are slots; each is unpacked after the one below it, holding the lock of its chain ID meanwhile.
    """

    def __init__(
        self,
        containerd: Containerd,
        reference: Reference,
        caller: Caller,
        clock: TimeLine,
        auth: Auth | None,
        handler: str = "",
    ) -> None:
        self.env = containerd.env
        self.containerd = containerd
        self.reference = reference
        self.caller = caller
        self.clock = clock
        self.slots = containerd.slots()
        self.began = self.env.now
        self.running = True
        self.lease = Lease()
        self.handler = handler  # runtime handler that the image is pulled for
        self._image: StoredImage | None = None  # once the name is resolved
        self.remote = Remote(containerd, reference, auth)
        self._document: Document | None = None  # on its way
        self._watch: ProgressWatch | None = None
        self._fetches: dict[int, Fetch] = {}
        self._process: Any = None  # that runs it
        self._failed = False
        self._fork: Fork | None = None  # when the fetches began

    def run(self) -> Generator[Any, Any, PullOutcome]:
        """Pull; the outcome of a pull that failed says why."""
        self._process = self.env.active_process
        self.clock.enter("resolve", self.env.now)
        store = self.containerd.store
        store.leases[self.lease] = None
        try:
            manifest = yield from self._manifest()
            yield from self._unpack()
        except PullFailed as failed:
            outcome = failed.outcome
        except simpy.Interrupt as interrupt:
            outcome = cast("PullOutcome", interrupt.cause)  # of a layer that could not be fetched
        else:
            outcome = PullOutcome(manifest.config_digest, registry=self.remote.resolved_by)
            outcome.layers = len(manifest.layers)
        self.running = False
        if outcome.image_ref is None:
            outcome.retryable = self.remote.retryable
            if self._fetches:
                for fetch in self._fetches.values():
                    fetch.abandon()
                yield self.env.timeout(0)  # until they have stopped
        for fetch in self._fetches.values():
            if fetch.fetched or fetch.downloaded:
                outcome.downloaded += fetch.downloaded
                outcome.layers_fetched += fetch.fetched
                if fetch.layer.digest in store.collected:
                    outcome.refetched += fetch.downloaded
                if not fetch.recorded:
                    self.record(fetch)
        # Fetches refer to this pull: without a way back to them they are garbage at once, and not only when cycles are
        # looked for, which is rare: two thirds of the memory of W(100).
        self.slots.forget(self._fetches.values())
        self._fetches = {}
        del store.leases[self.lease]
        if outcome.image_ref is None or self.containerd.spec.discard_unpacked_layers:
            self.containerd.collect_later()
        return outcome

    def fail(self, outcome: PullOutcome) -> None:
        """End the pull because a layer could not be fetched; called by that layer's fetch."""
        if not self._failed and self._process is not None:
            self._failed = True
            self._process.interrupt(outcome)

    def stalled(self, *, begun: bool) -> None:
        """Take note that a request gets nothing more; ``begun``: it got bytes before."""
        if self._watch is None:
            if not self.containerd.progress_timeout:
                return
            self._watch = ProgressWatch(self, self.containerd.progress_timeout)
        self._watch.stalled(begun=begun)

    def stalled_downloads(self) -> bool:
        """Whether a request of the pull is stalled."""
        if self._document is not None and self._document.stalled:
            return True
        return any(fetch.step == "stall" for fetch in self._fetches.values() if fetch.process.is_alive)

    def flows(self, since: float) -> bool:
        """Whether bytes come, or have come since then."""
        return any(
            (fetch.step == "download" and fetch.process.is_alive) or (fetch.bytes_until > since)
            for fetch in self._fetches.values()
        )

    def _sync(self) -> Generator[Any, Any, None]:
        """Wait until all that was written is on the disk (core/diff/apply/apply_linux.go, syncfs)."""
        disk, env = self.containerd.disk, self.env
        if disk is not None and (written := disk.sync()) is not None:
            self.clock.enter("unpack_disk", env.now)
            yield written
            self.clock.enter("commit", env.now)
        if self.containerd.fsync:
            yield Timeout(env, self.containerd.fsync)

    def _manifest(self) -> Generator[Any, Any, Manifest]:
        """Resolve the name and fetch what describes the image."""
        image = yield from self.remote.resolve()
        manifest = select(image, self.containerd.platform)
        if manifest is not None:
            handlers = self.containerd.handlers
            self._image = image_record(manifest, image.digest, image.size, self.handler, handlers)
            if self.containerd.spec.discard_unpacked_layers:
                self._image = self._image._replace(discards=True)
        if isinstance(image, Index):
            yield from self._fetch_document("manifests", image.digest, image.size, index=True)
        if manifest is None:
            raise no_platform(self.reference)
        yield from self._fetch_document("manifests", manifest.digest, manifest.size)
        yield from self._fetch_document("blobs", manifest.config_digest, manifest.config_size)
        return manifest

    def _fetch_document(self, kind: str, digest: str, size: int, *, index: bool = False) -> Generator[Any, Any, None]:
        """Fetch an index, manifest or config unless the content store has it; its bytes are part of stage resolve."""
        store, slots = self.containerd.store, self.slots if self.containerd.behaviour.node_wide_slots else None
        if (turn := store.blob_locks.acquire(digest)) is not None:
            self.clock.enter("lock", self.env.now)
            yield from store.blob_locks.wait(digest, turn)
            self.clock.enter("resolve", self.env.now)
        try:
            if digest in store.blobs:
                self.lease.blobs.add(digest)
                return
            self.clock.enter("commit", self.env.now)
            if (written := store.metadata.write(BLOB_OPEN)) is not None:
                yield written
            if slots is not None and (turn := slots.acquire()) is not None:
                self.clock.enter("slot", self.env.now)
                yield from slots.wait(turn)
            self.clock.enter("resolve", self.env.now)
            claimed = store.claim(size)
            try:
                self._document = Document(self)
                yield from self.remote.get(kind, digest, claimed, self._document, index=index)
                if claimed < size:
                    raise blob_no_space(self.reference, digest)
            except (PullFailed, simpy.Interrupt):
                store.abandon(0, of=claimed)
                raise
            finally:
                self._document = None
                if slots is not None:
                    slots.give_back(None)
            self.clock.enter("commit", self.env.now)
            if self.containerd.fsyncs:
                yield from self.containerd.sync_blob()
            if (written := store.metadata.write(BLOB_COMMIT)) is not None:
                yield written
            self.clock.enter("resolve", self.env.now)
            store.blobs[digest] = size
            self.lease.blobs.add(digest)
        finally:
            store.blob_locks.release(digest)

    def _unpack(self) -> Generator[Any, Any, None]:
        """Unpack the layers from the bottom up, then write the image records."""
        store, clock, env = self.containerd.store, self.clock, self.env
        image = self._image
        assert image is not None
        if self.containerd.unpack_slots is None:
            yield from self._walk(image)
        else:
            yield from ParallelUnpack(self, image, self.containerd.unpack_slots).run()
        for fetch in self._fetches.values():
            if fetch.process.is_alive:  # of a layer that another pull unpacked meanwhile
                assert self._fork is not None
                clock.split_from(self._fork, fetch)
                yield fetch.process
                if not fetch.done:
                    yield Event(env)  # the interrupt that says why comes in this instant
        clock.enter("commit", env.now)
        if (written := store.metadata.write(IMAGE_RECORDS)) is not None:
            yield written
        store.name(self.reference, image)

    def _walk(self, image: StoredImage) -> Generator[Any, Any, None]:
        """Unpack layer after layer, holding the lock of each one's chain ID."""
        store, clock, env = self.containerd.store, self.clock, self.env
        layers, locks, leased = image.manifest.layers, store.chain_locks, self.lease.snapshots
        for position, chain_id in enumerate(image.snapshots()):
            if (turn := locks.acquire(chain_id)) is not None:
                clock.enter("lock", env.now, layers[position].digest)
                yield from locks.wait(chain_id, turn)
            try:
                if chain_id not in store.snapshots:
                    yield from self._snapshot(layers[position], chain_id, self.fetch_of(layers, position))
                leased.add(chain_id)
            finally:
                locks.release(chain_id)

    def _snapshot(self, layer: Layer, chain_id: str, fetch: Fetch) -> Generator[Any, Any, None]:
        """Wait for a layer's blob and apply it; where there is not enough space, until the disk is full."""
        env, clock, containerd = self.env, self.clock, self.containerd
        store = containerd.store
        clock.enter("commit", env.now, layer.digest)
        prepared = store.metadata.reserve(PREPARE)
        if not fetch.done:
            # If the walk is faster than this fetch, the time since the fetches began is this fetch's.
            assert self._fork is not None
            walked = clock.fork(env.now)
            clock.split_from(self._fork, fetch)
            yield fetch.process
            if not fetch.done:
                yield Event(env)  # the interrupt that says why comes in this instant
            if env.now <= prepared:  # it was not: its own time stands
                clock.restore(walked, "commit")
        if env.now < prepared:
            yield Timeout(env, prepared - env.now)
        began = env.now
        clock.enter("unpack_cpu", began, layer.digest)
        unpacked = layer.unpacked
        size = store.claim(unpacked)
        try:
            part = layer if size == unpacked else layer.part(size)
            limit: str = yield from containerd.unpacker.unpack(part)
            if limit == "disk":
                clock.relabel("unpack_disk")
            if part is not layer:
                number, version = len(store.snapshots) + 1, containerd.spec.version
                raise snapshot_no_space(self.reference, layer, chain_id, number, version)  # noqa: TRY301  # as above
            clock.enter("commit", env.now, layer.digest)
            if containerd.fsyncs:
                yield from containerd.drag()
            if containerd.spec.sync_fs:
                yield from self._sync()
            if (written := store.metadata.write(SNAPSHOT_COMMIT)) is not None:
                yield written
        except BaseException:
            store.abandon(size, of=size)
            raise
        store.snapshots[chain_id] = unpacked
        self.record(fetch, began, limit)

    def record(self, fetch: Fetch, unpack_started: float | None = None, unpack_limit: str | None = None) -> None:
        """Write the layer's row; it ends now if it was unpacked."""
        layer, caller = fetch.layer, self.caller
        egress, connection, nic = fetch.limited
        downloaded = fetch.downloaded
        fetch.recorded = True
        self.containerd.recorder.layer(
            LayerRecord(  # in the order of its fields: by their names it takes 3 % of the time of J(1000), compiled
                self.containerd.node,
                caller.namespace,
                caller.pod,
                caller.image,
                fetch.position,
                layer.digest,
                layer.size,
                layer.unpacked,
                fetch.host or (self.remote.resolved_by if downloaded else None) or "local",
                downloaded,
                fetch.queued,
                fetch.slot,
                fetch.requested,
                fetch.first_byte,
                fetch.ended,
                fetch.committed if fetch.done else None,
                unpack_started,
                None if unpack_started is None else self.env.now,
                egress,
                connection,
                nic,
                unpack_limit,
            )
        )

    def fetch_of(self, layers: tuple[Layer, ...], position: int) -> Fetch:
        """Return the fetch of a layer; the first that is asked for begins those of all layers above it too."""
        if not self._fetches:
            self._fetch(layers, position)
        return self._fetches[position]

    def _fetch(self, layers: tuple[Layer, ...], first: int) -> None:
        """Start to fetch the layers from ``first`` on, in the order in which containerd's requests go out.

        As measured on 1.6.20 and 2.3.4: to 2.0 slots are granted by layer index, but of the first wave the last one's
        request goes first; from 2.1 all layers race for the slots: the last one goes first, the others about by index.
        """
        self._fork = self.clock.fork(self.env.now)
        count = len(layers) - first
        containerd = self.containerd
        wave = count if containerd.behaviour.by_service else min(count, containerd.spec.max_concurrent_downloads)
        order = [wave - 1, *range(wave - 1), *range(wave, count)]
        fetches = [Fetch(self, first + offset, layers[first + offset]) for offset in order]
        self._fetches = {fetch.position: fetch for fetch in fetches}
        ready = [fetch for fetch in fetches if not fetch.waits]

        def start(_: Event) -> None:
            for fetch in ready:
                fetch.start()

        Call(self.env, start, priority=URGENT)  # as processes do, once the pull waits


class Document:
    """The download of a manifest or config: part of the stage resolve."""

    __slots__ = ("_pull", "host", "received", "stalled")

    def __init__(self, pull: Pull) -> None:
        self._pull = pull
        self.host: str | None = None
        self.received = 0
        self.stalled = False

    def request(self, now: float) -> None:
        """See `Download`."""
        self._go_on(now)

    def begin(self, now: float, transfer: Transfer) -> None:  # noqa: ARG002 - the protocol's
        """See `Download`."""
        self._go_on(now)

    def stall(self, now: float, *, begun: bool) -> None:
        """See `Download`."""
        self.stalled = True
        self._pull.clock.enter("stall", now)
        self._pull.stalled(begun=begun)

    def _go_on(self, now: float) -> None:
        if self.stalled:
            self.stalled = False
            self._pull.clock.enter("resolve", now)
