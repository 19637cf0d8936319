"""A request to a registry, and the statuses of its answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.compiled import mypyc_attr

if TYPE_CHECKING:
    from pullsim.network.flows import Transfer
    from pullsim.oci.reference import Reference
    from pullsim.registry.access import Presented

# Statuses of requests. Those below 200 are not HTTP statuses: no complete response has arrived.
OK: Final = 200
NOT_FOUND: Final = 404
REFUSED: Final = 0  # the connection was refused
TIMED_OUT: Final = -1  # nothing answered the attempt to connect
CUT: Final = -2  # the body broke off, as the connection was closed
RESET: Final = -3  # the body broke off, as the connection was reset
NO_HEADER: Final = -4  # no response began on an open connection within the timeout


class Download:
    """An observer of a GET, which also counts the bytes of bodies that broke off. Times are simulated seconds.

    This one does no more; subclasses override the methods. It is no protocol, so that compiled code calls it directly.
    """

    __slots__ = ("host", "received")

    def __init__(self) -> None:
        self.host: str | None = None  # the host that sent the last body
        self.received = 0  # bytes of all bodies that broke off so far

    def request(self, now: float) -> None:
        """Note that a request begins, be it the first one or a retry."""

    def begin(self, now: float, transfer: Transfer) -> None:
        """Note that the body begins to arrive, or continues after a stall, by ``transfer``."""

    def stall(self, now: float, *, begun: bool) -> None:
        """Note that no more bytes arrive; ``begun``: some have arrived before."""


@mypyc_attr(free_list_len=1)
class Request:
    """A HEAD or GET of a manifest or blob."""

    __slots__ = (
        "cut_short",
        "head",
        "is_index",
        "kind",
        "offset",
        "presented",
        "ranges",
        "reference",
        "size",
        "what",
        "whole",
    )

    def __init__(
        self,
        presented: Presented,
        reference: Reference,
        kind: str,
        what: str = "",
        size: int = 0,
        *,
        head: bool = False,
        is_index: bool = False,
    ) -> None:
        """Make a request for ``size`` bytes of a body, from its beginning.

        ``kind``: manifests | blobs | ping. ``what``: the digest, or "" for the manifest that the reference names.
        ``head``: the method is HEAD, else GET. ``is_index``: the manifest is an index.
        """
        self.presented = presented
        self.reference = reference
        self.kind = kind
        self.what = what
        self.size = size
        self.offset = 0  # position of the first byte that is asked for
        self.cut_short = False  # the client closes the connection after these bytes, although the body is longer
        self.ranges = 0  # number of ranges that the bytes are in, where that matters
        self.whole = 0  # bytes of the blob that these are ranges of
        self.head = head
        self.is_index = is_index

    def take_all(self) -> None:
        """Make a request for ranges one for the whole blob, as a server does that answers it with 200."""
        self.size, self.offset, self.ranges = self.whole, 0, 0
