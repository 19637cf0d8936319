"""One copy operation of CRI-O, which copies an image from a registry into the node's store."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, cast

import simpy

from pullsim.cri import PullOutcome
from pullsim.oci.manifest import Index, select
from pullsim.releases.crio import BLOBS_AT_ONCE
from pullsim.runtime.crio import failures
from pullsim.runtime.crio.failures import CopyFailed
from pullsim.runtime.crio.fetch import BlobCopy
from pullsim.runtime.crio.image_record import record_image
from pullsim.runtime.crio.ongoing_copy import OngoingCopy
from pullsim.runtime.crio.source import ImageSource
from pullsim.spec.stored_image import CrioImage

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.cri import Auth, Caller
    from pullsim.oci.manifest import Layer, Manifest
    from pullsim.oci.reference import Reference
    from pullsim.runtime.crio.node import CrioNode
    from pullsim.runtime.fetch_stages import Unpacked
    from pullsim.time_line import TimeLine

#: Writes of the layers' records when a layer has been unpacked (containers/storage layers.go create). Releases that
#: unpack it under the store's lock have written it once before, as incomplete.
LAYER_RECORDS: Final = 2


class Copy(OngoingCopy):
    """Copies the manifest, the config, and up to six layers at a time, which it commits from the bottom up.

    Whenever the blob of the lowest layer that is not committed arrives, the fetch that brought it commits that layer,
    and then the layers above it up to the first one whose blob is not there. Until then it keeps its slot. If a layer
    cannot be fetched, the layers above it are still fetched but not committed, and the copy fails when their fetches
    have ended. Layers that were committed by then stay.

    Models containers/image copy/copy.go, copy/single.go, storage/storage_dest.go (queueOrCommit); cri-o
    server/image_pull.go and internal/storage/image.go.
    """

    __slots__ = ("_auth", "_caller", "_chain_ids", "_committer", "_fetches", "_reference")

    def __init__(
        self, node: CrioNode, reference: Reference, caller: Caller, clock: TimeLine, auth: Auth | None
    ) -> None:
        super().__init__(node, reference, clock, auth)
        self._reference = reference
        self._caller = caller
        self._auth = auth
        self._fetches: list[BlobCopy] = []
        self._committer: BlobCopy | None = None  # the fetch that commits layers, and keeps its slot for that
        self._chain_ids: list[str] = []  # chain IDs of layers that this copy builds on

    def run(self) -> Generator[Any, Any, PullOutcome]:
        """Copy the image, and return the outcome: the image, or the error of the failed copy."""
        node, reference, clock = self.node, self._reference, self.clock
        clock.enter("resolve", self.env.now)
        manifest: Manifest | None = None
        outcome: PullOutcome | None = None
        try:
            if node.release.tries_artifacts_first:
                yield from self._artifact_first()
            image = yield from self.source.open()
            manifest = select(image, node.platform)
            if isinstance(image, Index):
                if manifest is None:
                    raise failures.no_platform(reference, node.platform)
                yield from self.source.manifest(manifest.digest, manifest.size)
            assert manifest is not None
            stored = CrioImage(manifest, image.digest, image.size)
            if not (yield from self._compared(stored)):
                yield from self.source.config(manifest.config_digest, manifest.config_size)
                yield from self._layers(stored)
        except CopyFailed as failed:
            self.store.release(self.temporary)
            outcome = yield from self._failed(failed)
        except simpy.Interrupt as interrupt:  # the node leaves
            for fetch in self._fetches:
                fetch.cut()
            yield self.env.timeout(0)  # until they have stopped
            outcome = cast("PullOutcome", interrupt.cause)
            outcome.registry = self._reference.domain
        else:
            self.store.release(self.temporary)
            answer = "" if node.release.answers_id else f"{reference.repository}@{manifest.digest}"
            outcome = PullOutcome(stored.id, registry=self.source.host, answer=answer)
            outcome.layers = len(manifest.layers)
        outcome.compressed = 0 if manifest is None else manifest.total_size
        for chain_id in self._chain_ids:
            self.store.in_use[chain_id] -= 1
        self._account(outcome)
        self.slots.forget(self._fetches)
        self._fetches = []  # they refer to this copy: without the cycle they are freed at once
        return outcome

    def _artifact_first(self) -> Generator[Any, Any, None]:
        """Read the manifest to see whether the image is an OCI artifact. It never is, and the copy starts again.

        For an index the platform's manifest is read too (internal/ociartifact/store.go PullManifest up to 1.33.3). An
        additional ping that CRI-O sends before is not modelled.
        """
        reference, platform = self._reference, self.node.platform
        try:
            image = yield from self.source.open()
            if isinstance(image, Index):
                manifest = select(image, platform)
                if manifest is None:
                    raise failures.no_platform(reference, platform)
                yield from self.source.manifest(manifest.digest, manifest.size)
        except CopyFailed as failed:
            raise failures.no_first_artifact(reference, failed) from None
        self.source = ImageSource(self.node, reference, self._auth, self.clock)

    def _compared(self, image: CrioImage) -> Generator[Any, Any, bool]:
        """Return whether the node has the image already, in releases that compare; these read the manifests twice."""
        if not self.node.release.reads_manifests_twice:
            return False
        stored = self.store.image(self._reference)
        if stored is not None and stored.id == image.id:
            return True
        self.source = ImageSource(self.node, self._reference, self._auth, self.clock)
        again = yield from self.source.open()
        if isinstance(again, Index):
            yield from self.source.manifest(image.manifest.digest, image.manifest.size)
        return False

    def _layers(self, image: CrioImage) -> Generator[Any, Any, None]:
        """Fetch the layers, commit them, then record the image. Raises CopyFailed."""
        env, clock, layers = self.env, self.clock, image.manifest.layers
        fork = clock.fork(env.now)
        self._fetches = self._start(layers)
        failure: CopyFailed | None = None
        for fetch, chain_id in zip(self._fetches, image.manifest.chain_ids, strict=True):
            self.next = fetch.position
            if fetch.process.is_alive:
                self._give_back_slot()
                began = env.now
                clock.split_from(fork, fetch, began)
                yield fetch.process
                if env.now == began:  # there was no wait: the time stays with the commits of the layers below
                    clock.restore("commit")
                self._committer = fetch if fetch.failure is None else None
            failure = fetch.failure
            if failure is None:
                try:
                    yield from self._commit(fetch, chain_id)
                except CopyFailed as failed:
                    failure = failed
            if failure is not None:
                break
        self.next = -1
        self._give_back_slot()
        for fetch in self._fetches:
            if fetch.process.is_alive:
                clock.split(fetch, env.now)
                yield fetch.process
        if failure is not None:
            raise CopyFailed(f"{self._prefix(image)}{failure.why}", failure.cause, failure.status)
        yield from record_image(self, self._reference, image)

    def _start(self, layers: tuple[Layer, ...]) -> list[BlobCopy]:
        """Start a fetch for each layer, and return them in the order of the layers.

        Of those that get a slot at once the last one asks first, since Go runs the newest goroutine next when the one
        that started them waits for a slot (copy/single.go copyLayers).
        """
        last = min(BLOBS_AT_ONCE, len(layers)) - 1
        first = {last: BlobCopy(self, last, layers[last])} if layers else {}
        return [first.get(position) or BlobCopy(self, position, layer) for position, layer in enumerate(layers)]

    def _commit(self, fetch: BlobCopy, chain_id: str) -> Generator[Any, Any, None]:
        """Put a layer into the store, unless the store has it on top of the same layers."""
        env, store = self.env, self.store
        store.in_use[chain_id] += 1
        self._chain_ids.append(chain_id)
        if fetch.copied and chain_id not in store.layers:
            yield from self._read_back(fetch)
        locks = self.node.release.locks_layers and chain_id not in store.layers
        if locks and (turn := store.lock.acquire()) is not None:
            self._enter("lock", fetch.layer)
            yield from store.lock.wait(turn)
        began = env.now
        try:
            if chain_id in store.layers:
                self._record(fetch, fetch.staged)
            elif fetch.staged is not None:
                yield from self._rename(fetch)
                store.commit(chain_id, fetch.layer, chunked=True)
                self._record(fetch, fetch.staged)
            else:
                limit = yield from self._apply(fetch)
                store.commit(chain_id, fetch.layer)
                self._record(fetch, (began, env.now, limit))
        finally:
            if locks:
                store.lock.release()

    def _read_back(self, fetch: BlobCopy) -> Generator[Any, Any, None]:
        """Read the content of a layer from another layer of the node that has it, into a temporary file.

        It is read at the rate at which stored data is unpacked (a layer of 22 MB took 0.10 s in the lab), and applied
        from the file afterwards (storage/storage_dest.go createNewLayer).
        """
        self._enter("unpack_cpu", fetch.layer)
        read = self.node.cores.run(fetch.layer.unpacked / self.unpacker.spec.stored)
        try:
            yield read
        except BaseException:
            read.cancel()
            raise

    def _rename(self, fetch: BlobCopy) -> Generator[Any, Any, None]:
        """Put a layer that was staged into the store, by a rename and its records (ApplyDiffFromStagingDirectory)."""
        self._enter("commit", fetch.layer)
        yield from self._write(LAYER_RECORDS)
        self.temporary -= fetch.layer.unpacked  # from now on the space is the store's

    def _apply(self, fetch: BlobCopy) -> Generator[Any, Any, str]:
        """Unpack a layer; return what limited that, cpu or disk.

        If there is too little space, unpack until the disk is full, and raise CopyFailed.
        """
        layer, store = fetch.layer, self.store
        if self.node.release.locks_layers:
            self._enter("commit", layer)
            yield from self._write(1)
        self._enter("unpack_cpu", layer)
        size = store.claim(layer.unpacked)
        # Content that another layer on the node has was read from there, uncompressed.
        source = replace(layer, compression="stored", size=layer.unpacked) if fetch.copied else layer
        try:
            part = source if size == layer.unpacked else source.part(size)
            limit: str = yield from self.unpacker.unpack(part)
            if limit == "disk":
                self.clock.relabel("unpack_disk")
            if size < layer.unpacked:
                raise failures.layer_no_space(layer)  # noqa: TRY301  # the handler below cleans up
            self._enter("commit", layer)
            yield from self._write(LAYER_RECORDS)
        except BaseException:
            store.release(size)
            raise
        return limit

    def _failed(self, failed: CopyFailed) -> Generator[Any, Any, PullOutcome]:
        """Return the outcome of a failed copy; releases that also try the name as an artifact do so before."""
        artifact = None
        if failures.tries_artifact(failed, self.node.release):
            clock = self.clock
            clock.enter("resolve", self.env.now)
            source = ImageSource(self.node, self._reference, self._auth, clock)
            artifact = self.node.release.no_artifact
            try:
                yield from source.open()
            except CopyFailed as again:
                artifact = failures.no_manifest(self._reference, again, self.node.release)
        outcome = failures.outcome_of(self._reference, failed, artifact, self.node.release)
        outcome.retryable = self.source.retryable
        return outcome

    def _give_back_slot(self) -> None:
        """Give back the slot of the fetch that committed layers, because the blob of the next layer is not there."""
        if self._committer is not None:
            self.slots.give_back(self._committer)
            self._committer = None

    def _enter(self, stage: str, layer: Layer) -> None:
        """Begin a stage of committing a layer, also for the fetch that commits: others may wait for its slot."""
        self.clock.enter(stage, self.env.now, layer.digest)
        if self._committer is not None:
            self._committer.enter(stage, self.env.now)

    def _write(self, count: int) -> Generator[Any, Any, None]:
        """Wait for ``count`` writes of records."""
        written = self.store.records.write(count)
        if written is not None:
            yield written

    def _prefix(self, image: CrioImage) -> str:
        """Return the prefix that errors about layers have if the name is that of an index (copy/copy.go)."""
        return failures.MANIFEST_LIST if image.target != image.manifest.digest else ""

    def _account(self, outcome: PullOutcome) -> None:
        """Add what was fetched to the outcome, and write the layer records that have not been written yet."""
        for fetch in self._fetches:
            outcome.downloaded += fetch.received
            outcome.layers_fetched += fetch.committed is not None and not fetch.local
            if fetch.layer.digest in self.store.had:
                outcome.refetched += fetch.received
            came = not fetch.local and (fetch.received or fetch.committed is not None)
            if came and not fetch.recorded:
                self._record(fetch)

    def _record(self, fetch: BlobCopy, unpacked: Unpacked | None = None) -> None:
        """Write the record of a layer, if it was fetched or unpacked."""
        fetch.recorded = True
        node = self.node
        if (write := node.recorder.layer) is not None and (not fetch.local or unpacked is not None):
            write(fetch.record(node.name, self._caller, self.source.host, fetch.received, unpacked))
