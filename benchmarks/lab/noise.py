"""How much else the machine did while something was measured."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

TICK = 1 / os.sysconf("SC_CLK_TCK")
NOISY = 0.35  # cores used by others
SHORTEST = 0.2  # seconds below which ticks are too coarse to judge


class Usage(NamedTuple):
    """Seconds of processor time so far: of everybody, of the lab's own processes, stolen by the host."""

    busy: float
    own: float
    steal: float

    @classmethod
    def of(cls, pids: Iterable[int]) -> Usage:
        user, nice, system, _idle, _wait, _irq, _softirq, steal, *_ = (
            int(ticks) * TICK for ticks in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
        )
        return cls(user + nice + system, sum(map(_own, {*pids, os.getpid()})), steal)

    def since(self, before: Usage, seconds: float) -> dict:
        """Describe the noise of that many seconds: cores used by others and by the lab, and stolen."""
        own = self.own - before.own
        other = max(0.0, self.busy - before.busy - own)
        return {
            "other_cpu": round(other / seconds, 3),
            "own_cpu": round(own / seconds, 3),
            "steal": round((self.steal - before.steal) / seconds, 3),
        }


def noisy(noise: dict, seconds: float) -> bool:
    """Whether a measurement of that many seconds is not to be trusted."""
    return seconds >= SHORTEST and (noise["other_cpu"] > NOISY or noise["steal"] > 0.08)


def _own(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(int(ticks) for ticks in fields[11:15]) * TICK  # its own and its ended children's
