"""Unpacking a layer: CPU work and disk work, both shared on the node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pullsim.hardware.jobs import cancel_all

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.hardware.disk import Disk
    from pullsim.kernel.environment import Environment
    from pullsim.kernel.processor_sharing import ProcessorSharing
    from pullsim.oci.manifest import Layer
    from pullsim.spec.unpack import UnpackSpec

#: If the disk ends later than the core by less than this part of the whole time, the difference is rounding.
_ROUNDING: Final = 1e-9


class Unpacker:
    """Unpacks layers on the cores and the disk of one node."""

    __slots__ = ("_cores", "_disk", "_env", "spec")

    def __init__(self, env: Environment, spec: UnpackSpec, cores: ProcessorSharing, disk: Disk | None) -> None:
        self._env = env
        self.spec = spec
        self._cores = cores
        self._disk = disk

    def at(self, spec: UnpackSpec) -> Unpacker:
        """Return one for other costs on the same cores and disk."""
        return Unpacker(self._env, spec, self._cores, self._disk)

    def downloading(self, busy: bool) -> None:
        """Note that the node starts or stops downloading; while it downloads, unpacking is slower (9 % in the lab)."""
        self._cores.set_speed(1 / self.spec.while_downloading if busy else 1.0)

    def unpack(self, layer: Layer) -> Generator[Any, Any, str]:
        """Unpack a layer: decompress and write it at the same time; return what limited that: cpu | disk."""
        spec = self.spec
        return self.write(layer, spec.work(layer), spec.inflating(layer), spec.beside(layer))

    def write(
        self, layer: Layer, seconds: float, inflating: float, beside: float = 0.0, *, durable: bool = False
    ) -> Generator[Any, Any, str]:
        """Make a snapshot of a layer with that much work, and inflating beside it if that is not 0; see `unpack`.

        ``beside``: seconds for which a second core is busy too. ``durable``: the snapshot has to be on the disk itself,
        not in its cache.
        """
        env, disk = self._env, self._disk
        began = env.now
        work = self._cores.run(seconds)
        inflate = self._cores.run(inflating) if inflating else None
        second = self._cores.begin(beside) if beside else None
        write = None
        if disk is not None:
            size = layer.unpacked
            write = disk.begin(size) if durable else disk.buffer(size, max(seconds, inflating))
        try:
            yield work
            if inflate is not None:
                yield inflate
            if second is not None and (rest := second.wait()) is not None:
                yield rest
            worked = env.now
            if write is not None and (writing := write.wait()) is not None:
                yield writing
        except BaseException:
            cancel_all(work, inflate, second, write)
            raise
        return "disk" if env.now - worked > _ROUNDING * (env.now - began) else "cpu"
