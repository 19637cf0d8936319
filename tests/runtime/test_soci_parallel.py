"""SOCI's parallel pull and unpack, by closed forms: chunks over connections, streams on cores, slots, renames."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullsim.results.invariants import check
from pullsim.spec.pull_through import CacheSpec
from pullsim.spec.registry import BlobHost, Fault, Host
from pullsim.spec.runtime import RuntimeHandler
from pullsim.spec.snapshotter import SociSpec
from tests.support.outcome import pull
from tests.support.world import FAST, HOST, RATE, UNIT, containerd, image, layer, named, node, pod, registry, run

RENAME = 1e-3  # of each layer, on the way into its snapshot
SLOW = {"per_connection": RATE, "egress": FAST}
#: Streams of which writing takes as long as the layer says, and the others nothing.
WRITING = {"stored": RATE, "unpigz": FAST, "sha256": FAST}


def soci(spec: SociSpec, **unpack: float):
    runtime = containerd(**{**WRITING, **unpack})
    return replace(
        runtime, snapshotter="soci", local_pull=True, soci=replace(spec, decompressor="unpigz", unpack=runtime.unpack)
    )


IN_CHUNKS = SociSpec(chunk_size=UNIT, downloads_per_image=None, discard_layers=True)


def pulled(*layers, spec=IN_CHUNKS, **given_):
    unpack = given_.pop("unpack", {})
    source = registry(**{**SLOW, **given_.pop("source", {})})
    horizon = given_.pop("horizon", None)
    on = node(soci(spec, **unpack), **given_)
    images = {"a:1": image(*layers)}
    result = run([pod("a", named("a:1"))], on, registries=[source], images=images, horizon=horizon)
    assert not check(result)
    return pull(result, "a"), result


def took(*layers, **given_):
    made, _ = pulled(*layers, **given_)
    assert made.ok
    return made.ended - made.started


@pytest.mark.parametrize(("connections", "seconds"), [(1, 8.0), (2, 4.0), (3, 3.0), (8, 1.0), (None, 1.0)])
def test_chunks_of_a_layer_come_over_as_many_connections_as_the_image_may_have(connections, seconds):
    spec = SociSpec(chunk_size=UNIT, downloads_per_image=connections, discard_layers=True)
    assert took(layer("x", 8.0), spec=spec) == pytest.approx(seconds + RENAME)


@pytest.mark.parametrize(("chunk", "seconds"), [(0, 8.0), (4 * UNIT, 4.0), (3 * UNIT, 3.0), (9 * UNIT, 8.0)])
def test_the_chunk_size_decides_over_how_many_connections_a_layer_can_come(chunk, seconds):
    spec = SociSpec(chunk_size=chunk, downloads_per_image=None, discard_layers=True)
    assert took(layer("x", 8.0), spec=spec) == pytest.approx(seconds + RENAME)


def test_a_limit_of_the_node_holds_beside_that_of_the_image():
    spec = SociSpec(chunk_size=UNIT, downloads_per_image=8, downloads=2, discard_layers=True)
    assert took(layer("x", 8.0), spec=spec) == pytest.approx(4.0 + RENAME)


def test_chunks_are_taken_in_turn_of_the_layers():
    """With 2 connections both layers of 4 s come in 4 s, so that neither can be unpacked before."""
    spec = SociSpec(chunk_size=UNIT, downloads_per_image=2, unpacks_per_image=None, discard_layers=True)
    assert took(layer("x", 4.0, 1.0), layer("y", 4.0, 1.0), spec=spec) == pytest.approx(4.0 + 1.0 + 2 * RENAME)


@pytest.mark.parametrize(
    ("rates", "seconds"),
    [
        ({"stored": RATE}, 4.0),
        ({"unpigz": RATE / 2}, 8.0),
        ({"sha256": RATE / 3}, 12.0),
        ({"unpigz": RATE / 2, "sha256": RATE / 3, "stored": RATE}, 12.0),
        ({"per_file": 0.01}, 6.0),
    ],
)
def test_unpacking_takes_as_long_as_the_slowest_of_its_three_streams(rates, seconds):
    unpack = {"stored": FAST, "unpigz": FAST, "sha256": FAST, **rates}
    if "per_file" in rates:
        unpack["stored"] = RATE
    assert took(layer("x", 1.0, 4.0, files=200), unpack=unpack) == pytest.approx(1.0 + seconds + RENAME)


@pytest.mark.parametrize(("unpacks", "seconds"), [(1, 6.0), (2, 3.0), (3, 3.0), (None, 3.0)])
def test_layers_are_unpacked_side_by_side_by_the_slots_of_the_image(unpacks, seconds):
    """Layers of 3, 1 and 2 s that come at once: with two slots the last one runs after the second, beside the first."""
    spec = SociSpec(chunk_size=0, downloads_per_image=None, unpacks_per_image=unpacks, discard_layers=True)
    layers = layer("x", 1.0, 3.0), layer("y", 1.0, 1.0), layer("z", 1.0, 2.0)
    assert took(*layers, spec=spec) == pytest.approx(1.0 + seconds, abs=4 * RENAME)


def test_unpacking_never_overlaps_the_download_of_its_own_layer_but_that_of_others():
    spec = SociSpec(chunk_size=0, downloads_per_image=1, discard_layers=True)
    assert took(layer("x", 4.0, 3.0), layer("y", 2.0, 1.0), spec=spec) == pytest.approx(4 + 3 + 1 + RENAME, abs=2e-3)


def test_a_blob_that_is_kept_is_written_once_more_and_stays():
    """4 s of bytes and 8 s of files on a disk of 2 RATE: without the blob's copy 4 + 4 s, with it 4 + 6 s."""
    content, written = layer("x", 4.0, 8.0), {"write": 2 * RATE, "size": 10**12, "unpack": {"stored": FAST}}
    kept, keeps = pulled(content, spec=SociSpec(unpacks_per_image=None), **written)
    dropped, drops = pulled(content, spec=SociSpec(discard_layers=True), **written)
    assert dropped.ended - dropped.started == pytest.approx(4.0 + 2.0 + 4.0 + RENAME)  # a chunk is whole, then written
    assert kept.ended - kept.started == pytest.approx(4.0 + 2.0 + 6.0 + RENAME)
    assert drops.disks[0].used == content.unpacked
    assert keeps.disks[0].used == content.unpacked + content.size


