"""What advice says of images that are there: node images, read lazily or not, second disks, credits, initialisation."""

from __future__ import annotations

import pytest

import pullsim
from pullsim.study.advice.levers import LEVERS
from pullsim.study.advice.situation import Situation

IMAGE = "r.test/llm:1"
NAMES = (
    "fast snapshot restore",
    "initialised volumes",
    "volumes read before",
    "secondary boot disk",
    "node image, read lazily",
    "lazy pulling",
    "optimised images",
    "whole pulls",
)
LAZY = {"runtime": {"snapshotter": "stargz", "lazy": {"unit": "4MiB"}}}


def scenario(pool=(), reads=None):
    """A pod whose image takes 40 s to download, and to read all of from cold blocks 20.48 s."""
    return pullsim.from_mapping(
        {
            "images": {"define": [{"image": IMAGE, "layers": [{"size": "400MB", "unpacked": "1GiB", "files": 0}]}]},
            "registries": [{"host": "r.test", "perConnection": "10MB/s"}],
            "nodes": [{"name": "n", "unpack": {"gzip": "1000GB/s"}, **dict(pool)}],
            "workloads": [{"name": "w", "pods": {"image": IMAGE}, "reads": reads}],
        }
    )


def offered(made):
    situation = Situation.of(made)
    return {lever.name for lever in LEVERS if lever.name in NAMES and lever.settings(situation)}


@pytest.mark.parametrize(
    ("pool", "reads", "names"),
    [
        ({}, None, set()),
        ({}, {"concurrency": 2}, {"node image, read lazily", "lazy pulling"}),
        ({"runtime": {"crio": "1.34"}}, {"concurrency": 2}, {"node image, read lazily"}),
        (LAZY, {"concurrency": 2}, {"node image, read lazily", "optimised images", "whole pulls"}),
        (
            {"runtime": {"snapshotter": "stargz", "lazy": {"prefetch": "5%"}}},
            {"concurrency": 2},
            {"node image, read lazily", "whole pulls"},
        ),
        ({"preset": "gcp/n2-standard-8-pd-balanced"}, None, {"secondary boot disk"}),
        ({"preset": "gcp/n2-standard-8-pd-balanced", "secondaryBootDisk": {"images": [IMAGE]}}, None, set()),
        ({"cached": [IMAGE]}, {"concurrency": 2}, set()),
        ({"cached": [IMAGE], "snapshot": {}}, {"concurrency": 2}, {"volumes read before"}),
        (
            {"cached": [IMAGE], "snapshot": "20GiB"},
            {"concurrency": 2},
            {"volumes read before", "fast snapshot restore", "initialised volumes"},
        ),
        (
            {"cached": [IMAGE], "snapshot": {"size": "20GiB", "fastRestore": "1h"}},
            {},
            {"volumes read before"},
        ),
    ],
)
def test_what_is_tried(pool, reads, names):
    assert offered(scenario(pool, reads)) == names


def ready(made, lever=None):
    """The time until the pod is ready with the lever's first setting."""
    overrides = ()
    if lever is not None:
        (settings,) = (each.settings(Situation.of(made)) for each in LEVERS if each.name == lever)
        overrides = settings[0].overrides
    (pod,) = pullsim.run(pullsim.scenario.override(made, overrides)).pods
    return pod.ready - pod.created


def test_a_node_image_gains_what_its_blocks_leave():
    """Read lazily it is ready after 1 GiB in blocks of 512 KiB, two at a time 20 ms away; hot at once."""
    made = scenario(reads={"concurrency": 2})
    assert ready(made) == pytest.approx(40.0, abs=0.5)
    assert ready(made, "node image, read lazily") == pytest.approx(20.48, abs=0.1)
    assert ready(made, "images present") == pytest.approx(0.0, abs=0.1)


def test_a_lazy_volume_with_a_credit_is_as_good_as_a_hot_one():
    made = scenario({"cached": [IMAGE], "snapshot": "20GiB"}, {"concurrency": 2})
    assert ready(made, "fast snapshot restore") == ready(made, "volumes read before") == 0.0
    assert 0.0 < ready(made, "initialised volumes") < ready(made)


def test_what_lazy_pulls_and_their_remedies_do():
    """All of 1 GiB is read by one reader over 10 MB/s, and computing goes on as it comes."""
    made = scenario(reads={"concurrency": 1})
    assert ready(made, "lazy pulling") > ready(made)
    lazy = scenario(LAZY, reads={"concurrency": 1})
    assert ready(lazy, "whole pulls") == pytest.approx(ready(made), abs=0.01)
    assert ready(lazy, "optimised images") < ready(lazy)


@pytest.mark.parametrize(
    ("reads", "objective"), [(None, "pods.start.p99"), ({"concurrency": 1}, "pods.ready.p99"), ({"share": 0.1}, None)]
)
def test_what_is_read_is_ranked_by_when_pods_are_ready(reads, objective):
    """Lazy pulls start a pod at once: only readiness tells whether they help it, unless something else is asked for."""
    advice = pullsim.advise(
        scenario(reads=reads), objective=None if objective else "pods.start.p50", seeds=1, max_runs=2
    )
    assert advice.objective == (objective or "pods.start.p50")
