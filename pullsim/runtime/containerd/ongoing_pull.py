"""What the parts of one pull of containerd share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullsim.runtime.containerd.remote import Remote
from pullsim.runtime.containerd.store import Lease

if TYPE_CHECKING:
    from pullsim.cri import Auth, PullOutcome
    from pullsim.oci.reference import Reference
    from pullsim.runtime.containerd.node import ContainerdNode
    from pullsim.time_line import TimeLine


class OngoingPull:
    """A pull as its fetches, chunks and unpackings see it; `containerd.pull.Pull` is what runs it."""

    __slots__ = ("blobs", "clock", "env", "lease", "node", "reference", "remote", "slots", "snapshotter")

    def __init__(
        self, node: ContainerdNode, reference: Reference, clock: TimeLine, auth: Auth | None, handler: str
    ) -> None:
        self.env = node.env
        self.node = node
        self.reference = reference
        self.clock = clock
        self.slots = node.slots()
        self.snapshotter = node.snapshotter(handler)
        self.lease = Lease()
        self.remote = Remote(node, reference, auth)
        self.blobs = node.blob_source(self.remote)

    def fail(self, outcome: PullOutcome) -> None:
        """End the pull with this outcome, because one of its parts has failed."""
        raise NotImplementedError

    def stalled(self, *, begun: bool) -> None:
        """Take note that a request of the pull gets nothing more; ``begun``: it got bytes before."""
        raise NotImplementedError
