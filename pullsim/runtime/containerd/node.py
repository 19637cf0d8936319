"""The node as containerd's pulls see it: settings, hardware, content store and the hosts that are asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pullsim.kernel.event import Call, Timeout
from pullsim.releases.containerd import TELLS_OF_BLOBS
from pullsim.runtime.containerd.background_fetch import BackgroundFetch
from pullsim.runtime.containerd.lazy_node import LazyNode
from pullsim.runtime.containerd.soci_node import SociNode
from pullsim.runtime.containerd.store import Store, image_record
from pullsim.runtime.fetch_stages import DownloadSlots
from pullsim.runtime.metadata import LEASE
from pullsim.runtime.snapshotter.kinds import make_snapshotter
from pullsim.runtime.sources.hosts import Source, sources
from pullsim.runtime.unpack import Unpacker
from pullsim.spec.snapshotter import SOCI
from pullsim.spec.stored_image import StoredImage

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.kernel.event import Event
    from pullsim.oci.manifest import Image, Manifest
    from pullsim.oci.reference import Reference
    from pullsim.registry.host import Registry
    from pullsim.runtime.node import RuntimeNode
    from pullsim.runtime.snapshotter.protocol import Snapshotter
    from pullsim.runtime.sources.blob_source import BlobSource
    from pullsim.spec.runtime import ContainerdSpec

LEAST_CHUNK: Final = 512  # bytes; less is no chunk (core/remotes/docker/fetcher.go minChunkSize)


class ContainerdNode:
    """What the pulls on one node share. Its attributes are set once; the store, slots and disk behind them change."""

    __slots__ = (
        "_background",
        "_lazy",
        "_node",
        "_registries",
        "_slots",
        "_snapshotters",
        "_sources",
        "_unpacker",
        "address",
        "agent",
        "behaviour",
        "chunk",
        "disk",
        "env",
        "fsync",
        "fsyncs",
        "handlers",
        "inbound",
        "name",
        "platform",
        "port",
        "present_layer",
        "recorder",
        "soci",
        "spec",
        "speeds",
        "store",
        "unpack_slots",
    )

    def __init__(self, node: RuntimeNode, spec: ContainerdSpec) -> None:
        env = node.env
        self._node: Final = node
        self.env: Final = env
        self.name: Final = node.name
        self.address: Final = node.spec.address  # as registries see it
        self.platform: Final = node.spec.platform
        self.recorder: Final = node.recorder
        self.handlers: Final = node.handlers
        self.spec: Final = spec
        self.behaviour: Final = spec.behaviour
        nic = node.nic()
        self.port: Final = nic.down
        self.inbound: Final = node.inbound
        cores = node.cores()
        self.disk: Final = node.disk()
        self.fsync: Final = node.spec.disk.fsync  # seconds that the fsync of a blob takes
        cached = self.disk is not None and self.disk.has_page_cache
        self.fsyncs: Final = self.fsync > 0.0 or cached  # whether an fsync takes time
        self.store: Final = Store(env, spec.metadata_write, node.filesystem)
        #: Metadata writes that a layer takes of a pull if its snapshot is there.
        self.present_layer: Final = LEASE if self.behaviour.leases_snapshots else 0.0
        unpacker = Unpacker(env, spec.unpack, cores, self.disk)
        self._unpacker: Final = unpacker
        self.speeds: Final = node.speeds
        self._lazy: Final = {
            name: LazyNode(node, each, self.store, cores, self.disk, unpacker) for name, each in spec.lazy.items()
        }
        self._background: Final = {
            lazy: BackgroundFetch(lazy, lazy.spec.background)
            for lazy in self._lazy.values()
            if lazy.spec.background is not None
        }
        self.soci: Final = None if spec.soci is None else SociNode(env, spec.soci, cores)
        self.port.on_busy = unpacker.downloading
        names = {spec.snapshotter, *node.handlers.snapshotters()}
        self._snapshotters: Final = {name: make_snapshotter(name, node, unpacker) for name in sorted(names)}
        self.chunk: Final = spec.layer_fetch_buffer if spec.layer_fetch_buffer >= LEAST_CHUNK else 0  # bytes
        many = spec.max_concurrent_unpacks > 1
        self.unpack_slots: Final = DownloadSlots(env, spec.max_concurrent_unpacks) if many else None
        self._slots: Final = self._new_slots() if self.behaviour.node_wide_slots else None
        self._registries: Final = node.registries
        self.agent: Final = node.agent(nic, self.disk, self.store, advertises_blobs=spec.version >= TELLS_OF_BLOBS)
        self._sources: Final[dict[str, tuple[Source, ...]]] = {}  # by registry

    def sources(self, registry: str) -> tuple[Source, ...]:
        """Return the hosts that are tried for a registry's images, in order."""
        found = self._sources.get(registry)
        if found is None:
            found = self._sources[registry] = sources(registry, self.spec, self._registries)
        return found

    def content(self, reference: Reference) -> Image | None:
        """Return the image that a digest stands for, whoever served it; None: nothing has that digest."""
        return self._registries(reference.domain).content(reference, self.env.now)

    def blob_source(self, registry: BlobSource) -> BlobSource:
        """Return the source of an image's blobs, given its registry: it is the registry, with its mirrors."""
        return registry

    def registry(self, host: str) -> Registry:
        """Return a registry or mirror by its host name."""
        return self._registries(host)

    def soci_of(self, handler: str) -> SociNode | None:
        """Return the SOCI snapshotter if it pulls the images of a runtime handler in parallel, else None."""
        return self.soci if self.soci is not None and self._snapshotter_name(handler) == SOCI else None

    def lazy_of(self, handler: str) -> LazyNode | None:
        """Return the snapshotter that mounts the images of a runtime handler lazily; None: they are unpacked."""
        return self._lazy.get(self._snapshotter_name(handler)) if self._lazy else None

    def background(self, lazy: LazyNode) -> BackgroundFetch | None:
        """Return what fetches the layers of a lazy snapshotter in the background; None: nothing does."""
        return self._background.get(lazy)

    def leave(self) -> None:
        """Stop what lazy snapshotters fetch, as the node has left the cluster."""
        for background in self._background.values():
            background.stop()
        for lazy in self._lazy.values():
            lazy.stop()

    def discards(self, handler: str) -> bool:
        """Whether the compressed layers of images for a runtime handler are not kept once they are unpacked."""
        soci = self.soci_of(handler)
        return self.spec.discard_unpacked_layers or (soci is not None and soci.spec.discard_layers)

    def record(self, image: Image, manifest: Manifest, handler: str) -> StoredImage:
        """Return the record that an image will have; nodes that pull it for the default handler have the same one."""
        discards = self.discards(handler)
        if handler:
            return image_record(manifest, image.digest, image.size, handler, self.handlers)._replace(discards=discards)
        stored = self._node.cluster.stored
        key = id(manifest), image.digest, image.size, discards  # the record keeps the manifest, and so its identity
        found = stored.get(key)
        if found is None:
            found = stored[key] = StoredImage(manifest, image.digest, image.size, discards=discards)
        return found

    def snapshotter(self, handler: str, reference: Reference) -> Snapshotter:
        """Return the snapshotter that an image is unpacked with for a runtime handler."""
        name = self._snapshotter_name(handler)
        if self.speeds is None:
            return self._snapshotters[name]
        return make_snapshotter(name, self._node, self.speeds.unpacker(self._unpacker, reference))

    def slots(self) -> DownloadSlots:
        """Return the download slots for a new pull."""
        return self._slots or self._new_slots()

    def sync_blob(self) -> Generator[Any, Any, None]:
        """Make a written blob durable by an fsync (plugins/content/local/writer.go Commit)."""
        yield from self.commit_journal()
        if self.fsync:
            yield Timeout(self.env, self.fsync)

    def commit_journal(self) -> Generator[Any, Any, None]:
        """Wait for the data of other files that the commit of the filesystem's journal writes before an fsync ends."""
        if self.disk is not None and (written := self.disk.commit_journal()) is not None:
            yield written

    def collect_later(self) -> None:
        """Collect garbage a moment later: a pull has ended, and what its lease kept may be collected now."""
        if self.spec.collect_after < float("inf"):
            Call(self.env, self._collect, self.spec.collect_after)

    def _collect(self, _: Event) -> None:
        self.store.collect()

    def _snapshotter_name(self, handler: str) -> str:
        named = self.handlers.identity(handler)
        return self.handlers.snapshotter(named) if named else self.spec.snapshotter

    def _new_slots(self) -> DownloadSlots:
        return DownloadSlots(self.env, self.spec.max_concurrent_downloads)