@pytest.mark.parametrize("keep", [True, False])
def test_the_blob_is_hashed_whoever_does_it(keep):
    """On one core hashing takes 2 s for the tar and 1 s for the blob, beside nothing else that takes time."""
    spec = SociSpec(unpacks_per_image=None, discard_layers=not keep)
    seconds = took(layer("x", 1.0, 2.0), spec=spec, cores=1, unpack={"stored": FAST, "sha256": RATE})
    assert seconds == pytest.approx(1.0 + 2.0 + 1.0 + RENAME)


@pytest.mark.parametrize("others", [(), (layer("z", 1.0),)])
def test_a_blob_that_two_jobs_keep_takes_its_space_once(others):
    """The same layer twice in one image, or in two images on layers of their own: each job has downloaded it."""
    same = layer("x", 2.0, 1.0)
    images = {"a:1": image(same, same)} if not others else {"a:1": image(same), "b:1": image(*others, same)}
    on = node(soci(SociSpec(0, None, None, None)), size=10**12)
    pods = [pod(name[0], named(name)) for name in images]
    result = run(pods, on, registries=[registry(**SLOW)], images=images)
    assert sum(each.downloaded for each in result.pulls) == sum(each.size for each in (same, same, *others))
    assert result.disks[0].used == 2 * same.unpacked + sum(each.size for each in (same, *others))
    assert not check(result)


