"""The question of a page and its answer: who started, who never did and why, what was waited for."""

import re
from dataclasses import replace

import pytest

import pullsim
from pullsim.records import FaultRecord, Rollout
from pullsim.results.page.answer import PLAIN, answer, checks, key_figures, question
from pullsim.results.page.stage_time import stage_time
from pullsim.results.summary.cluster_changes import Churn, PerDay
from pullsim.results.summary.summary import summarize
from pullsim.stages import RESOURCES
from tests.support.records import HOST, make


@pytest.mark.parametrize(
    ("description", "asked"),
    [
        ("", "How long until the pods of shop run, and what do they wait for?"),
        ("A shop. When is it up? It pulls 1.5 GB.", "When is it up?"),
        ("When is it up, and why?  And then\nwhat? Nothing.", "When is it up, and why? And then what?"),
        ("One sentence without end", "How long until the pods of shop run, and what do they wait for?"),
        ("Is 2.5 s enough?", "Is 2.5 s enough?"),
    ],
)
def test_the_question_is_what_the_description_asks(description, asked):
    assert question("shop", description) == asked


def test_each_resource_has_words_for_people_who_do_not_know_kubelets():
    assert set(PLAIN) == {resource.key for resource in RESOURCES}


def test_the_answer_says_who_started_who_never_did_and_what_was_waited_for():
    summary = summarize(make(pods=10, never=2))
    missed, first, never, waited = answer(summary)
    started = summary.pods.start_of_started
    assert missed == f"{summary.pods.missed_deadlines} of 10 pods with a deadline missed it."
    assert first == (
        f"8 of 10 pods started: half of them within {started.p50:.2f} s, the slowest within {started.max:.1f} s."
    )
    assert never == "2 pods of app never started: the registry could not be reached."
    assert re.match(r"\d+ % of the waiting was for ", waited)


def test_what_happened_beside_pulls_comes_first():
    result = make(pods=6)
    result.faults.append(FaultRecord(HOST, 0.5, 2.0, None, {(result.pulls[0].node, result.pulls[0].image): [1.0]}))
    result.rollouts.append(Rollout("default", "web", "Deployment", 1.0, 31.0, 4, 4, 4, 5, 3))
    churn = Churn(1, 2, 0, 0, 0, PerDay(1.0, 2.0, 3e9, 0.25))
    summary = replace(summarize(result), churn=churn)
    after = summary.outages[HOST].last_up_after
    assert answer(summary)[:3] == [
        f"The fault of {HOST} from 0.50 s to 2.00 s hit 1 pod; the last of them was up {after:.2f} s after its end.",
        "The update of web took 30.0 s, with at most 5 pods at a time, and at least 3 available.",
        "1 node left with 2 pods; in a day all nodes download 3 GB, which costs 0.250.",
    ]


@pytest.mark.parametrize(
    ("pods", "never", "first"),
    [(0, 0, "No pod was created."), (1, 1, "The pod did not start."), (3, 3, "No pod started.")],
)
def test_the_answer_of_runs_in_which_nothing_started(pods, never, first):
    assert first in answer(summarize(make(pods=pods, never=never)))


def test_the_latest_workload_is_the_one_whose_half_is_the_latest():
    """Not one of which a few pods were later still, as that is not what is said of it."""
    result = make(pods=12)
    for place, pod in enumerate(result.pods):
        name, took = (("even", 9.0), ("tail", 8.0), ("most", 1.0))[min(place // 3, 2)]
        took = 20.0 if place == 3 else took
        result.pods[place] = pod._replace(workload=name, start_seconds=took, started=pod.created + took)
    assert "The latest was even: half of its 3 pods started within 9.00 s." in answer(summarize(result))


def test_pods_that_nobody_waits_for_any_more_are_not_those_that_never_started():
    result = make(pods=10, never=2)
    result.pods[0] = result.pods[0]._replace(workload="left", ready=None, withdrawn=True)  # it had started
    result.pods[9] = result.pods[9]._replace(workload="left", withdrawn=True)
    image = [pull.image for pull in result.pulls if pull.pod == result.pods[8].pod][-1]
    assert [sentence for sentence in answer(summarize(result)) if "never started" in sentence] == [
        f"1 pod of app never started: the registry could not be reached ({image})."
    ]


def test_conditions_are_judged_at_the_top():
    scenario = pullsim.from_mapping(
        {
            "nodes": [{"name": "node"}],
            "workloads": [{"name": "web", "pods": {"image": "nginx:1.12"}}],
            "assert": ["pods.start.p99 < 1s", "pods.notStarted == 0"],
        }
    )
    from pullsim.results.assertions import scenario_assertions, with_assertions  # noqa: PLC0415

    summary = with_assertions(summarize(pullsim.run(scenario)), scenario_assertions(scenario))
    assert [check.holds for check in checks(summary)] == [False, True]
    assert checks(summary)[1].text == "the number of pods that never started is 0; asked was exactly 0"
    assert {figure.label: figure.value for figure in key_figures(summary)}["pods started"] == "1 of 1"


SIZES = {"small": "1MB", "large": "400MB"}


def test_the_latest_workload_is_one_of_those_that_started_and_each_reason_is_counted():
    document = {
        "images": {
            "define": [{"image": f"r.test/{name}:v1", "layers": [{"size": size}]} for name, size in SIZES.items()],
            "unknown": "notFound",
        },
        "registries": [{"host": "r.test", "perConnection": "20MB/s"}],
        "nodes": [{"name": "n", "count": 2, "allocatable": {"cpu": 8}}],
        "horizon": "10m",
        "workloads": [
            *({"name": name, "pods": {"image": f"r.test/{name}:v1", "count": 2}} for name in SIZES),
            {"name": "none", "pods": {"image": "r.test/none:v1"}},
            {"name": "wide", "pods": {"image": "r.test/small:v1", "requests": {"cpu": 64}, "count": 2}},
        ],
    }
    result = pullsim.run(pullsim.from_mapping(document))
    sentences = " ".join(answer(summarize(result), "pullsim advise s.yaml"))
    assert "Of the workloads whose pods all started the latest was large" in sentences
    assert (
        "3 pods never started. 2 of wide: no node took them (0/2 nodes are available: 2 Insufficient cpu). "
        "1 of none: the image does not exist in its registry (r.test/none:v1)."
    ) in sentences
    assert " `pullsim advise s.yaml` tries what would shorten it." in sentences
    wholes = dict(row[::2] for row in stage_time(result).data["wholes"].rows)
    assert wholes["wide (2)"] == "10 min 00 s, 2 never"
    assert wholes["all pods (7)"].endswith(", 3 never")
    assert wholes["small (2)"].endswith(" s")
    groups = summarize(result).never_started
    assert [(group.workload, group.pods, group.status, group.cause) for group in groups] == [
        ("wide", 2, "Pending", None),
        ("none", 1, "ImagePullBackOff", "notFound"),
    ]
