"""The pieces of one blob, who has them, and over which connections they are asked for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pullsim.runtime.peers.swarm.table import Table, doubled

if TYPE_CHECKING:
    from collections.abc import Callable

#: In which order a member asks another one for pieces: those that fewest of the others have, any, or from the front.
RAREST, RANDOM, FRONT = "rarest", "random", "front"
_NONE: Final = -1
_ROUNDING: Final = 1e-6  # bytes


class Torrent:
    """A blob in pieces. Members are rows, connections two edges each: one for what either side asks of the other.

    Over an edge up to `limit` pieces are asked for at a time, which come one after the other: the edge is one flow as
    long as it has any. A piece that has come is there for all others from then on.
    """

    def __init__(self, size: int, piece: int, depth: int, policy: str, random: Any) -> None:
        """``depth``: most pieces that are asked for over an edge; ``random``: a numpy generator."""
        self.pieces: int = max(1, math.ceil(size / piece))
        self.sizes: Any = np.full(self.pieces, float(piece))
        self.sizes[-1] = size - piece * (self.pieces - 1)
        self.policy: str = policy
        self.endgame = 0  # missing pieces at which those under way are asked for once more; 0: never
        self.completed: Callable[[int], None] | None = None  # is called with each member that has all pieces
        self.conns: list[dict[int, tuple[int, int]]] = []  # by member: the edges from and to each other one
        self._random: Any = random
        self._depth: int = depth
        self.members: Table = Table(
            dict.fromkeys(("host", "zone", "missing", "need", "sent", "received", "across"), np.int64)
        )
        self.have: Any = np.zeros((16, self.pieces), dtype=bool)
        self.wanted: Any = np.zeros((16, self.pieces), dtype=bool)  # there or asked for
        self.known: Any = np.zeros((16, self.pieces), dtype=np.int32)  # how many of its others have a piece
        self.edges: Table = Table(
            {
                "child": np.int64,
                "parent": np.int64,
                "length": np.int64,
                "limit": np.int64,
                "rest": np.float64,
                "rate": np.float64,
                "used": np.float64,
            }
        )
        self.queue: Any = np.full((16, depth), _NONE, dtype=np.int64)
        self.asked: Any = np.zeros((16, depth))  # when each was asked for
        self._free: list[int] = []  # edges that are closed
        self._by_parent: tuple[Any, Any] | None = None  # the edges in order of their parents, and where each begins
        self._asked_all = False  # nothing has happened since all was asked for that can be

    def join(self, host: int, zone: int, *, complete: bool = False) -> int:
        """Add a member on a host in a zone (-1: none), with all pieces or none; return its number."""
        member = self.members.add()
        if member == len(self.have):
            self.have, self.wanted, self.known = map(doubled, (self.have, self.wanted, self.known))
        rows = self.members
        rows["host"][member], rows["zone"][member] = host, zone
        rows["missing"][member] = rows["need"][member] = 0 if complete else self.pieces
        self.have[member] = self.wanted[member] = complete
        self.conns.append({})
        self._by_parent = None
        return member

    def complete(self, member: int) -> bool:
        """Whether a member has all pieces."""
        return bool(self.members["missing"][member] == 0)

    def connect(self, one: int, other: int, limits: tuple[int, int], now: float) -> None:
        """Connect two members; ``limits``: most pieces that the first and the second one ask for at a time."""
        edges = self._edge(one, other, limits[0]), self._edge(other, one, limits[1])
        self.edges["used"][list(edges)] = now
        self.conns[one][other] = edges
        self.conns[other][one] = edges[1], edges[0]
        self.known[one] += self.have[other]
        self.known[other] += self.have[one]
        self._by_parent = None
        self._asked_all = False

    def disconnect(self, one: int, other: int) -> None:
        """Close the connection of two members; what is under way over it is lost and can be asked for elsewhere."""
        for edge in self.conns[one].pop(other):
            self._drop(edge)
            self.edges["limit"][edge] = 0
            self._free.append(edge)
        del self.conns[other][one]
        self.known[one] -= self.have[other]
        self.known[other] -= self.have[one]
        self._by_parent = None

    def give(self, member: int, piece: int) -> None:
        """Give a member a piece from elsewhere."""
        self._arrive(np.array([member]), np.array([piece]))

    def claim(self, member: int) -> int:
        """Take the first piece that a member has not asked for, to get it elsewhere; -1: there is none."""
        if not self.members["need"][member]:
            return _NONE
        piece = int(np.argmin(self.wanted[member]))
        self._want(np.array([member]), np.array([piece]))
        return piece

    def disclaim(self, member: int, piece: int) -> None:
        """Give up a piece that was claimed."""
        if not self.have[member, piece]:
            self.wanted[member, piece] = False
            self.members["need"][member] += 1
            self._asked_all = False

    def active(self) -> Any:
        """Return the edges with something under way."""
        return np.flatnonzero(self.edges["length"] > 0)

    def advance(self, edges: Any, elapsed: float, now: float) -> None:
        """Let bytes come over the edges, which have had their rates for ``elapsed`` seconds, up to ``now``."""
        rest, length = self.edges["rest"], self.edges["length"]
        edges = edges[length[edges] > 0]  # a member may have left since they got their rates
        rest[edges] -= self.edges["rate"][edges] * elapsed
        done = edges[rest[edges] <= _ROUNDING]
        self._asked_all = self._asked_all and not len(done)
        while len(done):
            self.edges["used"][done] = now
            children, pieces = self.edges["child"][done], self.queue[done, 0]
            self._count(children, self.edges["parent"][done], self.sizes[pieces].astype(np.int64))
            self.queue[done, :-1] = self.queue[done, 1:]
            self.queue[done, -1] = _NONE
            self.asked[done, :-1] = self.asked[done, 1:]
            length[done] -= 1
            more = done[length[done] > 0]
            rest[more] += self.sizes[self.queue[more, 0]]
            self._arrive(children, pieces)
            more = more[length[more] > 0]  # a piece that came twice is withdrawn
            done = more[rest[more] <= _ROUNDING]

    def request(self, now: float, most: int = 0) -> None:
        """Ask for pieces over all edges that have room, one for each member after the other.

        ``most``: pieces that one member has under way at a time; 0: no limit but those of its edges.
        """
        if self._asked_all:
            return
        self._asked_all = True
        child, parent = self.edges["child"], self.edges["parent"]
        rows = self._with_room(np.arange(len(child)), most)
        while len(rows):
            rows = rows[(self.have[parent[rows]] & ~self.wanted[child[rows]]).any(axis=1)]
            if not len(rows):
                break
            shuffled = self._random.permutation(rows)
            _, first = np.unique(child[shuffled], return_index=True)
            chosen = shuffled[first]
            self._ask(chosen, self._choose(chosen), now)
            rows = self._with_room(rows, most)
        if self.endgame:
            self._ask_again(now)

    def expire(self, before: float) -> None:
        """Withdraw what was asked for before a time, so that it is asked for elsewhere."""
        late = (self.queue != _NONE) & (self.asked[: len(self.queue)] < before)
        for edge in np.flatnonzero(late[: len(self.edges)].any(axis=1)).tolist():
            self._drop(edge)

    def _count(self, children: Any, parents: Any, sizes: Any) -> None:
        """Count the bytes of pieces that have come, those that came twice too."""
        members = self.members
        np.add.at(members["sent"], parents, sizes)
        np.add.at(members["received"], children, sizes)
        zones = members["zone"]
        far = (zones[children] >= 0) & (zones[parents] >= 0) & (zones[children] != zones[parents])
        np.add.at(members["across"], children[far], sizes[far])

    def idle(self, since: float) -> list[tuple[int, int]]:
        """Return the connections over which no piece has come after ``since``."""
        used = self.edges["used"]
        return [
            (one, other)
            for one, others in enumerate(self.conns)
            for other, (there, back) in others.items()
            if one < other and max(used[there], used[back]) <= since
        ]

    def _with_room(self, rows: Any, most: int) -> Any:
        edges, members = self.edges, self.members
        child = edges["child"][rows]
        room = (edges["length"][rows] < edges["limit"][rows]) & (members["need"][child] > 0)
        if most:
            room &= members["missing"][child] - members["need"][child] < most
        return rows[room]

    def _choose(self, rows: Any) -> Any:
        """Return a piece for each edge that its parent has and its child neither has nor has asked for."""
        child = self.edges["child"][rows]
        possible = self.have[self.edges["parent"][rows]] & ~self.wanted[child]
        if self.policy == FRONT:
            return possible.argmax(axis=1)
        score = self._random.integers(0, 256, possible.shape, dtype=np.uint8).astype(np.int32)
        if self.policy == RAREST:
            score += self.known[child] << 8
        score[~possible] = np.iinfo(np.int32).max
        return score.argmin(axis=1)

    def _ask(self, rows: Any, pieces: Any, now: float) -> None:
        edges = self.edges
        place = edges["length"][rows]
        self.queue[rows, place] = pieces
        self.asked[rows, place] = now
        begins = place == 0
        edges["rest"][rows[begins]] = self.sizes[pieces[begins]]
        edges["length"][rows] += 1
        self._want(edges["child"][rows], pieces)

    def _want(self, children: Any, pieces: Any) -> None:
        new = ~self.wanted[children, pieces]
        self.wanted[children, pieces] = True
        np.subtract.at(self.members["need"], children[new], 1)

    def _ask_again(self, now: float) -> None:
        """Ask others too for the last pieces that are under way (endgame)."""
        members, edges = self.members, self.edges
        last = (members["missing"] > 0) & (members["missing"] <= self.endgame) & (members["need"] == 0)
        child, length = edges["child"], edges["length"]
        rows = np.flatnonzero(last[child] & (length < edges["limit"]))
        # What is under way over an edge is missing to its child, so that more of that can be asked for if it is less.
        missing = (self.have[edges["parent"][rows]] & ~self.have[child[rows]]).sum(axis=1)
        open_ = dict.fromkeys(rows[missing > length[rows]].tolist())
        for member in np.unique(child[list(open_)]).tolist() if open_ else ():
            under_way = np.flatnonzero(~self.have[member])
            for other, (edge, _) in self.conns[member].items():
                if edge in open_:
                    asked = self.queue[edge, : length[edge]]
                    for piece in under_way[self.have[other, under_way]].tolist():
                        if piece not in asked and length[edge] < edges["limit"][edge]:
                            self._ask(np.array([edge]), np.array([piece]), now)

    def _arrive(self, children: Any, pieces: Any) -> None:
        """Note pieces that have come; one that came twice counts once."""
        new = ~self.have[children, pieces]
        children, pieces = children[new], pieces[new]
        if len(children) > 1:
            keys = np.unique(children * self.pieces + pieces)
            children, pieces = keys // self.pieces, keys % self.pieces
        members = self.members
        self._asked_all = False
        self.have[children, pieces] = True
        if not self.wanted[children, pieces].all():
            self._want(children, pieces)
        np.subtract.at(members["missing"], children, 1)
        order, begins = self._edges_by_parent()
        counts = begins[children + 1] - begins[children]
        offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        edges = order[np.repeat(begins[children], counts) + offsets]
        np.add.at(self.known, (self.edges["child"][edges], np.repeat(pieces, counts)), 1)
        if self.endgame:
            for member, piece in zip(children.tolist(), pieces.tolist(), strict=True):
                if members["missing"][member] < self.endgame:
                    self._withdraw(member, piece)
        if self.completed is not None:
            for member in np.unique(children[members["missing"][children] == 0]).tolist():
                self.completed(member)

    def _withdraw(self, member: int, piece: int) -> None:
        """Cancel what was asked for twice, when it has come."""
        for edge, _ in self.conns[member].values():
            places = np.flatnonzero(self.queue[edge] == piece)
            for place in places.tolist():
                self._remove(edge, place)

    def _remove(self, edge: int, place: int) -> None:
        """Take one request off an edge."""
        queue, asked = self.queue[edge], self.asked[edge]
        queue[place:-1] = queue[place + 1 :]
        asked[place:-1] = asked[place + 1 :]
        queue[-1] = _NONE
        self.edges["length"][edge] -= 1
        if place == 0:
            self.edges["rest"][edge] = self.sizes[queue[0]] if queue[0] != _NONE else 0.0

    def _drop(self, edge: int) -> None:
        """Take all requests off an edge."""
        child = int(self.edges["child"][edge])
        for piece in self.queue[edge, : self.edges["length"][edge]].tolist():
            others = (self.queue[other] for other, _ in self.conns[child].values() if other != edge)
            if not self.have[child, piece] and not any(piece in queue for queue in others):
                self.disclaim(child, piece)
        self.queue[edge] = _NONE
        self._asked_all = False
        self.edges["length"][edge] = 0
        self.edges["rest"][edge] = self.edges["rate"][edge] = 0.0

    def _edge(self, child: int, parent: int, limit: int) -> int:
        if self._free:
            edge = self._free.pop()
        else:
            edge = self.edges.add()
            if edge == len(self.queue):
                self.queue, self.asked = doubled(self.queue, _NONE), doubled(self.asked)
        edges = self.edges
        edges["child"][edge], edges["parent"][edge], edges["limit"][edge] = child, parent, limit
        return edge

    def _edges_by_parent(self) -> tuple[Any, Any]:
        if self._by_parent is None:
            open_ = np.flatnonzero(self.edges["limit"] > 0)
            parent = self.edges["parent"][open_]
            order = open_[np.argsort(parent, kind="stable")]
            begins = np.searchsorted(np.sort(parent), np.arange(len(self.members) + 1))
            self._by_parent = order, begins
        return self._by_parent
