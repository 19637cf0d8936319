"""A registry host: its content, its conditions for requests, and its links, which all nodes share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.records import RegistryRecord
from pullsim.registry.faults import Faults
from pullsim.registry.gate import Answer, Gate, Gates
from pullsim.registry.quotas import Quotas
from pullsim.registry.request import NOT_FOUND, OK
from pullsim.spec.registry import fits

if TYPE_CHECKING:
    from pullsim.kernel.environment import Environment
    from pullsim.network.flows import Link, Port
    from pullsim.network.network import Network
    from pullsim.network.traffic import Inbound
    from pullsim.oci.catalog import Catalog
    from pullsim.oci.manifest import Image
    from pullsim.oci.reference import Reference
    from pullsim.registry.request import Request
    from pullsim.spec.registry import RegistrySpec
    from pullsim.streams import Streams


BAD_REQUEST: Final = 400
NOT_SATISFIABLE: Final = 416


class Site:
    """A place that sends bodies: a registry, or the object storage that it redirects to. Seconds and bytes/s."""

    __slots__ = ("connection_cap", "first_byte", "goodput", "link", "link_class", "name", "path", "round_trip", "zone")

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
        self.path: Link | tuple[Link, ...] = self.link  # what bodies cross before the receiver's port
        self.goodput = spec.goodput
        self.connection_cap = min(per_connection, window) / spec.goodput  # bytes/s on the wire
        self.round_trip = round_trip
        self.first_byte = first_byte
        self.link_class: str = spec.link  # see `pullsim.spec.prices.Link`
        self.zone = spec.zone

    def rate(self, port: Port) -> float:
        """Estimate the payload rate in bytes/s of one more transfer to ``port``, from equal shares of link and port."""
        share = min(self.link.capacity / (self.link.transfers + 1), port.capacity / (port.transfers + 1))
        return min(share, self.connection_cap) * self.goodput


class Holdings(Gate):
    """The images that a registry has, as shell patterns; it answers 404 for all others."""

    def __init__(self, images: tuple[str, ...]) -> None:
        self._images = images

    def answer(self, request: Request, at: float) -> Answer | None:  # noqa: ARG002 - the images do not change
        """See `Gate`."""
        return None if fits(self._images, request.reference) else Answer(NOT_FOUND, retryable=False)


class Registry:
    """One registry host. Its egress is a link of the network, which carries payload bytes divided by goodput."""

    def __init__(
        self, env: Environment, network: Network, spec: RegistrySpec, catalog: Catalog, streams: Streams
    ) -> None:
        self.spec = spec
        self.network = network
        # Of the spec, what each request reads.
        self.host = spec.host
        self.round_trip = spec.round_trip
        self.initial_window, self.max_window = spec.initial_window, spec.max_window
        self._head, self._first_byte = spec.head, spec.first_byte
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
            if store.link is not None:
                self.blob_site.link_class, self.blob_site.zone = store.link, None
        self._quotas = Quotas(spec.limits) if spec.limits else None
        self.faults = Faults(spec.host, spec.faults, streams) if spec.faults else None
        gates = (
            self.faults,
            None if spec.images is None else Holdings(spec.images),
            self._quotas,
        )
        self.gates = Gates(tuple(gate for gate in gates if gate is not None))
        # Numbers of requests received so far, by kind.
        self.heads = self.manifests = self.blobs = self.challenges = self.tokens = 0
        self.ranges = 0  # GETs that went straight to the store that it redirects to
        self.sent = 0  # payload bytes of bodies
        self._env = env
        self._catalog = catalog

    def content(self, reference: Reference, at: float) -> Image | None:
        """Return the image that the reference names at time ``at``, or None."""
        return self._catalog.lookup(reference, at)

    def server_time(self, request: Request) -> float:
        """Return the seconds that the registry takes for a request, without those of the store that it redirects to."""
        return self._head if request.head or request.kind == "ping" else self._first_byte

    def count(self, request: Request) -> None:
        """Count a request by its kind."""
        if request.head:
            self.heads += 1
        elif request.kind == "manifests":
            self.manifests += 1
        else:
            self.blobs += 1

    def ranged(self, request: Request) -> int:
        """Return the status of a GET of ranges; if these are ignored, it becomes one of the whole blob."""
        spec = self.spec
        if spec.most_ranges is not None and request.ranges > spec.most_ranges:
            return BAD_REQUEST
        if request.ranges > 1:
            if spec.ranges == "refused":
                return NOT_SATISFIABLE
            if spec.ranges == "one":
                request.take_all()
        return OK

    def delivered(self, site: Site, amount: int, inbound: Inbound | None) -> None:
        """Count the bytes of a body, whole or not, that one of its sites sent; ``inbound``: those of the receiver."""
        self.sent += amount
        if inbound is not None:
            inbound.add(self.host, site.link_class, site.zone, amount)

    def links(self) -> list[tuple[str, Link]]:
        """Return the links that bodies come over, with their names; each link once."""
        return [(site.name, site.link) for site in dict.fromkeys((self.site, self.blob_site))]

    def close(self) -> None:
        """Count what is under way at the end of the run, where nothing else does."""

    def record(self) -> RegistryRecord:
        """Return the requests and bytes so far, and when its first quota ran out."""
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
            ranges=self.ranges,
        )
