"""A request to a registry, and the answers to it."""

from __future__ import annotations

from typing import Final, NamedTuple

from pullsim.oci.reference import Reference
from pullsim.registry.auth import Presented

# Answers beside HTTP's own statuses.
OK: Final = 200
NOT_FOUND: Final = 404
REFUSED: Final = 0  # no connection
TIMED_OUT: Final = -1  # no answer to the attempt to connect
CUT: Final = -2  # the body broke off: the connection was closed
RESET: Final = -3  # the same: it was reset


class Request(NamedTuple):
    """A HEAD or GET of a manifest or blob."""

    presented: Presented
    reference: Reference
    kind: str  # manifests | blobs
    what: str = ""  # digest; "": the manifest that the reference names
    size: int = 0  # bytes of the answer's body that are asked for
    offset: int = 0  # of the first of them in the blob
    head: bool = False
    is_index: bool = False  # the manifest is one
    cut_short: bool = False  # the client closes the connection after these bytes: more would come
