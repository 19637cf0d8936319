"""Steps of a swarm beside one in which each piece is an event: p50, p99 and the last host differ by a few percent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.fidelity.levers.kraken import SPEC
from benchmarks.speed.swarms import ends
from benchmarks.workloads.swarm import kraken


def errors(hosts, size, blobs):
    exact, steps = (ends(kraken(hosts, replace(SPEC, tick=tick), size, blobs)) for tick in (0.0, SPEC.tick))
    return [found / true - 1 for true, found in zip(exact, steps, strict=True)]


def test_ten_hosts():
    assert errors(10, 200_000_000, 2) == pytest.approx([0.0, 0.0, 0.0], abs=0.05)


@pytest.mark.long
def test_fifty_hosts():
    assert errors(50, 500_000_000, 5) == pytest.approx([0.0, 0.0, 0.0], abs=0.05)
