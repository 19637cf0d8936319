"""Which runtime a node has, and its settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from pullsim.cri import Auth
from pullsim.releases.containerd import CONTAINERD, DEFAULT_RELEASE, MOUNTS_IMAGES, Behaviour, behaviour
from pullsim.releases.crio import BLOBS_AT_ONCE
from pullsim.releases.release import Release, written_text
from pullsim.spec.hosts import RegistryHosts
from pullsim.spec.stored_image import CrioImage, StoredImage
from pullsim.spec.unpack import InflateSpec, UnpackSpec

if TYPE_CHECKING:
    from pullsim.oci.manifest import Image, Manifest

DEFAULT_SNAPSHOTTER: Final = "overlayfs"
#: Seconds from a failed pull to the collection of what it leaves: the end of its lease is a deletion, and a collection
#: follows a deletion after 49 times the mean time of a collection, which counts as 5 ms at least
#: (plugins/gc/scheduler.go, pause_threshold 0.02, all releases).
COLLECTION_INTERVAL: Final = 0.245
UNLIMITED_DOWNLOADS: Final = 1_000_000  # max_concurrent_downloads from which on there is no limit


@dataclass(frozen=True, slots=True)
class RuntimeHandler:
    """A handler of the runtime's configuration, and the snapshotter that images are unpacked with for it."""

    name: str
    snapshotter: str = DEFAULT_SNAPSHOTTER


#: What runtimes are shipped with.
DEFAULT_HANDLERS: Final = (RuntimeHandler("runc"),)


def has_handler(handlers: tuple[RuntimeHandler, ...], name: str) -> bool:
    """Whether a node with these handlers (none: the runtime's own) has the handler ``name``; "" is the default one."""
    return not name or any(each.name == name for each in handlers or DEFAULT_HANDLERS)


class LayerLimit(NamedTuple):
    """How many layers a runtime downloads at a time."""

    layers: int
    node_wide: bool  # over all pulls of the node; else for each pull
    prefix: str = ""  # names the runtime, where no other note about the pool does


class RuntimeSpec:
    """What is asked of the settings of a runtime, whatever its kind; each kind has a class of its own below.

    The simulated runtimes of the kinds are in the table `pullsim.runtime.kinds.KINDS`.
    """

    __slots__ = ()

    kind: ClassVar[str]  # the name of the kind in results
    pulls: ClassVar[bool] = True  # whether images come from registries, for the node's platform

    @property
    def handlers(self) -> tuple[RuntimeHandler, ...]:
        """The runtime handlers that the runtime's own files configure, the default one first."""
        return ()

    @property
    def title(self) -> str:
        """The runtime's name and release, as shown to users."""
        raise NotImplementedError

    @property
    def summary(self) -> str:
        """The title, with the limits that the runtime's settings give it."""
        return self.title

    @property
    def mounts_images(self) -> bool:
        """Whether containers get the images of image volumes mounted."""
        return True

    @property
    def layer_limit(self) -> LayerLimit | None:
        """How many layers are downloaded at a time; None: the runtime downloads none."""
        return None

    def mirrors(self) -> Iterator[str]:
        """Yield the hosts that the runtime's own files name as mirrors, maybe more than once."""
        return iter(())

    def changes(self) -> Iterator[float]:
        """Yield the seconds at which what the runtime has or answers changes by itself."""
        return iter(())

    def bytes_at_start(self, cached: Iterable[tuple[Image, Manifest]]) -> int:
        """Return the bytes that images take on the disk at time 0; what they share is there once.

        ``cached``: the images that the node is to have, each with the manifest of the node's platform.
        """
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class ContainerdSpec(RuntimeSpec):
    """containerd: its release decides how a pull goes (`releases.containerd.behaviour`).

    The fields from ``local_pull`` to the end are settings that containerd's own files may make.
    """

    kind: ClassVar[str] = "containerd"

    version: Release = CONTAINERD.resolve(DEFAULT_RELEASE)  # noqa: RUF009  # a value
    max_concurrent_downloads: int = 3  # layers at a time: of each pull up to 2.0, of the node from 2.1 on
    metadata_write: float = 2.1e-3  # seconds of one write of the metadata database (bolt), one at a time a node
    unpack: UnpackSpec = field(default_factory=UnpackSpec)
    local_pull: bool = False  # from 2.1 on: the CRI plugin pulls, and not the transfer service
    layer_fetch_buffer: int = 0  # bytes of a chunk of a layer, chunks in parallel (from 2.1); 0: whole layers
    max_concurrent_unpacks: int = 1  # layers of a pull unpacked side by side, over the node (from 2.2)
    progress_timeout: float | None = None  # seconds without a byte that end a pull; 0: none; None: the release's
    collect_after: float = COLLECTION_INTERVAL  # seconds from a failed pull until what it left is collected; inf: never
    sync_fs: bool = False  # syncfs after each layer
    discard_unpacked_layers: bool = False  # compressed layers are removed when the image is unpacked
    snapshotter: str = DEFAULT_SNAPSHOTTER  # all are simulated as overlayfs
    pinned: tuple[str, ...] = ()  # images that are never collected, the sandbox's among them
    hosts: tuple[RegistryHosts, ...] = ()  # certs.d, or the mirrors of config.toml
    auths: Mapping[str, Auth] = field(default_factory=dict)  # credentials by API host, used where the kubelet has none
    handlers: tuple[RuntimeHandler, ...] = ()  # those that config.toml names, the default one first

    @property
    def title(self) -> str:
        """See `RuntimeSpec`."""
        return f"containerd {self.version}"

    @property
    def summary(self) -> str:
        """See `RuntimeSpec`."""
        return f"{self.title} ({self.max_concurrent_downloads} downloads)"

    @property
    def mounts_images(self) -> bool:
        """See `RuntimeSpec`."""
        return self.version >= MOUNTS_IMAGES

    @property
    def behaviour(self) -> Behaviour:
        """How the release behaves with these settings."""
        found = behaviour(self.version, local_pull=self.local_pull)
        return found if self.progress_timeout is None else replace(found, progress_timeout=self.progress_timeout)

    @property
    def layer_limit(self) -> LayerLimit:
        """See `RuntimeSpec`."""
        return LayerLimit(self.max_concurrent_downloads, self.behaviour.node_wide_slots)

    def mirrors(self) -> Iterator[str]:
        """See `RuntimeSpec`."""
        for entry in self.hosts:
            for host in entry.mirrors(entry.namespace):
                yield host.host

    def bytes_at_start(self, cached: Iterable[tuple[Image, Manifest]]) -> int:
        """Sum compressed blobs and unpacked snapshots."""
        parts: dict[tuple[str, str], int] = {}
        for image, manifest in cached:
            stored = StoredImage(manifest, image.digest, image.size)
            parts |= {("blob", digest): size for digest, size in stored.blobs()}
            parts |= {("snapshot", key): size for key, size in stored.unpacked()}
        return sum(parts.values())


