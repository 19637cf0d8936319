"""containerd as a kubelet sees it, and how its releases differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pullsim.cri import ImageStatus
from pullsim.oci.manifest import select
from pullsim.oci.reference import parse
from pullsim.registry.auth import Presented
from pullsim.runtime.fetch import DownloadSlots
from pullsim.runtime.handlers import RuntimeHandlers
from pullsim.runtime.hosts import endpoint
from pullsim.runtime.pull import Pull
from pullsim.runtime.registry_auth import header_auth
from pullsim.runtime.store import Store, StoredImage, image_name
from pullsim.runtime.unpack import Unpacker

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    import simpy

    from pullsim.cri import Auth, Caller, PullOutcome
    from pullsim.engine.flows import Port
    from pullsim.engine.processor_sharing import ProcessorSharing
    from pullsim.oci.platform import Platform
    from pullsim.records import Recorder
    from pullsim.registry.registry import Registry
    from pullsim.runtime.spec import ContainerdSpec
    from pullsim.stage_clock import StageClock


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What differs between releases (core/remotes/docker, core/unpack, internal/cri/server/images)."""

    node_wide_slots: bool  # download slots: one set a node, held by every GET until its body ends; else one a pull,
    # held by layers from before the blob's lock until the commit
    retries_server_errors: bool  # one immediate retry of 500, 503 and 504


def behaviour(version: tuple[int, int]) -> Behaviour:
    """Return how a release behaves: the transfer service came with 2.1."""
    transfer_service = version >= (2, 1)
    return Behaviour(node_wide_slots=transfer_service, retries_server_errors=transfer_service)


class Containerd:
    """The image service of one node."""

    def __init__(
        self,
        env: simpy.Environment,
        node: str,
        spec: ContainerdSpec,
        platform: Platform,
        port: Port,
        cores: ProcessorSharing,
        disk: ProcessorSharing | None,
        fsync: float,
        registries: Callable[[str], Registry],
        recorder: Recorder,
        handlers: RuntimeHandlers | None = None,
        address: str | None = None,
    ) -> None:
        """``registries`` returns the registry of a host; ``fsync`` is what one takes for a blob, in seconds.

        ``address``: the node's as registries see it.
        """
        self.env = env
        self.node = node
        self.spec = spec
        self.platform = platform
        self.port = port
        self.disk = disk
        self.fsync = fsync
        self.recorder = recorder
        self.handlers = handlers or RuntimeHandlers()
        self.behaviour = behaviour(spec.version)
        self.store = Store(env, spec.metadata_write)
        self.unpacker = Unpacker(env, spec.unpack, cores, disk)
        self._registries = registries
        self._address = address
        self._slots = self._new_slots() if self.behaviour.node_wide_slots else None
        port.on_busy = self.unpacker.downloading

    def slots(self) -> DownloadSlots:
        """Return the download slots for a new pull."""
        return self._slots or self._new_slots()

    def _new_slots(self) -> DownloadSlots:
        return DownloadSlots(self.env, self.spec.max_concurrent_downloads)

    def image_status(self, image: str, handler: str = "") -> ImageStatus | None:
        """Look the name up in the image records."""
        stored = self.store.images.get(image_name(parse(image), self.handlers.identity(handler)))
        return None if stored is None else ImageStatus(stored.manifest.config_digest, stored.manifest.total_size)

    def pull_image(
        self, image: str, caller: Caller, clock: StageClock, *, auth: Auth | None = None, handler: str = ""
    ) -> Generator[Any, Any, PullOutcome]:
        """Pull (internal/cri/server/images/image_pull.go PullImage)."""
        reference = parse(image)
        host, spec = reference.domain, self.spec
        presented = Presented(auth or spec.auths.get(endpoint(host)), header_auth(host, spec.hosts), self._address)
        return (yield from Pull(self, self._registries(host), reference, caller, clock, presented, handler).run())

    def preload(self, image: str) -> None:
        """Put an image on the node as it was at time 0; KeyError if the registry did not have it."""
        reference = parse(image)
        content = self._registries(reference.domain).content(reference, 0.0)
        manifest = None if content is None else select(content, self.platform)
        if content is None or manifest is None:
            raise KeyError(image)
        self.store.put(reference, StoredImage(manifest, content.digest))
