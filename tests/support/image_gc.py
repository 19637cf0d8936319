"""A kubelet's image garbage collection on a disk without a runtime and without pulls."""

from __future__ import annotations

from dataclasses import dataclass, field

from pullsim.cri import ContainerImage, FilesystemUsage, ListedImage
from pullsim.kernel.environment import Environment
from pullsim.kubelet.containers import Containers
from pullsim.kubelet.context import NodeContext
from pullsim.kubelet.images.image_gc import ImageGCManager, ImageGCPolicy
from pullsim.kubelet.pod_status import PodStatus
from pullsim.records import KubeletEvent
from pullsim.runtime.handlers import RuntimeHandlers
from pullsim.spec.cluster import Node
from pullsim.spec.pod import ContainerSpec, Pod, PodSpec
from pullsim.streams import Streams
from tests.support.world import fixed, node

MINUTE = 60 * 10**9
DEFAULT = ImageGCPolicy(85, 80, 2 * MINUTE, 0)


@dataclass
class Disk:
    """An image service with images of given sizes, on a disk of 100 bytes: no runtime, no pulls."""

    capacity: int | None = 100
    other: int = 0
    images: dict[str, ListedImage] = field(default_factory=dict)

    def put(self, name: str, size: int = 10, *, pinned: bool = False, handler: str = "") -> None:
        self.images[f"{name},{handler}"] = ListedImage(name, size, (name,), pinned, handler)

    def list_images(self):
        return list(self.images.values())

    def remove_image(self, image_id):
        self.images = {key: image for key, image in self.images.items() if image.id != image_id}

    def image_fs(self):
        return FilesystemUsage(self.capacity, self.other + sum(image.size for image in self.images.values()))

    def create_container(self, image_id, handler=""):
        return ContainerImage(image_id, handler) if f"{image_id},{handler}" in self.images else None

    def remove_container(self, image):
        pass


class Watcher:
    def look(self, pod):
        pass

    def pulled(self, pod, image):
        pass

    def ended(self, pod):
        pass


class World:
    """A kubelet's image GC on such a disk, and the events and removals it makes."""

    def __init__(self, policy=DEFAULT, **disk):
        self.env = Environment()
        self.disk = Disk(**disk)
        context = NodeContext(self.env, Node("n", node(fixed({}))), self.disk, Streams(0), self)
        self.containers = Containers(context, RuntimeHandlers())
        self.events: list[tuple[float, str, str]] = []
        self.removals = []
        self.manager = ImageGCManager(context, self.containers, policy, lambda _id: None)
        self.env.process(self.manager.run())

    def event(self, fields):
        row = KubeletEvent(*fields)
        self.events.append((row.t, row.reason, row.message))

    def removal(self, row):
        self.removals.append(row)

    def use(self, image, *, exits=float("inf"), handler=""):
        spec = PodSpec((ContainerSpec("c", image, "IfNotPresent"),), runtime_handler=handler)
        pod = PodStatus(Pod(f"p-{image}", "default", "w", spec), self.env.now, Watcher())
        assert self.containers.create(pod, "c", (image,), exits=exits) is None
        return pod

    def at(self, minutes):
        self.env.run(until=minutes * 60)
        return self

    @property
    def removed(self):
        return [(row.t / 60, row.image_ref, row.reason) for row in self.removals]

    @property
    def reasons(self):
        return [(t / 60, reason) for t, reason, _ in self.events]
