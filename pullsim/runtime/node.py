"""The node as its container runtime sees it: hardware, network and registries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.hardware.cores import cores
from pullsim.hardware.disk import disk
from pullsim.hardware.nic import Nic
from pullsim.hardware.secondary_disk import SecondaryDisk
from pullsim.hardware.snapshot_volume import FastRestore, SnapshotVolume
from pullsim.runtime.image_files import ImageFiles
from pullsim.runtime.pull_speeds import PullSpeeds
from pullsim.spec.draws import vary_node
from pullsim.spec.peers import SpegelSpec

if TYPE_CHECKING:
    from collections.abc import Callable

    from pullsim.hardware.disk import Disk
    from pullsim.hardware.filesystem import Filesystem
    from pullsim.kernel.environment import Environment
    from pullsim.kernel.processor_sharing import ProcessorSharing
    from pullsim.network.network import Network
    from pullsim.network.traffic import Inbound, Traffic
    from pullsim.records import Recorder
    from pullsim.registry.host import Registry
    from pullsim.runtime.handlers import RuntimeHandlers
    from pullsim.runtime.peers.peers import Peers
    from pullsim.runtime.peers.protocol import Agent, WatchedContent
    from pullsim.spec.cluster import Node, NodeSpec
    from pullsim.spec.snapshot import SnapshotSpec
    from pullsim.spec.stored_image import StoredImage


class RuntimeCluster:
    """What the runtimes of all nodes of a cluster share. Its attributes are set once."""

    __slots__ = ("env", "network", "peers", "recorder", "registries", "restores", "stored", "traffic")

    def __init__(
        self,
        env: Environment,
        network: Network,
        registries: Callable[[str], Registry],
        recorder: Recorder,
        peers: Peers,
        traffic: Traffic | None = None,
    ) -> None:
        """``registries`` returns the registry or mirror with the given host name; ``traffic``: see `Inbound`."""
        self.env: Final = env
        self.network: Final = network
        self.registries: Final = registries
        self.recorder: Final = recorder
        self.peers: Final = peers
        self.traffic: Final = traffic
        #: The credits of snapshots that are restored fast, by pool and zone.
        self.restores: Final[dict[tuple[str, str | None], FastRestore]] = {}
        #: What containerd stores of images, by what that is made of: it is the same on many nodes.
        self.stored: Final[dict[tuple[int, str, int, bool], StoredImage]] = {}


class RuntimeNode:
    """The node that a runtime runs on. Its attributes are set once."""

    __slots__ = (
        "cluster",
        "env",
        "files",
        "filesystem",
        "handlers",
        "inbound",
        "name",
        "node",
        "recorder",
        "registries",
        "secondary_disk",
        "spec",
        "speeds",
        "volume",
    )

    def __init__(
        self, cluster: RuntimeCluster, node: Node, filesystem: Filesystem | None, handlers: RuntimeHandlers
    ) -> None:
        """``filesystem``: None if it never fills up."""
        self.cluster: Final = cluster
        self.env: Final = cluster.env
        self.node: Final = node
        self.name: Final = node.name
        traffic = cluster.traffic
        #: What counts the bytes that the node gets by class of link; None: nothing asks for that.
        self.inbound: Final[Inbound | None] = None if traffic is None else traffic.inbound(node.name, node.zone)
        #: What the node has, which may differ from what its pool has.
        self.spec: Final[NodeSpec] = vary_node(node.spec, node.name)
        #: At what speed it unpacks each image; None: at the same.
        self.speeds: Final = PullSpeeds.of(node.name, node.spec.varies)
        self.registries: Final = cluster.registries
        self.recorder: Final = cluster.recorder
        self.filesystem: Final = filesystem
        self.handlers: Final = handlers
        #: What layers come lazily when they are read, and from where.
        self.files: Final = ImageFiles()
        snapshot, second = node.spec.snapshot, node.spec.secondary_disk
        #: The volume with the images that are on the node from the start; None: it is no other than its disk.
        self.volume: Final = None if snapshot is None else _volume(cluster, node, snapshot)
        self.secondary_disk: Final = None if second is None else SecondaryDisk(cluster.env, second.read)

    def nic(self) -> Nic:
        """Make the node's network interface. Every call makes another one: a runtime calls this once."""
        return Nic(self.cluster.network, self.name, self.spec.nic)

    def agent(
        self, nic: Nic, disk: Disk | None, content: WatchedContent | None = None, *, advertises_blobs: bool = False
    ) -> Agent | None:
        """Start the agent that gets blobs from other nodes and serves the node's content to them; None: it has none.

        ``content``: where Spegel finds blobs; ``advertises_blobs``: the runtime tells of each blob that it commits, not
        only of images.
        """
        if self.spec.peers is None:
            return None
        if not isinstance(self.spec.peers, SpegelSpec):
            return self.cluster.peers.swarm(self.node, nic, disk, self.inbound)
        assert content is not None
        agent = self.cluster.peers.spegel(self.node, nic, content, self.inbound, advertises_blobs=advertises_blobs)
        content.watcher = agent
        return agent

    def cores(self) -> ProcessorSharing:
        """Make the node's cores. Every call makes others: a runtime calls this once."""
        return cores(self.env, self.spec.cores)

    def disk(self) -> Disk | None:
        """Make the node's disk; None: it limits nothing. Every call makes another one: a runtime calls this once."""
        return disk(self.env, self.spec.disk)


def _volume(cluster: RuntimeCluster, node: Node, snapshot: SnapshotSpec) -> SnapshotVolume:
    """Make a node's volume, which is restored fast where its snapshot has a credit when it is created."""
    fast = False
    if snapshot.restored_since is not None and snapshot.size is not None:
        key = node.spec.pool, node.zone
        restore = cluster.restores.get(key)
        if restore is None:
            restore = cluster.restores[key] = FastRestore(snapshot.size, -snapshot.restored_since)
        fast = restore.take(cluster.env.now - snapshot.age)
    return SnapshotVolume(cluster.env, snapshot, fast=fast)
