"""Pulls of present images of 1 to 40 layers, as real containerd made them: see benchmarks/fidelity/present.py."""

from __future__ import annotations

import json

import pytest

from benchmarks.fidelity.present import DATA, predict, write_of
from pullsim.releases.containerd import CONTAINERD, behaviour
from pullsim.releases.release import parse

RUNS = {(run["containerd"], run["store"]): run["pulls"] for run in json.loads(DATA.read_text(encoding="utf-8"))["runs"]}


@pytest.mark.parametrize("version", ["1.6.20", "2.1.9"])
def test_a_present_layer_costs_a_transaction_in_the_releases_that_lease_it(version):
    """A transaction of the database ends with two calls of fdatasync."""
    leases = behaviour(CONTAINERD.resolve(parse(version))).leases_snapshots
    for pull in RUNS[version, "busy disk"]:
        assert pull["syncs"] == (2 * (10 + pull["layers"]) if leases else 2 * 13)


def test_forty_layers_on_a_quiet_disk():
    """32 to 40 ms measured, where one layer takes 11 ms."""
    assert predict(CONTAINERD.resolve((2, 1, 9)), "s40x02", 2.1e-3) == pytest.approx(0.040, abs=0.005)
    assert predict(CONTAINERD.resolve((1, 6, 20)), "s40x02", 2.1e-3) == pytest.approx(0.012, abs=0.001)


def test_leases_bring_pulls_on_a_busy_disk_nearer():
    """The write is told by the image of one layer; a third is missing still, where without leases 45 to 83 % would."""
    first, *others = RUNS["2.1.9", "busy disk"]
    release = CONTAINERD.resolve((2, 1, 9))
    write = write_of(release, first)
    for pull in others:
        predicted, measured = predict(release, pull["image"], write), pull["seconds"][1]
        assert abs(predicted - measured) < 0.35 * measured < measured - first["seconds"][1]
