"""By how much faster or slower than usual a node unpacks each image, where that differs from pull to pull."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.spec.draws import better_inflate, better_unpack, pull_factor

if TYPE_CHECKING:
    from pullsim.oci.reference import Reference
    from pullsim.runtime.unpack import Unpacker
    from pullsim.spec.unpack import InflateSpec, UnpackSpec
    from pullsim.spec.variation import NodeVariation


class PullSpeeds:
    """What one node draws for each image that it pulls; every pull of one image by one node has the same speed."""

    __slots__ = ("_name", "_varies")

    def __init__(self, name: str, varies: NodeVariation) -> None:
        self._name: Final = name
        self._varies: Final = varies

    @classmethod
    def of(cls, name: str, varies: NodeVariation | None) -> PullSpeeds | None:
        """Return those of a node; None: its pulls do not differ."""
        return None if varies is None or not varies.pull else cls(name, varies)

    def unpack(self, costs: UnpackSpec, reference: Reference) -> UnpackSpec:
        """Return the costs of unpacking an image."""
        return better_unpack(costs, self._factor(reference))

    def inflate(self, costs: InflateSpec, reference: Reference) -> InflateSpec:
        """Return the costs of inflating the blobs of an image."""
        return better_inflate(costs, self._factor(reference))

    def unpacker(self, usual: Unpacker, reference: Reference) -> Unpacker:
        """Return what unpacks an image on the hardware of the node's usual unpacker."""
        return usual.at(self.unpack(usual.spec, reference))

    def _factor(self, reference: Reference) -> float:
        return pull_factor(self._varies, self._name, str(reference))
