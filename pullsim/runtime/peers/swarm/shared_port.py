"""The port of a node's NIC, which the pieces of a swarm share with all else that comes to the node."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from pullsim.network.flows import LESS, Settling

if TYPE_CHECKING:
    from collections.abc import Callable

    from pullsim.network.flows import FlowGroup, Port

#: Transfers that something else than the port limits keep so much of what they take, so that they can take more later.
_ROOM: Final = 1.05


class SharedPort:
    """A port that a host of a swarm shares with the network's transfers. Rates are payload bytes/s of the swarm.

    The swarm fills its links together with these transfers, as far as it knows what else limits them: their own caps.
    Transfers over a link that can bind, such as a registry's egress, count with a twentieth more than they take now
    unless the port is what limits them. So where no such link binds, the shares of the port are max-min fair.
    """

    __slots__ = ("goodput", "port")

    def __init__(self, port: Port, goodput: float) -> None:
        """``goodput``: the part of the port's rate that carries payload."""
        self.port: Final = port
        self.goodput: Final = goodput

    @property
    def matters(self) -> bool:
        """Whether something else comes to the node now, or what comes uses up burst credit.

        It does not where the port has no limit.
        """
        port = self.port
        return port.full_rate < math.inf and (port.transfers > 0 or port.credit is not None)

    @property
    def rate(self) -> float:
        """What comes through the port at most, of pieces and of all else."""
        return self.port.full_rate * self.goodput

    def others(self) -> list[tuple[int, float]]:
        """Return the number of the network's transfers of each kind, and what one of them can take at the most."""
        port = self.port
        if port.component is None or port.dirty:  # they have no rates yet
            return [(len(group.ends), group.cap * self.goodput) for group in port.groups.values() if group.ends]
        rates = port.component.rates(port)
        full = sum(len(group.ends) * rate for group, rate in rates) >= port.capacity * LESS
        most = max(rate for _, rate in rates)
        return [
            (len(group.ends), self.goodput * _most(group, rate, by_port=full and rate >= most * LESS))
            for group, rate in rates
        ]

    def reserve(self, used: float, now: float) -> None:
        """Keep what the swarm uses from the network's transfers."""
        self.port.reserve(used / self.rate, now)

    def watch(self, changed: Callable[[], None]) -> None:
        """Let ``changed`` be called when transfers start or end."""
        self.port.network = _Watched(self.port.network, changed)


class _Watched(Settling):
    """What a port announces its changes to, and somebody else who is told."""

    __slots__ = ("_changed", "_network")

    def __init__(self, network: Settling, changed: Callable[[], None]) -> None:
        self._network: Final = network
        self._changed: Final = changed

    def changed(self, port: Port) -> None:
        """See `Settling`."""
        self._network.changed(port)
        self._changed()


def _most(group: FlowGroup, rate: float, *, by_port: bool) -> float:
    """Return the bytes/s that one transfer of a group, which has this rate, can take at the most."""
    if by_port or all(link.capacity == math.inf for link in group.links):
        return group.cap
    return min(group.cap, _ROOM * rate)
