"""Max-min fair rates by progressive filling, for ports of which links limit some transfers, and port or caps others.

A port has transfers over several links, and a link has transfers to several ports, so neither can be solved alone.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from pullsim.network.flows import LESS
from pullsim.network.port_class import Limit, PortClass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pullsim.network.port_class import Bottleneck


class Filled(NamedTuple):
    """The solution for one class: the bytes/s of one transfer, and what limits it, for each of its aggregates."""

    cls: PortClass
    rates: list[float]
    limits: list[Limit]


class _Unfilled:
    """What is left of a port of a class while `fill` gives its transfers their rates."""

    __slots__ = ("capacity", "filled", "kinds", "transfers")

    def __init__(self, cls: PortClass) -> None:
        aggregates = len(cls.aggregates)
        self.filled = Filled(cls, [0.0] * aggregates, [Limit.EGRESS] * aggregates)
        self.capacity = cls.capacity  # bytes/s
        self.transfers = cls.transfers  # those that have no rate yet
        self.kinds = list(range(aggregates))  # indices of the aggregates that have no rate yet

    def give(self, index: int, rate: float, limit: Limit) -> None:
        """Give each transfer of one aggregate its rate in bytes/s."""
        number = self.filled.cls.aggregates[index].number
        self.filled.rates[index] = rate
        self.filled.limits[index] = limit
        self.capacity -= number * rate
        self.transfers -= number
        self.kinds.remove(index)


def fill(
    classes: Iterable[PortClass], bottlenecks: Iterable[Bottleneck]
) -> tuple[dict[Bottleneck, float], list[Filled]]:
    """Return the levels in bytes/s of the links that limit transfers, and the max-min fair rates of the classes.

    The level of a link is the rate of each transfer that the link limits. ``classes`` are the bound ones; the
    ``bottlenecks`` also count the transfers of free classes and the bytes/s of full ones.

    Each round looks at the link with the least equal share for each transfer that has no rate yet. That share can only
    rise when transfers that take less than it are removed. So a transfer that its port or cap limits to less than the
    share has found its rate. If there is no such transfer, all remaining transfers of that link get the share.

    A link whose capacity full classes use up is given the level 0, so that the caller takes these classes for bound
    and calls again.
    """
    levels: dict[Bottleneck, float] = {}
    left: dict[Bottleneck, float] = {}  # bytes/s
    transfers: dict[Bottleneck, int] = {}  # those that have no rate yet
    for bottleneck in bottlenecks:
        capacity = bottleneck.link.capacity
        if bottleneck.transfers and capacity < math.inf:
            left[bottleneck] = capacity - bottleneck.full_rate
            transfers[bottleneck] = bottleneck.transfers
        elif bottleneck.full_rate >= capacity * LESS:
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
                index = item.kinds[0]  # the aggregate with the least cap
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
