"""Transfers over paths of several links: exact max-min sharing where any link may meet any other.

This is the general case: nodes that serve one another, uplinks of zones, many links that can bind. The flow groups of
all ports that are connected through such links are rows of arrays. Each instant in which something changes finds all
rates anew, in O(groups * rounds) with a few vector operations a round. `SingleBottleneck` and `SeveralBottlenecks` cost
far less where each transfer crosses one link on its way to the port, so a mesh has only the ports that these cannot
serve.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from pullsim.network.flows import LESS, REBASE, Component, FlowGroup, Link, Port

if TYPE_CHECKING:
    from pullsim.network.flows import Transfer

_EGRESS, _CONNECTION, _NIC = range(3)
_NOWHERE = 0  # the column that fills a path shorter than the longest: it stands for no link


class Mesh(Component):
    """Max-min sharing over paths: `Port.placed` is the list of the port's groups, `FlowGroup.index` the row of each."""

    def __init__(self) -> None:
        super().__init__(general=True)  # it is `needed_by` ports with transfers over several links
        self._idle_settles = 0  # number of settles since a port last needed it
        self._time = 0.0  # up to which clocks and accounts are advanced
        self._groups: list[FlowGroup | None] = []  # by row; None: the row is free
        self._spare: list[int] = []  # rows without a group
        self._columns: dict[Link | Port, int] = {}  # columns of the links and ports in the arrays below
        self._links: list[Link | None] = [None]  # by column; None: the column is a port's, or free
        self._spare_columns: list[int] = []  # columns without a link or port
        self._capacity: Any = np.full(16, math.inf)  # bytes/s, by column
        self._used: Any = np.zeros(16)  # bytes/s of all transfers by column, as last set in `Link.set_rate`
        self._path: Any = np.zeros(
            (16, 3), dtype=np.intp
        )  # by row, the columns that its transfers cross, the port first
        self._number: Any = np.zeros(16)  # by row, its transfers; 0: the row is free
        self._cap: Any = np.zeros(16)  # by row, bytes/s of one transfer at the most
        self._rate: Any = np.zeros(16)  # by row, bytes/s of one transfer
        self._clock: Any = np.zeros(16)  # by row, bytes that each transfer has received, see `FlowGroup`
        self._end: Any = np.zeros(16)  # by row, the clock at the next end of a transfer
        self._by: Any = np.zeros(16, dtype=np.int8)  # by row, what limits the transfers
        self._connection: Any = np.zeros(16)  # by row, seconds limited by the cap
        self._nic: Any = np.zeros(16)  # by row, seconds limited by the port
        self._ends: Any = np.zeros(0)  # times of the next ends, by row, as of the last settle

    def sync(self, port: Port, now: float) -> None:
        """See `Component`."""
        self._advance(now)
        for group in port.placed:
            row = group.index
            group.clock = float(self._clock[row])
            group.connection = float(self._connection[row])
            group.nic = float(self._nic[row])

    def place(self, port: Port, now: float) -> None:
        """See `Component`."""
        self._advance(now)
        if port in self.ports:
            self._remove(port)
        else:
            self.ports[port] = None
        port.placed = placed = list(port.groups.values())
        self.needed_by += _crosses_links(placed)
        column = self._column(port)
        self._capacity[column] = port.capacity
        for group in placed:
            if group.clock > REBASE:
                group.rebase()
            row = group.index = self._row(group)
            path = [column, *[self._column(link) for link in group.links]]
            if len(path) > self._path.shape[1]:
                more = len(path) - self._path.shape[1]
                self._path = np.pad(self._path, ((0, 0), (0, more)), constant_values=_NOWHERE)
            self._path[row] = _NOWHERE
            self._path[row, : len(path)] = path
            self._number[row] = len(group.ends)
            self._cap[row] = group.cap
            self._rate[row] = 0.0
            self._clock[row] = group.clock
            self._end[row] = group.end
            self._connection[row] = group.connection
            self._nic[row] = group.nic

    def leave(self, port: Port, now: float) -> None:
        """See `Component`."""
        self._advance(now)
        self._remove(port)
        port.placed = None
        del self.ports[port]
        column = self._columns.pop(port)
        self._spare_columns.append(column)

    def settle(self, now: float) -> float:
        """See `Component`."""
        self._advance(now)
        self._idle_settles = 0 if self.needed_by else self._idle_settles + 1
        self.needs_rebase = self._idle_settles > len(self.ports)
        rows = np.flatnonzero(self._number)
        path, number = self._path[rows], self._number[rows]
        rate = fill(path, number, self._cap[rows], self._capacity)
        self._rate[rows] = rate
        used, self._by[rows] = _limits(path, number, rate, self._capacity)
        self._set_link_rates(used, now)
        self._ends = np.full(len(self._number), math.inf)
        clock = self._clock[rows]
        self._ends[rows] = now + np.maximum(self._end[rows] - clock, 0.0) / rate
        self.needs_rebase |= bool((clock > REBASE).any())
        return float(self._ends.min(initial=math.inf))

    def rate(self, port: Port) -> float:
        """See `Component`."""
        rows = [group.index for group in port.placed]
        return float(self._number[rows] @ self._rate[rows])

    def rates(self, port: Port) -> list[tuple[FlowGroup, float]]:
        """See `Component`."""
        return [(group, float(self._rate[group.index])) for group in port.placed]

    def complete(self, now: float, ended: list[Transfer]) -> None:
        """See `Component`."""
        self._advance(now)
        due = (self._number > 0.0) & ((self._ends <= now) | (self._clock >= self._end))
        for row in np.flatnonzero(due).tolist():
            group = self._groups[row]
            assert group is not None
            end = self._end[row]
            self._ends[row] = self._end[row] = math.inf  # no end is known until the port is placed again
            # If the group's first end is another one, the transfer that was due has been cancelled in this instant.
            if group.end == end:
                group.finish(now, ended)

    def _advance(self, now: float) -> None:
        """Bring the clocks and limited seconds of all rows up to ``now``."""
        elapsed = now - self._time
        if elapsed:
            self._time = now
            self._clock += self._rate * elapsed
            self._connection += elapsed * (self._by == _CONNECTION)
            self._nic += elapsed * (self._by == _NIC)

    def _row(self, group: FlowGroup) -> int:
        """Return a free row, assigned to a group; the arrays grow if none is free."""
        if self._spare:
            row = self._spare.pop()
            self._groups[row] = group
            return row
        row = len(self._groups)
        self._groups.append(group)
        if row == len(self._number):
            for name in ("_number", "_cap", "_rate", "_clock", "_end", "_by", "_connection", "_nic"):
                setattr(self, name, np.concatenate((getattr(self, name), np.zeros_like(getattr(self, name)))))
            self._path = np.concatenate((self._path, np.zeros_like(self._path)))
        return row

    def _column(self, what: Link | Port) -> int:
        """Return the column of a link or port, which gets one if it has none."""
        column = self._columns.get(what)
        if column is None:
            link = what if isinstance(what, Link) else None
            if self._spare_columns:
                column = self._spare_columns.pop()
                self._links[column] = link
            else:
                column = len(self._links)
                self._links.append(link)
                if column == len(self._capacity):
                    self._capacity = np.concatenate((self._capacity, np.full(column, math.inf)))
                    self._used = np.concatenate((self._used, np.zeros(column)))
            self._columns[what] = column
            self._capacity[column] = what.capacity
            self._used[column] = 0.0
        return column

    def _remove(self, port: Port) -> None:
        """Free the rows of a port's groups."""
        placed: list[FlowGroup] = port.placed
        self.needed_by -= _crosses_links(placed)
        for group in placed:
            row = group.index
            self._number[row] = self._rate[row] = 0.0
            self._groups[row] = None
            self._spare.append(row)

    def _set_link_rates(self, used: Any, now: float) -> None:
        """Pass the total rates of the links on to `Link.set_rate` where these have changed."""
        for column in np.flatnonzero(used != self._used[: len(used)]).tolist():
            link = self._links[column]
            if link is not None:
                link.set_rate(self, now, float(used[column]))
        self._used[: len(used)] = used


