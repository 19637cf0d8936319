"""Images that are on nodes already, or nearly: lazily read volumes, fast restore, second disks, pins, prepulls."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pullsim
from pullsim.errors import InputError
from pullsim.hardware.snapshot_volume import FastRestore, SnapshotVolume
from pullsim.kernel.environment import Environment
from pullsim.reads import Part, Reads
from pullsim.results import check
from pullsim.scenario import from_mapping
from pullsim.spec.snapshot import GIB, SnapshotSpec

LLM, BASE = "r.test/llm:1", "r.test/base:1"
BOTTOM, TOP = (f"sha256:{letter * 64}" for letter in "ab")
IMAGES = [
    {"image": BASE, "layers": [{"size": "400MB", "unpacked": "1GiB", "digest": BOTTOM}]},
    {
        "image": LLM,
        "layers": [
            {"size": "400MB", "unpacked": "1GiB", "digest": BOTTOM},
            {"size": "100MB", "unpacked": "1GiB", "digest": TOP},
        ],
    },
]


def scenario(pool, workloads, **more):
    return from_mapping({"images": {"define": IMAGES}, "nodes": [{"name": "n", **pool}], "workloads": workloads} | more)


def run(pool, reads, count=1, workloads=(), **more):
    pods = {"name": "w", "pods": {"image": LLM, "count": count}, "reads": reads}
    result = pullsim.run(scenario(pool, [pods, *workloads], **more))
    assert check(result) == []
    return result


def reading(result):
    """The seconds of each pod between its start and its readiness, which are all those of the stage."""
    for pod in result.pods:
        assert pod.stages.get("read", 0.0) == pytest.approx(pod.ready - pod.started)
    return [pod.ready - pod.started for pod in result.pods]


# 2 GiB are 4096 blocks of 512 KiB, each 20 ms away; a tenth, in random order by 128 KiB, touches 1 - 0.9^4 of them.
@pytest.mark.parametrize(
    ("reads", "snapshot", "seconds"),
    [
        ({"concurrency": 1}, {}, 4096 * 0.02),
        ({"concurrency": 2}, {}, 4096 * 0.02 / 2),
        ({"concurrency": 16}, {}, 2 * GIB / 100e6),  # as fast as such blocks come at all
        ({"concurrency": 16}, {"cold": "unlimited"}, 4096 * 0.02 / 16),
        ({"share": 0.5}, {}, 2048 * 0.02),
        ({"bytes": "1MiB"}, {}, 2 * 0.02),  # one block of each layer
        ({"order": "random", "share": 0.1}, {"cold": "unlimited"}, 4096 * (1 - 0.9**4) * 0.02),
        ({"order": "random", "share": 0.1, "concurrency": 16}, {}, 4096 * (1 - 0.9**4) * 524_288 / 100e6),
        ({"order": "random"}, {"cold": "unlimited"}, 4096 * 0.02),
        ({"order": "random", "size": "1MiB", "share": 0.1}, {"cold": "unlimited"}, 409.6 * 0.02),
        ({}, {"latency": "5ms", "block": "1MiB", "cold": "unlimited"}, 2048 * 0.005),
        ({"concurrency": 16}, {"cold": "unlimited", "read": "200MiB/s"}, 4096 * 0.02 / 16 + 2048 / 200),
    ],
)
def test_cold_blocks_come_one_round_trip_after_the_other(reads, snapshot, seconds):
    assert reading(run({"cached": [LLM], "snapshot": snapshot}, reads)) == [pytest.approx(seconds)]


def test_images_that_were_pulled_are_in_memory():
    assert reading(run({"cached": [BASE], "snapshot": {}}, {})) == [pytest.approx(2048 * 0.02)], (
        "the layer that it shares with an image of the volume lies there"
    )
    for pool in ({"cached": [LLM]}, {}):
        assert "read" not in run(pool, {"think": "1s"}).pods[0].stages


def test_a_block_is_cold_once():
    """A second pod on the node reads along with the first; a later one finds all of it, and of more only the rest."""
    pool = {"cached": [LLM], "snapshot": {}}
    assert reading(run(pool, {}, count=2)) == [pytest.approx(4096 * 0.02)] * 2
    later = {"name": "later", "pods": {"image": LLM}, "at": "200s", "reads": {}}
    assert reading(run(pool, {"share": 0.75}, workloads=[later])) == pytest.approx([3072 * 0.02, 1024 * 0.02])


def test_thinking_comes_after_reading():
    (pod,) = run({"cached": [LLM], "snapshot": {}}, {"bytes": "1MiB", "think": "3s"}).pods
    assert (pod.stages["read"], pod.stages["readiness"]) == (pytest.approx(0.04), pytest.approx(3.0))


def test_the_largest_image_is_read_or_the_one_that_is_named():
    for image, seconds in ((None, 4096), (BASE, 2048)):
        containers = [{"name": "a", "image": BASE}, {"name": "b", "image": LLM}]
        pods = {"name": "w", "pod": {"containers": containers}, "reads": {"image": image}}
        result = pullsim.run(scenario({"cached": [LLM, BASE], "snapshot": {}}, [pods]))
        assert reading(result) == [pytest.approx(seconds * 0.02)]


def integrated(slow, hot, rate, age, step=0.01):
    """The time of a read by small steps: of what is read at a time as large a share is cold as of the volume."""
    done, began = 0.0, age
    while done < 1.0:
        cold = max(1.0 - rate * age, 0.0)
        done += step / (slow * cold + hot)
        age += step
    return age - began


@pytest.mark.parametrize("age", [0.0, 60.0, 300.0, 350.0])
@pytest.mark.parametrize("read", [None, 200e6])
def test_a_volume_that_is_initialised_meanwhile(age, read):
    """100 GB at 300 MB/s are there after 333 s."""
    spec = SnapshotSpec(size=100 * 10**9, cold=None, read=read, initialize=300e6)
    volume = SnapshotVolume(Environment(), spec, fast=False)
    slow, hot = 4096 * 0.02, 0.0 if read is None else 2 * GIB / read
    seconds = volume.seconds(Part("x", 2 * GIB, 2 * GIB), 0, Reads(), age)
    if age == 350.0:
        assert seconds == pytest.approx(hot), "all of it is there"
    else:
        assert seconds == pytest.approx(integrated(slow, hot, 0.003, age), abs=0.05)
        assert hot < seconds < slow + hot


@settings(max_examples=60)
@given(
    st.builds(Reads, share=st.sampled_from([1e-9, 0.1, 1.0]), order=st.sampled_from(["sequential", "random"])),
    st.sampled_from([None, 1e6, 3e8]),
    st.sampled_from([None, 1e6, 3e8]),
    st.lists(st.sampled_from([0.0, 1.0, 333.0, 334.0, 1e6]), min_size=2, max_size=2),
)
def test_an_older_volume_is_never_slower(reads, read, initialize, ages):
    part = Part("x", 10**9, reads.amount(10**9))
    volume = SnapshotVolume(Environment(), SnapshotSpec(10**11, read=read, initialize=initialize), fast=False)
    young, old = (volume.seconds(part, 10**6, reads, age) for age in sorted(ages))
    fast = SnapshotVolume(Environment(), SnapshotSpec(10**11, read=read), fast=True).seconds(part, 10**6, reads, 0.0)
    assert math.isfinite(young)
    assert fast <= old * (1 + 1e-9)
    assert old <= young * (1 + 1e-9)


@pytest.mark.parametrize(
    ("gib", "waited", "asked", "fast"),
    [
        (100, 0.0, 50, 0),  # a bucket is empty when it is enabled
        (100, 3600.0, 50, 10),
        (100, 36000.0, 50, 10),  # and full after an hour
        (100, 359.9, 50, 0),
        (100, 360.0, 50, 1),
        (500, 3600.0, 50, 2),
        (1024, 3600.0, 50, 1),
        (16384, 3600.0, 50, 0),  # 1/16 of a volume an hour
        (16384, 16 * 3600.0, 50, 1),
    ],
)
def test_so_many_volumes_are_restored_fast(gib, waited, asked, fast):
    bucket = FastRestore(gib * GIB, -waited)
    assert sum(bucket.take(0.0) for _ in range(asked)) == fast
    assert (bucket.created, bucket.restored) == (asked, fast)


@settings(max_examples=60)
@given(
    st.sampled_from([1, 100, 103, 500, 1024, 16384]),
    st.lists(st.sampled_from([0.0, 0.0, 60.0, 360.0, 3600.0, 7200.0]), max_size=40),
)
def test_credits_are_those_of_exact_arithmetic(gib, gaps):
    """The bucket with fractions instead of floats, for volumes that come together and apart."""
    bucket, now, held = FastRestore(gib * GIB, 0.0), Fraction(0), Fraction(0)
    hourly = min(Fraction(10), Fraction(1024, gib))
    for gap in gaps:
        now += Fraction(gap)
        held = min(max(hourly, Fraction(1)), held + Fraction(gap) * hourly / 3600)
        assert bucket.take(float(now)) == (held >= 1)
        held -= held >= 1


def test_a_burst_has_a_step():
    """Of fifty nodes ten are as fast as if their image were hot, and forty read lazily: nothing is between them."""
    pool = {"count": 50, "maxPods": 1, "cached": [LLM]}
    burst = run({**pool, "snapshot": {"size": "100GiB", "fastRestore": "1h"}}, {}, count=50)
    assert Counter(round(seconds, 6) for seconds in reading(burst)) == {0.0: 10, 81.92: 40}
    summary = pullsim.summarize(burst).to_dict()
    assert summary["volumes"] == {"n": {"created": 50, "restoredFast": 10}}
    assert "volumes" not in pullsim.summarize(run({"cached": [LLM]}, {"think": "1s"})).to_dict()
    zoned = run({**pool, "zones": ["a", "b"], "snapshot": {"size": "100GiB", "fastRestore": "1h"}}, {}, count=50)
    assert Counter(round(seconds, 6) for seconds in reading(zoned)) == {0.0: 20, 81.92: 30}


def test_a_volume_is_as_old_as_its_node_takes_to_boot():
    pool = {"cached": [LLM], "snapshot": {"size": "3GB", "initialize": "300MiB/s"}, "maxPods": 1}
    assert reading(run({**pool, "autoscale": {"max": 1, "boot": "60s"}}, {})) == [pytest.approx(0.0, abs=1e-6)]
    assert (
        reading(
            run({**pool, "autoscale": {"max": 1, "boot": "60s"}, "snapshot": {**pool["snapshot"], "age": "0s"}}, {})
        )[0]
        > 1
    )


def test_a_second_disk_has_the_layers_and_the_rest_is_pulled():
    """The upper layer alone is fetched and unpacked; files of the lower one are read at the disk's rate, once."""
    with_disk = run({"secondaryBootDisk": {"images": [BASE], "read": "256MiB/s"}}, {}, count=2)
    (pull, *_) = with_disk.pulls
    assert (pull.downloaded, pull.layers, pull.layers_fetched) == (100_000_000, 2, 1)
    assert max(reading(with_disk)) == pytest.approx(1024 / 256), "two pods read the same pages"
    later = {"name": "later", "pods": {"image": LLM}, "at": "500s", "reads": {}}
    assert reading(run({"secondaryBootDisk": {"images": [BASE], "read": "256MiB/s"}}, {}, workloads=[later]))[1] == 0
    whole = run({"secondaryBootDisk": {"images": [LLM]}}, {"think": "1s"})
    assert whole.pulls[0].downloaded == 0
    assert whole.pulls[0].ok, "the image is known to the runtime only when it was pulled"


