"""The state that the parts of one CRI-O copy share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullsim.releases.crio import BLOBS_AT_ONCE
from pullsim.runtime.crio.source import ImageSource
from pullsim.runtime.fetch_stages import DownloadSlots

if TYPE_CHECKING:
    from pullsim.cri import Auth
    from pullsim.oci.reference import Reference
    from pullsim.runtime.crio.node import CrioNode
    from pullsim.time_line import TimeLine


class OngoingCopy:
    """A copy as the fetches of its blobs see it; the subclass `crio.copy.Copy` runs it."""

    __slots__ = (
        "clock",
        "env",
        "files",
        "inflate",
        "next",
        "node",
        "slots",
        "source",
        "store",
        "temporary",
        "unpacker",
    )

    def __init__(self, node: CrioNode, reference: Reference, clock: TimeLine, auth: Auth | None) -> None:
        self.env = node.env
        self.node = node
        self.store = node.store
        self.unpacker = node.unpacker
        self.inflate = node.spec.inflate  # the costs of inflating its blobs as they come
        if node.speeds is not None:
            self.unpacker = node.speeds.unpacker(node.unpacker, reference)
            self.inflate = node.speeds.inflate(node.spec.inflate, reference)
        self.clock = clock
        self.slots = DownloadSlots(node.env, BLOBS_AT_ONCE)
        self.source = ImageSource(node, reference, auth, clock)
        self.next = 0  # position of the layer that is committed next; -1: no more layers are committed
        self.files: set[str] = set()  # digests of blobs in temporary files
        self.temporary = 0  # bytes of the temporary files
