"""What pulls of a node share: containerd's database of metadata, cores and the disk."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pullsim.results import check
from pullsim.runtime.metadata import LEASE
from tests.support.outcome import ended, layers, pull, stages
from tests.support.world import BOTH, RATE, containerd, image, layer, named, node, pod, pull_alone, run_containerd

# ---------------------------------------------------------------- metadata

DOCUMENT = 1.8  # writes for a manifest or config


@pytest.mark.parametrize("version", [(1, 6), (1, 7), (2, 0)], ids=str)
@pytest.mark.parametrize("count", [1, 2, 5])
def test_metadata_writes_of_a_pull(version, count):
    """1.8 for manifest and config each, 3 for a layer's blob, 2 an unpack, 4 at the end, one at a time."""
    content = [layer(f"l{n}", 0.0) for n in range(count)]
    _, record = pull_alone(*content, spec=node(containerd(version, metadata_write=1.0)))
    assert record.ended == pytest.approx(2 * DOCUMENT + 3 * count + 2 * count + 4)


#: Releases, and whether a pull of theirs writes to the database for each layer that is there.
LEASING = pytest.mark.parametrize(
    ("version", "leases"),
    [((1, 6, 36), 0), ((1, 6, 37), 1), ((1, 7, 22), 0), ((1, 7, 23), 1), ((2, 0, 0), 1), ((2, 1), 1), ((2, 3), 1)],
)


@LEASING
@pytest.mark.parametrize("count", [1, 3, 40])
def test_a_pull_of_a_present_image_makes_four_metadata_writes_and_leases_its_layers(version, leases, count):
    spec = node(containerd(version, metadata_write=1.0), cached=[named("a:1")])
    content = [layer(f"l{n}") for n in range(count)]
    result = run_containerd({"a:1": image(*content)}, [pod("p", named("a:1"), policy="Always")], spec=spec)
    assert stages(pull(result, "p")) == {"commit": pytest.approx(4.0 + leases * count * LEASE)}


@LEASING
def test_a_layer_is_asked_for_after_the_leases_of_those_below_it(version, leases):
    """Manifest and config take 1.8 writes each, five present layers a lease each, the new layer 1 before its blob."""
    base = [layer(f"l{n}") for n in range(5)]
    images = {"base:1": image(*base), "a:1": image(*base, layer("x", 1.0))}
    spec = node(containerd(version, metadata_write=1.0), cached=[named("base:1")])
    result = run_containerd(images, [pod("p", named("a:1"))], spec=spec)
    (fetched,) = layers(result, "p")
    prepared = 2 * DOCUMENT + leases * 5 * LEASE + 1
    assert fetched.requested == pytest.approx(prepared + 1)
    assert pull(result, "p").ended == pytest.approx(fetched.requested + 1.0 + 2 + 1 + 4)
    assert check(result) == []


@pytest.mark.parametrize("unpacks", [1, 3])
def test_leases_are_as_many_where_layers_unpack_side_by_side(unpacks):
    """Four layers are there, two above them are new."""
    old, new = [layer(f"l{n}", 0.0) for n in range(4)], [layer(f"x{n}", 0.0) for n in range(2)]
    images = {"base:1": image(*old), "a:1": image(*old, *new)}
    spec = replace(containerd((2, 2), metadata_write=1.0), max_concurrent_unpacks=unpacks)
    result = run_containerd(images, [pod("p", named("a:1"))], spec=node(spec, cached=[named("base:1")]))
    assert pull(result, "p").ended == pytest.approx(2 * DOCUMENT + 2 * 3 + 2 * 2 + 4 + 4 * LEASE)


@BOTH
@pytest.mark.parametrize("count", [2, 3, 7])
def test_metadata_writes_are_one_at_a_time_on_a_node(version, count):
    names = "abcdefg"[:count]
    images = {f"{name}:1": image(layer(name, 0.0)) for name in names}
    alone = ended(run_containerd({"a:1": images["a:1"]}, spec=node(containerd(version, metadata_write=1.0))))["a"]
    together = run_containerd(images, spec=node(containerd(version, metadata_write=1.0)))
    assert max(ended(together).values()) == pytest.approx(count * alone)
    spread = [pod(name, named(f"{name}:1"), node=f"n-{n}") for n, name in enumerate(names)]
    apart = run_containerd(images, spread, spec=node(containerd(version, metadata_write=1.0)), nodes=count)
    assert set(ended(apart).values()) == {alone}