def test_layers_of_a_second_disk_stay_and_take_nothing_of_the_nodes_own():
    pool = {
        "secondaryBootDisk": {"images": [BASE]},
        "disk": {"size": "3GB"},
        "kubelet": {"imageGCHighThresholdPercent": 1, "imageGCLowThresholdPercent": 0, "imageMinimumGCAge": "0s"},
    }
    pods = [
        {"name": name, "pods": {"image": LLM}, "at": at, "lives": "60s"} for name, at in (("a", "0s"), ("b", "20m"))
    ]
    result = pullsim.run(scenario(pool, pods, horizon="40m"))
    assert [pull.downloaded for pull in result.pulls] == [100_000_000] * 2, "the own layer was collected, the other not"
    assert result.disks[0].peak < 1.3 * GIB


def test_pinned_images_are_never_removed():
    pool = {
        "disk": {"size": "10GB"},
        "kubelet": {"imageGCHighThresholdPercent": 1, "imageGCLowThresholdPercent": 0, "imageMinimumGCAge": "0s"},
        "cached": [LLM],
    }
    for pinned, pulls in (([], 1), ([LLM], 0)):
        result = pullsim.run(
            scenario({**pool, "pinned": pinned}, [{"name": "w", "pods": {"image": LLM}, "at": "20m"}], horizon="25m")
        )
        assert len(result.pulls) == pulls


