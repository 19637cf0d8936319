"""The spreads that a fit tells: what pulls of one image differ by, between nodes and from pull to pull."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pullsim.scenario import from_mapping
from pullsim.study.fit import fit
from pullsim.study.fit.spreads import spreads


def drawn(node, pull, nodes=40, images=8, seed=1):
    """Pulls of images on all nodes, whose logarithms differ by these standard deviations and by image."""
    rng = np.random.default_rng(seed)
    slow = rng.normal(0, node, nodes)
    return [
        (f"i{image}", f"n{number}", 0.3 * image + float(slow[number]) + float(rng.normal(0, pull)))
        for image in range(images)
        for number in range(nodes)
    ]


@pytest.mark.parametrize(("node", "pull"), [(0.1, 0.05), (0.0, 0.08), (0.05, 0.05)])
def test_both_parts_are_found(node, pull):
    found = spreads(drawn(node, pull))
    assert found.pull == pytest.approx(pull, rel=0.15)
    assert found.node == pytest.approx(node, rel=0.25, abs=0.02)
    assert (found.pulls, found.nodes) == (320, 40)


def test_far_pulls_count_as_three_standard_deviations():
    usual = drawn(0.0, 0.05)
    far = [(image, node, off + 5.0 * (number == 7)) for number, (image, node, off) in enumerate(usual)]
    assert spreads(far).pull == pytest.approx(spreads(usual).pull, rel=0.1)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.sampled_from([0.0, 0.1])), max_size=30))
def test_few_and_equal_pulls_give_numbers_or_nothing(pulls):
    found = spreads(pulls)
    assert found is None or (found.node >= 0 and found.pull >= 0 and math.isfinite(found.node + found.pull))


def test_images_that_differ_tell_no_spread():
    assert spreads([(f"i{number}", "n", float(number)) for number in range(50)]) is None


def test_a_fit_writes_them_into_its_preset_and_says_how_many_pulls_are_missing(tmp_path):
    rng = np.random.default_rng(3)
    rows = ["image,pull_s,size_bytes,node"]
    for size in (50e6, 100e6, 200e6, 400e6):
        rows += [
            f"r.test/s{size:.0f}:1,{(1 + size / 40e6) * math.exp(rng.normal(0, 0.06)):.3f},{size:.0f},n{number}"
            for number in range(12)
        ]
    (tmp_path / "pulls.csv").write_text("\n".join(rows) + "\n")
    found = fit(tmp_path / "pulls.csv")
    assert found.spreads.pull == pytest.approx(0.06, rel=0.35)
    assert any("144 more pulls like these would halve the intervals" in note for note in found.notes)
    (tmp_path / "mine.yaml").write_text(found.preset())
    tree = {"nodes": [{"preset": "mine.yaml"}], "registries": [{"host": "r.test"}], "variation": "preset"}
    made = from_mapping(tree, directory=tmp_path)
    assert made.nodes[0].variation.clusters == 1
    assert made.nodes[0].variation.rows == 48
    assert made.nodes[0].variation.pull == pytest.approx(found.spreads.pull / 0.71, abs=1e-3)
    assert made.nodes[0].variation.cluster.registry > 0
    made.build()
