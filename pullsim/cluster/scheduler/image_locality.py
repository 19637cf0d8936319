"""Placement by the scores of kube-scheduler, among them ImageLocality."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Final

from pullsim.cluster.scheduler.placement import SPREAD, Placement
from pullsim.kernel.event import Call

if TYPE_CHECKING:
    from collections.abc import Iterable

    import simpy

    from pullsim.cluster.node import ClusterNode
    from pullsim.spec.cluster import ClusterSpec
    from pullsim.spec.pod import Pod

MB: Final = 1024 * 1024
LEAST: Final = 23 * MB  # bytes of a pod's images on a node up to which its score is 0 (minThreshold)
MOST: Final = 1000 * MB  # bytes per container from which the score is the highest (maxContainerThreshold)
TOP: Final = 100  # the highest score of a plugin (MaxNodeScore)
#: How many names of each image a node's status lists (pkg/kubelet/kubelet_node_status.go maxNamesPerImageInNodeStatus).
NAMES: Final = 5
PERIOD: Final = 10.0  # seconds between two updates of a node's status (nodeStatusUpdateFrequency)
#: The maxSkew of the default constraint on hostnames (podtopologyspread/plugin.go systemDefaultConstraints).
MAX_SKEW: Final = 3
#: Owners whose pods the default constraints spread (pkg/scheduler/framework/plugins/helper/spread.go DefaultSelector).
SPREAD_KINDS: Final = ("Deployment", "ReplicaSet", "StatefulSet")
#: Weights of the default plugins (pkg/scheduler/apis/config/v1/default_plugins.go).
IMAGE_LOCALITY, LEAST_ALLOCATED, TOPOLOGY_SPREAD = 1, 1, 2


class NodeImages:
    """The images that a node's status lists: the largest ones, as of the status's last update.

    The kubelet updates the status every 10 s from the node's join on; only updates that change something are simulated.
    """

    def __init__(self, env: simpy.Environment, node: ClusterNode) -> None:
        self._env = env
        self._node = node
        self._joined = env.now
        self._planned = False  # whether an update is scheduled
        self.sizes: dict[str, int] = {}  # bytes, by image name
        self.publish()

    def changed(self) -> None:
        """Note that the images have changed: the next update of the status will show that."""
        if not self._planned:
            self._planned = True
            since = self._env.now - self._joined
            Call(self._env, lambda _: self.publish(), PERIOD - since % PERIOD)

    def publish(self) -> None:
        """Update the node's status (pkg/kubelet/nodestatus/setters.go Images)."""
        self._planned = False
        images, most = self._node.images()
        ranked = sorted(images, key=lambda image: -image.size)
        self.sizes = {
            name: image.size for image in ranked[: most if most >= 0 else None] for name in image.names[:NAMES]
        }


