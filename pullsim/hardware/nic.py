"""A node's network interface."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NicSpec:
    """Capacity of a node's NIC for incoming bytes, in bytes/s of the wire."""

    rate: float = 10e9 / 8
