"""How nodes and pulls vary: spreads are found again in pulls that were drawn with them."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.fidelity import node_levels
from benchmarks.fidelity.moved_rows import rows
from benchmarks.fidelity.node_levels import LEVELS, Pulls, calibration_pulls, draw
from benchmarks.fidelity.unpacked_ratio import apart, drawn, guessed, ratio_spread

NODES, IMAGES = 40, 8
SPREADS = {"disk": 0.08, "unpack": 0.03, "pull": 0.02}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(node_levels, "BURN", 60)


def made(freedom):
    """Return pulls of one preset, by nodes of one cluster, of images that disk and unpacking bind differently."""
    rng = np.random.default_rng(7)
    node, image = (each.ravel() for each in np.indices((NODES, IMAGES)))
    disk = image / (IMAGES - 1)
    by = np.array([disk, 1 - disk])
    off = rng.normal(size=(2, NODES)) * [[SPREADS["disk"]], [SPREADS["unpack"]]]
    noise = rng.normal(size=len(node)) if freedom is None else rng.standard_t(freedom, len(node))
    late = (by * off[:, node]).sum(axis=0) + SPREADS["pull"] * noise
    return Pulls(late, by, image, node, np.zeros(len(node), dtype=int))


@pytest.mark.parametrize("fixed", [None, 2])
def test_spreads_and_tails_are_found_again(fixed):
    told = draw(made(2), fixed, draws=80)
    for level, spread in SPREADS.items():
        assert next(iter(told.median(level).values())) == pytest.approx(spread, rel=0.3)
    assert 1.5 < np.median(told.freedom) < 2.6


def test_normal_pulls_have_no_tails():
    assert np.median(draw(made(None), draws=80).freedom) > 8


def test_levels_are_of_pulls_that_presets_were_fitted_on():
    pulls = calibration_pulls()
    fitted = sum(row.nodes for row in rows() if row.calibration)
    assert 1500 < len(pulls.late) <= fitted
    assert len(LEVELS) == len(SPREADS)
    assert np.bincount(pulls.image).min() > 1


def test_a_pull_of_known_layers_is_not_moved_by_guesses():
    by_guess = [row.unpacked for row in rows()]
    assert all(row.unpacked == 0 for row in rows() if row.source == "chonks")
    assert max(by_guess) <= ratio_spread()
    assert sum(each > 0.1 for each in by_guess) > 3
    assert guessed({"image": 0}) == []
    assert apart({"image": 0}, 0.9) == 0.0


def test_layers_that_were_told_keep_their_ratio_in_each_draw():
    first, second = drawn(2)
    same = [layer for layer in first if first[layer] == second[layer]]
    assert 0 < len(same) < len(first)
