"""A snapshotter that mounts images before they are there, on one node: its layers, and how their units come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pullsim.registry.request import OK
from pullsim.runtime.snapshotter.lazy_layer import ABSENT, PACKED, PRESENT
from pullsim.spec.unpack import GO_GZIP, SHA256

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    import simpy

    from pullsim.hardware.disk import Disk
    from pullsim.kernel.processor_sharing import ProcessorSharing
    from pullsim.oci.manifest import Layer
    from pullsim.oci.reference import Reference
    from pullsim.runtime.containerd.store import Store
    from pullsim.runtime.node import RuntimeNode
    from pullsim.runtime.snapshotter.lazy_layer import LazyLayer
    from pullsim.runtime.unpack import Unpacker
    from pullsim.spec.lazy import LazySpec
    from pullsim.spec.unpack import UnpackSpec

QUICK: Final = 1e9  # bytes/s at which lz4 or zstd inflates a unit, as good as nothing beside the rest


class LazyNode:
    """What the lazily mounted images of one node share: the layers by the key of their snapshot, and the hardware.

    Units that have come stay in a cache on the disk, within the snapshot of their layer. On a disk without room for
    them they are read all the same, and have to be fetched again.
    """

    __slots__ = (
        "_last",
        "_reading",
        "_unwritten",
        "_writing",
        "cores",
        "disk",
        "env",
        "files",
        "layers",
        "name",
        "prefetches",
        "recorder",
        "spec",
        "speeds",
        "store",
        "unpacker",
    )

    def __init__(
        self,
        node: RuntimeNode,
        spec: LazySpec,
        store: Store,
        cores: ProcessorSharing,
        disk: Disk | None,
        unpacker: Unpacker,
    ) -> None:
        self.env: Final = node.env
        self.name: Final = node.name
        self.recorder: Final = node.recorder
        self.speeds: Final = node.speeds
        self.files: Final = node.files
        self.spec: Final = spec
        self.store: Final = store
        self.cores: Final = cores
        self.disk: Final = disk
        self.unpacker: Final = unpacker
        self.layers: Final[dict[str, LazyLayer]] = {}
        self.prefetches: Final[dict[str, list[simpy.Process]]] = {}  # of a container's image, by the image's ID
        self._reading = 0  # reads that wait for the registry
        self._last = float("-inf")  # when the last of them ended
        self._unwritten = 0  # bytes of units that are to be written into the cache
        self._writing = False

    def layer(self, chain_id: str) -> LazyLayer | None:
        """Return a layer that is mounted lazily; None: it was unpacked, or is gone."""
        found = self.layers.get(chain_id)
        if found is not None and chain_id not in self.store.snapshots:
            del self.layers[chain_id]
            return None
        return found

    def stop(self) -> None:
        """Fetch nothing beforehand any more."""
        for processes in self.prefetches.values():
            for process in processes:
                if process.is_alive:
                    process.interrupt()

    def unpacker_of(self, reference: Reference) -> Unpacker:
        """Return what unpacks the layers of an image that are not mounted."""
        return self.unpacker if self.speeds is None else self.speeds.unpacker(self.unpacker, reference)

    def seconds(self, layer: Layer, costs: UnpackSpec) -> float:
        """Return the seconds of a core that inflating, hashing and caching a layer, unit by unit, take."""
        spec = self.spec
        rate = GO_GZIP * costs.core if spec.gzip else QUICK
        if layer.unpacked <= layer.size or (spec.gzip and layer.compression != "gzip"):
            rate = QUICK
        digest = layer.unpacked / (costs.sha256 or SHA256 * costs.core) if spec.verifies else 0.0
        files = -(-layer.size // spec.cache_chunk) if spec.cache_chunk else 0
        return layer.unpacked / rate + digest + files * costs.per_file

    def touch(self) -> None:
        """Note that a layer is mounted now, which counts as a read that ends."""
        self._last = self.env.now

    def quiet_since(self) -> float | None:
        """Return since when no read has waited for the registry; None: one does now."""
        return None if self._reading else self._last

    def fetch(
        self, layer: LazyLayer, units: Sequence[int], requests: int, *, reading: bool, flows: int = 1
    ) -> Generator[Any, Any, bool]:
        """Fetch absent units by so many requests, ``flows`` of them at a time; return whether they came.

        ``reading``: a program waits for them, so that nothing is fetched in the background, and they are inflated.
        """
        event, flows = layer.expect(units), min(flows, requests)
        state, later, ok = ABSENT, self.spec.inflates_later and not reading, False
        self._reading += reading
        try:
            got, digest = layer.blob_bytes(units), layer.layer.digest
            ok = (yield from layer.ranges.get_many(digest, layer.place(units[0]), got, requests, flows)) == OK
            if ok and not later:
                yield from self._inflate(layer.seconds * len(units), flows)
            if ok:
                state = self._keep(layer, units, got, PACKED if later else PRESENT)
        finally:
            self._reading -= reading
            if reading:
                self._last = self.env.now
            layer.arrive(units, event, state)
        return ok

    def inflate(self, layer: LazyLayer, units: Sequence[int], flows: int) -> Generator[Any, Any, None]:
        """Inflate PACKED units on ``flows`` cores; they take more space then, as far as there is room for it.

        Who wants one of them meanwhile waits for it.
        """
        event = layer.expect(units)
        try:
            yield from self._inflate(layer.seconds * len(units), min(flows, len(units)))
            more = layer.unpacked_bytes(units) - layer.blob_bytes(units)
            if more > 0 and self._claim(more):
                self._account(layer, more)
        finally:
            layer.arrive(units, event, PRESENT)

    def _inflate(self, work: float, flows: int) -> Generator[Any, Any, None]:
        """Do work of so many seconds of a core on as many cores as there are flows."""
        for job in [self.cores.begin(work / flows) for _ in range(flows)]:
            if (end := job.wait()) is not None:
                yield end

    def _keep(self, layer: LazyLayer, units: Sequence[int], got: int, state: int) -> int:
        """Write units into the cache, which nobody waits for; return their state, ABSENT where there is no space."""
        size = got if state == PACKED else layer.unpacked_bytes(units)
        if state == PRESENT and self.spec.keeps_compressed:
            size += got
        if not self._claim(size):
            return ABSENT
        self._account(layer, size)
        if self.disk is not None:
            self._unwritten += size
            if not self._writing:
                self._writing = True
                self.env.process(self._write(self.disk))
        return state

    def _claim(self, size: int) -> bool:
        """Claim space for all of ``size`` bytes, or for none; return whether there is so much."""
        claimed = self.store.claim(size)
        if claimed < size:
            self.store.abandon(0, of=claimed)
        return claimed == size

    def _account(self, layer: LazyLayer, size: int) -> None:
        """Add claimed space to the snapshot of a layer, which has none before its mount."""
        store, chain_id = self.store, layer.chain_id
        if not chain_id:
            layer.cached += size
        elif self.layer(chain_id) is layer:
            store.snapshots[chain_id] += size
        else:  # the image was removed while the units were on their way
            store.abandon(0, of=size)

    def _write(self, disk: Disk) -> Generator[Any, Any, None]:
        """Write what has come by one writer, so that a slow disk has one write of it at a time to do, and no queue."""
        while self._unwritten:
            size, self._unwritten = self._unwritten, 0
            if (end := disk.buffer(size, 0.0).wait()) is not None:
                yield end
        self._writing = False
