"""What each lever gains where a closed form says what it must, and nothing where it cannot help."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

import pullsim
from pullsim.errors import InputError
from pullsim.study.advice.advise import Search, advise, candidates
from pullsim.study.advice.levers import LEVERS, PRESENT, weights
from pullsim.study.advice.node_levers import warm_nodes
from pullsim.study.advice.situation import Situation
from pullsim.study.advice.text import best, notes
from pullsim.study.executors import InProcess

ROOT = Path(__file__).parents[3]
#: Unpacking costs nothing, the disk takes everything, and a pull is nothing but its bytes.
FREE = {"gzip": "1000GB/s", "perFile": "0s", "perLayer": "0s", "whileDownloading": 1}
NODE = {
    "name": "n",
    "nic": "100Gbit/s",
    "disk": {"fsync": "0s"},
    "metadata": {"write": "0s"},
    "unpack": FREE,
    "runtime": {"containerd": "2.1", "maxConcurrentDownloads": 10},
}


def scenario(node=(), registry=(), images=1, size="1GB", kubelet=(), **more):
    """Pods with an image of one layer each, all created at once."""
    define = [{"image": f"r.test/a{n}:v1", "layers": [{"size": size, "files": 0}]} for n in range(images)]
    return pullsim.from_mapping(
        {
            "name": "closed form",
            "images": {"catalogs": [], "define": define, "unpackRatio": 2},
            "registries": [{"host": "r.test", "goodput": 1, "tcp": {"initialWindow": "3MB"}, **dict(registry)}],
            "nodes": [{**NODE, **dict(node), "kubelet": {"registryPullQPS": 0, **dict(kubelet)}}],
            "workloads": [
                {"name": f"a{n}", "pods": {"image": f"r.test/a{n}:v1", **more.get("pods", {})}} for n in range(images)
            ],
        }
    )


def gains(made):
    """The gain of the best setting of each lever."""
    return {row.levers[0]: row.gain for row in made.singles}


def check(made, lever, gain, others=()):
    """The lever gains what it must; of those that cannot help, none does."""
    found = gains(made)
    assert found[lever] == pytest.approx(gain, abs=0.03), found
    may = {lever, "images present", *others}
    assert {name for name, part in found.items() if part > 0.03} <= may, found


def test_twice_the_egress_of_a_registry_that_binds_halves_the_pull():
    made = advise(scenario({"count": 4}, {"egress": "1Gbit/s"}), seeds=1)
    check(made, "more egress", 0.5, {"a mirror"})
    assert gains(made)["a mirror"] == pytest.approx(0.9, abs=0.03)  # it has ten times the egress
    assert made.singles[0].levers == ("images present",)


def test_a_cache_that_stores_an_image_once_takes_the_bytes_of_all_nodes_but_one_from_the_egress():
    """Four nodes: 4 times 8 s of the registry's 1 Gbit/s, or once, and then 10 Gbit/s less the goodput for all."""
    made = advise(scenario({"count": 4}, {"egress": "1Gbit/s"}, pods={"count": 4}), seeds=1, max_runs=12)
    assert gains(made)["a pull-through cache"] == pytest.approx(1 - (8 + 3.2 / 0.957) / 32, abs=0.01)
    row = next(row for row in made.singles if row.levers == ("a pull-through cache",))
    assert "(zot)" in row.setting.sentence


def test_equal_pulls_one_after_the_other_take_as_many_times_as_long():
    """Four pulls as fast as one connection each: side by side the last is there when the first is."""
    made = advise(scenario({}, {"perConnection": "100MB/s", "tcp": {"maxWindow": "1GB"}}, images=4), seeds=1)
    check(made, "parallel pulls", 0.75, {"faster connections", "a mirror", "layers in chunks", "SOCI", "more nodes"})
    assert gains(made)["faster connections"] == pytest.approx(0.5, abs=0.03)


def test_images_that_are_there_go_with_the_policy_that_does_not_ask_for_them():
    """Pods that always pull wait for the kubelet's limit although they fetch nothing.

    Ten pulls at once: two of twelve pods are refused, and wait for their back-off.
    """
    pods = {"count": 12, "imagePullPolicy": "Always"}
    limit = {"registryPullQPS": 1, "registryBurst": 10, "serializeImagePulls": False}
    made = advise(scenario(size="10MB", kubelet=limit, pods=pods), seeds=1)
    assert {*made.gains[0].levers} == {"images present", "imagePullPolicy"}
    assert made.gains[0].gain == pytest.approx(1)
    assert gains(made)["images present"] < 0.5


def test_twice_the_disk_halves_what_the_disk_binds():
    made = advise(scenario({"disk": {"write": "50MB/s", "fsync": "0s"}}), seeds=1)
    check(made, "faster disks", 0.5)


