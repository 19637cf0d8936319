"""One image that a lazy snapshotter mounts for a pull: the metadata of its layers, and what is fetched beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import simpy

from pullsim.kernel.event import Timeout
from pullsim.registry.request import OK, Download
from pullsim.runtime.containerd.lazy_reads import LazyLayers
from pullsim.runtime.snapshotter.lazy_layer import ABSENT, LazyLayer
from pullsim.spec.registry import fits

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.oci.manifest import Layer
    from pullsim.runtime.containerd.background_fetch import BackgroundFetch
    from pullsim.runtime.containerd.lazy_node import LazyNode
    from pullsim.runtime.containerd.ongoing_pull import OngoingPull
    from pullsim.runtime.snapshotter.protocol import Mount
    from pullsim.runtime.sources.blob_source import BlobSource
    from pullsim.spec.stored_image import StoredImage


class LazyImage:
    """The snapshotter of one pull, which mounts the layers that have metadata and unpacks the others as overlayfs does.

    The first layer that is wanted starts to fetch the metadata of all of them. Small layers, which have none, are
    fetched by the snapshotter too, each when its turn comes. Models stargz-snapshotter fs/fs.go Mount and
    soci-snapshotter fs/fs.go Mount.
    """

    __slots__ = ("_background", "_image", "_mounts", "_pull", "_unmounted", "lazy", "ranges", "unpacker")

    def __init__(
        self, lazy: LazyNode, pull: OngoingPull, image: StoredImage, background: BackgroundFetch | None
    ) -> None:
        self.lazy = lazy
        self.ranges = pull.ranges(lazy.spec.retries)
        self.unpacker = lazy.unpacker_of(pull.reference)
        self._pull = pull
        self._image = image
        self._background = background
        self._mounts: dict[str, list[LazyMount]] | None = None  # by the layer's digest, those that nobody has taken
        self._unmounted: list[LazyMount] = []  # those of which no snapshot has been made

    def mount(self, layer: Layer, source: BlobSource) -> Mount | None:  # noqa: ARG002 - it has a client of its own
        """See `Snapshotter`."""
        spec = self.lazy.spec
        if not layer.size or not fits(spec.images, self._pull.reference):
            return None
        if self._mounts is None:
            self._mounts = self._begin()
        if layer.size < spec.least_layer:
            return WholeMount(self, layer)
        found = self._mounts.get(layer.digest)
        return found.pop(0) if found else None

    def unpack(self, layer: Layer) -> Generator[Any, Any, str]:
        """See `Snapshotter`."""
        return self.unpacker.unpack(layer)

    def describe(self) -> Generator[Any, Any, bool]:
        """Get what describes the image to the snapshotter: an index, or the metadata of all of its layers."""
        spec, env = self.lazy.spec, self._pull.env
        if spec.mount:
            yield Timeout(env, spec.mount)
        for _ in range(spec.image_requests):
            if (yield from self.ranges.probe(self._image.manifest.config_digest, Download())) != OK:
                return False
        return True

    def mounted(self, mount: LazyMount) -> None:
        """Note that a layer is a snapshot now, and let the rest of it come in the background."""
        self._unmounted.remove(mount)
        layer = mount.lazy_layer
        self.lazy.layers[layer.chain_id] = layer
        self.lazy.files.lie_in(LazyLayers(self.lazy), [layer.chain_id])
        self.lazy.touch()
        self._pull.node.store.snapshots[layer.chain_id] += layer.cached
        if self._background is not None:
            self._background.add(layer)

    def close(self) -> None:
        """Stop what no layer has been mounted of, as the pull has ended."""
        for mount in self._unmounted:
            mount.abandon()
        self._mounts, self._unmounted = None, []

    def _begin(self) -> dict[str, list[LazyMount]]:
        """Start to fetch the metadata of all layers that the node does not have; return them by the layer's digest."""
        lazy, pull, store = self.lazy, self._pull, self._pull.node.store
        described = pull.env.process(self.describe())
        mounts: dict[str, list[LazyMount]] = {}
        prefetches: list[simpy.Process] = []
        for layer, chain_id in zip(self._image.manifest.layers, self._image.snapshots(), strict=True):
            if chain_id in store.snapshots or layer.size < lazy.spec.least_layer or not layer.size:
                continue
            mount = LazyMount(self, layer, described)
            mounts.setdefault(layer.digest, []).append(mount)
            self._unmounted.append(mount)
            if mount.prefetched is not None:
                prefetches.append(mount.prefetched)
        lazy.prefetches[self._image.id] = prefetches
        return mounts


