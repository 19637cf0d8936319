"""Max-min fair rates by progressive filling, over links whose transfers meet in ports."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from pullsim.network.flows import LESS
from pullsim.network.port_class import Limit, PortClass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pullsim.network.port_class import Bottleneck


class Filled(NamedTuple):
    """The rates of one class: bytes/s of one transfer and its limit, by aggregate."""

    cls: PortClass
    rates: list[float]
    limits: list[Limit]


class _Unfilled:
    """What a port of a class has left in the course of `fill`."""

    __slots__ = ("capacity", "filled", "kinds", "transfers")

    def __init__(self, cls: PortClass) -> None:
        aggregates = len(cls.aggregates)
        self.filled = Filled(cls, [0.0] * aggregates, [Limit.EGRESS] * aggregates)
        self.capacity = cls.capacity  # bytes/s
        self.transfers = cls.transfers  # without a rate
        self.kinds = list(range(aggregates))  # theirs

    def give(self, index: int, rate: float, limit: Limit) -> None:
        """Set the rate of one aggregate."""
        number = self.filled.cls.aggregates[index].number
        self.filled.rates[index] = rate
        self.filled.limits[index] = limit
        self.capacity -= number * rate
        self.transfers -= number
        self.kinds.remove(index)


def fill(
    classes: Iterable[PortClass], bottlenecks: Iterable[Bottleneck]
) -> tuple[dict[Bottleneck, float], list[Filled]]:
    """Return the levels of the links that limit transfers, in bytes/s, and the max-min fair rates of the classes.

    ``bottlenecks`` know of other classes, too: how many transfers the free ones have, and what full ones are given. The
    least equal share of a link only rises while transfers limited to less are taken out. So a transfer that a port or a
    cap limits to less than that share has found its rate; where there is none, all transfers of that link have the
    share. A link that full classes fill by themselves is given a level that none of them is below, so that the caller
    fills them anew.
    """
    levels: dict[Bottleneck, float] = {}
    left: dict[Bottleneck, float] = {}  # bytes/s
    transfers: dict[Bottleneck, int] = {}  # without a rate
    for bottleneck in bottlenecks:
        capacity = bottleneck.link.capacity
        if bottleneck.transfers and capacity < math.inf:
            left[bottleneck] = capacity - bottleneck.given
            transfers[bottleneck] = bottleneck.transfers
        elif bottleneck.given >= capacity * LESS:
            levels[bottleneck] = 0.0
    todo = [_Unfilled(cls) for cls in classes]
    filled = [item.filled for item in todo]
    while True:
        level, lowest = math.inf, None
        for bottleneck, count in transfers.items():
            if count and left[bottleneck] / count < level:
                level, lowest = left[bottleneck] / count, bottleneck
        limited = False
        for item in todo:
            cls = item.filled.cls
            while item.kinds:
                index = item.kinds[0]  # the one of the least cap
                aggregate = cls.aggregates[index]
                share = item.capacity / item.transfers
                rate = min(aggregate.cap, share)
                if rate >= level * LESS:
                    break
                limited = True
                item.give(index, rate, Limit.CONNECTION if aggregate.cap < share * LESS else Limit.NIC)
                if aggregate.bottleneck in left:
                    left[aggregate.bottleneck] -= cls.count * aggregate.number * rate
                    transfers[aggregate.bottleneck] -= cls.count * aggregate.number
        if not limited:
            if lowest is None:
                return levels, filled
            levels[lowest] = level
            transfers[lowest] = 0
            for item in todo:
                aggregates = item.filled.cls.aggregates
                for index in [index for index in item.kinds if aggregates[index].bottleneck is lowest]:
                    item.give(index, level, Limit.EGRESS)
        todo = [item for item in todo if item.kinds]