def test_twice_the_cores_halve_unpacks_side_by_side_and_nothing_else():
    busy = {"unpack": {**FREE, "gzip": "50MB/s"}, "cores": {"count": 2, "efficiency": 1}}
    side = advise(scenario(busy, images=4, kubelet={"serializeImagePulls": False}), seeds=1)
    assert gains(side)["more cores"] == pytest.approx(0.5, abs=0.03)
    alone = advise(scenario(busy), seeds=1)
    assert gains(alone)["more cores"] == pytest.approx(0.0, abs=1e-6)
    assert gains(alone)["zstd layers"] == pytest.approx(1 - 50 / 450, abs=0.03)


def test_the_limit_of_pulls_per_second():
    """Ten pulls at once, of which one is let through and the others come to it again after 10 s or more."""
    slow = scenario(
        images=10, size="1MB", kubelet={"registryPullQPS": 1, "registryBurst": 1, "serializeImagePulls": False}
    )
    made = advise(slow, seeds=1)
    best = next(row for row in made.singles if row.levers != ("images present",))
    assert best.levers == ("registryPullQPS",)
    assert best.gain > 0.9


def test_a_quota_and_a_policy():
    limited = scenario({"count": 3, "address": "nat"}, {"limits": [{"requests": 3, "per": "1h", "by": "address"}]})
    made = advise(pullsim.override(limited, ["horizon=30m", "workloads[a0].pods.count=3"]), seeds=1)
    (row,) = [each for each in made.rows if each.levers == ("higher quotas",)]
    assert row.setting.overrides[0].startswith('registries[r.test].limits=[{"requests": 6')
    assert row.difference("pods.start.p99").b.mean < 60
    again = scenario({}, {"roundTrip": "2s"}, pods={"imagePullPolicy": "Always"}, size="1MB")
    made = advise(pullsim.override(again, ["nodes[n].cached=[r.test/a0:v1]"]), seeds=1)
    best = made.gains[0]
    assert best.setting.overrides == ("workloads[a0].pods.imagePullPolicy=IfNotPresent",)
    assert best.gain > 0.9


def test_where_nothing_helps_nothing_is_said_to():
    fixed = {"fixed": {"images": {"r.test/a0:v1": {"pull": "10s"}}}}
    made = advise(scenario({"runtime": fixed}), seeds=1)
    assert made.gains == []
    assert repr(made).startswith("Advice(closed form: nothing helps; ")
    assert repr(replace(made, name="", rows=made.rows[:1])) == "Advice(nothing helps; 1 change tried)"
    assert all(abs(row.gain) < 1e-9 for row in made.rows)


def test_a_pair_gains_what_neither_gains_alone():
    """Pulls one after the other leave all cores but one idle; pulls side by side have only one."""
    made = advise(
        scenario({"unpack": {**FREE, "gzip": "50MB/s"}, "cores": {"count": 1, "efficiency": 1}}, images=4), seeds=1
    )
    singles = gains(made)
    assert singles["parallel pulls"] < 0.03
    assert singles["more cores"] < 0.03
    (pair,) = [row for row in made.rows if {*row.levers} == {"parallel pulls", "more cores"}]
    assert pair.gain == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("file", sorted((ROOT / "scenarios").glob("*.yaml")), ids=lambda file: file.stem)
def test_every_setting_can_be_made(file):
    """Of each lever, in each scenario: its overrides are keys that exist, with values that they take."""
    base = pullsim.load(file)
    for each in candidates(Situation.of(base), {}):
        try:
            pullsim.override(base, each.setting.overrides).build()
        except InputError as error:  # the nodes' disks do not hold all images
            assert each.lever.name == PRESENT, each.setting
            assert "GB of images from the start" in str(error)  # noqa: PT017


def test_pools_are_named_where_their_values_differ():
    two = pullsim.from_mapping(
        {
            "nodes": [{"name": "a", "cores": 2}, {"name": "b", "cores": 4, "runtime": {"crio": "1.35"}}],
            "workloads": [{"name": "w", "pods": {"image": "nginx:1.12"}}],
        }
    )
    found = {each.lever.name: each.setting.overrides for each in reversed(candidates(Situation.of(two), {}))}
    assert found["more cores"] == ("nodes[a].cores.count=4", "nodes[b].cores.count=8")
    assert found["faster NICs"] == ("nodes[*].nic.rate=20Gbit/s",)
    assert found["newer containerd"] == ("nodes[a].runtime.containerd=2.4",)


