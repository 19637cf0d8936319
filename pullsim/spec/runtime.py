"""The container runtimes that a node can have (containerd, CRI-O, fixed durations), and their settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from pullsim.cri import Auth
from pullsim.frozen import dataclass
from pullsim.releases.containerd import CONTAINERD, DEFAULT_RELEASE, MOUNTS_IMAGES, Behaviour, behaviour
from pullsim.releases.crio import BLOBS_AT_ONCE
from pullsim.releases.release import Release, written_text
from pullsim.spec.hosts import RegistryHosts
from pullsim.spec.lazy import LazySpec
from pullsim.spec.partial import PartialSpec
from pullsim.spec.snapshotter import SOCI, ErofsSpec, SociSpec
from pullsim.spec.stored_image import CrioImage, StoredImage
from pullsim.spec.unpack import CRIO_UNPACK, InflateSpec, UnpackSpec

if TYPE_CHECKING:
    from pullsim.oci.manifest import Image, Manifest

DEFAULT_SNAPSHOTTER: Final = "overlayfs"
#: Seconds from a failed pull until containerd's garbage collector removes the blobs that the pull left. A failed pull
#: deletes its lease, and a collection follows a deletion after 49 times the mean duration of a collection, which counts
#: as at least 5 ms (plugins/gc/scheduler.go, pause_threshold 0.02, all releases).
COLLECTION_INTERVAL: Final = 0.245
UNLIMITED_DOWNLOADS: Final = 1_000_000  # stands for "no limit" as a max_concurrent_downloads


@dataclass(frozen=True, slots=True)
class RuntimeHandler:
    """A handler of the runtime's configuration, and the snapshotter with which its images are unpacked."""

    name: str
    snapshotter: str = DEFAULT_SNAPSHOTTER


#: The handlers that a runtime has without any configuration.
DEFAULT_HANDLERS: Final = (RuntimeHandler("runc"),)


def has_handler(handlers: tuple[RuntimeHandler, ...], name: str) -> bool:
    """Whether a node with these handlers has the handler ``name``; "" is the default handler.

    Without any handlers, the node has `DEFAULT_HANDLERS`.
    """
    return not name or any(each.name == name for each in handlers or DEFAULT_HANDLERS)


class LayerLimit(NamedTuple):
    """The largest number of layers that a runtime downloads at a time."""

    layers: int
    node_wide: bool  # whether the limit is shared by all pulls of the node; otherwise each pull has its own
    prefix: str = ""  # names the runtime in the text about the limit, where no other note about the pool names it


class RuntimeSpec:
    """The questions that the settings of every kind of runtime answer; each kind has its own class below.

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
        """The title, followed by the limits that the runtime's settings set."""
        return self.title

    @property
    def mounts_images(self) -> bool:
        """Whether the runtime can mount image volumes."""
        return True

    @property
    def layer_limit(self) -> LayerLimit | None:
        """How many layers are downloaded at a time; None: the runtime does not download layers."""
        return None

    def mirrors(self) -> Iterator[str]:
        """Yield the hosts that the runtime's own files name as mirrors; a host may be yielded more than once."""
        return iter(())

    def changes(self) -> Iterator[float]:
        """Yield the times in seconds at which the runtime's images or answers change without a call."""
        return iter(())

    def bytes_at_start(self, cached: Iterable[tuple[Image, Manifest]]) -> int:
        """Return the bytes that images take on the disk at time 0; content that they share counts once.

        ``cached``: the images that the node is to have, each with the manifest of the node's platform.
        """
        raise NotImplementedError


#: Seconds of one write to containerd's metadata database, as measured in the lab on time lines of 1.6 where no blob is
#: committed meanwhile: two writes are between two unpacks, one is before a request, five are at the end of a pull.
WRITE: Final = 1.6e-3
#: The same in the mean of all writes of a pull where the transaction that commits a blob waits for the blob's fsync. It
#: does up to 1.7 (metadata/content.go namespacedWriter.Commit); then the fsync comes before (containerd#10128). A layer
#: has as many transactions as ever: nine with 1.6.20 and 2.3.4, by the fdatasync calls of real pulls.
WRITE_WITH_FSYNC: Final = 2.1e-3


def usual_write(version: Release) -> float:
    """Return the seconds of one write to the metadata database of a release, unless something else is known."""
    return WRITE if version >= (2, 0) else WRITE_WITH_FSYNC


