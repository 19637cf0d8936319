"""Unpacking a layer: CPU work and disk work, both shared on the node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator

    import simpy

    from pullsim.engine.processor_sharing import ProcessorSharing
    from pullsim.oci.manifest import Layer

INCOMPRESSIBLE = 1.1  # unpacked / compressed below which a layer costs as stored data (lab: c50rand at 1.01)


@dataclass(frozen=True, slots=True)
class UnpackSpec:
    """Costs of one unpack stream on one core, everything in (inflate, sha256, tar, write).

    Rates in uncompressed bytes/s, the rest in seconds. Defaults: lab measurements of containerd 1.6 with Go's gzip
    (8.7 ms/MB, 54 us a file, 1.5 ms a layer; 3.95 ms/MB for incompressible data); zstd: 450 MB/s, published figures.
    """

    gzip: float = 1e6 / 8.7e-3
    zstd: float = 450e6
    stored: float = 1e6 / 3.95e-3
    per_file: float = 54e-6
    per_layer: float = 1.5e-3
    while_downloading: float = 1.09  # factor on the time while the node downloads

    def work(self, layer: Layer) -> float:
        """Return the seconds that the layer takes one core."""
        compression = "stored" if layer.unpacked < INCOMPRESSIBLE * layer.size else layer.compression
        rate: float = getattr(self, compression)
        return self.per_layer + self.per_file * layer.files + layer.unpacked / rate


class Unpacker:
    """A node's unpacking."""

    __slots__ = ("_cores", "_disk", "_env", "_spec")

    def __init__(
        self, env: simpy.Environment, spec: UnpackSpec, cores: ProcessorSharing, disk: ProcessorSharing | None
    ) -> None:
        self._env = env
        self._spec = spec
        self._cores = cores
        self._disk = disk

    def downloading(self, busy: bool) -> None:
        """Note that the node begins or ends to download: unpacking is slower meanwhile (lab: 9 %)."""
        self._cores.set_speed(1 / self._spec.while_downloading if busy else 1.0)

    def unpack(self, layer: Layer) -> Generator[Any, Any, str]:
        """Unpack, writing while inflating; return what it was limited by: cpu or disk."""
        env = self._env
        work = self._cores.run(self._spec.work(layer))
        write = self._disk.run(layer.unpacked) if self._disk is not None else None
        try:
            yield work
            worked = env.now
            if write is not None:
                yield write
            return "disk" if env.now > worked else "cpu"
        finally:
            for job in (work, write):
                if job is not None and not job.triggered:
                    job.cancel()