@dataclass(frozen=True, slots=True)
class CrioSpec(RuntimeSpec):
    """CRI-O: its release decides how a pull goes (`releases.crio`)."""

    kind: ClassVar[str] = "crio"

    version: tuple[int, ...] = (1, 35, 6)  # major, minor and patch
    metadata_write: float = 2.1e-3  # seconds of one write of the store's records (JSON files), one at a time a node
    unpack: UnpackSpec = field(default_factory=UnpackSpec)
    inflate: InflateSpec = field(default_factory=InflateSpec)  # what a layer costs while it is downloaded

    @property
    def title(self) -> str:
        """See `RuntimeSpec`."""
        return f"CRI-O {'.'.join(map(str, self.version))}"

    @property
    def layer_limit(self) -> LayerLimit:
        """See `RuntimeSpec`."""
        return LayerLimit(BLOBS_AT_ONCE, node_wide=False, prefix=f"CRI-O {written_text(self.version[:2])}: ")

    def bytes_at_start(self, cached: Iterable[tuple[Image, Manifest]]) -> int:
        """Sum unpacked layers, and the manifests and configs of the images."""
        parts: dict[tuple[str, str], int] = {}
        for image, manifest in cached:
            parts["documents", manifest.config_digest] = CrioImage(manifest, image.digest, image.size).documents
            layers = zip(manifest.chain_ids, manifest.layers, strict=True)
            parts |= {("layer", chain_id): layer.unpacked for chain_id, layer in layers}
        return sum(parts.values())


@dataclass(frozen=True, slots=True)
class FixedFailure:
    """Which calls for an image fail, counted over the node, how long a failing one takes, and with what text.

    ``pattern`` has a character a call, F or S; after its end calls succeed. ``times`` is the first n calls, -1 all.
    """

    after: float  # seconds
    error: str
    times: int = -1
    pattern: str | None = None

    @property
    def always(self) -> bool:
        """Whether every call fails."""
        return self.pattern is None and self.times < 0

    def fails(self, call: int) -> bool:
        """Whether the call number ``call`` (0, 1, …) fails."""
        if self.pattern is not None:
            return self.pattern[call : call + 1] == "F"
        return self.always or call < self.times


@dataclass(frozen=True, slots=True)
class FixedStatusFailure:
    """When ImageStatus calls for an image fail, and with what text."""

    error: str
    at: float = 0.0  # seconds
    until: float = float("inf")  # seconds, exclusive


@dataclass(frozen=True, slots=True)
class FixedImage:
    """What the fixed runtime does for one image; seconds and bytes."""

    pull: float  # duration of a call that finds the image absent
    repull: float = 0.0  # duration of a call that finds it present
    size: int = 0
    present: bool = False
    removed_at: tuple[float, ...] = ()
    fail: FixedFailure | None = None
    status_fail: FixedStatusFailure | None = None


@dataclass(frozen=True, slots=True)
class FixedSpec(RuntimeSpec):
    """A runtime of given durations; an image that is not listed fails as not found."""

    kind: ClassVar[str] = "fixed"
    pulls: ClassVar[bool] = False

    images: Mapping[str, FixedImage] = field(default_factory=dict)  # by the name that the CRI is given

    @property
    def title(self) -> str:
        """See `RuntimeSpec`."""
        return "fixed runtime"

    def changes(self) -> Iterator[float]:
        """Yield when images are removed, and when calls of ImageStatus stop failing."""
        for image in self.images.values():
            yield from image.removed_at
            if image.status_fail is not None and image.status_fail.until < float("inf"):
                yield image.status_fail.until

    def bytes_at_start(self, cached: Iterable[tuple[Image, Manifest]]) -> int:  # noqa: ARG002  # it has its own list
        """Sum the images that the settings say are present."""
        return sum(image.size for image in self.images.values() if image.present)