class LazyMount:
    """One layer whose metadata are on their way; see `Mount`."""

    __slots__ = ("_described", "_image", "_ok", "_process", "layer", "lazy_layer", "prefetched", "size")

    def __init__(self, image: LazyImage, layer: Layer, described: simpy.Process) -> None:
        lazy = image.lazy
        spec, env = lazy.spec, lazy.env
        self._image = image
        self._described = described
        self._ok = False
        self.layer = layer
        self.lazy_layer = LazyLayer(env, layer, image.ranges, spec, lazy.seconds(layer, image.unpacker.spec))
        self.size = spec.meta_per_unit * -(-layer.unpacked // spec.unit) + spec.meta_per_file * layer.files
        self._process = env.process(self._resolve())
        #: Fetches the front of the layer, if that is wanted and the mount does not wait for it.
        self.prefetched: simpy.Process | None = None
        if spec.prefetch and spec.prefetch_wait < float("inf"):
            self.prefetched = env.process(self._prefetch_later())

    def wait(self) -> Generator[Any, Any, bool]:
        """See `Mount`."""
        env = self._image.lazy.env
        if self._process.is_alive:
            yield env.any_of([self._process, env.timeout(self._image.lazy.spec.mount_limit)])
        if self._process.is_alive:
            self._process.interrupt()
            return False
        return self._ok

    def abandon(self) -> None:
        """Stop it, and free the space of what has come."""
        for process in (self._process, self.prefetched):
            if process is not None and process.is_alive:
                process.interrupt()
        self._image.lazy.store.abandon(0, of=self.lazy_layer.cached)

    def mounted(self, chain_id: str) -> None:
        """See `Mount`."""
        self.lazy_layer.chain_id = chain_id
        self._image.mounted(self)

    def _resolve(self) -> Generator[Any, Any, None]:
        """Get the metadata: a first request that finds the blob, then the others."""
        image, spec = self._image, self._image.lazy.spec
        try:
            if self._described.is_alive:
                yield self._described
            if not self._described.value:
                return
            more = spec.layer_requests - 1
            if spec.layer_requests and (yield from image.ranges.probe(self.layer.digest, Download())) != OK:
                return
            if self.size:
                ranges, digest = image.ranges, self.layer.digest
                if spec.layer_requests:
                    status = yield from ranges.get_many(digest, 0, self.size, max(1, more))
                else:
                    status = yield from ranges.get(digest, 0, self.size, Download(), known=False)
                if status != OK:
                    return
            if spec.prefetch and self.prefetched is None:
                yield from self._prefetch()
            self._ok = True
        except simpy.Interrupt:
            return

    def _prefetch_later(self) -> Generator[Any, Any, None]:
        """Fetch the front of the layer when its metadata are there."""
        try:
            if self._process.is_alive:
                yield self._process
            if self._ok:
                yield from self._prefetch()
        except simpy.Interrupt:
            return

    def _prefetch(self) -> Generator[Any, Any, None]:
        """Fetch the front of the layer by one request, and inflate it (stargz-snapshotter fs/layer/layer.go)."""
        lazy, layer = self._image.lazy, self.lazy_layer
        wanted = lazy.spec.prefetch
        size = round(wanted * self.layer.size) if isinstance(wanted, float) else min(wanted, self.layer.size)
        count = -(-size * layer.count // self.layer.size)
        units = [unit for unit in range(count) if layer.state(unit) == ABSENT]
        if units:
            yield from lazy.fetch(layer, units, 1, reading=True)


class WholeMount:
    """A small layer, which the snapshotter fetches and unpacks by itself; see `Mount`.

    Models soci-snapshotter snapshot/snapshot.go prepareLocalSnapshot.
    """

    __slots__ = ("_image", "_layer", "size")

    def __init__(self, image: LazyImage, layer: Layer) -> None:
        self._image = image
        self._layer = layer
        self.size = layer.unpacked

    def wait(self) -> Generator[Any, Any, bool]:
        """See `Mount`."""
        image, layer = self._image, self._layer
        if (yield from image.ranges.get(layer.digest, 0, layer.size, Download(), known=False)) != OK:
            return False
        yield from image.unpack(layer)
        return True

    def mounted(self, chain_id: str) -> None:
        """See `Mount`."""
