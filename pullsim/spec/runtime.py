"""Which runtime a node has, and its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final

from pullsim.cri import Auth
from pullsim.releases.containerd import CONTAINERD, DEFAULT_RELEASE
from pullsim.releases.release import Release
from pullsim.spec.hosts import RegistryHosts
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
    """Whether a node with these handlers (none: the runtime's own) has the one of a pod; "" is the default one."""
    return not name or any(each.name == name for each in handlers or DEFAULT_HANDLERS)


@dataclass(frozen=True, slots=True)
class ContainerdSpec:
    """containerd: its release decides how a pull goes (`releases.containerd.behaviour`).

    From ``local_pull`` on the fields are what its files ask for.
    """

    kind: ClassVar[str] = "containerd"

    version: Release = CONTAINERD.resolve(DEFAULT_RELEASE)  # noqa: RUF009  # a value
    max_concurrent_downloads: int = 3  # of the engine in use; for each pull to 2.0, for the node from 2.1 on
    metadata_write: float = 2.1e-3  # seconds of one write of the metadata database (bolt), one at a time a node
    unpack: UnpackSpec = field(default_factory=UnpackSpec)
    local_pull: bool = False  # from 2.1: the CRI plugin pulls by itself instead of the transfer service
    layer_fetch_buffer: int = 0  # bytes of a chunk of a layer, chunks in parallel (from 2.1); 0: whole layers
    max_concurrent_unpacks: int = 1  # layers of a pull unpacked side by side, over the node (from 2.2)
    progress_timeout: float | None = None  # seconds without a byte that end a pull; 0: none; None: the release's own
    collect_after: float = COLLECTION_INTERVAL  # seconds from a failed pull until what it left is collected; inf: never
    sync_fs: bool = False  # syncfs after each layer
    discard_unpacked_layers: bool = False  # blobs go when the image is there
    snapshotter: str = DEFAULT_SNAPSHOTTER  # all are simulated as overlayfs
    pinned: tuple[str, ...] = ()  # images that are never collected, the sandbox's among them
    hosts: tuple[RegistryHosts, ...] = ()  # certs.d, or the mirrors of config.toml
    auths: Mapping[str, Auth] = field(default_factory=dict)  # by API host, presented where the kubelet has none
    handlers: tuple[RuntimeHandler, ...] = ()  # of config.toml, the default one first; none: it names none

    def stored(self, image: Image, manifest: Manifest) -> dict[str, int]:
        """Return the bytes on the disk of a present image, by blob and by layer unpacked: what images share, once."""
        blobs = {layer.digest: layer.size for layer in manifest.layers}
        return _documents(image, manifest) | blobs | _unpacked(manifest)


@dataclass(frozen=True, slots=True)
class CrioSpec:
    """CRI-O: its release decides how a pull goes (`releases.crio`)."""

    kind: ClassVar[str] = "crio"
    version: tuple[int, ...] = (1, 35, 6)  # with its patch
    metadata_write: float = 2.1e-3  # seconds of one write of the store's records (JSON files), one at a time a node
    unpack: UnpackSpec = field(default_factory=UnpackSpec)
    inflate: InflateSpec = field(default_factory=InflateSpec)  # of the pass over a layer while it is downloaded

    def stored(self, image: Image, manifest: Manifest) -> dict[str, int]:
        """Return the bytes on the disk of a present image: its documents, and by layer unpacked, which images share."""
        return {f"image {manifest.config_digest}": sum(_documents(image, manifest).values()), **_unpacked(manifest)}


def _documents(image: Image, manifest: Manifest) -> dict[str, int]:
    """Return the bytes of index, manifest and config by digest."""
    return {image.digest: image.size, manifest.digest: manifest.size, manifest.config_digest: manifest.config_size}


def _unpacked(manifest: Manifest) -> dict[str, int]:
    layers = zip(manifest.chain_ids, manifest.layers, strict=True)
    return {f"layer {chain_id}": layer.unpacked for chain_id, layer in layers}


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

    pull: float  # the image is absent when the call starts
    repull: float = 0.0  # it is present
    size: int = 0
    present: bool = False
    removed_at: tuple[float, ...] = ()
    fail: FixedFailure | None = None
    status_fail: FixedStatusFailure | None = None


@dataclass(frozen=True, slots=True)
class FixedSpec:
    """A runtime of given durations; an image that is not listed fails as not found."""

    kind: ClassVar[str] = "fixed"

    images: Mapping[str, FixedImage] = field(default_factory=dict)  # by the text the CRI is given


RuntimeSpec = ContainerdSpec | CrioSpec | FixedSpec
