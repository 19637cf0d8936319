"""The containers of a kubelet's pods, which keep images in use."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

from pullsim.spec.feature_gates import IMAGES_BY_HANDLER

if TYPE_CHECKING:
    from pullsim.cri import ContainerImage, RuntimeService
    from pullsim.kubelet.context import NodeContext
    from pullsim.kubelet.pod_status import PodStatus


class Container:
    """One container that was created, with its image and the images that it mounts."""

    __slots__ = ("exits", "images", "name", "starts")

    def __init__(self, name: str, images: tuple[ContainerImage, ...], starts: float, exits: float) -> None:
        self.name = name
        self.images = images  # the container's own image, then those of its image volumes
        self.starts = starts  # time at which it has started, in seconds
        self.exits = exits  # time at which it exits by itself, in seconds; inf: it runs until its pod ends

    def runs(self, now: float) -> bool:
        """Whether it has started and not exited."""
        return self.starts <= now < self.exits


@lru_cache(10_000)
def _shared(images: tuple[ContainerImage, ...]) -> tuple[ContainerImage, ...]:
    """Return the images of a container: the same objects for all nodes."""
    return images


class Containers:
    """The pods' containers that the runtime knows, exited ones too, and the sandboxes that they run in."""

    __slots__ = ("_by_handler", "_pods", "_sandboxes", "_service")

    def __init__(self, context: NodeContext, sandboxes: RuntimeService) -> None:
        self._service = context.service
        self._sandboxes = sandboxes
        self._by_handler = context.gate(IMAGES_BY_HANDLER)
        self._pods: dict[PodStatus, list[Container]] = {}

    def run_pod_sandbox(self, handler: str) -> str | None:
        """Create a pod's sandbox for a runtime handler; return the runtime's error, or None."""
        return self._sandboxes.run_pod_sandbox(handler)

    def create(
        self, pod: PodStatus, name: str, images: tuple[str, ...], starts: float = 0.0, exits: float = math.inf
    ) -> str | None:
        """Create a container of the images with these IDs; return the ID of one that is not on the node, or None."""
        created: list[ContainerImage] = []
        for image in images:
            found = self._service.create_container(image, pod.pod.spec.runtime_handler if self._by_handler else "")
            if found is None:
                for other in created:
                    self._service.remove_container(other)
                return image
            created.append(found)
        self._pods.setdefault(pod, []).append(Container(name, _shared(tuple(created)), starts, exits))
        return None

    def pods(self) -> list[PodStatus]:
        """Return the pods that have a container."""
        return list(self._pods)

    def in_use(self) -> set[tuple[str, str]]:
        """Return the ID and the runtime handler of each image that a container uses.

        An image volume keeps an image in use by its ID alone, whatever the handler. Source:
        pkg/kubelet/images/image_gc_manager.go detectImages.
        """
        used = set()
        for containers in self._pods.values():
            for container in containers:
                own, *mounted = container.images
                used.add((own.id, own.handler))
                used.update((image.id, "") for image in mounted)
        return used

    def remove(self, pod: PodStatus) -> list[Container]:
        """Remove the containers of a pod that has ended, and return them."""
        containers = self._pods.pop(pod, [])
        for container in containers:
            self._remove(container)
        return containers

    def remove_exited(self, now: float) -> None:
        """Remove all exited containers (pkg/kubelet/kuberuntime/kuberuntime_gc.go DeleteAllUnusedContainers)."""
        for pod, containers in list(self._pods.items()):
            for container in containers:
                if container.exits <= now:
                    self._remove(container)
            self._pods[pod] = [container for container in containers if now < container.exits]

    def _remove(self, container: Container) -> None:
        for image in container.images:
            self._service.remove_container(image)
