"""Break-even: the values of a knob at which a scenario gains by what it has."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

import pullsim
from pullsim.errors import InputError
from pullsim.results import direction
from pullsim.study.break_even import BreakEven, Compared, break_even, cluster_rows, in_clusters, sentence
from pullsim.study.clusters import HALF, MOST
from pullsim.study.estimates import Run
from pullsim.study.even_clusters import gains_in
from pullsim.study.intervals import Interval
from pullsim.study.ranges import parse_range
from tests.support.command import pullsim as command

AGAINST = "registries[r.test].mirrors=[]"
KEYS = ("nodes[n].count", "workloads[a].pods.count")
FREE = {"gzip": "1000GB/s", "perFile": "0s", "perLayer": "0s", "whileDownloading": 1}


def mapping():
    """A registry whose connections have 100 MB/s each, and a mirror that has 1 GB/s for all of them."""
    exact = {"goodput": 1, "roundTrip": "0s", "firstByte": "0s", "head": "0s"}
    mirror = {"host": "m.test", "egress": "1000MB/s", **exact}
    return {
        "name": "even",
        "images": {"define": [{"image": "r.test/a:1", "layers": [{"size": "1GB", "files": 0}]}]},
        "registries": [{"host": "r.test", "perConnection": "100MB/s", **exact, "mirrors": [mirror]}],
        "nodes": [
            {"name": "n", "nic": "100Gbit/s", "unpack": FREE, "disk": {"fsync": "0s"}, "metadata": {"write": "0s"}}
        ],
        "workloads": [{"name": "a", "pods": {"image": "r.test/a:1"}}],
        "placement": "spread",
    }


@pytest.fixture
def scenario():
    return pullsim.from_mapping(mapping())


def test_a_mirror_is_worth_it_until_its_egress_is_shared_by_as_many_as_it_has_connections_of_the_registry(scenario):
    """N GB over 1 GB/s take N s, 1 GB over a connection 10 s: even at 10 nodes."""
    found = break_even(scenario, KEYS, "1..40", AGAINST, objective="pods.start.max", seeds=1)
    assert [(low.number, high.number) for low, high in found.spans] == [(1, 9)]
    nine, ten = (next(each for each in found.tried if each.number == number) for number in (9, 10))
    assert (nine.own.mean, nine.other.mean) == (pytest.approx(9, abs=0.1), pytest.approx(10, abs=0.1))
    assert not ten.gains
    assert sentence(found).startswith(
        f"pods.start.max is lower than with {AGAINST} up to 9 of {KEYS[0]} and {KEYS[1]}: with 9 9."
    )
    assert len(found.tried) <= 11


def test_the_command_line(tmp_path):
    path = tmp_path / "even.json"
    path.write_text(json.dumps(mapping()), encoding="utf-8")
    knobs = [word for key in KEYS for word in ("--knob", key)]
    options = ("--against", AGAINST, "--objective", "pods.start.max", "--seeds", 1, "-j", 1, "-q")
    done = command("solve", path, *knobs, "--range", "9..10", *options)
    assert (done.returncode, done.stderr) == (0, "")
    assert "better by" in done.stdout
    done = command("solve", path, *knobs, "--range", "10..11", *options, "-o", "json")
    made = json.loads(done.stdout)
    assert (done.returncode, made["gains"], [each["value"] for each in made["tried"]]) == (1, [], ["10", "11"])
    done = command("solve", path, *knobs, "--range", "1..2", *options, "--slo", "< 5s")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--slo: does not go with --against" in done.stderr
    done = command("solve", path, *knobs, "--range", "1..2", "--range", "1..2", *options)
    assert "one range is for all knobs" in done.stderr


def test_where_it_gains_in_half_and_in_nine_of_ten_drawn_clusters(tmp_path):
    """A connection of the registry has another rate in each cluster; the mirror is as fast as the node's NIC."""
    path, kept = tmp_path / "even.json", tmp_path / "kept"
    path.write_text(json.dumps({**mapping(), "variation": {"cluster": {"registry": 0.3}}}), encoding="utf-8")
    varied, key, metric = pullsim.load(path), "nodes[n].nic", "pods.start.max"
    asked = {"objective": metric, "seeds": 1, "interval": 10}
    found = break_even(varied, key, "80MB/s..160MB/s", AGAINST, **asked, out=kept)
    drawn = found.clusters
    assert drawn.draws == 10

    def last(number, seed, *more):
        sides = pullsim.override(varied, [f"{key}={found.range.value(number)}", *more])
        return pullsim.summarize(pullsim.run(sides, seed=seed)).pods.start.max

    numbers = [*drawn.gains]
    half, most = (next(number for number in numbers if drawn.gains[number] >= least) for least in (5, 9))
    for edge in (half, most):  # and the value below it, which gains in fewer
        for number in numbers[numbers.index(edge) - 1 :][:2]:
            gains = sum(last(number, seed) <= 0.99 * last(number, seed, AGAINST) for seed in range(10))
            assert gains == drawn.gains[number]
    end = numbers[-1]
    assert numbers[0] < half < most < end
    assert (drawn.spans(HALF), drawn.spans(MOST)) == ([(half, end)], [(most, end)])
    from_half, from_most = map(found.range.value, (half, most))
    assert in_clusters(found) == (
        f" In other clusters (10 draws) it is so in half of them from {from_half} on, and in nine of ten from "
        f"{from_most} on."
    )
    assert in_clusters(replace(found, clusters=None)) == ""

    options = (
        "--range",
        "80MB/s..160MB/s",
        "--against",
        AGAINST,
        "--objective",
        metric,
        "--seeds",
        1,
        "--interval",
        10,
    )
    done = command("solve", path, "--knob", key, *options, "-j", 1, "-q", "-o", "json", "--out", kept, "--resume")
    made = json.loads(done.stdout)
    assert made["clusters"]["nineInTen"] == [{"from": from_most, "to": found.range.value(end)}]
    assert [each["gains"] for each in made["clusters"]["tried"]] == [*drawn.gains.values()]
    assert cluster_rows(found)[numbers.index(most)] == (from_most, f"{drawn.gains[most]} of 10", "half, nine in ten")


