"""What each benchmark prints beside its time: events, pulls and layers per CPU second."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(name="timed")
def _timed(benchmark: Any) -> Callable[..., None]:
    """Run ``work`` three times, and print what it counts per CPU second of the best."""

    def run(group: str, work: Callable[[], dict[str, int]], rounds: int = 3) -> None:
        benchmark.group = group
        cpu: list[float] = []
        counts: dict[str, int] = {}

        def once() -> None:
            before = time.process_time()
            counts.update(work())
            cpu.append(time.process_time() - before)

        benchmark.pedantic(once, rounds=rounds, warmup_rounds=1)
        best = max(min(cpu), 1e-9)
        benchmark.extra_info.update({f"{name}/s": count / best for name, count in counts.items()})
        rates = ", ".join(f"{count / best:,.0f} {name}" for name, count in counts.items())
        print(f"\n{group}: {rates} per CPU second")

    return run
