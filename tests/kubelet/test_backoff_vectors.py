"""The vectors of back-off and cadence (tests/data/vectors/backoff_sequence.json).

Its worked timeline is tested in tests/kubelet/test_backoff_timeline.py.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pullsim.kubelet.cadence import MinimalCadence, Requeue
from pullsim.kubelet.images.backoff import Backoff
from pullsim.kubelet.pod_status import PodStatus
from pullsim.spec.cadence import Interval, LoopSpec
from pullsim.spec.pod import Pod, PodSpec
from pullsim.spec.runtime import FixedImage
from tests.support.image_gc import Watcher
from tests.support.steps import PARALLEL, SERIAL, failing, pod, watch

DATA = json.loads((Path(__file__).parents[1] / "data/vectors/backoff_sequence.json").read_text())
UNITS = {vector["name"]: vector for vector in DATA["unit_vectors"]}
RULES, CADENCE = DATA["image_pull_backoff"], DATA["pod_worker_cadence"]
S = 10**9


def test_all_vectors_are_tested_here():
    assert set(UNITS) == {"plain", "expiry", "check_edges", "image_manager_test typo_image", "image_manager_test qps"}


def remaining(backoff, key, now):
    """The back-off after a failure at `now`: how long the key is in back-off."""
    low, high = 0, 10_000 * S
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if backoff.active(key, now + middle) else (low, middle)
    return high


@pytest.mark.parametrize("name", ["plain", "expiry"])
def test_back_off_after_each_failure(name):
    vector = UNITS[name]
    backoff = Backoff(vector["initial_s"] * S, vector["max_s"] * S)
    found = []
    for at in vector["failures_at_s"]:
        backoff.next("key", at * S)
        found.append(remaining(backoff, "key", at * S) / S)
    assert found == vector["backoff_after_each_s"]


def test_edges_of_the_window():
    vector = UNITS["check_edges"]
    backoff = Backoff(vector["initial_s"] * S, vector["max_s"] * S)
    backoff.next("key", vector["failure_at_s"] * S)
    for check in vector["checks"]:
        assert backoff.active("key", round(check["at_s"] * S)) is check["in_backoff"], check


def test_the_sequence():
    backoff, at, found = Backoff(RULES["initial_s"] * S, RULES["max_s"] * S), 0, []
    for _ in RULES["sequence_s"]:
        backoff.next("key", at)
        found.append(remaining(backoff, "key", at) // S)
        at += found[-1] * S
    assert found == RULES["sequence_s"]
    assert LoopSpec().backoff_initial == RULES["initial_s"]
    assert LoopSpec().backoff_max == RULES["max_s"]


@pytest.mark.parametrize("puller", [SERIAL, PARALLEL], ids=["serial", "parallel"])
def test_typo_image(monkeypatch, puller):
    vector = UNITS["image_manager_test typo_image"]
    every, count = float(vector["step_s"]), len(vector["results_per_step"])
    wanted = [pod("p", "typo:1", policy="Always"), pod("later", "other:1", at=count * every)]
    found, result = watch(
        monkeypatch,
        wanted,
        {"typo:1": failing(), "other:1": FixedImage(1.0)},
        kubelet={**puller, "registryPullQPS": 0},
        every=every,
        initial=float(vector["initial_s"]),
        cap=float(vector["max_s"]),
        horizon=count * every - 0.5,
    )
    assert [step.reason for step in found] == vector["results_per_step"]
    for step, reasons in zip(found, vector["events_per_step"], strict=True):
        emitted = [event.reason for event in result.events if event.t == step.at]
        assert emitted == [*reasons, "Failed"]  # the second one is startContainer's


def test_qps(monkeypatch):
    """A burst of 0 is 10 for a kubelet; one pull with its only token first stands for it."""
    vector = UNITS["image_manager_test qps"]
    steps = len(vector["results_per_step"])
    taker = pod("o", "other:1")
    found, _ = watch(
        monkeypatch,
        [taker, *(pod(f"o{n}", "other:1", at=float(n)) for n in range(1, steps)), pod("p", "app:1", policy="Always")],
        {"app:1": FixedImage(0.0), "other:1": FixedImage(5.0)},
        kubelet={**PARALLEL, "registryPullQPS": 1, "registryBurst": 1},
        every=float(vector["step_s"]),
        initial=float(vector["initial_s"]),
        cap=float(vector["max_s"]),
        horizon=steps - 0.5,
    )
    found = [step for step in found if step.pod == "p"]
    assert [step.reason for step in found] == vector["results_per_step"]
    assert sum(len(step.calls) for step in found) == vector["cri_pull_calls"]
    assert all("pull QPS exceeded" in step.message for step in found)


POD = PodStatus(Pod("p", "default", "w", PodSpec(())), 0.0, Watcher())


class Drawn:
    """Streams of which one gives a value again and again."""

    def __init__(self, value):
        self.value = value

    def get(self, *key):
        assert key == ("requeue", "default", "p")
        return self

    def uniform(self):
        return self.value


@pytest.mark.parametrize(("kind", "ok"), [("after_error_s", False), ("after_success_s", True)])
@pytest.mark.parametrize("draw", [0.0, 0.25, 1.0 - 2**-53])
def test_requeue_intervals(kind, ok, draw):
    rule, loop = CADENCE[kind], LoopSpec()
    interval = Interval(60.0, 0.5) if ok else loop.retry
    assert (interval.base, interval.jitter) == (rule["base"], rule["jitter_factor"])
    delay = Requeue(loop.retry, Interval(60.0, 0.5), {}, Drawn(draw)).delay(POD, ok=ok)
    assert rule["range"][0] <= delay <= rule["range"][1]
    assert delay == pytest.approx(rule["base"] * (1 + draw * rule["jitter_factor"]))


def test_given_delays_come_first():
    requeue = Requeue(Interval(10.0, 0.5), Interval(60.0, 0.5), {"p": (12.3, 10.4)}, Drawn(0.0))
    assert [requeue.delay(POD, ok=False) for _ in range(3)] == [12.3, 10.4, 10.0]
    assert MinimalCadence(requeue, POD).next_sync(5.0, ok=False) == 15.0
