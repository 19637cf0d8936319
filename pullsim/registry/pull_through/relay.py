"""What happens between a replica of a cache and its upstream registry: paths, fills under way, bytes that come in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullsim.kernel.event import Event
from pullsim.registry.host import Site
from pullsim.registry.request import Download

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.kernel.environment import Environment
    from pullsim.network.flows import Link, Port, Transfer
    from pullsim.oci.manifest import Image
    from pullsim.registry.stream import Refusal


class Relay(Site):
    """The way of a body from another site over further ``links``; bytes cross all of them at one rate.

    The rate of a connection, and the payload's share of it, are the least on the way. ``own`` is the site that its
    receiver is connected to.
    """

    __slots__ = ("_links",)

    def __init__(self, origin: Site, links: tuple[Link, ...], own: Site) -> None:
        path = origin.path if isinstance(origin.path, tuple) else (origin.path,)
        self._links = (*path, *links)
        self.path = self._links if len(self._links) > 1 else self._links[0]
        self.link = self._links[-1]
        self.name = own.name
        self.goodput = min(origin.goodput, own.goodput)
        self.connection_cap = min(origin.connection_cap, own.connection_cap)
        self.round_trip = own.round_trip
        self.first_byte = own.first_byte
        self.link_class = own.link_class
        self.zone = own.zone

    def rate(self, port: Port) -> float:
        """See `Site.rate`; the least share on the way counts."""
        share = port.capacity / (port.transfers + 1)
        for link in self._links:
            share = min(share, link.capacity / (link.transfers + 1))
        return min(share, self.connection_cap) * self.goodput


class Filling:
    """A content, or an image, that is being stored; ``ended`` happens when it is, or when it cannot be."""

    __slots__ = ("ended", "image", "refusal", "stored")

    def __init__(self, env: Environment) -> None:
        self.ended = Event(env)
        self.stored = False  # it is in the cache, or was until it had to go
        self.refusal: Refusal | None = None  # the upstream registry's, if that is why it is not stored
        self.image: Image | None = None  # what a tag stands for, if an image was stored

    def wait(self) -> Generator[Any, Any, None]:
        """Wait until it is over."""
        if not self.ended.triggered:
            yield self.ended

    def end(self, *, stored: bool, refusal: Refusal | None = None) -> None:
        """Tell those who wait that it is over. Neither stored nor refused: whoever fetched it went away."""
        self.stored = stored
        self.refusal = refusal
        self.ended.succeed()


class Intake(Download):
    """The `Download` of a body that a cache fetches for itself."""

    __slots__ = ("_goodput", "_size", "_transfer")

    def __init__(self, size: int, goodput: float) -> None:
        super().__init__()
        self._size = size
        self._goodput = goodput
        self._transfer: Transfer | None = None

    def begin(self, now: float, transfer: Transfer) -> None:  # noqa: ARG002 - the protocol has it
        """See `Download`."""
        self._transfer = transfer

    def cut(self) -> int:
        """Stop the transfer, and return the bytes that have come."""
        if self._transfer is None or self._transfer.triggered:
            return 0
        return max(0, round(self._size - self._transfer.cancel() * self._goodput))
