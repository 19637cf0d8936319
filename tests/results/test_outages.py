"""Outages: the pods that a fault of a registry hit are those that it delayed, and when the last of them was up."""

from __future__ import annotations

import io
import math

import pytest
from rich.console import Console

from pullsim import charts, from_mapping, run, tables
from pullsim.results import metrics
from pullsim.results.assertions import parse_assertion, with_assertions
from pullsim.results.summary.summary import summarize
from pullsim.results.text import render
from pullsim.results.wording import clock

BEGAN, LASTS = 33.0, 30.0
KINDS = {
    "status": {"status": 503},
    "refused": {"refused": True},
    "unreachable": {"unreachable": True},
    "stall": {"stall": True},
    "slow": {"slow": "1MB/s"},
    "cut": {"cut": {"after": "50%", "reset": True}},
    "by chance": {"status": 503, "probability": 0.5},
}


def scenario(*faults, **more):
    """Twelve pods, one each ten seconds, each on a node of its own that nothing else shares, with two images."""
    return from_mapping(
        {
            "name": "outage",
            "nodes": [{"name": "n", "count": 12, "maxPods": 1, "nic": "100Mbit/s"}],
            "images": {
                "define": [{"image": f"r.example/{name}:v1", "layers": [{"size": "60MB"}]} for name in ("a", "b")]
            },
            "registries": [{"host": "r.example", "faults": list(faults)}],
            "workloads": [
                {
                    "name": name,
                    "pods": {"image": f"r.example/{name}:v1", "count": 6},
                    "at": at,
                    "arrivals": {"every": "20s"},
                }
                for name, at in (("a", "0s"), ("b", "10s"))
            ],
            **more,
        }
    )


def fault(kind="status", **more):
    return {"at": f"{BEGAN}s", "for": f"{LASTS}s", **KINDS[kind], **more}


def starts(result):
    return {row.pod: row.start_seconds for row in result.pods}


def shown(result):
    file = io.StringIO()
    Console(file=file, width=200).print(render(summarize(result)))
    return file.getvalue()


@pytest.fixture(scope="module")
def calm():
    return starts(run(scenario()))


@pytest.mark.parametrize("kind", KINDS)
def test_pods_that_were_hit_are_those_that_were_delayed(kind, calm):
    result = run(scenario(fault(kind)))
    frame = tables.pods(result).set_index("pod")
    delayed = {pod for pod, seconds in starts(result).items() if seconds > calm[pod] + 1e-6}
    (name, outage), *_ = summarize(result).outages.items()
    assert (name, outage.began_at, outage.ended_at) == ("r.example", BEGAN, BEGAN + LASTS)
    assert 0 < len(delayed) < 12
    assert (outage.pods, outage.never) == (len(delayed), 0)
    last = frame.loc[sorted(delayed)].ready_at.max()
    assert outage.last_up_at == pytest.approx(last)
    assert outage.last_up_after == pytest.approx(last - BEGAN - LASTS)


def test_a_pull_that_only_unpacks_when_the_outage_begins_is_not_hit():
    result = run(scenario())
    row = min(result.pulls, key=lambda pull: pull.started)
    (layer,) = [each for each in result.layers if each.pod == row.pod]
    late = (layer.fetched + row.ended) / 2
    outage = summarize(run(scenario({"at": f"{late}s", "for": "1ms", "stall": True}))).outages["r.example"]
    assert (outage.pods, outage.last_up_at, outage.last_up_after) == (0, None, None)
    early = (layer.first_byte + layer.fetched) / 2
    assert summarize(run(scenario({"at": f"{early}s", "for": "1s", "stall": True}))).outages["r.example"].pods == 1


def test_an_outage_of_one_image_and_several_of_a_host():
    first, second = {**fault(), "image": "a:*"}, {"at": "90s", "for": "10s", "status": 503}
    result = run(scenario(first, second, {"at": "0s", "status": 404, "image": "gone:*"}))
    outages = summarize(result).outages
    assert [*outages] == ["r.example#1", "r.example#2"]  # the one without an end is a missing image
    hit = {row.workload for row in result.pods if row.failures and row.created < BEGAN + LASTS}
    assert hit == {"a"}
    assert "Outage      a:* of r.example 00:33-01:03: " in shown(result)


def test_pods_that_never_came_up():
    result = run(scenario(fault(), horizon="65s"))
    outage = summarize(result).outages["r.example"]
    assert 0 < outage.never <= outage.pods
    assert outage.last_up_at == outage.last_up_after == math.inf
    assert f"{outage.pods} pods hit, {outage.never} never up" in shown(result)
    document = summarize(result).to_dict()
    assert document["outages"]["r.example"]["lastUpAfter"] is None
    assert metrics.values(document)["outages.r.example.lastUpAfter"] == math.inf
    held = with_assertions(summarize(result), [parse_assertion("outages.r.example.lastUpAfter < 10m")])
    assert not held.assertions[0].holds
    stuck = summarize(run(scenario({"at": "5s", "for": "100h", "stall": True}, horizon="8s"))).outages["r.example"]
    assert (stuck.pods, stuck.never) == (1, 1)  # its pull is under way, and has no row


def test_what_a_run_says():
    result = run(scenario(fault()))
    outage = summarize(result).outages["r.example"]
    assert f"r.example 00:33-01:03: {outage.pods} pods hit, last one up " in shown(result)
    assert "r.example 10:00-10:01: no pod hit" in shown(
        run(scenario({"at": "10m", "for": "1s", "status": 503}, horizon="11m"))
    )
    assert summarize(run(scenario())).outages == {}
    assert summarize(run(scenario(fault()), detail="pods")).outages == {}
    assert [clock(each) for each in (0, 61, 3599.6, 36_000, 7380)] == [
        "00:00",
        "01:01",
        "1:00:00",
        "10:00:00",
        "2:03:00",
    ]


@pytest.mark.parametrize("plot", [charts.plot_pods_ready, charts.plot_start_rate, charts.plot_pulls])
def test_charts_over_time_shade_it(plot):
    axes = plot(run(scenario(fault(), {"at": "90s", "for": "10s", "status": 503})))
    spans = [patch for patch in axes.patches if patch.get_label() == "outage of r.example"]
    assert len(spans) == 1
    assert not [patch for patch in plot(run(scenario())).patches if "outage" in str(patch.get_label())]
