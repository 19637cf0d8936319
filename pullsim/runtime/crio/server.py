"""CRI-O's CRI image service."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pullsim.cri import ContainerImage, ImageStatus
from pullsim.kernel.event import Event
from pullsim.oci.reference import parse
from pullsim.runtime.crio.copy import Copy
from pullsim.runtime.crio.node import CrioNode
from pullsim.runtime.store_service import StoreService
from pullsim.spec.stored_image import CrioImage

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from pullsim.cri import Auth, Caller, PullOutcome
    from pullsim.oci.manifest import Image, Manifest
    from pullsim.oci.reference import Reference
    from pullsim.runtime.node import RuntimeNode
    from pullsim.runtime.store_service import Listed
    from pullsim.spec.runtime import CrioSpec
    from pullsim.time_line import TimeLine


class Crio(StoreService):
    """The image service of one node.

    Concurrent pulls of one image with equal credentials in one namespace share one copy and its result. Other pulls
    share only layers that are committed. Images are the same for all runtime handlers. Models cri-o
    server/image_{pull,status,list,remove}.go, from 1.28.
    """

    def __init__(self, node: RuntimeNode, spec: CrioSpec) -> None:
        super().__init__(node)
        self._node = CrioNode(node, spec)
        self.store = self._node.store
        #: The end of each copy under way, by image, namespace, user name and password.
        self._operations: dict[tuple[str, str, str, str], Event] = {}
        self._containers: Counter[str] = Counter()  # number of containers, by image ID

    def image_status(self, image: str, handler: str = "") -> ImageStatus | None:  # noqa: ARG002 - the protocol has it
        """Look the name up in the store; the size is that of unpacked layers."""
        stored = self.store.image(parse(image))
        return None if stored is None else ImageStatus(stored.id, stored.size)

    def pull_image(
        self,
        image: str,
        caller: Caller,
        clock: TimeLine,
        *,
        auth: Auth | None = None,
        handler: str = "",  # noqa: ARG002 - the protocol has it
    ) -> Generator[Any, Any, PullOutcome]:
        """Copy the image, or wait for an equal pull that is under way (server/image_pull.go PullImage)."""
        if auth is not None and not auth.username:  # CRI-O does not pass tokens on to containers/image
            auth = None
        key = (image, caller.namespace, *(("", "") if auth is None else (auth.username, auth.password)))
        under_way = self._operations.get(key)
        if under_way is not None:
            clock.enter("lock", self._env.now)
            shared: PullOutcome = yield under_way
            return replace(shared, downloaded=0, layers_fetched=0, refetched=0)
        done = self._operations[key] = Event(self._env)
        outcome = yield from Copy(self._node, parse(image), caller, clock, auth).run()
        del self._operations[key]
        done.succeed(outcome)
        return outcome

    def remove_image(self, image_id: str) -> None:
        """Remove an image and its layers, unless a container uses the image (containers/storage DeleteImage)."""
        if not self._containers[image_id]:
            self.store.remove(image_id)
            self._files.keep(self.store.layers)

    def create_container(self, image_id: str, handler: str = "") -> ContainerImage | None:  # noqa: ARG002 - the protocol has it
        """Create a container, which keeps its image from being removed; return None if the image is not there."""
        if self.store.find(image_id) is None:
            return None
        self._containers[image_id] += 1
        return ContainerImage(image_id, "")

    def remove_container(self, image: ContainerImage) -> None:
        """See `ImageService.remove_container`."""
        self._containers[image.id] -= 1

    def stored(self) -> Iterable[tuple[str, Listed]]:
        """See `StoreService`."""
        return self.store.images.items()

    def layers(self, image_id: str) -> Iterable[tuple[str, int]]:
        """See `StoreService`."""
        image = self.store.find(image_id)
        if image is None:
            return ()
        manifest = image.manifest
        return ((key, layer.unpacked) for key, layer in zip(manifest.chain_ids, manifest.layers, strict=True))

    def stored_bytes(self) -> int:
        """Count layers, documents and temporary files."""
        return self.store.bytes

    def missing_of(self, manifest: Manifest, handler: str) -> int:  # noqa: ARG002 - images are the same for all handlers
        """See `StoreService`."""
        return sum(map(self.store.missing, manifest.layers))

    def put(self, reference: Reference, image: Image, manifest: Manifest) -> bool:
        """See `StoreService`."""
        return self.store.put(reference, CrioImage(manifest, image.digest, image.size))