def test_what_gains_in_a_cluster():
    def run(value):
        return Run({"pods.start.max": value})

    for own, other, gains in [
        (9.8, 10.0, True),
        (9.95, 10.0, False),
        (10.0, 9.0, False),
        (5.0, math.inf, True),
        (math.inf, 5.0, False),
        (math.inf, math.inf, False),
        (None, 5.0, False),
        (0.0, 0.0, False),
    ]:
        assert gains_in(run(own), run(other), "pods.start.max") is gains, (own, other)


WRONG = [
    ({"against": "registries"}, "--against: is KEY=VALUE"),
    ({"against": f"{KEYS[0]}=3"}, "is the knob"),
    ({"against": "registries[r.test].mirors=[]"}, "mirors"),
    ({"knob": [KEYS[0], KEYS[0]]}, "a knob is given twice"),
    ({"range": "5..1"}, "it ends below its start"),
    ({"range": ""}, "a range is LOW..HIGH"),
    ({"objective": "pulls.total"}, "gets neither better nor worse"),
    ({"objective": "pods.strat.p50"}, "pods.strat.p50"),
    ({"objective": "workloads.b.start.p50"}, "workloads.b"),
]


@pytest.mark.parametrize(("given", "text"), WRONG)
def test_mistakes(scenario, given, text):
    options = {"knob": KEYS[0], "range": "1..2", "against": AGAINST, "seeds": 1, **given}
    with pytest.raises(InputError, match=text):
        break_even(scenario, options.pop("knob"), options.pop("range"), options.pop("against"), **options)


def found(*gains, objective="pods.start.p99"):
    """What was found where the scenario has 10 s, or as many parts more or less than 10 s of the other side."""
    tried = tuple(
        Compared(float(number), Interval(10.0 - part, None, None, 1), Interval(10.0, None, None, 1), gain, part >= 0.1)
        for number, part in enumerate(gains, 1)
        for gain in [Interval(part, None, None, 1)]
    )
    return BreakEven(("n",), parse_range(f"1..{len(gains)}"), ("x=1",), objective, 1, tried)


SENTENCES = [
    (
        (1, 1),
        "For all of 1..2 of n pods.start.p99 is lower than with x=1: with 1 9.00 s against 10.0 s (+10.0%), with 2",
    ),
    (
        (1, 0, 0),
        "pods.start.p99 is lower than with x=1 up to 1 of n: with 1 9.00 s against 10.0 s (+10.0%), with 2 10.0",
    ),
    ((0, 1), "pods.start.p99 is lower than with x=1 from 2 on of n: with 2 9.00 s against 10.0 s (+10.0%)."),
    ((1, 0, 1, 0, 1), "up to 1 and at 3 and from 5 on of n: with 1 9.00 s against 10.0 s (+10.0%), with 2"),
    (
        (0, -1),
        "Nowhere in 1..2 of n is pods.start.p99 by 1% lower than with x=1; nearest is with 1 10.0 s against 10.0 s",
    ),
    ((math.inf, 0), "(the one that comes)"),
]


@pytest.mark.parametrize(("gains", "text"), SENTENCES)
def test_sentences(gains, text):
    assert text in sentence(found(*gains))


def test_more_is_better_of_some_metrics():
    assert direction.direction("pods.perMinute.mean") == direction.DOWN
    assert "is higher than with x=1" in sentence(found(1, 1, objective="pods.perMinute.mean"))
