"""One layer of an image that SOCI pulls in parallel: its chunks, and its unpacking."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import simpy

from pullsim.hardware.jobs import cancel_all
from pullsim.kernel.event import Event
from pullsim.registry.request import OK, Download
from pullsim.runtime.containerd.failures import PullFailed
from pullsim.runtime.fetch_stages import BlobFetch
from pullsim.runtime.metadata import BLOB_COMMIT, BLOB_OPEN

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.hardware.page_cache import DiskJob
    from pullsim.kernel.processor_sharing import Job
    from pullsim.network.flows import Transfer
    from pullsim.oci.manifest import Layer
    from pullsim.runtime.containerd.ongoing_pull import OngoingPull
    from pullsim.runtime.containerd.soci_node import SociNode
    from pullsim.runtime.fetch_stages import DownloadSlots


class SociImage:
    """What the layers of one image share that SOCI pulls in parallel; the subclass `SociPull` starts them."""

    __slots__ = ("env", "lease", "node", "ranges", "soci", "store", "unpack", "unpack_slots")

    def __init__(self, pull: OngoingPull, soci: SociNode) -> None:
        self.env = pull.env
        self.node = pull.node
        self.store = pull.node.store
        self.lease = pull.lease
        self.soci = soci
        usual, speeds = soci.spec.unpack, pull.node.speeds
        #: The costs of unpacking the image.
        self.unpack = usual if speeds is None else speeds.unpack(usual, pull.reference)
        self.unpack_slots = soci.image_unpack_slots()
        self.ranges = pull.ranges()

    def offer(self, job: SociLayer) -> None:
        """Let the chunks of a layer be downloaded."""
        raise NotImplementedError

    def fail(self, failed: PullFailed) -> None:
        """End the pull because a part of it has failed."""
        raise NotImplementedError

    def failure(self, job: SociLayer, status: int) -> PullFailed:
        """Return the failure of a layer of which a request ended with ``status``."""
        raise NotImplementedError

    def no_space(self, job: SociLayer) -> PullFailed:
        """Return the failure of a layer for which there was no space."""
        raise NotImplementedError


class Chunk(Download):
    """A range of a layer that one GET gets, and the `Download` that the GET reports to."""

    __slots__ = ("layer", "offset", "size", "transfers")

    def __init__(self, layer: SociLayer, offset: int, size: int) -> None:
        super().__init__()
        self.layer = layer
        self.offset = offset  # byte of the blob at which it begins
        self.size = size  # bytes
        self.transfers: list[Transfer] = []

    def request(self, now: float) -> None:
        """See `Download`."""
        self.layer.asked(now)

    def begin(self, now: float, transfer: Transfer) -> None:
        """See `Download`."""
        self.transfers.append(transfer)
        self.layer.comes(now, self.host)

    def stall(self, now: float, *, begun: bool) -> None:
        """See `Download`."""
        self.layer.stall(now, begun=begun)


class SociLayer(BlobFetch):
    """A job that downloads a layer into a file and unpacks it into a directory, whatever the other layers do.

    The blob's place is looked up first if it has several chunks. When the last chunk is there, the job takes an unpack
    slot of the image and then one of the node. Inflating, hashing and writing run side by side; beside them the
    blob is hashed: a discarded one by the daemon from its file, a kept one by containerd as it stores it. Models
    soci-snapshotter fs/parallel_artifact_fetcher.go, fs/parallel_unpacker.go, fs/unpacker.go and fs/fs.go (the verifier
    of blobs that are discarded), and containerd plugins/content/local/writer.go.
    """

    __slots__ = (
        "_bound",
        "_fetched",
        "_held",
        "_left",
        "_waiting",
        "chain_id",
        "chunks",
        "claimed",
        "committed_at",
        "downloaded",
        "known",
        "limit",
        "process",
        "pull",
        "unpacking",
    )

    def __init__(self, pull: SociImage, position: int, layer: Layer, chain_id: str) -> None:
        env = pull.env
        super().__init__(layer, position, env.now)
        length = pull.soci.spec.chunk_size or layer.size
        whole = layer.size <= length
        self.pull = pull
        self.chain_id = chain_id
        self.chunks = deque(  # those that nobody has taken yet
            Chunk(self, at, min(length, layer.size - at)) for at in range(0, layer.size, max(1, length))
        )
        self.known = not whole  # the requests for chunks go to where a first one has found the blob
        self.downloaded = 0  # bytes that have come, those of chunks that broke off too
        self.claimed = 0  # bytes of the disk that the job's file and directory take
        self.unpacking: float | None = None  # when unpacking began
        self.committed_at: float | None = None  # when its directory became a snapshot
        self.limit = "cpu"  # what limited the unpacking: cpu | disk
        self._left = len(self.chunks)  # chunks that are not complete
        self._waiting: Event | None = None  # succeeds with the last chunk
        self._fetched = False
        self._bound = (0.0, 0.0, 0.0)  # seconds for which complete chunks were limited by egress, connection, NIC
        self._held: list[DownloadSlots] = []  # the unpack slots that it holds
        self.enter("slot", env.now)
        self.process = env.process(self._run())

    def asked(self, now: float) -> None:
        """Note that a chunk is requested; the first time that begins the stage ``request``."""
        if self.stage in ("slot", "stall"):
            if self.stage == "slot":
                self.requested = self.slot = now
            self.enter("request", now)

    def comes(self, now: float, host: str | None) -> None:
        """Note that the first bytes of a chunk come."""
        if self.host is None:
            self.host = host
        if not self._fetched and self.stage != "download":
            if self.stage == "request" and not self.downloaded:
                self.first_byte = now
            self.enter("download", now)

    def complete(self, chunk: Chunk) -> None:
        """Note that a chunk is on the disk."""
        egress, connection, nic = self._bound
        for transfer in chunk.transfers:
            by_egress, by_connection, by_nic = transfer.limited
            egress, connection, nic = egress + by_egress, connection + by_connection, nic + by_nic
        self._bound = egress, connection, nic
        self._left -= 1
        if not self._left and self._waiting is not None:
            self._waiting.succeed()

    def release(self) -> int:
        """Return the bytes that the job's file and directory take, which are no longer the job's."""
        claimed, self.claimed = self.claimed, 0
        return claimed

    def stop(self) -> None:
        """Stop the job, if it has not ended, because its pull is over."""
        if self.process.is_alive:
            if not self._fetched:
                self._settle()
            self.process.interrupt()

    def _run(self) -> Generator[Any, Any, None]:
        """Do the job. A failure ends the pull."""
        pull = self.pull
        try:
            if self.layer.digest in pull.store.blobs:
                pull.lease.blobs.append(self.layer.digest)
                self.requested = self.first_byte = self.ended = self.committed = pull.env.now
            else:
                yield from self._fetch()
            yield from self._slots()
            yield from self._unpack()
        except simpy.Interrupt:
            return
        except PullFailed as failed:
            pull.fail(failed)
        finally:
            for slots in self._held:
                slots.give_back(self)

    def _fetch(self) -> Generator[Any, Any, None]:
        """Have all chunks downloaded."""
        pull, env, digest = self.pull, self.pull.env, self.layer.digest
        if self.known:
            probe = Chunk(self, 0, 0)
            status = yield from pull.ranges.probe(digest, probe)
            if status != OK:
                raise pull.failure(self, status)
            self.enter("slot", env.now)
        if self._left:
            self._waiting = Event(env)
            pull.offer(self)
            yield self._waiting
        self.committed = env.now  # a file that is complete counts as a blob that is there
        self._fetched = True
        self._settle()

    def _settle(self) -> None:
        """End the download, and divide the time that it took by what limited its complete chunks."""
        self.ended = self.pull.env.now
        seconds = sum(self._bound)
        share = min(1.0, (self.ended - self.first_byte) / seconds) if seconds > 0 else 0.0
        egress, connection, nic = self._bound
        self.settle((egress * share, connection * share, nic * share))

    def _slots(self) -> Generator[Any, Any, None]:
        """Take an unpack slot of the image, and then one of the node (AcquireUnpackLease)."""
        pull = self.pull
        self.enter("slot", pull.env.now)
        for slots in (pull.unpack_slots, pull.soci.unpack_slots):
            if slots is None:
                continue
            if (turn := slots.acquire()) is not None:
                yield from slots.wait(turn)
                before = slots.given_back_by
                if isinstance(before, SociLayer) and before.pull is pull and before is not self:
                    self._slot_from = before
            self._held.append(slots)

    def _unpack(self) -> Generator[Any, Any, None]:
        """Unpack the file, and hash it, as the daemon itself or, to store it, containerd does. Raises PullFailed."""
        pull, env, layer = self.pull, self.pull.env, self.layer
        spec, node, store = pull.soci.spec, pull.node, pull.store
        self.unpacking = env.now
        self.enter("unpack_cpu", env.now)
        got = store.claim(layer.unpacked)
        self.claimed += got
        part = layer if got == layer.unpacked else layer.part(got)
        there = layer.digest in store.blobs
        if there:
            pull.lease.blobs.append(layer.digest)
        keeps = not spec.discard_layers and not there
        if keeps:
            room = store.claim(layer.size)
            self.claimed += room
            if room < layer.size:
                raise pull.no_space(self)
        streams = pull.unpack.streams(part, spec.decompressor)
        hashes = (spec.discard_layers or keeps) and layer.unpacked  # a blob that is there has been hashed
        digest = layer.size / layer.unpacked * streams[1] if hashes else 0.0
        cores, disk = pull.soci.cores, node.disk
        works: list[Job] = [cores.run(seconds) for seconds in (*streams, digest) if seconds]
        writes: list[Job | DiskJob] = []
        if disk is not None:
            writes.append(disk.buffer(part.unpacked, max(streams)))
            if spec.rereads:
                writes.append(disk.begin(layer.size * spec.rereads))
            if keeps:
                writes.append(disk.begin(layer.size))
        try:
            for work in works:
                if not work.done:
                    yield work
            worked = env.now
            for write in writes:
                if (writing := write.wait()) is not None:
                    yield writing
        except BaseException:
            cancel_all(*works, *writes)
            raise
        if env.now > worked + 1e-9 * (env.now - self.unpacking):
            self.limit = "disk"
            self._course[-2:] = "unpack_disk", self.unpacking
        if part is not layer:
            raise pull.no_space(self)
        if keeps:
            yield from self._keep()

    def _keep(self) -> Generator[Any, Any, None]:
        """Commit the blob to containerd's content store, unless another job has done so meanwhile."""
        pull, env, node, store = self.pull, self.pull.env, self.pull.node, self.pull.store
        self.enter("commit", env.now)
        if node.fsyncs:
            yield from node.sync_blob()
        if (written := store.metadata.write(BLOB_OPEN + BLOB_COMMIT)) is not None:
            yield written
        if self.layer.digest not in store.blobs:
            store.commit(self.layer.digest, self.layer.size)
            self.claimed -= self.layer.size
        pull.lease.blobs.append(self.layer.digest)