def test_a_pull_that_fails_tells_what_has_come_until_then():
    """At 2.5 s four chunks have come, and half of two more; what the registry has sent is downloaded."""
    layers = layer("x", 8.0), layer("y", 8.0)
    spec = SociSpec(chunk_size=UNIT, downloads_per_image=2, discard_layers=True)
    made, result = pulled(*layers, spec=spec, source={"faults": (Fault(2.5, 5.0, status=None),)}, horizon=3.0)
    assert (made.cause, made.layers_fetched) == ("connectionLost", 0)
    assert made.downloaded == pytest.approx(5 * UNIT, abs=10)
    assert result.registries[0].sent == pytest.approx(made.downloaded, abs=10)  # requests found the blobs before
    assert [each.fetched for each in result.layers] == [2.5, 2.5]


def test_what_memory_has_lost_is_read_from_the_disk():
    content, written = layer("x", 4.0, 4.0), {"write": RATE, "unpack": {"stored": FAST}}
    spec = SociSpec(chunk_size=UNIT, downloads_per_image=1, discard_layers=True)
    without = took(content, spec=spec, **written)
    assert took(content, spec=replace(spec, rereads=0.5), **written) == pytest.approx(without + 2.0)


def test_requests_go_to_the_registry_once_a_blob_and_once_an_image_and_then_to_its_store():
    source = {"blob_host": BlobHost(0.0, FAST, RATE, 0.0)}
    layers = layer("x", 3.5), layer("y", 1.0), layer("z", 2.0)
    _, result = pulled(*layers, source=source)
    used = result.registries[0]
    assert (used.blobs, used.ranges) == (1 + 1 + 2 + 1, 4 + 2)  # config; image; x and z; y, which is one chunk alone
    _, direct = pulled(*layers)
    assert (direct.registries[0].blobs, direct.registries[0].ranges) == (1 + 1 + 2 + 4 + 1 + 2, 0)


def test_pods_with_one_image_fetch_it_once():
    on = node(soci(SociSpec(discard_layers=True)))
    images = {"a:1": image(layer("x", 2.0, 1.0))}
    result = run([pod("a", named("a:1")), pod("b", named("a:1"))], on, registries=[registry()], images=images)
    assert sorted(each.downloaded for each in result.pulls) == [0, 2 * UNIT]
    assert not check(result)


def test_images_that_share_their_lower_layers_fetch_these_once():
    base = layer("base", 2.0, 1.0)
    images = {"a:1": image(base, layer("x", 1.0, 1.0)), "b:1": image(base, layer("y", 1.0, 1.0))}
    on = node(soci(SociSpec(discard_layers=True)))
    result = run([pod("a", named("a:1")), pod("b", named("b:1"))], on, registries=[registry()], images=images)
    assert sorted(each.downloaded for each in result.pulls) == [UNIT, 3 * UNIT]
    assert not check(result)


def test_layers_come_from_the_registry_of_the_name_and_not_from_its_mirror():
    mirror = registry("mirror.test")
    own = registry(mirrors=(Host("mirror.test"),))
    images = {"a:1": image(layer("x", 2.0), documents=(100, 100))}
    result = run([pod("a", named("a:1"))], node(soci(SociSpec())), registries=[own, mirror], images=images)
    sent = {each.host: each.sent for each in result.registries}
    assert (sent[HOST], sent["mirror.test"]) == (2 * UNIT + 2, 200)  # two bytes of the request that authorizes


@pytest.mark.parametrize("fill", ["streamThrough", "storeThenServe"])
def test_a_cache_that_the_image_is_named_after_fetches_what_it_sends(fill):
    cache = registry(cache=CacheSpec(upstream="up.test", fill=fill, coalesce="blob"))
    images = {"a:1": image(layer("x", 2.0), documents=(100, 100))}
    result = run(
        [pod("a", named("a:1"))], node(soci(SociSpec())), registries=[cache, registry("up.test")], images=images
    )
    sent = {each.host: each.sent for each in result.registries}
    assert pull(result, "a").ok
    assert not check(result)
    assert result.caches[0].received == sent["up.test"] >= 2 * UNIT + 200


