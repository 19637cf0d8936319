"""Kraken's torrents: the tracker, the connections of its agents, and what they ask of one another."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from pullsim.runtime.peers.swarm.torrent import RANDOM, RAREST, Torrent

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pullsim.spec.peers import KrakenSpec

HANDOUT: Final = 50  # peers that the tracker tells of (trackerserver/config.go)
CONNECTIONS: Final = 10  # of a torrent (connstate/config.go MaxOpenConnectionsPerTorrent)
BLACKLIST: Final = 30.0  # seconds after a refused handshake (connstate/config.go)
PIPELINE: Final = 3  # requests under way to an agent (dispatch/config.go)
ORIGIN_PIPELINE: Final = 5  # and to an origin
ENDGAME: Final = 3  # pieces missing
FIRST_ANNOUNCE: Final = 5.0  # seconds from the first announcement until the next (announcer/announcer.go)
ANNOUNCE: Final = 3.0  # seconds between announcements, one torrent of the agent each (trackerserver/config.go)
TIMEOUT: Final = 4.0  # seconds for each MB of a piece until it is asked for elsewhere, and at least
IDLE: Final = 30.0  # seconds after which a connection without pieces is closed, and between looks for such
_MB: Final = 1 << 20
EXPIRY_CHECK: Final = 1.0  # seconds between looks for requests that have timed out


class PeerInfo(NamedTuple):
    """A member of a torrent, as the tracker knows it (core/peer_info.go)."""

    host: int
    origin: bool
    joined: float  # seconds


class KrakenTorrent:
    """One blob among agents and origins.

    An agent announces itself as it begins, and then every few seconds while it has room for connections. The tracker
    tells it of up to 50 others at random, complete ones first, then origins, then the rest; it connects to them in this
    order, until it has ten connections; a full one refuses, and is not asked again for 30 s. Two that are both complete
    part, and so do two who have given one another nothing for 30 s. Models lib/torrent/scheduler (events.go, connstate,
    dispatch) and tracker of Kraken 2a7fbcb7.
    """

    def __init__(self, spec: KrakenSpec, size: int, random: Any, zone: Callable[[int], int] = lambda _: -1) -> None:
        """``random``: a numpy generator; ``zone`` returns the number of the zone of a host, -1 for none."""
        self._zone = zone
        policy = RAREST if spec.rarest_first else RANDOM
        self.torrent = Torrent(size, spec.piece_size, max(PIPELINE, ORIGIN_PIPELINE), policy, random)
        self.torrent.endgame = ENDGAME
        self.torrent.completed = self._completed
        self._random: Any = random
        self._peers: list[PeerInfo] = []  # by member
        self._origins: list[int] = []
        self._fetching: set[int] = set()  # hosts
        self._left: set[int] = set()  # members that left
        self._waiting: dict[int, Callable[[], None]] = {}  # what to call when a member has all pieces
        self._announce: dict[int, float] = {}  # when a member announces itself next
        self._refused: dict[tuple[int, int], float] = {}  # until when a member is not asked again
        self._timeout: float = max(TIMEOUT, TIMEOUT * spec.piece_size / _MB)
        self._check = EXPIRY_CHECK  # when requests are next looked through
        self._preempt = IDLE  # when idle connections are next closed
        self.busy: Callable[[int], int] = lambda _: 1  # in how many torrents a host has something to fetch

    def fetches(self, host: int) -> bool:
        """Whether a host is in this torrent and waits for pieces."""
        return host in self._fetching

    def join(self, host: int, now: float, done: Callable[[], None] | None, *, origin: bool = False) -> int:
        """Add a host; ``done`` is called when it has all pieces; None: it has them."""
        member = self.torrent.join(host, self._zone(host), complete=done is None)
        self._peers.append(PeerInfo(host, origin, now))
        if origin:
            self._origins.append(member)
        if done is not None:
            self._waiting[member] = done
            self._announce[member] = now
            self._fetching.add(host)
        return member

    def leave(self, member: int) -> None:
        """Take a member away with its connections."""
        self._left.add(member)
        self._waiting.pop(member, None)
        self._announce.pop(member, None)
        self._fetching.discard(self._peers[member].host)
        for other in list(self.torrent.conns[member]):
            self.torrent.disconnect(member, other)

    def idle(self) -> bool:
        """See `Policy`."""
        return not self._waiting

    def maintain(self, now: float) -> float:
        """See `Policy`."""
        announcing = [member for member, at in self._announce.items() if at <= now]
        if announcing:
            self._connect(announcing, now)
        for member in announcing:
            again = FIRST_ANNOUNCE if self._announce[member] == self._peers[member].joined else ANNOUNCE
            self._announce[member] = now + again * max(1, self.busy(self._peers[member].host))
        if now >= self._check:
            self.torrent.expire(now - self._timeout)
            self._check = now + EXPIRY_CHECK
        if now >= self._preempt:
            for pair in self.torrent.idle(now - IDLE):
                self.torrent.disconnect(*pair)
            self._preempt = now + IDLE
        self.torrent.request(now)
        return min(self._announce.values(), default=math.inf)

    def _connect(self, announcing: list[int], now: float) -> None:
        """Let members connect to those whom the tracker tells of, each to one after the other, all side by side."""
        conns = self.torrent.conns
        trying: list[tuple[int, list[int]]] = []
        for member in self._random.permutation(announcing).tolist():
            told = [
                other
                for other in self._handout(member)
                if other not in conns[member] and self._refused.get((member, other), -1.0) <= now
            ]
            if told and len(conns[member]) < CONNECTIONS:
                trying.append((member, told[: CONNECTIONS - len(conns[member])][::-1]))
        while trying:
            for member, told in trying:
                self._handshake(member, told.pop(), now)
            trying = [(member, told) for member, told in trying if told and len(conns[member]) < CONNECTIONS]

    def _handshake(self, member: int, other: int, now: float) -> None:
        """Connect a member to another one, unless that has as many connections as it may have."""
        conns = self.torrent.conns
        if other in conns[member]:  # it has come from the other side meanwhile
            return
        if len(conns[other]) >= CONNECTIONS:
            self._refused[member, other] = now + BLACKLIST
            return
        one, two = (ORIGIN_PIPELINE if self._peers[each].origin else PIPELINE for each in (other, member))
        self.torrent.connect(member, other, (one, two), now)

    def _handout(self, member: int) -> list[int]:
        """Return whom the tracker tells a member of, in the order in which it connects to them."""
        known, torrent = self._peers, self.torrent
        told = self._random.choice(len(known), min(HANDOUT, len(known)), replace=False).tolist()
        peers = [other for other in told if other != member and not known[other].origin and other not in self._left]
        complete = [other for other in peers if torrent.complete(other)]
        others = [other for other in peers if not torrent.complete(other)]
        origins = self._random.permutation(self._origins).tolist()
        return [*complete, *origins, *others][:HANDOUT]

    def _completed(self, member: int) -> None:
        """Part from the others that are complete, and tell who waits."""
        self._announce.pop(member, None)
        self._fetching.discard(self._peers[member].host)
        for other in [each for each in self.torrent.conns[member] if self.torrent.complete(each)]:
            self.torrent.disconnect(member, other)
        done = self._waiting.pop(member, None)
        if done is not None:
            done()
