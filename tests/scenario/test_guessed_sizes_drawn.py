"""What layers unpack to, as a seed draws it where nobody says it, and pulls that are far off more often."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from pullsim.oci.reference import parse
from pullsim.scenario import from_mapping
from pullsim.spec.draws import pull_factor, student_quantile
from pullsim.spec.variation import NodeVariation

SHARED = {"size": "60MB", "digest": "sha256:" + "a" * 64}
IMAGES = [
    {"image": "ghcr.io/a/b:1", "layers": [SHARED, {"size": "20MB"}, {"size": "10MB", "unpacked": "33MB"}]},
    {"image": "ghcr.io/a/c:1", "layers": [SHARED, {"size": "5MB", "files": 7}]},
    {"image": "ghcr.io/a/d:1", "layers": [{"size": "5MB", "mediaType": "application/vnd.oci.image.layer.v1.tar"}]},
]


def scenario(variation=None, seed=1, **more):
    tree = {"seed": seed, "images": {"define": IMAGES}, "nodes": [{"count": 1}], **more}
    return from_mapping(tree if variation is None else {**tree, "variation": variation})


def layers(of, image):
    return of.build().catalog.lookup(parse(image["image"]), 0.0).manifests[0][1].layers


def test_guessed_layers_are_drawn_and_given_ones_are_not():
    plain, drawn = ([layers(each, image) for image in IMAGES] for each in (scenario(), scenario({"unpacked": 0.3})))
    changed = [
        [new.unpacked != old.unpacked for new, old in zip(*pair, strict=True)]
        for pair in zip(drawn, plain, strict=True)
    ]
    assert changed == [[True, True, False], [True, True], [False]]
    assert drawn[0][0].unpacked == drawn[1][0].unpacked  # one layer, in both images
    assert [layer.digest for layer in drawn[0]] == [layer.digest for layer in plain[0]]
    assert drawn[0][0].files == drawn[0][0].unpacked // 32_000
    assert drawn[1][1].files == 7


def test_what_is_drawn_of_a_layer_goes_by_the_seed_alone():
    variation = {"unpacked": 0.3}
    first = layers(scenario(variation), IMAGES[0])
    assert layers(scenario(variation, nodes=[{"count": 9}]), IMAGES[0]) == first
    assert layers(scenario(variation, seed=2), IMAGES[0]) != first


def test_layers_have_the_spread_that_is_given():
    drawn = [layers(scenario({"unpacked": 0.3}, seed), IMAGES[0])[0].unpacked for seed in range(100)]
    off = np.log(np.array(drawn) / 156e6)
    assert abs(off.mean()) < 0.1
    assert off.std() == pytest.approx(0.3, rel=0.25)


def test_presets_draw_guessed_layers_and_one_image_is_one_object():
    cluster = scenario("preset").build()
    reference = parse(IMAGES[0]["image"])
    assert layers(scenario("preset"), IMAGES[0]) != layers(scenario(), IMAGES[0])
    assert cluster.catalog.lookup(reference, 0.0) is cluster.catalog.lookup(reference, 0.0)


@settings(max_examples=40, deadline=None)
@given(st.floats(1e-9, 1 - 1e-9), st.sampled_from([2, 4]))
@example(0.5, 4)
@example(0.25, 2)
def test_quantiles_of_students_t_are_those_of_scipy(share, freedom):
    assert student_quantile(share, freedom) == pytest.approx(stats.t.ppf(share, freedom), rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("freedom", [None, 2, 4])
def test_pulls_are_off_as_often_as_the_distribution_says(freedom):
    varies = NodeVariation(3, 0.0, 0.0, 0.1, 0.0, freedom)
    drawn = [math.log(pull_factor(varies, f"n-{number}", "i")) / 0.1 for number in range(2000)]
    expected = stats.norm() if freedom is None else stats.t(freedom)
    assert stats.kstest(drawn, expected.cdf).pvalue > 0.01
    assert max(map(abs, drawn)) <= (8.0 if freedom is None else -stats.t.ppf(2.0**-12, freedom) + 1e-3)


def test_degrees_of_freedom_come_to_the_nodes():
    given = scenario({"pull": 0.1, "degreesOfFreedom": {"pull": 4}}).build().nodes[0].spec.varies
    assert given == NodeVariation(1, 0.0, 0.0, 0.1, 0.0, 4)
    assert scenario({"pull": 0.1}).build().nodes[0].spec.varies.pull_freedom is None
    assert scenario("preset").build().nodes[0].spec.varies.pull_freedom == 2


def test_tails_of_what_does_not_vary_are_warned_of():
    told = scenario({"node": {"disk": 0.1}, "degreesOfFreedom": {"pull": 2}}).assemble().warnings
    assert "variation.degreesOfFreedom.pull: pull is 0, so that it is ignored" in told
