"""Bytes that are fetched again, and what a day of churn costs: sums of the rows of layers.csv."""

from __future__ import annotations

import json
import re

import pytest

from tests.support.planner import SCENARIOS, ask, tables

ONCE = ("--seeds", 1, "-j", 1, "-q", "-o", "sentence")
THRASH = SCENARIOS / "image-gc-thrash.yaml"
SPOT = SCENARIOS / "spot-churn.yaml"


def refetched(*overrides):
    """Return the bytes of layers that a node had fetched before: everything beyond the first time of each."""
    fetched = tables(THRASH, *overrides).layers.query("downloaded > 0").sort_values("requested_at")
    return int(fetched[fetched.duplicated(["node", "digest"])]["downloaded"].sum())


def test_the_disk_that_ends_the_refetching():
    knob = "nodes[workers].disk.size"
    slo = ("--slo", "housekeeping.refetched == 0")
    done = ask("solve", THRASH, "--knob", knob, "--range", "40GB..60GB", *slo, *ONCE)
    least, below, missed = re.search(r"=(\S+) is the smallest .* With (\S+) it is (\S+ GB)\.", done.text).groups()
    assert refetched(f"{knob}={least}") == 0
    assert f"{refetched(f'{knob}={below}') / 1e9:.1f} GB" == missed


def test_no_threshold_ends_it():
    """With 40 GB it is disk pressure that removes the images, and not the collection."""
    knob, metric = "kubelet.imageGCHighThresholdPercent", "housekeeping.refetched"
    done = ask("sweep", THRASH, "--set", f"{knob}=85,99", "-m", metric, "-o", "json", "--seeds", 1, "-j", 1, "-q")
    found = {row[knob]: row[metric] for row in json.loads("\n".join(done.lines))}
    assert {int(high): amount for high, amount in found.items()} == {85: refetched(), 99: refetched(f"{knob}=99")}
    assert min(found.values()) > 0


def test_what_a_day_of_churn_costs():
    eight = "horizon=8h"
    done = ask("run", SPOT, "--set", eight, "-o", "json")
    found = json.loads("\n".join(done.lines))
    layers = tables(SPOT, eight).layers
    a_day = layers["downloaded"].sum() * 3
    # Bytes sent are those of layers that arrived, of downloads that a leaving node cut, and of manifests.
    assert found["churn"]["perDay"]["downloadedBytes"] == pytest.approx(a_day, rel=0.02)
    (registry,) = found["registries"]
    assert registry["sent"] >= layers["downloaded"].sum()
    assert found["churn"]["perDay"]["cost"] == pytest.approx(3 * registry["sent"] / 1e9 * 0.045)
    assert found["churn"]["perDay"]["cost"] == pytest.approx(a_day / 1e9 * 0.045, rel=0.02)
    assert found["costs"]["perDay"] == pytest.approx(found["churn"]["perDay"]["cost"])
    text = ask("run", SPOT, "--set", eight).text
    assert f"a day, which costs {found['churn']['perDay']['cost']:,.2f}" in text
    assert f"; USD {found['costs']['perDay']:,.2f} a day, at the rate of these 8 h 00 min" in text