def test_an_image_of_another_handler_is_unpacked_by_containerd():
    runtime = soci(SociSpec(discard_layers=True))
    handlers = RuntimeHandler("runc", "soci"), RuntimeHandler("kata", "overlayfs")
    kubelet = {"serializeImagePulls": False, "featureGates": {"RuntimeClassInImageCriApi": True}}
    on = node(runtime, handlers=handlers, kubelet=kubelet, size=10**12)
    images = {"a:1": image(layer("x", 2.0, 1.0)), "b:1": image(layer("y", 2.0, 1.0))}
    pods = [pod("a", named("a:1")), pod("b", named("b:1"), handler="kata", at=50.0)]
    result = run(pods, on, registries=[registry()], images=images)
    assert [each.ended - each.started for each in result.pulls] == pytest.approx([3.0 + RENAME, 3.0])
    assert result.disks[0].used == UNIT + 3 * UNIT


@pytest.mark.parametrize(("size", "cause"), [(2 * UNIT, "noSpace"), (4 * UNIT, "noSpace"), (5 * UNIT, None)])
def test_the_disk_holds_the_file_and_the_directory_of_a_layer_until_its_rename(size, cause):
    made, result = pulled(layer("x", 3.0, 2.0), size=size)
    assert made.cause == cause
    if cause:
        assert made.error.endswith("no space left on device")
        again = result.pulls[1]  # which has as much space as the first one had
        assert again.ended - again.started == pytest.approx(made.ended - made.started)
    else:
        assert result.disks[0].used == 2 * UNIT


@pytest.mark.parametrize(
    ("fault", "seconds", "cause"),
    [
        # The waits of 30 ms, 60 ms, … are doubled 8 times and a sixteenth longer: they end at 8.13 s.
        (Fault(2.5, 5.0, status=503, of="blobs"), 3.0 + 255 * 0.03 * 17 / 16 + 5.0, None),
        (Fault(2.5, 60.0, status=503, of="blobs"), 3.0 + 255 * 0.03 * 17 / 16, "serverError"),
        (Fault(2.5, 60.0, status=429, of="blobs"), 3.0 + 255 * 0.03 * 17 / 16, "tooManyRequests"),
        (Fault(2.5, 60.0, status=501, of="blobs"), 3.0, "serverError"),
        (Fault(2.5, 60.0, status=None), 2.5, "connectionLost"),
        (Fault(0.5, 60.0, status=404, of="blobs"), 1.0, "notFound"),
    ],
)
def test_requests_that_fail_are_tried_again_for_seconds_and_then_end_the_pull(fault, seconds, cause):
    spec = SociSpec(chunk_size=UNIT, downloads_per_image=1, discard_layers=True)
    made, _ = pulled(layer("x", 8.0), spec=spec, source={"faults": (fault,)})
    assert made.cause == cause
    assert made.ended - made.started == pytest.approx(seconds, abs=2e-3)
    assert ("failed to prepare extraction snapshot" in (made.error or "")) == bool(cause)


@given(
    sizes=st.lists(st.sampled_from([0.0, 0.5, 1.0, 1.0, 2.0, 3.0]), min_size=1, max_size=5),
    works=st.lists(st.sampled_from([0.0, 1.0, 1.0, 2.0]), min_size=5, max_size=5),
    downloads=st.sampled_from([1, 2, 3, None]),
    unpacks=st.sampled_from([1, 2, None]),
    node_wide=st.sampled_from([1, 2, None]),
    keep=st.booleans(),
)
def test_a_pull_is_within_its_bounds(sizes, works, downloads, unpacks, node_wide, keep):
    layers = [layer(f"{n}", size, works[n]) for n, size in enumerate(sizes)]
    spec = SociSpec(UNIT // 2, downloads, node_wide, unpacks, None, discard_layers=not keep)
    seconds = took(*layers, spec=spec)
    connections = min(each for each in (downloads, node_wide, 10**6) if each is not None)
    chunks = [ceil(2 * size) for size in sizes]
    whole = sum(chunks) / 2
    work = works[: len(sizes)]
    least = max(whole / min(connections, max(1, sum(chunks))), sum(work) / (unpacks or len(work)), *work)
    least = max(least, *(0.5 * bool(n) + w for n, w in zip(chunks, work, strict=True)))
    assert least - 1e-6 <= seconds <= whole + sum(work) + RENAME * len(sizes) + 1e-6
