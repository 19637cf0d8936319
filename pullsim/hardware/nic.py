"""A node's network interface."""

from __future__ import annotations

from dataclasses import dataclass

from pullsim.network.credit import Burst


@dataclass(frozen=True, slots=True)
class NicSpec:
    """Capacity of a node's NIC for incoming bytes, in bytes/s of the wire; sustained, if it has a burst rate."""

    rate: float = 10e9 / 8
    burst: Burst | None = None
