"""The CPU time that a node needs to unpack a layer, or to inflate it without unpacking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from pullsim.frozen import dataclass

if TYPE_CHECKING:
    from pullsim.oci.manifest import Layer

#: The first containerd release that looks for each program (pkg/archive/compression, archive/compression up to 1.7).
KNOWN_SINCE: Final = {"unpigz": (1, 2), "igzip": (2, 0)}
#: The first containerd release that inflates with klauspost's gzip instead of Go's (pkg/archive/compression
#: gzipDecompress, containerd#13560), and how much faster gzip layers unpack with it. Published figures for decoding and
#: for whole layers are 1.2 to 1.6 times (containerd#13560 and #13559: from 13.6 s to 9.1 s, from 41.7 s to 28.8 s, from
#: 33 s to 22 s).
KLAUSPOST_GZIP: Final = (2, 4)
KLAUSPOST_SPEEDUP: Final = 1.4
#: A layer whose unpacked size is less than this multiple of its compressed size unpacks at the rate of stored data (the
#: lab's image of random bytes, c50rand, has 1.01).
INCOMPRESSIBLE: Final = 1.1

#: The ratio of unpacked to compressed bytes of a gzip layer for which its rate holds: that of the lab's layers.
USUAL_RATIO: Final = 2.24
#: The part of the time for the bytes of a gzip layer that goes by the compressed ones with Go's gzip, about: inflating
#: alone takes 1.75 ms a MB unpacked and 9 ms a MB compressed, for a Debian's programs, libraries, scripts and
#: translations as for the lab's words. Random blocks take no more, so that it holds only above the usual ratio.
BY_COMPRESSED: Final = 0.45

#: Rate at which a core hashes (sha256 with the CPU's own instructions), and at which Go's gzip inflates alone, in
#: uncompressed bytes/s: published figures (152 MiB/s on a Xeon of 2.5 GHz, containerd PR 6957).
SHA256: Final = 1e9
GO_GZIP: Final = 150e6
#: Rate in bytes/s at which a file is copied within a filesystem, from memory.
COPY: Final = 1e9

#: What inflates gzip layers: the runtime itself ("gzip"), or a program that it feeds through a pipe.
Decompressor = Literal["gzip", "unpigz", "igzip"]


def _kind(layer: Layer) -> str:
    """Return the name of the rate at which the layer is inflated: that of its compression, unless it is stored."""
    return "stored" if layer.unpacked < INCOMPRESSIBLE * layer.size else layer.compression


@dataclass(frozen=True, slots=True)
class UnpackSpec:
    """The cost of unpacking one layer on one core, which includes inflating, hashing, tar and writing.

    Rates are in uncompressed bytes/s, the other values in seconds. The defaults are lab measurements of containerd 1.6
    with Go's gzip (8.7 ms/MB, 54 us per file, 1.5 ms per layer; 3.95 ms/MB for incompressible data) and, for zstd, a
    published figure of 450 MB/s.

    With a decompressor process, inflating overlaps with the rest (hashing, tar and writing: ``piped``) on a second
    core. Defaults: unpigz alone reaches 260 MB/s; through the pipe the lab's group k takes 5.6 ms/MB; igzip reaches
    350 MB/s, so that the pipe is the slower part.
    """

    gzip: float = 1e6 / 8.7e-3
    zstd: float = 450e6
    stored: float = 1e6 / 3.95e-3
    per_file: float = 54e-6
    per_layer: float = 1.5e-3
    while_downloading: float = 1.09  # factor by which unpacking takes longer while the node downloads
    decompressor: Decompressor = "gzip"
    unpigz: float = 260e6  # of the process alone
    igzip: float = 350e6  # of the process alone
    piped: float = 1e6 / 5.6e-3
    sha256: float | None = None  # rate of hashing on top of the other rates; None: the other rates include hashing
    core: float = 1.0  # how many times as fast as the lab's a core is, for figures that no field has
    by_compressed: float = 0.0  # part of the time for bytes that goes by the compressed ones: see BY_COMPRESSED
    second_core: float = 0.0  # share of the time for files and bytes for which unpacking keeps a second core busy, too

    def work(self, layer: Layer) -> float:
        """Return the seconds for which the layer occupies the core of the unpacker."""
        compression = _kind(layer)
        if compression == "gzip" and self.decompressor != "gzip":
            compression = "piped"
        rate: float = getattr(self, compression)
        seconds = self.per_layer + self.per_file * layer.files + layer.unpacked / rate
        if self.by_compressed and compression == "gzip":
            spared = layer.unpacked - USUAL_RATIO * layer.size
            if spared > 0.0:
                seconds -= self.by_compressed * spared / rate
        return seconds if self.sha256 is None else seconds + layer.unpacked / self.sha256

    def beside(self, layer: Layer) -> float:
        """Return the seconds for which the layer occupies a second core besides; 0 if the unpacker needs one only."""
        return self.second_core * (self.work(layer) - self.per_layer) if self.second_core else 0.0

    def streams(self, layer: Layer, decompressor: Decompressor) -> tuple[float, float, float]:
        """Return the seconds that each of three streams occupies a core: inflating, hashing the tar, writing files.

        They run side by side where a program hands the tar to the other two, as SOCI's parallel mode does
        (soci-snapshotter fs/unpacker.go, AsyncTeeReader). What remains of `stored` without the hash is the writing.
        """
        compression, unpacked = _kind(layer), layer.unpacked
        alone = {"gzip": GO_GZIP * self.core, "unpigz": self.unpigz, "igzip": self.igzip}
        inflate = {"stored": 0.0, "zstd": unpacked / self.zstd, "gzip": unpacked / alone[decompressor]}[compression]
        rest = unpacked / self.stored
        if self.sha256 is not None:
            digest = unpacked / self.sha256
        else:
            digest = unpacked / (SHA256 * self.core)
            rest = max(0.0, rest - digest)
        return inflate, digest, self.per_layer + self.per_file * layer.files + rest

    def without_files(self, layer: Layer) -> float:
        """Return the seconds for which a layer occupies a core that makes one file of it, and not many."""
        return self.work(layer) - self.per_file * layer.files

    def inflating(self, layer: Layer) -> float:
        """Return the seconds for which the layer occupies the core of a decompressor process; 0 without one."""
        if self.decompressor == "gzip" or _kind(layer) != "gzip":
            return 0.0
        rate: float = getattr(self, self.decompressor)
        return layer.unpacked / rate


def gzip_rate(containerd: tuple[int, ...]) -> float:
    """Return the default rate at which a containerd release unpacks gzip layers by itself, in uncompressed bytes/s."""
    return UnpackSpec().gzip * (KLAUSPOST_SPEEDUP if containerd >= KLAUSPOST_GZIP else 1.0)


#: What CRI-O takes to unpack a layer, fitted on the lab's single pulls of 1.36 (`benchmarks.fidelity.fit_crio`). For
#: each layer a child process starts and writes the files, while CRI-O inflates, hashes and parses: two cores are busy
#: (containers/storage pkg/chrootarchive, layers.go applyDiff). Downloads slow it down by the cores that they take, and
#: by nothing else.
CRIO_UNPACK: Final = UnpackSpec(
    gzip=136e6, stored=227e6, per_file=74e-6, per_layer=44e-3, while_downloading=1.0, second_core=1.0
)


@dataclass(frozen=True, slots=True)
class InflateSpec:
    """The cost of inflating and hashing a layer on one core without unpacking it, which CRI-O does while it comes.

    Rates are in uncompressed bytes/s. The defaults are fitted on the lab's single pulls of CRI-O 1.36, except that of
    zstd, which is a published figure of klauspost's zstd with sha256.
    """

    gzip: float = 96.5e6
    zstd: float = 360e6
    stored: float = 192e6
    per_layer: float = 31e-3  # seconds

    def work(self, layer: Layer) -> float:
        """Return the seconds for which the layer occupies one core."""
        rate: float = getattr(self, _kind(layer))
        return self.per_layer + layer.unpacked / rate


def inflate_spec(unpack: UnpackSpec, gzip: float | None = None, per_layer: float | None = None) -> InflateSpec:
    """Return the cost of inflating on a node that unpacks at the rates of ``unpack``.

    Without a rate ``gzip``, inflating is as much slower than unpacking as it is by default, since the same cores do
    both. ``per_layer`` is in seconds; None: the default.
    """
    usual = InflateSpec()
    return InflateSpec(
        gzip=usual.gzip * unpack.gzip / CRIO_UNPACK.gzip if gzip is None else gzip,
        stored=usual.stored * unpack.stored / CRIO_UNPACK.stored,
        per_layer=usual.per_layer if per_layer is None else per_layer,
    )
