"""What it costs a node to unpack a layer, or to inflate it without unpacking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from pullsim.oci.manifest import Layer

#: The first containerd release that looks for each program (pkg/archive/compression, archive/compression up to 1.7).
KNOWN_SINCE: Final = {"unpigz": (1, 2), "igzip": (2, 0)}
#: The first containerd release that inflates with klauspost's gzip in the place of Go's (pkg/archive/compression
#: gzipDecompress, containerd#13560), and how much faster gzip layers unpack: 1.2 to 1.6 times by published figures of
#: decoding and of whole layers (containerd#13560, #13559: 13.6 s to 9.1, 41.7 to 28.8, 33 to 22).
KLAUSPOST_GZIP: Final = (2, 4)
KLAUSPOST_SPEEDUP: Final = 1.4
INCOMPRESSIBLE: Final = 1.1  # unpacked / compressed below which a layer costs as stored data (lab: c50rand at 1.01)

#: What inflates gzip: the runtime itself, or a program that it feeds through a pipe.
Decompressor = Literal["gzip", "unpigz", "igzip"]


@dataclass(frozen=True, slots=True)
class UnpackSpec:
    """Costs of one unpack stream on one core, everything in (inflate, sha256, tar, write).

    Rates in uncompressed bytes/s, the rest in seconds. Defaults: lab measurements of containerd 1.6 with Go's gzip
    (8.7 ms/MB, 54 us a file, 1.5 ms a layer; 3.95 ms/MB for incompressible data); zstd: 450 MB/s, published figures.

    With a decompressor process, inflating and the rest (sha256, tar, write: ``piped``) overlap on two cores. Defaults:
    unpigz alone 260 MB/s; through the pipe 5.6 ms/MB in the lab's group k; igzip 350 MB/s, which the pipe hides.
    """

    gzip: float = 1e6 / 8.7e-3
    zstd: float = 450e6
    stored: float = 1e6 / 3.95e-3
    per_file: float = 54e-6
    per_layer: float = 1.5e-3
    while_downloading: float = 1.09  # factor on the time while the node downloads
    decompressor: Decompressor = "gzip"
    unpigz: float = 260e6  # the process alone
    igzip: float = 350e6
    piped: float = 1e6 / 5.6e-3
    sha256: float | None = None  # hashing, where it is slower than in the other rates; None: in these

    def work(self, layer: Layer) -> float:
        """Return the seconds that the layer takes the unpacker's core."""
        compression = self._compression(layer)
        if compression == "gzip" and self.decompressor != "gzip":
            compression = "piped"
        rate: float = getattr(self, compression)
        seconds = self.per_layer + self.per_file * layer.files + layer.unpacked / rate
        return seconds if self.sha256 is None else seconds + layer.unpacked / self.sha256

    @staticmethod
    def _compression(layer: Layer) -> str:
        return "stored" if layer.unpacked < INCOMPRESSIBLE * layer.size else layer.compression

    def inflating(self, layer: Layer) -> float:
        """Return the seconds that the layer takes the core of a decompressor process; 0 without one."""
        if self.decompressor == "gzip" or self._compression(layer) != "gzip":
            return 0.0
        rate: float = getattr(self, self.decompressor)
        return layer.unpacked / rate


def gzip_rate(containerd: tuple[int, ...]) -> float:
    """Return the rate at which a containerd of the release unpacks gzip layers by itself, in uncompressed bytes/s."""
    return UnpackSpec().gzip * (KLAUSPOST_SPEEDUP if containerd >= KLAUSPOST_GZIP else 1.0)


@dataclass(frozen=True, slots=True)
class InflateSpec:
    """Rates at which one core inflates and hashes a layer without unpacking it, in uncompressed bytes/s.

    Published figures: Go's gzip 150 MB/s, klauspost's zstd with sha256 360 MB/s, sha256 with the CPU's help 1 GB/s.
    """

    gzip: float = 150e6
    zstd: float = 360e6
    stored: float = 1e9

    def work(self, layer: Layer) -> float:
        """Return the seconds that the layer takes one core."""
        rate: float = getattr(self, layer.compression)
        return layer.unpacked / rate
