"""The resources of nodes that the scheduler knows by name."""

from __future__ import annotations

from typing import Final

CPU, MEMORY, STORAGE = "cpu", "memory", "ephemeral-storage"
#: Resources of which a node has no limit where its allocatable does not list them.
UNLIMITED: Final = (CPU, MEMORY, STORAGE)
ANY_IP: Final = "0.0.0.0"  # noqa: S104  # the address of a host port that has none