def test_an_image_that_is_pulled_again_is_no_longer_lazy():
    pool = {
        "disk": {"size": "10GB"},
        "kubelet": {"imageGCHighThresholdPercent": 1, "imageGCLowThresholdPercent": 0, "imageMinimumGCAge": "0s"},
        "cached": [LLM],
        "snapshot": {},
    }
    pods = {"name": "w", "pods": {"image": LLM}, "at": "20m", "reads": {}}
    result = pullsim.run(scenario(pool, [pods], horizon="25m"))
    assert len(result.pulls) == 1
    assert reading(result) == [0.0]


@pytest.mark.parametrize(("limit", "attempts"), [(None, 10), (0, 1), (3, 4)])
def test_a_prepull_job_gives_a_node_up_after_its_back_off_limit(limit, attempts):
    """As OpenKruise does: once more than the limit. Without one the timeout ends it."""
    job = {"name": "warm", "prepull": {"images": [LLM], "backOffLimit": limit, "timeout": "35m"}}
    registries = [{"host": "r.test", "faults": [{"status": 503}]}]
    result = pullsim.run(scenario({}, [job], registries=registries, horizon="40m"))
    assert len(result.pulls) == pytest.approx(attempts, abs=2 if limit is None else 0)
    assert pullsim.summarize(result).prepulls["warm"].given_up == 1


