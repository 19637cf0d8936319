"""CRI-O as a kubelet sees it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pullsim.cri import ContainerImage, FilesystemUsage, ImageStatus, ListedImage
from pullsim.errors import InputError
from pullsim.kernel.event import Event
from pullsim.oci.manifest import select
from pullsim.oci.reference import parse
from pullsim.releases.crio import crio_release
from pullsim.runtime.containerd.server import NO_ROOM, SANDBOX_IMAGES
from pullsim.runtime.crio.copy import Copy
from pullsim.runtime.crio.store import CrioStore, image_name
from pullsim.runtime.unpack import Unpacker
from pullsim.spec.stored_image import CrioImage

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pullsim.cri import Auth, Caller, PullOutcome
    from pullsim.oci.reference import Reference
    from pullsim.registry.host import Registry
    from pullsim.runtime.node import RuntimeNode
    from pullsim.spec.runtime import CrioSpec
    from pullsim.time_line import TimeLine


class Crio:
    """The image service of one node.

    Pulls of one image with equal credentials in one namespace share one copy and its result; others share nothing but
    what is committed. Images are the same for all runtime handlers. Models cri-o server/image_{pull,status,list,
    remove}.go, 1.28 on.
    """

    def __init__(self, node: RuntimeNode, spec: CrioSpec) -> None:
        env = node.env
        self.env = env
        self.node = node.name
        self.spec = spec
        self.platform = node.spec.platform
        self.port = node.nic().down
        self.cores = node.cores()
        self.disk = node.disk()
        self.recorder = node.recorder
        self.address = node.spec.address
        self.release = crio_release(spec.version)
        self.store = CrioStore(env, spec.metadata_write, node.filesystem)
        self.unpacker = Unpacker(env, spec.unpack, self.cores, self.disk)
        self._registries = node.registries
        self._operations: dict[tuple[str, str, str, str], Event] = {}
        self._containers: Counter[str] = Counter()  # by image ID
        self.port.on_busy = self.unpacker.downloading

    def sources(self, registry: str) -> tuple[Registry, ...]:
        """Return the hosts that an image of a registry is looked for on: its mirrors in order, then itself."""
        own = self._registries(registry)
        return (*(self._registries(mirror.name) for mirror in own.spec.mirrors if mirror.pull), own)

    def image(self, reference: Reference) -> CrioImage | None:
        """Return the image that a name has on the node."""
        return self.store.images.get(image_name(reference))

    def image_status(self, image: str, handler: str = "") -> ImageStatus | None:  # noqa: ARG002 - the protocol's
        """Look the name up in the store; the size is that of unpacked layers."""
        stored = self.image(parse(image))
        return None if stored is None else ImageStatus(stored.id, stored.size)

    def pull_image(
        self,
        image: str,
        caller: Caller,
        clock: TimeLine,
        *,
        auth: Auth | None = None,
        handler: str = "",  # noqa: ARG002 - the protocol's
    ) -> Generator[Any, Any, PullOutcome]:
        """Copy the image, or wait for an equal pull that is under way (server/image_pull.go PullImage)."""
        if auth is not None and not auth.username:  # tokens are not handed on
            auth = None
        key = (image, caller.namespace, *(("", "") if auth is None else (auth.username, auth.password)))
        under_way = self._operations.get(key)
        if under_way is not None:
            clock.enter("lock", self.env.now)
            shared: PullOutcome = yield under_way
            return replace(shared, downloaded=0, layers_fetched=0, refetched=0)
        done = self._operations[key] = Event(self.env)
        outcome = yield from Copy(self, parse(image), caller, clock, auth).run()
        del self._operations[key]
        done.succeed(outcome)
        return outcome

    def list_images(self) -> list[ListedImage]:
        """Put the names of each image ID together (server/image_list.go)."""
        found: dict[str, tuple[CrioImage, list[str]]] = {}
        for name, stored in self.store.images.items():
            found.setdefault(stored.id, (stored, []))[1].append(name)
        return [
            ListedImage(
                stored.id,
                stored.size,
                tuple(names),
                any(parse(name).repository in SANDBOX_IMAGES for name in names),
            )
            for stored, names in found.values()
        ]

    def remove_image(self, image_id: str) -> None:
        """Remove the image and its layers; one that a container uses is left (containers/storage DeleteImage)."""
        if not self._containers[image_id]:
            self.store.remove(image_id)

    def image_fs(self) -> FilesystemUsage:
        """Count what is on the disk: layers, temporary files, and what others use."""
        filesystem = self.store.filesystem
        if filesystem is None:
            return FilesystemUsage(None, self.store.bytes)
        return FilesystemUsage(filesystem.capacity, filesystem.used)

    def watch_space(self, limit: int, alarm: Callable[[], None]) -> None:
        """See `ImageService.watch_space`."""
        if self.store.filesystem is not None:
            self.store.filesystem.watch(limit, alarm)

    def create_container(self, image_id: str, handler: str = "") -> ContainerImage | None:  # noqa: ARG002 - the same
        """Make a container of an image, which keeps the image."""
        if self.store.find(image_id) is None:
            return None
        self._containers[image_id] += 1
        return ContainerImage(image_id, "")

    def remove_container(self, image: ContainerImage) -> None:
        """See `ImageService.remove_container`."""
        self._containers[image.id] -= 1

    def preload(self, image: str) -> None:
        """Put an image on the node as it was at time 0.

        Raises KeyError if the registry did not have it, InputError if the disk has no room for it.
        """
        reference = parse(image)
        content = self._registries(reference.domain).content(reference, 0.0)
        manifest = None if content is None else select(content, self.platform)
        if content is None or manifest is None:
            raise KeyError(image)
        if not self.store.put(reference, CrioImage(manifest, content.digest, content.size)):
            raise InputError(NO_ROOM.format(image))
