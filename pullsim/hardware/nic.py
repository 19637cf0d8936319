"""A node's network interface."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pullsim.network.flows import Link, Port
    from pullsim.network.network import Network
    from pullsim.spec.hardware import NicSpec


class Nic:
    """Two links of one rate: what a node sends takes nothing from what it receives.

    A burst rate is that of the incoming direction; the outgoing one has the sustained rate. The outgoing link is made
    when something is sent first: most nodes only receive.
    """

    __slots__ = ("_name", "_network", "_rate", "_up", "down")

    def __init__(self, network: Network, name: str, spec: NicSpec) -> None:
        self.down: Port = network.port(name, spec.rate, spec.burst)
        self._network = network
        self._name = name
        self._rate = spec.rate
        self._up: Link | None = None

    @property
    def up(self) -> Link:
        """The link that everything crosses which the node sends: `Network.transfer((nic.up, …), port, size)`."""
        if self._up is None:
            self._up = self._network.link(f"{self._name} up", self._rate)
        return self._up