def _crosses_links(placed: list[FlowGroup]) -> bool:
    """Whether a transfer of these groups takes a path of several links."""
    return any(len(group.links) > 1 for group in placed)


def fill(path: Any, number: Any, cap: Any, capacity: Any) -> Any:
    """Return the max-min fair rate of one transfer of each row, in bytes/s.

    ``path`` (rows x longest path) has the columns of ``capacity`` (bytes/s) that each row crosses, ``number`` the
    transfers of each row, and ``cap`` the bytes/s that one of them can take at the most.

    The equal share of a link, its capacity divided by its transfers, can only rise when transfers that take less than
    it are removed. So if a link is the tightest on the way of all its transfers, its share is their rate, whatever else
    limits others. And a transfer whose cap is not above any share on its way has the cap as its rate. Each round finds
    all such transfers at once and removes them with the bytes/s that they take.
    """
    columns = len(capacity)
    rate = np.zeros(len(path))
    left, todo = capacity.copy(), np.arange(len(path))
    crossed = list(np.ascontiguousarray(path.T))  # a place on the way after the other: far faster than by rows
    count = _added([np.bincount(place, number, columns) for place in crossed])
    while len(todo):
        share = np.divide(left, count, out=np.full(columns, math.inf), where=count > 0.0)
        shares = share[crossed[0]]
        for place in crossed[1:]:
            shares = np.minimum(shares, share[place])
        possible = np.minimum(shares, cap)
        least = np.full(columns, math.inf)
        for place in crossed:
            np.minimum.at(least, place, possible)
        tightest = (least >= share * LESS) & (share < math.inf)
        done = cap <= shares
        for place in crossed:
            done |= tightest[place]
        given, amount = possible[done], number[done]
        rate[todo[done]] = given
        ended, used = [place[done] for place in crossed], amount * given
        left -= _added([np.bincount(place, used, columns) for place in ended])
        count -= _added([np.bincount(place, amount, columns) for place in ended])
        kept = ~done
        todo, number, cap = todo[kept], number[kept], cap[kept]
        crossed = [place[kept] for place in crossed]
    return rate


def _added(arrays: list[Any]) -> Any:
    """Return the sum of arrays of equal length, in their order."""
    total = arrays[0]
    for each in arrays[1:]:
        total = total + each
    return total


def _limits(path: Any, number: Any, rate: Any, capacity: Any) -> tuple[Any, Any]:
    """Return the bytes/s that each column carries, and what limits each row.

    A full link or port limits those of its transfers that have the highest rate there. Where several limits are equal,
    links come before the port, and the port before the cap.
    """
    width = path.shape[1]
    used = np.bincount(path.ravel(), np.repeat(number * rate, width), len(capacity))
    most = np.zeros(len(capacity))
    np.maximum.at(most, path, rate[:, np.newaxis])
    limiting = ((used >= capacity * LESS)[path]) & (rate[:, np.newaxis] >= most[path] * LESS)
    by = np.where(limiting[:, 1:].any(axis=1), _EGRESS, np.where(limiting[:, 0], _NIC, _CONNECTION))
    used[_NOWHERE] = 0.0
    return used, by