@dataclass(frozen=True, slots=True)
class ContainerdSpec(RuntimeSpec):
    """containerd; its release decides the steps of a pull (`releases.containerd.behaviour`).

    The fields from ``local_pull`` to the end can come from containerd's own files, config.toml and hosts.toml.
    """

    kind: ClassVar[str] = "containerd"

    version: Release = CONTAINERD.resolve(DEFAULT_RELEASE)  # a value
    max_concurrent_downloads: int = 3  # layers at a time: up to 2.0 of each pull, from 2.1 on of the node
    metadata_write: float = WRITE  # seconds of one write to the metadata database (bolt); a node does one at a time
    unpack: UnpackSpec = field(default_factory=UnpackSpec)
    local_pull: bool = False  # whether in 2.1 or later the CRI plugin pulls, and not the transfer service
    layer_fetch_buffer: int = 0  # bytes of the chunks in which a layer is fetched in parallel (from 2.1); 0: no chunks
    max_concurrent_unpacks: int = 1  # layers that all pulls of the node unpack side by side (from 2.2)
    progress_timeout: float | None = None  # seconds without a byte after which a pull fails; 0: never; None: default
    collect_after: float = COLLECTION_INTERVAL  # seconds from a failed pull until its blobs are removed; inf: never
    sync_fs: bool = False  # whether containerd calls syncfs after each layer
    volatile: bool = False  # whether overlays are mounted so that unmounting one writes nothing
    discard_unpacked_layers: bool = False  # whether compressed layers are removed when the image is unpacked
    snapshotter: str = DEFAULT_SNAPSHOTTER  # one that is not known is simulated as overlayfs
    soci: SociSpec | None = None  # the parallel mode of the snapshotter soci; None: its layers are containerd's
    erofs: ErofsSpec = field(default_factory=ErofsSpec)  # of the snapshotter erofs
    lazy: Mapping[str, LazySpec] = field(default_factory=dict)  # of snapshotters that mount lazily, by their name
    pinned: tuple[str, ...] = ()  # images that the kubelet never removes, such as the sandbox's
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
        if self.soci is not None:
            return f"{self.title} with SOCI ({self.soci.downloads_per_image or 'unlimited'} downloads of an image)"
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
    def layer_limit(self) -> LayerLimit | None:
        """See `RuntimeSpec`; with SOCI the snapshotter downloads layers, by limits of its own."""
        if self.soci is not None and self.snapshotter == SOCI:
            return None
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
            discards = self.soci is not None and self.soci.discard_layers and self.snapshotter == SOCI
            stored = StoredImage(manifest, image.digest, image.size, discards=discards)
            parts |= {("blob", digest): size for digest, size in stored.blobs()}
            parts |= {("snapshot", key): size for key, size in stored.unpacked()}
        return sum(parts.values())


@dataclass(frozen=True, slots=True)
class CrioSpec(RuntimeSpec):
    """CRI-O: its release decides how a pull goes (`releases.crio`)."""

    kind: ClassVar[str] = "crio"

    version: tuple[int, ...] = (1, 35, 6)  # major, minor and patch
    metadata_write: float = 3.1e-3  # seconds of one write to the store's JSON files; a node does one at a time
    unpack: UnpackSpec = CRIO_UNPACK
    inflate: InflateSpec = field(default_factory=InflateSpec)  # the cost of inflating a layer while it is downloaded
    partial: PartialSpec | None = None  # what is missing of zstd:chunked layers is pulled alone; None: all of them

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
    """Which PullImage calls for an image fail. Calls are counted from 0 on each node.

    ``pattern`` has one character for each call, F for failure or S for success; calls after its end succeed. Without a
    pattern the first ``times`` calls fail; -1: all calls.
    """

    after: float  # seconds that a failing call takes
    error: str  # the runtime's error message
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
    """When ImageStatus calls for an image fail, and the error message."""

    error: str
    at: float = 0.0  # seconds
    until: float = float("inf")  # seconds, exclusive


@dataclass(frozen=True, slots=True)
class FixedImage:
    """The behaviour of the fixed runtime for one image; times in seconds, sizes in bytes."""

    pull: float  # duration of a call that finds the image absent
    repull: float = 0.0  # duration of a call that finds it present
    size: int = 0
    present: bool = False
    removed_at: tuple[float, ...] = ()
    fail: FixedFailure | None = None
    status_fail: FixedStatusFailure | None = None


@dataclass(frozen=True, slots=True)
class FixedSpec(RuntimeSpec):
    """A runtime whose pulls take given durations. The pull of an image that is not listed fails as not found."""

    kind: ClassVar[str] = "fixed"
    pulls: ClassVar[bool] = False

    images: Mapping[str, FixedImage] = field(default_factory=dict)  # by the name in the CRI request

    @property
    def title(self) -> str:
        """See `RuntimeSpec`."""
        return "fixed runtime"

    def changes(self) -> Iterator[float]:
        """Yield the times at which images are removed and at which ImageStatus calls stop failing."""
        for image in self.images.values():
            yield from image.removed_at
            if image.status_fail is not None and image.status_fail.until < float("inf"):
                yield image.status_fail.until

    def bytes_at_start(self, cached: Iterable[tuple[Image, Manifest]]) -> int:  # noqa: ARG002  # it has its own list
        """Sum the images that the settings say are present."""
        return sum(image.size for image in self.images.values() if image.present)
