"""A registry host: what it holds, how it answers, and the link that all nodes share."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import simpy

    from pullsim.engine.flows import Port
    from pullsim.engine.sharing import Network
    from pullsim.oci.catalog import Catalog
    from pullsim.oci.manifest import Image
    from pullsim.oci.reference import Reference
    from pullsim.registry.spec import Fault, RegistrySpec

OK: Final = 200
NOT_FOUND: Final = 404
REFUSED: Final = 0  # no connection


class Registry:
    """One host. Its egress is a link of the network; sizes on the wire are payload divided by goodput."""

    def __init__(self, env: simpy.Environment, network: Network, spec: RegistrySpec, catalog: Catalog) -> None:
        self.spec = spec
        self.network = network
        self.link = network.link(spec.host, spec.egress)
        window = spec.max_window / spec.round_trip if spec.round_trip > 0 else float("inf")
        self.connection_cap = min(spec.per_connection, window) / spec.goodput  # bytes/s on the wire
        self._env = env
        self._catalog = catalog

    def fault(self, reference: Reference, at: float) -> int:
        """Return the HTTP status that faults give a request that connects now and is sent ``at``.

        REFUSED: the connection is refused; OK: no fault is under way.
        """
        for fault in self.spec.faults:
            when = self._env.now if fault.status is None else at
            if fault.at <= when < fault.at + fault.duration and matches(fault, reference):
                return REFUSED if fault.status is None else fault.status
        return OK

    def content(self, reference: Reference, at: float) -> Image | None:
        """Return what the reference names at that time."""
        return self._catalog.lookup(reference, at)

    def rate(self, port: Port) -> float:
        """Estimate the payload rate in bytes/s that one more transfer to ``port`` would get: an equal share."""
        share = min(self.link.capacity / (self.link.transfers + 1), port.capacity / (port.transfers + 1))
        return min(share, self.connection_cap) * self.spec.goodput


def matches(fault: Fault, reference: Reference) -> bool:
    """Whether a fault is about this image: its pattern fits the path, with or without tag and ``library/``."""
    pattern = fault.image
    if pattern is None:
        return True
    paths = {reference.path, reference.path.removeprefix("library/")}
    return any(fnmatchcase(path, pattern) or fnmatchcase(f"{path}:{reference.tag or ''}", pattern) for path in paths)
