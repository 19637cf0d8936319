"""The node as CRI-O's copies see it: settings, hardware, store and the registries that are asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.releases.crio import crio_release
from pullsim.runtime.crio.store import CrioStore
from pullsim.runtime.unpack import Unpacker

if TYPE_CHECKING:
    from pullsim.registry.host import Registry
    from pullsim.runtime.node import RuntimeNode
    from pullsim.spec.partial import PartialSpec
    from pullsim.spec.runtime import CrioSpec


class CrioNode:
    """What the copies on one node share. Its attributes are set once; the store, cores and disk behind them change."""

    __slots__ = (
        "_registries",
        "address",
        "agent",
        "cores",
        "disk",
        "env",
        "inbound",
        "name",
        "partial",
        "platform",
        "port",
        "recorder",
        "release",
        "spec",
        "speeds",
        "store",
        "unpacker",
    )

    def __init__(self, node: RuntimeNode, spec: CrioSpec) -> None:
        self.env: Final = node.env
        self.name: Final = node.name
        self.address: Final = node.spec.address  # as registries see it
        self.platform: Final = node.spec.platform
        self.recorder: Final = node.recorder
        self.spec: Final = spec
        self.speeds: Final = node.speeds
        self.release: Final = crio_release(spec.version)
        nic = node.nic()
        self.port: Final = nic.down
        self.inbound: Final = node.inbound
        self.cores: Final = node.cores()
        self.disk: Final = node.disk()
        self.agent: Final = node.agent(nic, self.disk)
        #: How layers are pulled in parts; None: they are not. A peers' agent asks for whole blobs alone.
        self.partial: Final[PartialSpec | None] = spec.partial if self.agent is None else None
        self.store: Final = CrioStore(node.env, spec.metadata_write, node.filesystem, partial=self.partial is not None)
        self.unpacker: Final = Unpacker(node.env, spec.unpack, self.cores, self.disk)
        self.port.on_busy = self.unpacker.downloading
        self._registries: Final = node.registries

    def sources(self, registry: str) -> tuple[Registry, ...]:
        """Return the hosts that are asked for a registry's images: its mirrors in order, then the registry."""
        own = self._registries(registry)
        return (*(self._registries(mirror.name) for mirror in own.spec.mirrors if mirror.pull), own)
