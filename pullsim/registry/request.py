"""A request to a registry, and the answers to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
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


class Request:
    """A HEAD or GET of a manifest or blob."""

    __slots__ = ("cut_short", "head", "is_index", "kind", "offset", "presented", "reference", "size", "what")

    def __init__(
        self,
        presented: Presented,
        reference: Reference,
        kind: str,
        what: str = "",
        size: int = 0,
        offset: int = 0,
        head: bool = False,
        is_index: bool = False,
        cut_short: bool = False,
    ) -> None:
        """``size`` bytes of the answer's body are asked for, from ``offset`` on.

        ``kind``: manifests | blobs | ping; ``what``: digest, "" the manifest that the reference names; ``is_index``:
        the manifest is one; ``cut_short``: the client closes the connection after these bytes, and more would come.
        """
        self.presented = presented
        self.reference = reference
        self.kind = kind
        self.what = what
        self.size = size
        self.offset = offset
        self.head = head
        self.is_index = is_index
        self.cut_short = cut_short
