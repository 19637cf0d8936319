"""Which timeout is safe: the smallest that a share of the pods meets, counted over the pods of all seeds."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from tests.support.planner import DATA, ask, percentile, starts, tables

OUTAGE = DATA / "outage.yaml"
FAULT = "registries[docker.io].faults=[{at: 3m, for: 4m, status: 503}]"
FOREVER = "registries[docker.io].faults=[{at: 3m, status: 503}]"
SEEDS = 2


def pooled(*overrides):
    """Return the seconds until the start of the pods of all seeds, infinite for those that never started."""
    return pd.concat([starts(tables(OUTAGE, *overrides, f"seed={seed}").pods) for seed in range(SEEDS)])


@pytest.mark.parametrize("share", [0.95, 0.999])
def test_the_smallest_deadline_that_so_many_pods_meet(share):
    options = ("--coverage", f"{share * 100:g}%", "--seeds", SEEDS, "-o", "json", "-j", 1, "-q")
    found = json.loads("\n".join(ask("solve", OUTAGE, "--set", FAULT, *options).lines))
    seconds = pooled(FAULT)
    assert (found["pods"], found["seeds"]) == (len(seconds), SEEDS)
    assert found["deadline"] == pytest.approx(percentile(seconds, share))
    assert (seconds <= found["deadline"] + 1e-6).mean() >= share
    assert (seconds < found["deadline"] - 1e-6).mean() < share  # nothing less is enough


def test_there_is_none_where_too_many_never_start():
    until = "horizon=15m"
    options = ("--set", FOREVER, "--set", until, "--coverage", "99.9%", "--seeds", SEEDS, "-j", 1, "-q")
    never = np.isinf(pooled(FOREVER, until)).sum()
    done = ask("solve", OUTAGE, *options, "-o", "json")
    found = json.loads("\n".join(done.lines))
    assert never > 0.001 * 200
    assert (done.exit_code, found["deadline"], found["never"]) == (1, None, True)
