"""What a process reads of its image at its start, which decides how soon it is ready where files come lazily."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

from pullsim.frozen import dataclass

Order = Literal["sequential", "random"]


@dataclass(frozen=True, slots=True)
class Reads:
    """The reads of a pod's process, from the start of its last container on; when they have ended, it is ready.

    Of an image whose files are on the node's disk they take no time but ``think``: pages that were unpacked a moment
    ago are in memory. ``image``: of which image, as the pod writes it; None: of the pod's largest.
    """

    bytes: int | None = None  # of the image's unpacked files; None: ``share`` of them
    share: float = 1.0  # of all bytes of the image's files, where bytes are not given
    concurrency: int = 1  # reads that are under way at a time
    think: float = 0.0  # seconds that the process computes between its reads, in all
    order: Order = "sequential"  # of the places that are read: one after another, or anywhere
    size: int = 131_072  # bytes of one read, where the order is random; what lies beside it is not read
    image: str | None = None

    def amount(self, unpacked: int) -> int:
        """Return how many of an image's unpacked bytes are read."""
        return min(round(unpacked * self.share) if self.bytes is None else self.bytes, unpacked)

    def touched(self, amount: int, whole: int, unit: int) -> float:
        """Return in how many units of ``unit`` bytes the ``amount`` bytes lie that are read of ``whole`` > 0 ones.

        In random order a unit stays untouched if none of its parts of ``size`` bytes is read, each of which is read
        with the same probability: the number is the expected one.
        """
        if self.order == "sequential":
            return -(-amount // unit)
        parts = unit / min(unit, self.size)
        return -(-whole // unit) * (1.0 - math.pow(1.0 - amount / whole, parts))


class Part(NamedTuple):
    """A layer of which a process reads the first bytes, as far as they matter: which ones decides its reads' order."""

    key: str  # of its snapshot
    unpacked: int  # bytes of all its files
    amount: int  # bytes that are read


class ReadFailed(Exception):
    """A file of an image could not be read, as it is not on the node and cannot be fetched; a process exits then.

    ``retryable``: the same read may succeed later, even if no fault ends until then.
    """

    def __init__(self, *, retryable: bool) -> None:
        super().__init__("input/output error")
        self.retryable = retryable


class ReadRecord(NamedTuple):
    """What a process read of one layer that comes as it is read. Times are simulated seconds."""

    node: str
    digest: str  # of the layer
    began: float
    ended: float
    ok: bool  # whether it read all that it wanted of the layer
    read: int  # unpacked bytes that it wanted
    fetched: int  # compressed bytes that it waited for, from the registry
    requests: int  # GETs of these
