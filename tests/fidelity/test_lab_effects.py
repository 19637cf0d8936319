"""What each mechanism is worth in the lab, as the ratio of two measured cases that differ by it, and in the model.

Finding 8 of the lab (TCP is fair on average only) is left out of the model: bursts of pulls over a link without delay
come out up to a quarter too slow. ``ctr`` (finding 13) is not the CRI.
"""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from benchmarks.fidelity.lab import LAB, predict
from pullsim.releases.containerd import CONTAINERD, behaviour
from pullsim.study.fit import parameters
from pullsim.study.fit.lab import Lab
from tests.support.outcome import layers
from tests.support.world import NEW, OLD, containerd, image, layer, node, run_containerd

FILE = Path(__file__).parent.parent / "data" / "lab" / "measurements.json"
OWN = Lab.read(json.loads(FILE.read_text()), str(FILE))
FRESH = {case.id: case for case in OWN.cases}
FIGURES = {parameter.name: parameter.default for parameter in parameters.LAB}
CASES = {case["id"]: case for case in LAB["cases"]}


class Effect(NamedTuple):
    """A mechanism: the case with it, the one that it is compared with, and how far the model's ratio may be off."""

    name: str
    case: str
    against: str
    off: float = 0.08


EFFECTS = [
    Effect("the link is the limit at 100 Mbit/s", "b-s1x50-100m0ms", "b-s1x50-unm0ms"),
    Effect("unpacking is the limit at 1 Gbit/s", "b-s1x50-1000m0ms", "b-s1x50-unm0ms"),
    Effect("round trips and slow start of one connection", "b-s1x50-400m50ms", "b-s1x50-1000m0ms"),
    Effect("a round trip a layer on kept connections", "b-s20x2-400m50ms", "b-s20x2-400m10ms"),
    Effect("many tiny layers wait for round trips", "b-s40x02-400m50ms", "b-s40x02-400m0ms"),
    Effect("many tiny layers gain from a higher limit", "c-s40x02-400m50ms-mcd10", "b-s40x02-400m50ms", 0.13),
    Effect(
        "all layers at once come later",
        "j-s10x10-400m50ms-mcd10-version2.3.4",
        "j-s10x10-400m50ms-mcd3-version2.3.4",
        0.12,
    ),
    Effect("one layer at a time is hardly slower", "c-s10x10-400m50ms-mcd1", "b-s10x10-400m50ms"),
    Effect("parallel pulls gain from a lower limit", "c-par4-400m50ms-mcd1", "c-par4-400m50ms-mcd3"),
    Effect("a big layer first", "b-bigfirst-400m0ms", "c-biglast-400m0ms-mcd10"),
    Effect("a big layer last", "b-biglast-unm0ms", "b-s5x20-unm0ms"),
    Effect("unpacking in order behind a delayed download", "b-s10x10-400m50ms", "b-s10x10-400m0ms"),
    Effect("incompressible data are cheaper", "a-c50rand-unm0ms", "b-s1x50-unm0ms"),
    Effect("bytes cost uncompressed", "a-c20text-unm0ms", "a-c20one-unm0ms"),
    Effect("unpigz", "k-s1x50-unm0ms-labelpigz", "b-s1x50-unm0ms"),
    Effect("two cores for several pulls", "d-par8-unm0ms", "d-par4-unm0ms"),
    Effect("serial pulls use one core", "e-ser4-unm0ms", "d-par4-unm0ms"),
    Effect("a shared base is pulled once", "e-serbase8-400m0ms", "d-base8-400m0ms"),
    Effect("pulls of a shared base wait for it", "d-base8-400m0ms", "d-base4-400m0ms"),
    Effect("connections share the registry's link", "h-two-s1x50-s10x10-400m0ms", "b-s10x10-400m0ms"),
    Effect("releases unpack at different speeds", "j-s10x10-unm0ms-version2.3.4", "b-s5x20-unm0ms"),
    Effect("a node-wide limit finishes pulls one by one", "j-par8-400m0ms-version2.3.4", "d-par8-400m0ms", 0.25),
    Effect("metadata writes of many tiny layers", "b-s40x02-unm0ms", "b-s20x2-unm0ms", 0.18),
]


