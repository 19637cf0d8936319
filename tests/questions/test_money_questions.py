"""What pulls cost: sums of the rows of traffic.csv and pods.csv, times the prices."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pandas as pd
import pytest

from tests.support.planner import SCENARIOS, ask, tables

GPUS = SCENARIOS / "gpu-autoscale.yaml"
PRICES = "prices={currency: USD, acceleratorHour: 3.90}"
HOUR = "horizon=50m"
ZONES = {
    "registries[registry.example.com].link": "nat",
    "registries[registry.example.com].zone": "a",
    "nodes[gpu].zones": "[a, b]",
    "prices": "{currency: USD, nat: 0.045/GB, crossZone: 0.02/GB}",
}


def test_what_gpus_cost_that_wait_for_images():
    pods = tables(GPUS, PRICES, HOUR).pods
    held = pods["accelerators"].str.removeprefix("nvidia.com/gpu=").astype(int)
    minutes = ((pods["images_ready_at"] - pods["scheduled_at"]) * held).sum() / 60
    done = ask("run", GPUS, "--set", PRICES, "--set", HOUR, "--detail", "pods")
    assert f"{minutes:,.1f} minutes of {held.sum()} nvidia.com/gpu, whose {len(pods)} pods waited" in done.text
    assert f"USD {minutes / 60 * 3.9:,.2f} for {minutes:,.1f} idle minutes of nvidia.com/gpu" in done.text
    assert f"USD {minutes / 60 * 3.9 * 24 * 60 / 50:,.2f} a day" in done.text
    assert pods["init_s"].mean() == pytest.approx(126)  # which is part of it


def test_what_bytes_cost_through_a_nat_gateway_in_another_zone():
    options = [word for key, value in ZONES.items() for word in ("--set", f"{key}={value}")]
    with tempfile.TemporaryDirectory() as directory:
        done = ask("run", GPUS, *options, "--out", directory, "--no-charts", "-q", "-o", "json", "--set", HOUR)
        traffic = pd.read_csv(Path(directory, "traffic.csv"))
    found = json.loads("\n".join(done.lines))
    crossed = traffic[traffic["cross_zone"]]["bytes"].sum()
    assert 0 < crossed < traffic["bytes"].sum() == sum(each["sent"] for each in found["registries"])
    assert found["costs"]["byClass"] == {
        "nat": pytest.approx(traffic["bytes"].sum() * 0.045e-9, rel=1e-11),
        "crossZone": pytest.approx(crossed * 0.02e-9, rel=1e-11),
    }
    assert found["cost"] == pytest.approx(sum(found["costs"]["byClass"].values()), rel=1e-11)