class ImageLocality(Placement):
    """Chooses the node with the highest score; on a tie the one with the fewest pods, then the one that joined first.

    The score is the weighted sum of kube-scheduler's default plugins that can differ between nodes here: ImageLocality,
    LeastAllocated with each pod taking one of the node's maxPods places, and, for the pods of a Deployment, ReplicaSet
    or StatefulSet, PodTopologySpread with its default constraint on hostnames. Two things are left out: that the
    scheduler scores only some of the nodes of clusters with more than 100, and that it chooses at random between equal
    nodes. An image that is being pulled does not count. Names are compared as written: `nginx` does not match
    `docker.io/library/nginx` in a node's status (kubernetes issues 112699, 112573). A choice takes O(nodes) steps.

    Models pkg/scheduler/framework/plugins/imagelocality (init containers too, as from 1.30), noderesources and
    podtopologyspread.
    """

    def __init__(self, env: simpy.Environment, selected: Iterable[int]) -> None:
        """``selected`` are the indices of the owners whose pods PodTopologySpread spreads."""
        super().__init__(SPREAD)
        self._env = env
        self._selected = frozenset(selected)
        self._images: dict[str, NodeImages] = {}  # images in the status, by node
        self._mates: Counter[tuple[str, int]] = Counter()  # number of pods, by node and owner

    def join(self, node: ClusterNode) -> None:
        """Add a node that pods can be bound to."""
        super().join(node)
        self._images[node.name] = NodeImages(self._env, node)

    def remove(self, name: str) -> None:
        """Remove a node, which leaves the cluster."""
        super().remove(name)
        del self._images[name]

    def leave(self, name: str, pod: Pod) -> None:
        """Free the place of a pod on a node, unless the node has left."""
        super().leave(name, pod)
        if pod.owner is not None:
            self._mates[name, pod.owner] -= 1

    def images_changed(self, node: str) -> None:
        """Note that images came to a node or were removed from it."""
        if node in self._images:
            self._images[node].changed()

    def choose(self, pod: Pod) -> ClusterNode | None:
        """Choose a node for the pod and reserve a place on it; None: no node has room."""
        node = super().choose(pod)
        if node is not None and pod.owner is not None:
            self._mates[node.name, pod.owner] += 1
        return node

    def _choose(self, pod: Pod) -> ClusterNode | None:
        if pod.node is not None:
            return super()._choose(pod)
        nodes = [node for node in self._nodes.values() if node.has_room and pod.pool in (None, node.pool)]
        if not nodes:
            return None
        scores = self._scores(pod, nodes)
        return min(zip(scores, nodes, strict=True), key=lambda each: (-each[0], each[1].pods, each[1].order))[1]

    def _scores(self, pod: Pod, nodes: list[ClusterNode]) -> list[int]:
        wanted = [normalized(container.image) for container in (*pod.spec.init_containers, *pod.spec.containers)]
        holders = Counter(name for name in set(wanted) for images in self._images.values() if name in images.sizes)
        total = len(self._images)
        scores = []
        for node in nodes:
            sizes = self._images[node.name].sizes
            present = sum(int(sizes[name] * (holders[name] / total)) for name in wanted if name in sizes)
            free = node.max_pods - node.pods - 1
            scores.append(
                IMAGE_LOCALITY * locality(present, len(wanted)) + LEAST_ALLOCATED * (free * TOP // node.max_pods)
            )
        if pod.owner in self._selected:
            mates = [self._mates[node.name, pod.owner] for node in nodes if pod.owner is not None]
            scores = [
                score + TOPOLOGY_SPREAD * spread for score, spread in zip(scores, topology_spread(mates), strict=True)
            ]
        return scores


def locality(present: int, containers: int) -> int:
    """Return the score of a node with ``present`` bytes of a pod's images (image_locality.go calculatePriority)."""
    most = MOST * containers
    return TOP * (min(max(present, LEAST), most) - LEAST) // (most - LEAST)


def topology_spread(mates: list[int]) -> list[int]:
    """Return the score of each node, given its number of pods of the same owner (podtopologyspread/scoring.go).

    The constraint is the default one: maxSkew 3 over hostnames, ScheduleAnyway.
    """
    weight = math.log(len(mates) + 2)
    raw = [math.floor(count * weight + (MAX_SKEW - 1) + 0.5) for count in mates]
    highest, lowest = max(raw), min(raw)
    return [TOP * (highest + lowest - score) // highest for score in raw]


def normalized(image: str) -> str:
    """Return the name that the scheduler looks up in a node's status (image_locality.go normalizedImageName)."""
    return image if image.rfind(":") > image.rfind("/") else f"{image}:latest"


def placement(env: simpy.Environment, spec: ClusterSpec) -> Placement:
    """Return the placement that the cluster's spec asks for."""
    if spec.placement != "imageLocality":
        return Placement(spec.placement)
    return ImageLocality(env, (n for n, owner in enumerate(spec.owners) if owner.kind in SPREAD_KINDS))
