"""A node's network interface."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pullsim.network.flows import Link, Port
    from pullsim.network.network import Network
    from pullsim.spec.hardware import NicSpec


class Nic:
    """A network interface: one link for each direction, with rates in bytes/s that are equal unless the spec says not.

    A burst rate applies to the incoming direction alone; the outgoing direction has the sustained rate. The outgoing
    link is made when the node first sends something, as most nodes only receive.
    """

    __slots__ = ("_name", "_network", "_rate", "_up", "down")

    def __init__(self, network: Network, name: str, spec: NicSpec) -> None:
        self.down: Port = network.port(name, spec.rate, spec.burst)
        self._network = network
        self._name = name
        self._rate = spec.rate if spec.uplink is None else spec.uplink
        self._up: Link | None = None

    @property
    def up(self) -> Link:
        """The outgoing link, which is the first of the path of every transfer from the node.

        A transfer is made by ``network.transfer((nic.up, …), port, size)``.
        """
        if self._up is None:
            self._up = self._network.link(f"{self._name} up", self._rate)
        return self._up