def test_nodes_of_an_autoscaler_that_stay_spare_their_boot():
    """Two pods an hour apart, each for 10 minutes: the second one boots a node, unless the first one's is there."""
    scale = {"max": 2, "boot": "100s", "consolidateAfter": "15m"}
    made = scenario({"autoscale": scale}, pods={"count": 2})
    made = pullsim.override(made, ["horizon=2h", "workloads[a0].arrivals={at: [0s, 1h]}", "workloads[a0].lives=10m"])
    overrides = [each.overrides for each in warm_nodes(Situation.of(made))]
    assert overrides == [
        ("nodes[*].autoscale.consolidateAfter=1h0m0s",),
        ("nodes[*].autoscale.min=1", "nodes[*].count=1"),
    ]
    first, longer, always = (pullsim.run(pullsim.override(made, each)).pods for each in ([], *overrides))
    booted = [[pod.stages.get("node_boot", 0.0) for pod in pods] for pods in (first, longer, always)]
    assert booted == [[100.0, 100.0], [100.0, 0.0], [0.0, 0.0]]


def test_pods_that_would_never_start_count_most():
    """Three pods behind a quota that lets one and a half through: what brings the last ranks before any seconds."""
    limited = scenario({"count": 3, "address": "nat"}, {"limits": [{"requests": 3, "per": "1h", "by": "address"}]})
    made = advise(pullsim.override(limited, ["horizon=30m", "workloads[a0].pods.count=3"]), seeds=1)
    assert (made.objective, made.judged) == ("pods.start.p99", "pods.startOfStarted.p99")
    firsts = [row.levers[0] for row in made.gains if math.isinf(row.gain)]
    assert {*firsts} >= {"images present", "a mirror", "higher quotas"}
    assert "pods.start.p99 never → " in best(made)
    assert notes(made)["Judged"] == "by pods.startOfStarted.p99 where pods.start.p99 is never"


def test_a_registry_of_any_name_can_be_turned():
    odd = pullsim.from_mapping(
        {
            "images": {"define": [{"image": "[fd00::1]:5000/a:v1", "layers": [{"size": "1MB"}]}]},
            "registries": [{"host": "[fd00::1]:5000", "egress": "1Gbit/s"}],
            "nodes": [{}],
            "workloads": [{"pods": {"image": "[fd00::1]:5000/a:v1"}}],
        }
    )
    found = {each.lever.name: each.setting.overrides for each in candidates(Situation.of(odd), {})}
    assert found["more egress"] == ("registries[0].egress=2Gbit/s",)
    assert found["faster NICs"] == ("nodes[*].nic.rate=20Gbit/s",)
    assert advise(odd, seeds=1).failed == []


def test_what_binds_is_tried_first():
    shares = weights({"pullQueue": 0.9, "disk": 0.1}, {"unpackCpu": 1.0})
    assert shares == {"pullQueue": 0.9, "disk": 0.1, "unpackCpu": 0.9}
    ranked = [each.lever for each in candidates(Situation.of(scenario()), shares)]
    assert [lever.relevance(shares) for lever in ranked] == sorted(
        (lever.relevance(shares) for lever in ranked), reverse=True
    )
    assert {lever.name for lever in LEVERS} >= {lever.name for lever in ranked}


def test_runs_are_limited_and_what_is_left_is_said():
    made = advise(scenario({}, images=2), seeds=2, max_runs=10)
    assert len(made.rows) == 4
    assert len(made.untried) > 5
    with pytest.raises(InputError, match="too few"):
        advise(scenario(), seeds=3, max_runs=5)


def test_a_change_that_cannot_be_made_is_told_and_the_rest_is_there():
    """The disk holds what the pods need one after the other, and not all images from the start."""
    small = {"disk": {"size": "5GB", "fsync": "0s"}}
    full = scenario(small, images=2, size="1GB")
    made = advise(full, seeds=1)
    (text,) = made.failed
    assert text.startswith("all images on the nodes beforehand")
    assert "GB of images from the start" in text
    assert len(made.rows) > 10
    situation = Situation.of(full)
    search = Search(situation, made.objective, 1, InProcess(), None, 9, force=False)
    search.base()
    search.run([each for each in candidates(situation, {}) if each.lever.name == PRESENT])
    assert (search.advice().rows, len(search.advice().failed)) == ([], 1)


def test_all_changes_have_the_same_seeds(monkeypatch):
    seen = []
    real = Search._sweep

    def spy(self, wanted):
        made = real(self, wanted)
        seen.append(made.seeds)
        return made

    monkeypatch.setattr(Search, "_sweep", spy)
    made = advise(pullsim.override(scenario(), ["seed=7"]), seeds=2)
    assert {*seen} == {(7, 8)}
    assert made.seeds == (7, 8)
    assert all(each.difference.runs == 2 for row in made.rows for each in row.differences if each.a.mean is not None)
