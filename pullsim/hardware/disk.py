"""A node's disk, as far as pulls use it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pullsim.engine.processor_sharing import ProcessorSharing

if TYPE_CHECKING:
    import simpy


@dataclass(frozen=True, slots=True)
class DiskSpec:
    """Sustained write rate in bytes/s (None: never binds) and seconds that an fsync of a blob takes."""

    write: float | None = None
    fsync: float = 0.0


def disk(env: simpy.Environment, spec: DiskSpec) -> ProcessorSharing | None:
    """Return the disk as a shared server of bytes; None: it never binds."""
    rate = spec.write
    return None if rate is None else ProcessorSharing(env, lambda _jobs: rate)
