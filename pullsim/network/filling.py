"""Max-min fair rates by progressive filling, over links whose transfers meet in ports."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from pullsim.network.flows import LESS
from pullsim.network.strand import Class, Limit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pullsim.network.strand import Root


class Filled(NamedTuple):
    """The rates of one class: bytes/s of one transfer and its limit, by strand."""

    cls: Class
    rates: list[float]
    limits: list[Limit]


class _Unfilled:
    """What a port of a class has left in the course of `fill`."""

    __slots__ = ("capacity", "filled", "kinds", "transfers")

    def __init__(self, cls: Class) -> None:
        strands = len(cls.strands)
        self.filled = Filled(cls, [0.0] * strands, [Limit.EGRESS] * strands)
        self.capacity = cls.capacity  # bytes/s
        self.transfers = cls.transfers  # without a rate
        self.kinds = list(range(strands))  # theirs

    def give(self, index: int, rate: float, limit: Limit) -> None:
        """Set the rate of one strand."""
        number = self.filled.cls.strands[index].number
        self.filled.rates[index] = rate
        self.filled.limits[index] = limit
        self.capacity -= number * rate
        self.transfers -= number
        self.kinds.remove(index)


def fill(classes: Iterable[Class], roots: Iterable[Root]) -> tuple[dict[Root, float], list[Filled]]:
    """Return the levels of the links that limit transfers, in bytes/s, and the max-min fair rates of the classes.

    ``roots`` know of other classes, too: of their free transfers, and what full ones are given. The least equal share
    of a link only rises while transfers limited to less are taken out. So whatever a port or a cap limits below it has
    its rate; if there is none, the transfers of that link have theirs. A link that full classes
    fill, or more than that, has a level that none of them is below: they have to be filled anew.
    """
    levels: dict[Root, float] = {}
    left: dict[Root, float] = {}  # bytes/s
    transfers: dict[Root, int] = {}  # without a rate
    for root in roots:
        capacity = root.link.capacity
        if root.transfers and capacity < math.inf:
            left[root] = capacity - root.given
            transfers[root] = root.transfers
        elif root.given >= capacity * LESS:
            levels[root] = 0.0
    todo = [_Unfilled(cls) for cls in classes]
    filled = [item.filled for item in todo]
    while True:
        level, lowest = math.inf, None
        for root, count in transfers.items():
            if count and left[root] / count < level:
                level, lowest = left[root] / count, root
        limited = False
        for item in todo:
            cls = item.filled.cls
            while item.kinds:
                index = item.kinds[0]  # the one of the least cap
                strand = cls.strands[index]
                share = item.capacity / item.transfers
                rate = min(strand.cap, share)
                if rate >= level * LESS:
                    break
                limited = True
                item.give(index, rate, Limit.CONNECTION if strand.cap < share * LESS else Limit.NIC)
                if strand.root in left:
                    left[strand.root] -= cls.count * strand.number * rate
                    transfers[strand.root] -= cls.count * strand.number
        if not limited:
            if lowest is None:
                return levels, filled
            levels[lowest] = level
            transfers[lowest] = 0
            for item in todo:
                strands = item.filled.cls.strands
                for index in [index for index in item.kinds if strands[index].root is lowest]:
                    item.give(index, level, Limit.EGRESS)
        todo = [item for item in todo if item.kinds]
