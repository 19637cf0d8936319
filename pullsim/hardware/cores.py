"""The CPU cores that unpack layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pullsim.kernel.processor_sharing import ProcessorSharing

if TYPE_CHECKING:
    import simpy


@dataclass(frozen=True, slots=True)
class CoresSpec:
    """Number of cores, and how much of its speed alone a core keeps when several are busy.

    One busy core works at rate 1; n > 1 busy ones at n * efficiency together (lab: two unpacks run at 1.7 of one).
    """

    count: int = 4
    efficiency: float = 0.85

    def rate(self, jobs: int) -> float:
        """Return the seconds of work done a second for that many jobs, each of which uses one core at the most."""
        busy = min(jobs, self.count)
        return 1.0 if busy == 1 else busy * self.efficiency


def cores(env: simpy.Environment, spec: CoresSpec) -> ProcessorSharing:
    """Return the cores as a shared server of seconds of work."""
    return ProcessorSharing(env, spec.rate)