@pytest.mark.parametrize("effect", EFFECTS, ids=lambda effect: effect.name)
def test_effect(effect: Effect) -> None:
    case, against = CASES[effect.case], CASES[effect.against]
    measured = case["makespan"][1] / against["makespan"][1]
    assert predict(case) / predict(against) == pytest.approx(measured, rel=effect.off)


@pytest.mark.parametrize(
    "case, against, off",
    [
        ("a-c20small-unm0ms", "a-c20one-unm0ms", 0.15),
        ("d-same2-s5x20-400m0ms", "b-s5x20-unm0ms", 0.08),
        ("d-base4-400m0ms", "e-ser4-400m0ms", 0.15),
    ],
    ids=["files cost, not only bytes", "the same image twice is pulled once", "a shared base against none"],
)
def test_effect_in_the_labs_own_measurements(case: str, against: str, off: float) -> None:
    measured = FRESH[case].seconds / FRESH[against].seconds
    predicted = OWN.predict(FRESH[case], FIGURES) / OWN.predict(FRESH[against], FIGURES)
    assert predicted == pytest.approx(measured, rel=off)


@pytest.mark.parametrize(
    "case", [case for case in CASES.values() if case["mode"] == "repull"], ids=lambda case: case["id"]
)
def test_a_present_image_costs_two_round_trips_and_no_layer(case: dict) -> None:
    round_trips = 2 * case["added_rtt_ms"] / 1e3
    assert predict(case) == pytest.approx(case["makespan"][0], abs=0.025)
    assert 0 < predict(case) - round_trips < 0.020


# What the timelines show, without their noise: layers of a second each, whatever the release.

THREE = [layer(f"l{n}", 1.0, 1.0) for n in range(3)]


@pytest.mark.parametrize("version", [OLD, NEW])
def test_pulls_of_a_shared_base_ask_for_no_layer_until_it_is_unpacked(version: tuple[int, int]) -> None:
    """d-base4: base unpacked at 1.564 s, the others' requests at 1.589 to 1.618 s (finding 4)."""
    base = layer("base", 1.0, 2.0)
    images = {f"{name}:1": image(base, layer(name, 1.0, 0.5)) for name in "abc"}
    result = run_containerd(images, spec=node(containerd(version)))
    unpacked = layers(result, "a")[0].unpack_ended
    assert unpacked is not None
    for name in "bc":
        assert all(row.requested >= unpacked for row in layers(result, name) if row.source != "local")


def test_limit_of_a_pull_or_of_a_node() -> None:
    """8 pulls with limit 3 open 24 connections in 1.6.20; in 2.3.4 they finish one by one (finding 3)."""
    images = {f"{name}:1": image(*(layer(f"{name}{n}", 1.0) for n in range(3))) for name in "abcd"}
    ends = {
        version: sorted(pull.ended for pull in run_containerd(images, spec=node(containerd(version))).pulls)
        for version in (OLD, NEW)
    }
    assert ends[OLD] == pytest.approx([12.0] * 4)
    assert ends[NEW] == pytest.approx([3.0, 6.0, 9.0, 12.0])
    assert not behaviour(CONTAINERD.resolve(OLD)).node_wide_slots


@pytest.mark.parametrize("version", [OLD, NEW])
def test_layers_unpack_strictly_in_order_one_at_a_time(version: tuple[int, int]) -> None:
    rows = layers(run_containerd({"a:1": image(*THREE)}, spec=node(containerd(version))), "a")
    for below, above in pairwise(rows):
        assert below.unpack_ended is not None
        assert above.unpack_started is not None
        assert above.unpack_started >= max(below.unpack_ended, above.committed)


@pytest.mark.parametrize(
    "version, slots, order",
    [(OLD, 3, [2, 0, 1, 3, 4]), (OLD, 10, [4, 0, 1, 2, 3]), (NEW, 3, [4, 0, 1, 2, 3])],
    ids=["1.6, limit 3", "1.6, limit 10", "2.x, limit 3"],
)
def test_layer_start_order(version: tuple[int, int], slots: int, order: list[int]) -> None:
    """1.6.20: 2, 0, 1, then 3, 4, …; 2.3.4: the last layer goes first (finding 6)."""
    content = [layer(f"l{n}", 1.0) for n in range(5)]
    result = run_containerd({"a:1": image(*content)}, spec=node(containerd(version, slots)))
    asked = sorted(layers(result, "a"), key=lambda row: (row.requested, order.index(row.position)))
    assert [row.position for row in asked] == order
