"""The snapshotter overlayfs: a directory for each layer, which is unpacked from the whole blob."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.oci.manifest import Layer
    from pullsim.runtime.node import RuntimeNode
    from pullsim.runtime.snapshotter.protocol import Mount
    from pullsim.runtime.sources.blob_source import BlobSource
    from pullsim.runtime.unpack import Unpacker


class Overlay:
    """The overlayfs snapshotter. Models containerd plugins/snapshots/overlay with core/diff/apply."""

    __slots__ = ("_unpacker",)

    def __init__(self, node: RuntimeNode, unpacker: Unpacker) -> None:  # noqa: ARG002 - a snapshotter may use it
        self._unpacker = unpacker

    def mount(self, layer: Layer, source: BlobSource) -> Mount | None:  # noqa: ARG002 - the protocol has it
        """Return None: every layer is unpacked from its blob."""
        return None

    def unpack(self, layer: Layer) -> Generator[Any, Any, str]:
        """See `Snapshotter`."""
        return self._unpacker.unpack(layer)
