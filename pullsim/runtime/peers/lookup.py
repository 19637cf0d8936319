"""What a Spegel node has found of the peers that have one blob, and how long it waits for them to answer."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pullsim.runtime.peers.node import PeerNode
    from pullsim.streams import Stream

FIRST_HEDGE: Final = 0.05  # seconds, until an answer has taken a millisecond or longer
HEDGES: Final = (80, 85, 90)  # percentiles of the times of answers after which one more peer is asked


class Lookup:
    """The peers that a node has found for a key, with how often it has asked each: the least used is asked first.

    A node asks a peer only once at a time. Equal ones are taken at random. There is no balance over the requests of
    other nodes. Models pkg/routing/iterator.go of Spegel.
    """

    __slots__ = ("_busy", "_used", "made", "ready", "updated")

    def __init__(self, now: float, ready: float) -> None:
        self._used: dict[PeerNode, int] = {}
        self._busy: set[PeerNode] = set()
        self.made = now  # from which on it is kept
        self.updated = now  # when the distributed hash table was last asked
        self.ready = ready  # when that answers

    def add(self, node: PeerNode) -> None:
        """Add a peer that was found."""
        self._used.setdefault(node, 0)

    def remove(self, node: PeerNode) -> None:
        """Forget a peer that could not serve the key."""
        self._used.pop(node, None)
        self._busy.discard(node)

    def release(self, node: PeerNode) -> None:
        """Note that a peer has answered, or is not waited for any more."""
        self._busy.discard(node)

    def acquire(self, stream: Stream) -> PeerNode | None:
        """Take the least used peer that is not being asked; None: there is none."""
        free = [node for node in self._used if node not in self._busy]
        if not free:
            return None
        least = min([self._used[node] for node in free])
        equal = [node for node in free if self._used[node] == least]
        node = equal[stream.choice(len(equal))] if len(equal) > 1 else equal[0]
        self._used[node] += 1
        self._busy.add(node)
        return node

    def __len__(self) -> int:
        """Return the number of peers that are known."""
        return len(self._used)


class Hedger:
    """The times after which one more peer is asked while nobody has answered (internal/resilient/hedge.go of Spegel).

    Times are counted in whole milliseconds, and a percentile of 0 ms counts as not known.
    """

    __slots__ = ("_observed",)

    def __init__(self) -> None:
        self._observed: Counter[int] = Counter()  # by milliseconds

    def observe(self, seconds: float) -> None:
        """Note how long an answer took."""
        self._observed[int(seconds * 1000.0)] += 1

    def percentile(self, percent: int) -> float:
        """Return a percentile of the times of the answers in seconds, or `FIRST_HEDGE`."""
        rest = percent * self._observed.total()
        for milliseconds in sorted(self._observed):
            rest -= 100 * self._observed[milliseconds]
            if rest <= 0:
                return milliseconds / 1000.0 or FIRST_HEDGE
        return FIRST_HEDGE
