"""Dragonfly's tasks: the scheduler, the parents of each peer, and what peers ask of their parents."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pullsim.runtime.peers.swarm.torrent import FRONT, Torrent

if TYPE_CHECKING:
    from collections.abc import Callable

    from pullsim.runtime.peers.swarm.source import SourceFetch
    from pullsim.runtime.peers.swarm.swarm import Swarm

SAMPLE: Final = 15  # peers of a task that the scheduler looks at (scheduler/config/constants.go)
PARENTS: Final = 3  # that it offers, the best of them
PIECES: Final = 8  # of a task under way at a peer (dragonfly-client dfdaemon.rs)
RETRY: Final = 0.5  # seconds until parents are looked for again, a quarter more or less
RETRIES: Final = 4  # looks that find none, until the peer goes to the source
SOURCES: Final = 200  # peers of a task that may do so
SLOTS: Final = 200  # pieces that a peer sends at a time, against which its load counts
LEAST_PIECE, LARGEST_PIECE = 4 << 20, 64 << 20  # bytes (piece.rs)
_PER_BLOB: Final = 500


def piece_size(size: int) -> int:
    """Return the bytes of a piece of a blob: the next power of two of a 500th of it, 4 to 64 MiB."""
    return min(max(1 << max(0, size // _PER_BLOB - 1).bit_length(), LEAST_PIECE), LARGEST_PIECE)


class DragonflyTask:
    """One blob among peers.

    A peer gets the best three of a random sample of the others as parents, if they have pieces or will: more free
    uplink, fewer pieces to send, the same zone and seeds count for more. It asks them for pieces from the front of the
    blob, eight at a time, each of any parent that has it; a parent has a piece for others once it is whole. One that
    finds no parent looks again, and then goes to the source. Nobody becomes an ancestor of its own.

    Models scheduler/scheduling and evaluator of Dragonfly 66db4564 and dragonfly-client ff17c0b7. What is left out: the
    100 ms for which a peer waits until all parents tell of a piece, parents that are found to be bad, and the weight of
    free uplink in the choice of the parent of one piece.
    """

    def __init__(self, swarm: Swarm, size: int, random: Any, loopback: float) -> None:
        """``random``: a numpy generator; ``loopback``: bytes/s at which a peer streams to its node's runtime."""
        self.torrent = Torrent(size, piece_size(size), PIECES, FRONT, random)
        self.torrent.completed = self._completed
        self._swarm = swarm
        self._random: Any = random
        self._loopback: float = loopback
        self._size: int = size
        self._parents: list[set[int]] = []  # by member
        self._seeds: set[int] = set()
        self._left: set[int] = set()
        self._waiting: dict[int, Callable[[], None]] = {}  # what to call when a member has all pieces
        self._looks: dict[int, tuple[float, int]] = {}  # when a member looks for parents next, and how often it has
        self._sources: dict[int, SourceFetch] = {}  # of the members that go to the source
        self._fetch: dict[int, Callable[[int], SourceFetch]] = {}  # how a member goes to the source
        self._streamed: dict[int, float] = {}  # bytes that a member has streamed to its runtime
        self._time = 0.0  # up to which it has

    def join(self, host: int, now: float, done: Callable[[], None], source: Callable[[int], SourceFetch]) -> int:
        """Add a peer; ``done`` is called when it has all pieces, ``source`` lets a member go to the source."""
        member = self._add(host)
        self._waiting[member] = done
        self._fetch[member] = source
        self._looks[member] = now, 0
        self._streamed[member] = 0.0
        return member

    def seed(self, host: int, source: Callable[[int], SourceFetch]) -> int:
        """Add a seed, which goes to the source at once."""
        member = self._add(host)
        self._seeds.add(member)
        self._sources[member] = source(member)
        return member

    def leave(self, member: int) -> None:
        """See `Policy`."""
        self._left.add(member)
        self._waiting.pop(member, None)
        self._looks.pop(member, None)
        if (fetch := self._sources.pop(member, None)) is not None:
            fetch.stop()
        for other in list(self.torrent.conns[member]):
            self._part(member, other)

    def idle(self) -> bool:
        """See `Policy`."""
        return not self._waiting

    def left_to_stream(self, member: int) -> float:
        """Return the bytes that a member which has the blob has not streamed yet."""
        return self._size - self._streamed.pop(member, 0.0)

    def maintain(self, now: float) -> float:
        """See `Policy`."""
        self._stream(now)
        for member, (at, looks) in list(self._looks.items()):
            if at > now:
                continue
            if self._find_parents(member, now):
                del self._looks[member]
            elif looks >= RETRIES - 1 or not self._hopeful(member):
                if len(self._sources) - len(self._seeds) < SOURCES:
                    del self._looks[member]
                    self._sources[member] = self._fetch[member](member)
                else:
                    self._looks[member] = now + RETRY, looks
            else:
                self._looks[member] = now + RETRY * float(self._random.uniform(0.75, 1.25)), looks + 1
        self.torrent.request(now, PIECES)
        return min((at for at, _ in self._looks.values()), default=math.inf)

    def _add(self, host: int) -> int:
        member = self.torrent.join(host, int(self._swarm.hosts["zone"][host]))
        self._parents.append(set())
        return member

    def _hopeful(self, member: int) -> bool:
        """Whether there is another member that has pieces or will."""
        return any(other != member and self._serves(other) for other in range(len(self._parents)))

    def _serves(self, other: int) -> bool:
        if other in self._left:
            return False
        return other in self._sources or bool(self._parents[other]) or self.torrent.complete(other)

    def _find_parents(self, member: int, now: float) -> bool:
        """Give a member parents; return whether any were found."""
        # The scheduler forgets who has left at its next collection (peer_manager.go RunGC); here it does so at once.
        there = [other for other in range(len(self._parents)) if other not in self._left]
        sample = self._random.choice(len(there), min(SAMPLE, len(there)), replace=False).tolist()
        fit = [
            other
            for other in (there[place] for place in sample)
            if other != member and self._serves(other) and not self._descends(other, member)
        ]
        best = sorted(fit, key=lambda other: -self._score(member, other))[:PARENTS]
        for parent in best:
            if parent not in self.torrent.conns[member]:
                self.torrent.connect(member, parent, (PIECES, 0), now)
                self._parents[member].add(parent)
        return bool(best)

    def _score(self, member: int, other: int) -> float:
        """Return how good a parent is (evaluator_default.go, with what is known of a simulated host)."""
        hosts, rows = self._swarm.hosts, self.torrent.members
        host = rows["host"][other]
        free = 1.0 - float(hosts["used"][host]) / float(hosts["up"][host])
        sending = int(self.torrent.edges["length"][self.torrent.edges["parent"] == other].sum())
        near = rows["zone"][member] >= 0 and rows["zone"][member] == rows["zone"][other]
        return 0.3 * free + 0.12 * (1.0 - min(1.0, sending / SLOTS)) + 0.2 * bool(near) + 0.1 * (other in self._seeds)

    def _descends(self, other: int, member: int) -> bool:
        """Whether ``member`` is among the ancestors of ``other``."""
        todo, seen = [other], {other}
        while todo:
            for parent in self._parents[todo.pop()]:
                if parent == member:
                    return True
                if parent not in seen:
                    seen.add(parent)
                    todo.append(parent)
        return False

    def _part(self, one: int, other: int) -> None:
        """Close the connection of two; one that has lost its last parent looks for others."""
        self.torrent.disconnect(one, other)
        for child, parent in ((one, other), (other, one)):
            if parent in self._parents[child]:
                self._parents[child].discard(parent)
                lost = not self._parents[child] and child in self._waiting and child not in self._sources
                if lost and child not in self._left:
                    self._looks[child] = self._swarm.now, 0

    def _stream(self, now: float) -> None:
        """Let members stream what they have from the front of the blob without a gap."""
        elapsed, self._time = now - self._time, now
        members = list(self._waiting)
        if elapsed <= 0.0 or not members:
            return
        begins = np.concatenate(([0.0], np.cumsum(self.torrent.sizes)))
        front = begins[self.torrent.have[members].argmin(axis=1)]
        for member, there in zip(members, front.tolist(), strict=True):
            self._streamed[member] = min(there, self._streamed[member] + self._loopback * elapsed)

    def _completed(self, member: int) -> None:
        for parent in list(self._parents[member]):
            self.torrent.disconnect(member, parent)
        self._parents[member].clear()
        self._looks.pop(member, None)
        done = self._waiting.pop(member, None)
        if done is not None:
            done()