# ---------------------------------------------------------------- cores and disk


@pytest.mark.parametrize(
    ("cores", "efficiency", "work", "ends"),
    [
        (4, 1.0, [2, 2, 2], [2.0, 2.0, 2.0]),
        (1, 1.0, [2, 2, 2], [6.0, 6.0, 6.0]),
        (2, 0.85, [2], [2.0]),  # one alone keeps its speed
        (2, 0.85, [2, 2, 2], [6 / 1.7] * 3),
        # 1.7 / 3 each until 1 is done at 3 / 1.7; then 0.85 each; the last second alone
        (2, 0.85, [1, 2, 3], [3 / 1.7, 3 / 1.7 + 1 / 0.85, 3 / 1.7 + 1 / 0.85 + 1.0]),
    ],
)
def test_unpacking_shares_the_cores(cores, efficiency, work, ends):
    images = {f"p{n}:1": image(layer(f"p{n}", 0.0, seconds)) for n, seconds in enumerate(work)}
    result = run_containerd(images, spec=node(containerd(), cores=cores, efficiency=efficiency))
    assert [ended(result)[f"p{n}"] for n in range(len(work))] == pytest.approx(ends)


def test_one_pull_never_unpacks_on_more_than_one_core():
    _, record = pull_alone(*(layer(f"l{n}", 0.0, 1.0) for n in range(4)), spec=node(containerd(), cores=8))
    assert record.ended == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("write", "stage", "seconds"),
    [
        (None, "unpack_cpu", 2.0),
        (2 * RATE, "unpack_cpu", 2.0),
        (0.5 * RATE, "unpack_disk", 4.0),
        (0.1 * RATE, "unpack_disk", 20.0),
    ],
)
def test_unpacking_is_limited_by_the_disk_or_by_the_core(write, stage, seconds):
    result, record = pull_alone(layer("x", 0.0, 2.0), spec=node(containerd(), write=write))
    assert stages(record) == {stage: pytest.approx(seconds)}
    assert layers(result, "a")[0].unpack_limit == stage.removeprefix("unpack_")


def test_unpacks_share_the_disk():
    """2 s and 4 s of writing at RATE: 4 s for the first, 6 s for both."""
    images = {"a:1": image(layer("x", 0.0, 2.0)), "b:1": image(layer("y", 0.0, 4.0))}
    result = run_containerd(images, spec=node(containerd(), write=RATE))
    assert ended(result) == {"a": pytest.approx(4.0), "b": pytest.approx(6.0)}


@BOTH
@pytest.mark.parametrize(
    ("write", "fsync", "commit"), [(None, 0.0, 0.0), (2 * RATE, 0.0, 0.0), (RATE / 2, 0.0, 1.0), (None, 0.5, 0.5)]
)
def test_a_blob_is_durable_when_the_disk_has_it(version, write, fsync, commit):
    """1 s of bytes; writing overlaps the download, so a disk of half the speed is 1 s behind at the last byte."""
    result, _ = pull_alone(layer("x", 1.0), spec=node(containerd(version), write=write, fsync=fsync))
    (only,) = result.layers
    assert only.committed - only.fetched == pytest.approx(commit)
    assert only.unpack_started >= only.committed


def test_many_layers_of_which_all_blobs_are_there_take_no_deep_stack():
    """Each fetch ends as it begins, and hands its slot to the next one."""
    content = [layer(f"l{n}", 0.0) for n in range(600)]
    images = {"a:1": image(*content), "b:1": image(*reversed(content))}
    wanted = [pod("p", named("a:1")), pod("q", named("b:1"), at=1.0)]
    result = run_containerd(images, wanted, spec=node(containerd((2, 0))))
    assert all(record.ok for record in result.pulls)
    assert sum(record.layers_fetched for record in result.pulls) == 600
