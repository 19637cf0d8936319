"""The state that the parts of one containerd pull share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullsim.registry.access import Presented
from pullsim.runtime.containerd.failures import snapshot_no_space
from pullsim.runtime.containerd.peered_remote import remote
from pullsim.runtime.containerd.store import Lease
from pullsim.runtime.snapshotter.ranges import RETRIES, Ranges

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.cri import Auth, PullOutcome
    from pullsim.oci.manifest import Layer
    from pullsim.oci.reference import Reference
    from pullsim.runtime.containerd.failures import PullFailed
    from pullsim.runtime.containerd.node import ContainerdNode
    from pullsim.runtime.containerd.remote import Remote
    from pullsim.runtime.snapshotter.protocol import Mount
    from pullsim.time_line import TimeLine


class OngoingPull:
    """A pull as its layer fetches, chunks and unpackers see it; the subclass `containerd.pull.Pull` runs it."""

    __slots__ = (
        "_due",
        "auth",
        "blobs",
        "clock",
        "env",
        "lease",
        "mounted",
        "node",
        "queued",
        "reference",
        "remote",
        "slots",
        "snapshotter",
    )

    def __init__(
        self, node: ContainerdNode, reference: Reference, clock: TimeLine, auth: Auth | None, handler: str
    ) -> None:
        self.env = node.env
        self.auth = auth
        self.node = node
        self.reference = reference
        self.clock = clock
        self.slots = node.slots()
        self.snapshotter = node.snapshotter(handler, reference)
        self.lease = Lease()
        self._due = 0.0  # metadata writes for snapshots that were there
        self.queued = 0  # its fetches that wait for a slot before they start
        self.mounted: tuple[Layer, ...] = ()  # those of the image that were mounted before they were there
        self.remote: Remote = remote(node, reference, auth)
        self.blobs = node.blob_source(self.remote)

    def find(self, chain_id: str) -> None:
        """Keep a snapshot that is there; what this takes of the metadata database is due with the pull's next write."""
        self.lease.snapshots.append(chain_id)
        self._due += self.node.present_layer

    def with_due(self, writes: int) -> float:
        """Return a number of metadata writes, and with them what is due for snapshots that were there."""
        due, self._due = self._due, 0.0
        return writes + due

    def ranges(self, retries: int = RETRIES) -> Ranges:
        """Return the requests that a snapshotter's own client makes for the image's blobs."""
        node, reference = self.node, self.reference
        own = node.sources(reference.domain)[-1]
        presented = Presented(self.auth or own.auth, own.header, node.address, node.name)
        registry = node.registry(reference.domain)
        return Ranges(self.env, registry, reference, node.port, presented, node.inbound, retries)

    def wait_for_mount(self, mount: Mount, layer: Layer, chain_id: str) -> Generator[Any, Any, bool]:
        """Wait for a layer that is mounted without its blob; return False if it cannot be.

        Raises PullFailed if there is no space for the mount.
        """
        self.clock.enter("resolve", self.env.now, layer.digest)
        if not (yield from mount.wait()):
            return False
        store = self.node.store
        claimed = store.claim(mount.size)
        if claimed < mount.size:
            store.abandon(claimed, of=claimed)
            raise self.no_space(layer, chain_id)
        store.snapshots[chain_id] = claimed
        mount.mounted(chain_id)
        self.mounted += (layer,)
        return True

    def no_space(self, layer: Layer, chain_id: str) -> PullFailed:
        """Return the failure of a layer whose snapshot the disk has no space for."""
        number, version = len(self.node.store.snapshots) + 1, self.node.spec.version
        return snapshot_no_space(self.reference, layer, chain_id, number, version)

    def fail(self, outcome: PullOutcome) -> None:
        """End the pull with this outcome, because one of its parts has failed."""
        raise NotImplementedError

    def stalled(self, *, begun: bool) -> None:
        """Note that a request of the pull gets no more bytes; ``begun``: it got some before."""
        raise NotImplementedError
