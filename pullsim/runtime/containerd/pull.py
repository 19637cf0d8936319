"""One pull by containerd, from resolving the name to committing the snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import simpy

from pullsim.cri import PullOutcome
from pullsim.kernel.event import Event, Timeout
from pullsim.oci.manifest import Index, select
from pullsim.runtime.containerd.documents import Documents
from pullsim.runtime.containerd.failures import PullFailed, no_platform, no_progress
from pullsim.runtime.containerd.fetches import Fetches
from pullsim.runtime.containerd.lazy_image import LazyImage
from pullsim.runtime.containerd.ongoing_pull import OngoingPull
from pullsim.runtime.containerd.parallel_unpack import ParallelUnpack
from pullsim.runtime.containerd.progress import ProgressWatch
from pullsim.runtime.containerd.soci_pull import SociPull
from pullsim.runtime.metadata import IMAGE_RECORDS, PREPARE, SNAPSHOT_COMMIT
from pullsim.runtime.sources.blob_source import Wanted

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.cri import Auth, Caller
    from pullsim.oci.manifest import Manifest
    from pullsim.oci.reference import Reference
    from pullsim.runtime.containerd.fetch import Fetch
    from pullsim.runtime.containerd.node import ContainerdNode
    from pullsim.runtime.containerd.progress import Downloads
    from pullsim.spec.stored_image import StoredImage
    from pullsim.time_line import TimeLine


class Pull(OngoingPull):
    """Resolves a name, fetches manifests and config, and unpacks layers from the bottom up while they are downloaded.

    Each layer is unpacked after the one below it, under the lock of its chain ID; see `ParallelUnpack` for unpacking
    several at a time. Models client/pull.go and pkg/unpack/unpacker.go (up to 2.0), core/transfer/local/pull.go and
    core/unpack/unpacker.go (from 2.1).
    """

    __slots__ = (
        "_caller",
        "_documents",
        "_failed",
        "_fetches",
        "_handler",
        "_lazy",
        "_process",
        "_soci",
        "_watch",
        "began",
        "running",
    )

    def __init__(
        self,
        node: ContainerdNode,
        reference: Reference,
        caller: Caller,
        clock: TimeLine,
        auth: Auth | None,
        handler: str = "",
    ) -> None:
        """``handler``: the runtime handler that the image is pulled for; "" is the default one."""
        super().__init__(node, reference, clock, auth, handler)
        self._handler = handler
        self.began = self.env.now
        self.running = True
        self._caller = caller
        self._documents: Documents | None = None  # until the image is described
        self._fetches: Fetches | None = None  # those of its layers; None unless the pull runs
        self._watch: ProgressWatch | None = None  # made when a request stalls for the first time
        self._process: Any = None  # the process that runs the pull
        self._failed = False
        self._lazy: LazyImage | None = None  # what mounts the layers, if they can be
        self._soci: SociPull | None = None  # what pulls the layers instead of `Fetches`

    def run(self) -> Generator[Any, Any, PullOutcome]:
        """Pull the image, and return the outcome: the image, or the error of the failed pull."""
        self._process = self.env.active_process
        self.clock.enter("resolve", self.env.now)
        node = self.node
        leases = node.store.leases
        leases[self.lease] = None
        self._documents = Documents(self)
        self._fetches = fetches = Fetches(self, self._caller)
        try:
            image = yield from self._describe(self._documents)
            self._documents = None
            yield from self._unpack(fetches, image)
        except PullFailed as failed:
            outcome = failed.outcome
        except simpy.Interrupt as interrupt:
            outcome = cast("PullOutcome", interrupt.cause)  # why a layer could not be fetched, or the node leaves
            outcome.registry = self.reference.domain
        else:
            outcome = PullOutcome(image.id, registry=self.remote.resolved_by)
            outcome.layers = len(image.manifest.layers)
            outcome.layers_mounted = len(self.mounted)
            outcome.mounted = sum(layer.size for layer in self.mounted)
        self.running = False
        if outcome.image_ref is None:
            outcome.retryable = self.remote.retryable or (self._soci is not None and self._soci.ranges.retryable)
            yield from fetches.abandon()
            if self._soci is not None:
                yield from self._soci.stopped()
        fetches.end(outcome)
        if self._soci is not None:
            self._soci.end(outcome)
            self._soci = None
        if self._lazy is not None:
            self._lazy.close()
            self._lazy = None
        self._documents = self._fetches = None  # they refer to this pull; see `Fetches.end`
        del leases[self.lease]
        if outcome.image_ref is None or node.spec.discard_unpacked_layers:
            node.collect_later()
        return outcome

    def fail(self, outcome: PullOutcome) -> None:
        """See `OngoingPull`."""
        if not self._failed and self._process is not None:
            self._failed = True
            self._process.interrupt(outcome)

    def stalled(self, *, begun: bool) -> None:
        """See `OngoingPull`."""
        if self._watch is None:
            self._watch = ProgressWatch(self, self.node.behaviour.progress_timeout)
        self._watch.stalled(begun=begun)

    def stalled_downloads(self) -> bool:
        """See `progress.Watched`."""
        return any(each.stalled() for each in self._downloads())

    def received_since(self, since: float) -> bool:
        """See `progress.Watched`."""
        return any(each.received_since(since) for each in self._downloads())

    def give_up(self) -> None:
        """See `progress.Watched`."""
        self.fail(no_progress(self.reference).outcome)

    def _downloads(self) -> list[Downloads]:
        """Return what is downloaded now: documents, layers, or nothing if the pull has ended."""
        return [each for each in (self._documents, self._fetches) if each is not None]

    def _describe(self, documents: Documents) -> Generator[Any, Any, StoredImage]:
        """Resolve the name, fetch index, manifest and config, and return the record that the image will have.

        Raises PullFailed.
        """
        node = self.node
        image = yield from documents.resolve()
        manifest: Manifest | None = select(image, node.platform)
        if isinstance(image, Index):
            yield from documents.fetch(Wanted("manifests", image.digest, image.size, index=True))
        if manifest is None:
            raise no_platform(self.reference)
        yield from documents.fetch(Wanted("manifests", manifest.digest, manifest.size))
        yield from documents.fetch(Wanted("blobs", manifest.config_digest, manifest.config_size))
        return node.record(image, manifest, self._handler)

    def _unpack(self, fetches: Fetches, image: StoredImage) -> Generator[Any, Any, None]:
        """Unpack the layers, then write the image records."""
        node, env = self.node, self.env
        soci = node.soci_of(self._handler)
        if (lazy := node.lazy_of(self._handler)) is not None:
            self.snapshotter = self._lazy = LazyImage(lazy, self, image, node.background(lazy))
        if soci is not None:
            self._soci = SociPull(self, image, self._caller, soci)
            yield from self._soci.run()
        elif node.unpack_slots is None:
            yield from self._unpack_in_turn(fetches, image)
        else:
            yield from ParallelUnpack(self, fetches, image, node.unpack_slots).run()
        yield from fetches.wait_for_all()
        self.clock.enter("commit", env.now)
        if (written := node.store.metadata.write(self.with_due(IMAGE_RECORDS))) is not None:
            yield written
        node.store.name(self.reference, image)

    def _unpack_in_turn(self, fetches: Fetches, image: StoredImage) -> Generator[Any, Any, None]:
        """Unpack one layer after the other, each under the lock of its chain ID."""
        store, clock, env = self.node.store, self.clock, self.env
        layers, locks, leased = image.manifest.layers, store.chain_locks, self.lease.snapshots
        for position, chain_id in enumerate(image.snapshots()):
            if (turn := locks.acquire(chain_id)) is not None:
                clock.enter("lock", env.now, layers[position].digest)
                yield from locks.wait(chain_id, turn)
            try:
                if chain_id in store.snapshots:
                    self.find(chain_id)
                else:
                    mount = self.snapshotter.mount(layers[position], self.blobs)
                    if mount is None or not (yield from self.wait_for_mount(mount, layers[position], chain_id)):
                        yield from self._snapshot(fetches, fetches.of(layers, position), chain_id)
                    leased.append(chain_id)
            finally:
                locks.release(chain_id)

    def _snapshot(self, fetches: Fetches, fetch: Fetch, chain_id: str) -> Generator[Any, Any, None]:
        """Wait for a layer's blob and unpack it; with too little space, unpack until the disk is full, and fail."""
        env, clock, node, layer = self.env, self.clock, self.node, fetch.layer
        store = node.store
        clock.enter("commit", env.now, layer.digest)
        prepared = store.metadata.reserve(self.with_due(PREPARE))
        if not fetch.done:
            # The pull's time goes to what ended last. If that is this fetch, its stages replace the pull's since the
            # fetches began. If the write that prepares the snapshot ends later, the pull's stages are kept.
            yield fetches.waited(fetch)
            if not fetch.done:
                yield Event(env)  # the interrupt of the failed fetch comes at this same time
            if env.now <= prepared:
                clock.restore("commit")
        if env.now < prepared:
            yield Timeout(env, prepared - env.now)
        began = env.now
        clock.enter("unpack_cpu", began, layer.digest)
        unpacked = layer.unpacked
        size = store.claim(unpacked)
        try:
            part = layer if size == unpacked else layer.part(size)
            limit: str = yield from self.snapshotter.unpack(part)
            if limit == "disk":
                clock.relabel("unpack_disk")
            if part is not layer:
                raise self.no_space(layer, chain_id)  # noqa: TRY301  # the handler below cleans up
            clock.enter("commit", env.now, layer.digest)
            if node.fsyncs:
                yield from node.commit_journal()
            if node.spec.sync_fs:
                yield from self._sync()
            if (written := store.metadata.write(SNAPSHOT_COMMIT)) is not None:
                yield written
        except BaseException:
            store.abandon(size, of=size)
            raise
        unpacked_layer: Any = layer
        store.snapshots[chain_id] = unpacked_layer.unpacked  # see `Store.commit`
        fetches.unpacked(fetch, (began, env.now, limit))

    def _sync(self) -> Generator[Any, Any, None]:
        """Wait until all data of the filesystem is on the disk (core/diff/apply/apply_linux.go, syncfs)."""
        disk, env = self.node.disk, self.env
        if disk is not None and (written := disk.sync()) is not None:
            self.clock.enter("unpack_disk", env.now)
            yield written
            self.clock.enter("commit", env.now)
        if self.node.fsync:
            yield Timeout(env, self.node.fsync)
