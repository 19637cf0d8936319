"""A request to a registry, and the answers to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from pullsim.network.flows import Transfer
    from pullsim.oci.reference import Reference
    from pullsim.registry.access import Presented

# Answers beside HTTP's own statuses.
OK: Final = 200
NOT_FOUND: Final = 404
REFUSED: Final = 0  # no connection
TIMED_OUT: Final = -1  # no answer to the attempt to connect
CUT: Final = -2  # the body broke off: the connection was closed
RESET: Final = -3  # the same: it was reset
NO_HEADER: Final = -4  # no answer over an open connection


class Part(NamedTuple):
    """The bytes of a body that are asked for."""

    size: int = 0
    offset: int = 0  # of the first one
    cut_short: bool = False  # the client closes the connection after these bytes, though more would come


_NO_BODY: Final = Part()


class Download(Protocol):
    """Who wants to know how a GET goes, and keeps what came of a body that broke off."""

    host: str | None  # the host whose body came last
    received: int  # bytes so far, of bodies that broke off

    def request(self, now: float) -> None:
        """Take note that the request begins, a new one after one that was refused too."""

    def begin(self, now: float, transfer: Transfer) -> None:
        """Take note that the body begins to flow freely, or goes on."""

    def stall(self, now: float, *, begun: bool) -> None:
        """Take note that nothing comes any more; ``begun``: after the first byte."""


class Request:
    """A HEAD or GET of a manifest or blob."""

    __slots__ = ("cut_short", "head", "is_index", "kind", "offset", "presented", "reference", "size", "what")

    def __init__(
        self,
        presented: Presented,
        reference: Reference,
        kind: str,
        what: str = "",
        part: Part = _NO_BODY,
        *,
        head: bool = False,
        is_index: bool = False,
    ) -> None:
        """``kind``: manifests | blobs | ping; ``what``: the digest, or "" for the manifest that the reference names.

        ``is_index``: the manifest is one.
        """
        self.presented = presented
        self.reference = reference
        self.kind = kind
        self.what = what
        self.size = part.size
        self.offset = part.offset
        self.cut_short = part.cut_short
        self.head = head
        self.is_index = is_index
