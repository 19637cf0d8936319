"""The layers of an image, pulled and unpacked in parallel by the SOCI snapshotter."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

import simpy

from pullsim.registry.request import OK, Download
from pullsim.runtime.containerd.failures import PullFailed, soci_failed, soci_no_space
from pullsim.runtime.containerd.soci_layer import SociImage, SociLayer
from pullsim.runtime.metadata import PREPARE, SNAPSHOT_COMMIT

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.cri import Caller, PullOutcome
    from pullsim.runtime.containerd.ongoing_pull import OngoingPull
    from pullsim.runtime.containerd.soci_layer import Chunk
    from pullsim.runtime.containerd.soci_node import SociNode
    from pullsim.spec.stored_image import StoredImage

RENAME: Final = 1e-3  # seconds in which a directory is renamed into its snapshot


class SociPull(SociImage):
    """The layers of one pull, which containerd asks the snapshotter for one by one, from the bottom up.

    The first layer that the node does not have starts jobs for that one and all above it, side by side. containerd
    waits for each in order; a finished one becomes a snapshot by a rename. Chunks are requested in turn of the layers,
    as many at a time as the image and the node may. The layers come from the registry of the image's own name: neither
    containerd's mirrors nor its progress timeout concern this client. Models soci-snapshotter fs/fs.go
    (preloadAllLayers, rebase) and snapshot/snapshot.go Prepare.
    """

    __slots__ = (
        "_asking",
        "_caller",
        "_image",
        "_jobs",
        "_locked",
        "_offered",
        "_pull",
        "_workers",
    )

    def __init__(self, pull: OngoingPull, image: StoredImage, caller: Caller, soci: SociNode) -> None:
        super().__init__(pull, soci)
        self._pull = pull
        self._image = image
        self._caller = caller
        self._jobs: list[SociLayer] = []
        self._offered: deque[SociLayer] = deque()  # those with chunks that nobody has taken, in turn
        self._workers: dict[simpy.Process, None] = {}
        self._asking = 0  # workers that get chunks, or wait for a slot of the node to do so
        self._locked: str | None = None  # the chain ID whose lock the pull holds

    def run(self) -> Generator[Any, Any, None]:
        """Make a snapshot of each layer. Raises PullFailed, or simpy.Interrupt if a part has failed."""
        try:
            for position, chain_id in enumerate(self._image.snapshots()):
                yield from self._prepare(position, chain_id)
        except BaseException:
            self._stop()
            raise
        self._stop()  # jobs whose layers another pull has made meanwhile
        yield from self.stopped()

    def stopped(self) -> Generator[Any, Any, None]:
        """Wait until all that was stopped has told what it received."""
        if self._workers:
            yield self.env.timeout(0)

    def end(self, outcome: PullOutcome) -> None:
        """Add what was downloaded to the pull's outcome, and write the layer records."""
        write = self.node.recorder.layer
        for job in self._jobs:
            outcome.downloaded += job.downloaded
            outcome.layers_fetched += bool(job.downloaded) and job.downloaded == job.layer.size
            if job.layer.digest in self.store.collected:
                outcome.refetched += job.downloaded
            if write is not None and (job.downloaded or job.committed_at is not None):
                unpacked = None
                if job.committed_at is not None and job.unpacking is not None:
                    unpacked = job.unpacking, job.committed_at, job.limit
                write(job.record(self.node.name, self._caller, self._pull.reference.domain, job.downloaded, unpacked))
        for slots in (self.soci.download_slots, self.soci.unpack_slots):
            if slots is not None:
                slots.forget(self._jobs)
        self._jobs = []

    def offer(self, job: SociLayer) -> None:
        """See `SociImage`."""
        self._offered.append(job)
        limit = self.soci.spec.downloads_per_image
        for _ in range(len(job.chunks)):
            if limit is not None and self._asking >= limit:
                break
            self._asking += 1
            self._workers[self.env.process(self._work())] = None

    def fail(self, failed: PullFailed) -> None:
        """See `SociImage`."""
        self._pull.fail(failed.outcome)

    def failure(self, job: SociLayer, status: int) -> PullFailed:
        """See `SociImage`."""
        return soci_failed(self._pull.reference, job.layer, job.chain_id, status)

    def no_space(self, job: SociLayer) -> PullFailed:
        """See `SociImage`."""
        return soci_no_space(self._pull.reference, job.layer, job.chain_id)

    def _prepare(self, position: int, chain_id: str) -> Generator[Any, Any, None]:
        """Make the snapshot of one layer, unless it is there, under the lock of its chain ID."""
        pull, env, store, clock = self._pull, self.env, self.store, self._pull.clock
        layer = self._image.manifest.layers[position]
        if (turn := store.chain_locks.acquire(chain_id)) is not None:
            clock.enter("lock", env.now, layer.digest)
            yield from store.chain_locks.wait(chain_id, turn)
        self._locked = chain_id
        if chain_id in store.snapshots:
            pull.find(chain_id)
        else:
            clock.enter("commit", env.now, layer.digest)
            if (written := store.metadata.write(pull.with_due(PREPARE))) is not None:
                yield written
            if not self._jobs:
                yield from self._begin(position)
            job = self._jobs[position - self._jobs[0].position]
            if job.process.is_alive:
                clock.split(job, env.now)
                yield job.process
            clock.enter("commit", env.now, layer.digest)
            yield env.timeout(RENAME)
            if (written := store.metadata.write(SNAPSHOT_COMMIT)) is not None:
                yield written
            store.abandon(0, of=job.release() - layer.unpacked)
            store.snapshots[chain_id] = layer.unpacked
            job.committed_at = env.now
            pull.lease.snapshots.append(chain_id)
        self._locked = None
        store.chain_locks.release(chain_id)

    def _begin(self, first: int) -> Generator[Any, Any, None]:
        """Authorize by a first request, unless one layer at a time is fetched whole, and start the jobs."""
        layers, chain_ids = self._image.manifest.layers, self._image.snapshots()
        if self.soci.spec.downloads_per_image != 1 and layers[first].digest not in self.store.blobs:
            self._pull.clock.enter("request", self.env.now, layers[first].digest)
            status = yield from self.ranges.probe(layers[first].digest, Download())
            if status != OK:
                raise soci_failed(self._pull.reference, layers[first], chain_ids[first], status)
        self._jobs = [
            SociLayer(self, position, layers[position], chain_ids[position]) for position in range(first, len(layers))
        ]

    def _work(self) -> Generator[Any, Any, None]:
        """Get chunks, one after the other, until there is none that nobody has taken."""
        slots = self.soci.download_slots
        worker = self.env.active_process
        assert worker is not None
        try:
            while self._offered:
                job = self._offered.popleft()
                chunk = job.chunks.popleft()
                if job.chunks:
                    self._offered.append(job)
                if slots is not None and (turn := slots.acquire()) is not None:
                    yield from slots.wait(turn)
                try:
                    yield from self._get(chunk)
                finally:
                    if slots is not None:
                        slots.give_back(job)
                job.complete(chunk)
        except simpy.Interrupt:
            return
        except PullFailed as failed:
            self.fail(failed)
        finally:
            self._asking -= 1
            self._workers.pop(worker, None)

    def _get(self, chunk: Chunk) -> Generator[Any, Any, None]:
        """Get one chunk and write it into the layer's file, whose bytes stay in the page cache. Raises PullFailed."""
        job, disk = chunk.layer, self.node.disk
        claimed = self.store.claim(chunk.size)
        job.claimed += claimed
        if claimed < chunk.size:
            raise self.no_space(job)
        try:
            status = yield from self.ranges.get(job.layer.digest, chunk.offset, chunk.size, chunk, known=job.known)
            if status == OK:
                chunk.received = chunk.size
        finally:
            job.downloaded += chunk.received
        if status != OK:
            raise self.failure(job, status)
        if disk is not None and (written := disk.buffer(chunk.size, 0.0)).wait() is not None:
            try:
                yield written
            except simpy.Interrupt:
                written.cancel()
                raise

    def _stop(self) -> None:
        """Stop all jobs that are under way, remove their files and directories, and release the lock."""
        for worker in list(self._workers):
            worker.interrupt()
        for job in self._jobs:
            job.stop()
            self.store.abandon(0, of=job.release())
        if self._locked is not None:
            self.store.chain_locks.release(self._locked)
            self._locked = None
