"""The settings of snapshotters that mount images before they are there, and fetch what is read."""

from __future__ import annotations

from typing import Final, Literal

from pullsim.frozen import dataclass

LazyKind = Literal["stargz", "soci-lazy", "nydus", "gke-streaming"]
MIB: Final = 2**20


@dataclass(frozen=True, slots=True)
class BackgroundSpec:
    """How a snapshotter fetches what nobody has read yet. Times are seconds.

    ``workers`` units of the node come at a time, or one every ``period``. Nothing is begun until no read has waited for
    the registry for ``quiet``, nor within ``pause`` of a layer's mount.
    """

    workers: int = 1
    period: float = 0.0
    quiet: float = 0.0
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class LazySpec:
    """One snapshotter that mounts layers by their metadata and fetches units of them. Sizes are bytes, times seconds.

    Before a layer is mounted the node asks ``image_requests`` times for its image and ``layer_requests`` times for each
    layer, and gets metadata of ``meta_per_unit`` and ``meta_per_file`` for each. A layer of which the blob is smaller
    than ``least_layer`` is pulled as by overlayfs, and any layer whose metadata do not come within ``mount_limit``.
    """

    unit: int  # unpacked bytes that one request brings at the most, where files are read on and on
    layer_requests: int
    image_requests: int = 0
    mount: float = 0.0  # until the image can be mounted, beside its metadata
    meta_per_unit: int = 0
    meta_per_file: int = 0
    grain: int = 0  # unpacked bytes that one request brings at least, for a read of fewer; 0: ``unit``
    least_layer: int = 0
    mount_limit: float = 30.0
    prefetch: int | float = 0.0  # of each layer, from its front: bytes of the blob, or as a float a share
    prefetch_wait: float = 0.0  # for which a container waits until it is created; inf: the mount waits for all of it
    background: BackgroundSpec | None = None
    retries: int = 0  # of a request, with waits that double from 30 ms on
    verifies: bool = True  # each unit is hashed
    gzip: bool = True  # units are inflated as gzip is; else by a codec that costs next to nothing (lz4, zstd)
    keeps_compressed: bool = False  # compressed bytes stay on the disk beside the inflated ones
    cache_chunk: int = (
        0  # bytes of the blob for each of which a file is made in the cache before a read goes on; 0: none
    )
    inflates_later: bool = False  # what comes in the background is inflated when it is read
    images: tuple[str, ...] = ("*",)  # shell patterns of the images that have the format that this needs


#: Inflated bytes that a connection brings together at the most where nothing looks at single requests. It is the same
#: for readers and for what is fetched in the background: who takes more at a time holds what the others wait for.
BATCH: Final = 32 * MIB

#: stargz-snapshotter 0.18 (fs/fs.go, fs/layer/layer.go, task/task.go): a file's chunks of 4 MiB, a smaller file with
#: what is beside it in 50 kB of the blob (fs/remote/blob.go), some 128 KiB; a container waits 10 s for the prioritized
#: files; two background readers after 5 s without reads. A TOC entry takes about 150 bytes compressed. Each 50,000
#: bytes that come are made a file, one after the other (fs/remote/blob.go cacheChunkData, cache/cache.go wipFile). What
#: one takes is not published: it is taken to be what a file takes that is unpacked (`UnpackSpec.per_file`).
#: soci-snapshotter 0.15 (config/defaults.go): spans of 4 MiB, of each of which the zTOC has a window of 32 KiB; one
#: span in 0.5 s for the whole node, none for 30 s after a mount; layers below 10 MB have no zTOC.
#: nydus 2.3 (misc/snapshotter/nydusd-config.fusedev.json): merged reads of 1 MiB, eight threads that prefetch all at
#: once. GKE image streaming is not published but for the two seconds until a container runs; the rest is assumed.
KINDS: Final[dict[str, LazySpec]] = {
    "stargz": LazySpec(
        4 * MIB,
        3,
        meta_per_file=150,
        grain=128 * 1024,
        prefetch_wait=10.0,
        background=BackgroundSpec(2, quiet=5.0),
        retries=5,
        keeps_compressed=True,
        cache_chunk=50_000,
    ),
    "soci-lazy": LazySpec(
        4 * MIB,
        2,
        image_requests=2,
        meta_per_unit=32 * 1024,
        meta_per_file=100,
        least_layer=10_000_000,
        prefetch_wait=float("inf"),
        background=BackgroundSpec(1, period=0.5, pause=30.0),
        retries=8,
        inflates_later=True,
    ),
    "nydus": LazySpec(
        MIB,
        0,
        image_requests=1,
        meta_per_unit=80,
        meta_per_file=150,
        background=BackgroundSpec(8),
        retries=2,
        verifies=False,
        gzip=False,
    ),
    "gke-streaming": LazySpec(MIB, 0, mount=2.0, background=BackgroundSpec(4), retries=5, verifies=False, gzip=False),
}
