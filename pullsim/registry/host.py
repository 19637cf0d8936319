"""A registry host: what it holds, how it answers, and the links that all nodes share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullsim.records import RegistryRecord
from pullsim.registry.faults import Faults
from pullsim.registry.gate import Answer, Gate
from pullsim.registry.quotas import Quotas
from pullsim.registry.request import NOT_FOUND
from pullsim.spec.registry import fits

if TYPE_CHECKING:
    import simpy

    from pullsim.network.flows import Port
    from pullsim.network.network import Network
    from pullsim.oci.catalog import Catalog
    from pullsim.oci.manifest import Image
    from pullsim.oci.reference import Reference
    from pullsim.registry.request import Request
    from pullsim.spec.registry import RegistrySpec
    from pullsim.streams import Streams


class Site:
    """Where bodies come from: a registry, or the object storage that it redirects to. Seconds, bytes/s."""

    __slots__ = ("connection_cap", "first_byte", "goodput", "link", "name", "round_trip")

    def __init__(
        self,
        network: Network,
        name: str,
        spec: RegistrySpec,
        egress: float,
        per_connection: float,
        round_trip: float,
        first_byte: float,
    ) -> None:
        window = spec.max_window / round_trip if round_trip > 0 else float("inf")
        self.name = name
        self.link = network.link(name, egress)
        self.goodput = spec.goodput
        self.connection_cap = min(per_connection, window) / spec.goodput  # on the wire
        self.round_trip = round_trip
        self.first_byte = first_byte

    def rate(self, port: Port) -> float:
        """Estimate the payload rate in bytes/s that one more transfer to ``port`` would get: an equal share."""
        share = min(self.link.capacity / (self.link.transfers + 1), port.capacity / (port.transfers + 1))
        return min(share, self.connection_cap) * self.goodput


class Holdings(Gate):
    """What a registry has, where that is not everything: shell patterns."""

    def __init__(self, images: tuple[str, ...]) -> None:
        self._images = images

    def answer(self, request: Request, at: float) -> Answer | None:  # noqa: ARG002 - at any time
        """See `Gate`."""
        return None if fits(self._images, request.reference) else Answer(NOT_FOUND, retryable=False)


class Registry:
    """One host. Its egress is a link of the network; sizes on the wire are payload divided by goodput."""

    def __init__(
        self, env: simpy.Environment, network: Network, spec: RegistrySpec, catalog: Catalog, streams: Streams
    ) -> None:
        self.spec = spec
        self.network = network
        self.site = Site(network, spec.host, spec, spec.egress, spec.per_connection, spec.round_trip, spec.first_byte)
        self.blob_site = self.site
        if (store := spec.blob_host) is not None:
            self.blob_site = Site(
                network,
                f"{spec.host} blobs",
                spec,
                store.egress,
                store.per_connection,
                store.round_trip,
                store.first_byte,
            )
        self._quotas = Quotas(spec.limits) if spec.limits else None
        gates = (
            Faults(spec.host, spec.faults, streams) if spec.faults else None,
            None if spec.images is None else Holdings(spec.images),
            self._quotas,
        )
        self.gates = tuple(gate for gate in gates if gate is not None)
        # What it was asked for.
        self.heads = self.manifests = self.blobs = self.challenges = self.tokens = 0
        self.sent = 0  # bytes of bodies
        self._env = env
        self._catalog = catalog

    def content(self, reference: Reference, at: float) -> Image | None:
        """Return what the reference names at that time."""
        return self._catalog.lookup(reference, at)

    def server_time(self, request: Request) -> float:
        """Return the server's seconds for a request; a GET of a blob that is redirected takes the store's besides."""
        return self.spec.head if request.head or request.kind == "ping" else self.spec.first_byte

    def count(self, request: Request) -> None:
        """Count a request."""
        if request.head:
            self.heads += 1
        elif request.kind == "manifests":
            self.manifests += 1
        else:
            self.blobs += 1

    def record(self) -> RegistryRecord:
        """Return what was asked of it so far, and which quota ran out first."""
        quotas = self._quotas
        first, refilled = min(quotas.exhausted.values(), default=(None, None)) if quotas else (None, None)
        return RegistryRecord(
            host=self.spec.host,
            heads=self.heads,
            manifests=self.manifests,
            blobs=self.blobs,
            challenges=self.challenges,
            tokens=self.tokens,
            limited=quotas.refused if quotas else 0,
            exhausted=len(quotas.exhausted) if quotas else 0,
            exhausted_at=first,
            refilled_at=refilled,
            sent=self.sent,
            price=self.spec.price,
        )
