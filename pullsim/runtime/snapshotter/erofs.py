"""The snapshotter EROFS: one blob for each layer, which is mounted as a filesystem of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from pullsim.spec.unpack import COPY

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.oci.manifest import Layer
    from pullsim.runtime.node import RuntimeNode
    from pullsim.runtime.snapshotter.protocol import Mount
    from pullsim.runtime.sources.blob_source import BlobSource
    from pullsim.runtime.unpack import Unpacker
    from pullsim.spec.runtime import ContainerdSpec


class Erofs:
    """The EROFS snapshotter with its differ. Models containerd plugins/diff/erofs/differ.go Apply, from 2.1.

    A layer becomes one file: nothing is done for each file in it, but gzip is inflated and hashed as for overlayfs, by
    one core. The tar goes through a pipe to mkfs.erofs, which is faster than that. As an index (``tarIndex``) the tar
    is copied once more behind its index. Where the layers of images are EROFS blobs themselves (``native``), those
    that are not compressed are copied and the others inflated with zstd.
    """

    __slots__ = ("_spec", "_unpacker")

    def __init__(self, node: RuntimeNode, unpacker: Unpacker) -> None:
        runtime = cast("ContainerdSpec", node.spec.runtime)
        self._spec = runtime.erofs
        self._unpacker = unpacker

    def mount(self, layer: Layer, source: BlobSource) -> Mount | None:  # noqa: ARG002 - the protocol has it
        """Return None: every layer is made from its blob."""
        return None

    def unpack(self, layer: Layer) -> Generator[Any, Any, str]:
        """See `Snapshotter`."""
        spec, costs = self._spec, self._unpacker.spec
        if spec.mode == "native":
            stored = layer.unpacked <= layer.size
            seconds = layer.unpacked / (COPY if stored else costs.zstd) + costs.per_layer
            return self._unpacker.write(layer, seconds, 0.0, durable=spec.immutable)
        seconds = costs.without_files(layer)
        if spec.mode == "tarIndex":
            seconds += layer.unpacked / COPY
        return self._unpacker.write(layer, seconds, costs.inflating(layer), durable=spec.immutable)
