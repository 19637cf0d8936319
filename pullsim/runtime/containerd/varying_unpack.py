"""Unpacking at a speed that differs from pull to pull."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullsim.runtime.snapshotter.kinds import make_snapshotter
from pullsim.runtime.unpack import Unpacker
from pullsim.spec.draws import vary_pull

if TYPE_CHECKING:
    from pullsim.hardware.disk import Disk
    from pullsim.kernel.processor_sharing import ProcessorSharing
    from pullsim.oci.reference import Reference
    from pullsim.runtime.node import RuntimeNode
    from pullsim.runtime.snapshotter.protocol import Snapshotter
    from pullsim.spec.unpack import UnpackSpec
    from pullsim.spec.variation import NodeVariation


class VaryingUnpack:
    """Makes a snapshotter for each pull of a node."""

    __slots__ = ("_cores", "_costs", "_disk", "_node", "_varies")

    def __init__(
        self, node: RuntimeNode, varies: NodeVariation, costs: UnpackSpec, cores: ProcessorSharing, disk: Disk | None
    ) -> None:
        self._node = node
        self._varies = varies
        self._costs = costs
        self._cores = cores
        self._disk = disk

    @classmethod
    def of(
        cls, node: RuntimeNode, costs: UnpackSpec, cores: ProcessorSharing, disk: Disk | None
    ) -> VaryingUnpack | None:
        """Return what unpacks on a node; None: the pulls of the node do not differ."""
        varies = node.spec.varies
        return None if varies is None or not varies.pull else cls(node, varies, costs, cores, disk)

    def snapshotter(self, name: str, reference: Reference) -> Snapshotter:
        """Return the snapshotter of that name for a pull of an image."""
        node = self._node
        costs = vary_pull(self._costs, self._varies, node.name, str(reference))
        return make_snapshotter(name, node, Unpacker(node.env, costs, self._cores, self._disk))