def test_an_idle_prepull_pulls_when_nobody_else_does():
    """With the policy priority a pull of a pod goes first, although the job's was asked for before it."""
    job = {"name": "warm", "prepull": {"images": [BASE, LLM], "priority": -10}}
    pods = {"name": "w", "pods": {"image": "r.test/other:1"}, "at": "1s"}
    other = {"image": "r.test/other:1", "layers": [{"size": "100MB"}]}
    first = {"name": "busy", "pods": {"image": "r.test/busy:1"}}
    busy = {"image": "r.test/busy:1", "layers": [{"size": "500MB"}]}
    made = from_mapping(
        {
            "images": {"define": [*IMAGES, other, busy]},
            "nodes": [{"name": "n", "pullPolicies": ["priority"], "kubelet": {"serializeImagePulls": True}}],
            "workloads": [first, {**job, "at": "500ms"}, pods],
        }
    )
    order = [pull.image for pull in sorted(pullsim.run(made).pulls, key=lambda pull: pull.started)]
    assert order == ["r.test/busy:1", "r.test/other:1", BASE, LLM]


@pytest.mark.parametrize(
    ("pool", "error"),
    [
        ({"snapshot": {"initialize": "100MiB/s"}}, "initialize needs size"),
        ({"snapshot": {"fastRestore": "1h"}}, "fastRestore needs size"),
        ({"snapshot": {"size": "0B"}}, "snapshot.size"),
        ({"snapshot": {"block": "0B"}}, "snapshot.block"),
        ({"snapshot": {"size": "1TB", "initialize": "0B/s"}}, "snapshot.initialize"),
        ({"secondaryBootDisk": {"images": []}}, "secondaryBootDisk.images"),
        ({"secondaryBootDisk": {"images": ["none:1"]}}, "secondaryBootDisk.images"),
        ({"secondaryBootDisk": {"images": [LLM]}, "runtime": {"crio": "1.33"}}, "containerd alone"),
        ({"pinned": ["Bad:Name:x"]}, "pinned"),
        ({"snapshot": {}, "runtime": {"fixed": {"images": {LLM: {"pull": "1s"}}}}}, "has no files of images"),
    ],
)
def test_wrong_settings(pool, error):
    with pytest.raises(InputError) as raised:
        scenario(pool, [{"name": "w", "pods": {"image": LLM}}]).build()
    assert error in str(raised.value)


def test_what_changes_nothing_is_warned_of():
    pods = {"name": "w", "pods": {"image": LLM}, "reads": "model-server"}
    assert any("workloads[w].reads changes nothing" in text for text in scenario({}, [pods]).assemble().warnings)
    lazy = scenario({"snapshot": {}}, [pods]).assemble().warnings
    assert any("no image lies on it" in text for text in lazy)
    assert not any("changes nothing" in text for text in lazy)
