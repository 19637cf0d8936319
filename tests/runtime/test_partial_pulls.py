"""Partial pulls of zstd:chunked layers by CRI-O, with costs that make everything computable by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pullsim.kernel.environment import Environment
from pullsim.oci.manifest import Layer, synthetic_digest
from pullsim.oci.reference import parse
from pullsim.results.invariants import check
from pullsim.runtime.crio.store import CrioStore
from pullsim.spec.partial import PartialSpec, missing, toc_bytes
from pullsim.spec.registry import Cut, Fault, Host
from pullsim.spec.stored_image import CrioImage
from tests.support.caches import MIRROR, preset
from tests.support.outcome import layers, messages, pull, stages, whole
from tests.support.world import FAR, FAST, HOST, NAME, RATE, UNIT, crio, image, named, node, pod, registry, run

FREE = PartialSpec(link=0.0, together=1)


def chunked(name, fetch, unpack=0.0, *, files=0, **contents):
    """A zstd:chunked layer; contents are given in seconds of the link, as the fetch is."""
    return Layer.of(
        synthetic_digest("layer", name),
        round(fetch * RATE),
        unpacked=round(unpack * RATE),
        files=files,
        compression="zstd",
        chunked=tuple((each, round(seconds * RATE)) for each, seconds in contents.items()),
    )


def runtime(version=(1, 36), partial=FREE, **costs):
    """CRI-O whose hashing takes no time unless it is given."""
    return replace(crio(version, **{"sha256": FAST, **costs}), partial=partial)


def update(old, new, *, source=None, at=100.0, spec=None, nodes=1, more=(), every=0.0):
    """Pull an image of the old layers at 0 s, and one of the new ones on the same nodes at ``at``."""
    pods = [pod(f"v1-{n}", named("v1:1"), node=f"n-{n}", at=n * every) for n in range(nodes)]
    pods += [pod(f"v2-{n}", named("v2:1"), node=f"n-{n}", at=at + n * every) for n in range(nodes)]
    images = {"v1:1": image(*old), "v2:1": image(*new)}
    result = run(pods, spec or node(runtime()), nodes=nodes, registries=[source or registry(), *more], images=images)
    assert check(result) == []
    return result


V1, V2 = [chunked("v1", 3, 2, lib=2)], [chunked("v2", 3, 2, lib=2)]


# ---------------------------------------------------------------- bytes and seconds


def test_a_node_without_anything_gets_all_of_it():
    """Bytes come for 3 s, and are inflated meanwhile."""
    record = pull(update(V1, V2), "v1-0")
    assert (record.downloaded, record.ended) == (3 * UNIT, pytest.approx(3.0))
    assert record.layers_fetched == 1
    assert whole(record)


def test_an_update_brings_what_is_new():
    """Of 3 s the 2 s of the library are there. Both GETs count, and what a node got is what the registry sent."""
    result = update(V1, V2)
    record, row = pull(result, "v2-0"), layers(result, "v2-0")[0]
    assert record.downloaded == row.downloaded == UNIT
    assert record.ended - record.started == pytest.approx(1.0)
    assert (row.size, row.source) == (3 * UNIT, HOST)
    assert result.registries[0].sent == 4 * UNIT
    assert result.registries[0].blobs == 2 * 3  # two configs, and two GETs of each layer


@pytest.mark.parametrize(("version", "hashed"), [((1, 32, 2), 0.0), ((1, 32, 3), 0.5), ((1, 36), 0.5)])
def test_all_of_the_layer_is_hashed_in_the_end(version, hashed):
    """2 s of unpacked bytes at 4 times the link's rate, of which those of the new part are hashed as they come too."""
    result = update(V1, V2, spec=node(runtime(version, sha256=4 * RATE)))
    record = pull(result, "v2-0")
    assert record.ended - record.started == pytest.approx(1.0 + hashed, rel=1e-3)
    assert (
        stages(record)["unpack_cpu"] == pytest.approx(hashed, abs=1e-3)
        if hashed
        else "unpack_cpu" not in stages(record)
    )


def test_files_that_are_there_are_linked_side_by_side():
    """Each of 32,000 files is looked for, 1 ms each, on 8 cores."""
    old, new = [chunked("v1", 9, files=32_000, lib=4)], [chunked("v2", 9, files=32_000, lib=4)]
    result = update(old, new, spec=node(runtime(partial=replace(FREE, link=1e-3, together=10**6)), cores=8))
    record, toc = pull(result, "v2-0"), toc_bytes(new[0])
    assert record.downloaded == 5 * UNIT
    assert record.ended - record.started == pytest.approx(32.0 / 8 + 5.0)
    assert toc == 70 * 32_000


def test_files_are_copied_where_blocks_cannot_be_shared():
    """Of 9 s on the disk 6 s are there: they are written too, at half the link's rate."""
    old, new = [chunked("v1", 3, 9, lib=2)], [chunked("v2", 3, 9, lib=2)]
    spec = node(runtime(partial=replace(FREE, copies=True), zstd=FAST), write=RATE / 2)
    linked = node(runtime(zstd=FAST), write=RATE / 2)
    slow, fast = (pull(update(old, new, spec=each), "v2-0") for each in (spec, linked))
    assert slow.ended - slow.started == pytest.approx(18.0, abs=0.05)
    assert fast.ended - fast.started == pytest.approx(6.0, abs=0.05)
    assert slow.downloaded == fast.downloaded == UNIT


def test_layers_are_put_together_side_by_side():
    """Each is inflated for 4 s on a core of its own; pulled whole they are unpacked one after the other."""
    content = [chunked(f"l{n}", 0.1, 4) for n in range(3)]
    parts = pull(update(content, V2), "v1-0")
    whole_layers = pull(update(content, V2, spec=node(runtime(partial=None))), "v1-0")
    assert parts.ended == pytest.approx(4.0, abs=0.01)
    assert whole_layers.ended == pytest.approx(0.3 + 3 * 4)


def test_contents_of_several_layers_are_found():
    old = [chunked("a", 1, one=1), chunked("b", 1, two=1)]
    result = update(old, [chunked("c", 3, one=1, two=1)])
    assert pull(result, "v2-0").downloaded == UNIT


def test_without_partial_pulls_layers_come_whole():
    result = update(V1, V2, spec=node(runtime(partial=None)))
    assert pull(result, "v2-0").downloaded == 3 * UNIT


def test_layers_that_are_not_chunked_are_pulled_as_ever():
    old, new = ([replace(each, chunked=None) for each in content] for content in (V1, V2))
    on, off = (update(old, new, spec=node(runtime(partial=each))) for each in (FREE, None))
    assert (on.layers, on.pulls, on.registries) == (off.layers, off.pulls, off.registries)


def test_cached_images_have_their_contents():
    images = {"v1:1": image(*V1), "v2:1": image(*V2)}
    spec = node(runtime(), cached=[named("v1:1")])
    result = run([pod("p", named("v2:1"))], spec, registries=[registry()], images=images)
    assert pull(result, "p").downloaded == UNIT


def test_what_is_removed_is_found_no_more():
    store = CrioStore(Environment(), 0.0, partial=True)
    old, new = (CrioImage(image(*content), "sha256:" + "a" * 64) for content in (V1, V2))
    for name, each in (("v1", old), ("v2", new)):
        assert store.put(parse(f"{HOST}/{name}:1"), each)
    store.remove(old.id)
    assert store.has("lib")
    assert store.missing(V1[0]) == UNIT
    store.remove(new.id)
    assert not store.has("lib")
    assert store.missing(V1[0]) == 3 * UNIT
    assert store.bytes == 0


def test_contents_of_layers_that_were_pulled_whole_are_not_found():
    store = CrioStore(Environment(), 0.0, partial=True)
    store.commit("chain", V1[0])
    assert not store.has("lib")
    assert (store.missing(V1[0]), store.missing(V2[0])) == (0, 3 * UNIT)


# ---------------------------------------------------------------- hosts that do otherwise


MANY = [chunked("m1", 3, files=20_000, lib=2)], [chunked("m2", 3, files=20_000, lib=2)]


def test_half_as_many_ranges_until_the_host_takes_them():
    lacks = missing(MANY[1][0], {"lib"}.__contains__)
    result = update(*MANY, source=registry(most_ranges=300))
    ranges, tries = lacks.requested()[0], 1
    while ranges > 300:
        ranges, size = lacks.requested(ranges // 2)
        tries += 1
    assert tries == 3
    record = pull(result, "v2-0")
    assert record.downloaded == toc_bytes(MANY[1][0]) + size
    assert UNIT < record.downloaded < 3 * UNIT
    assert result.registries[0].blobs == 2 + 2 + 1 + tries


def test_a_host_that_takes_one_range_alone_is_asked_for_whole_layers():
    result = update(V1, V2, source=registry(most_ranges=1))
    assert pull(result, "v2-0").downloaded == 3 * UNIT
    assert result.registries[0].blobs == 2 * 3


def test_a_host_that_ignores_several_ranges_sends_all_of_it_twice():
    """As S3 does: once for the table of contents, and once for the parts (containers/image#2792)."""
    result = update(*MANY, source=registry(ranges="one"))
    size, toc = 3 * UNIT, toc_bytes(MANY[1][0])
    assert pull(result, "v2-0").downloaded == 2 * size
    assert pull(result, "v1-0").downloaded == size + (size - toc)  # what is missing is one range
    assert result.registries[0].sent == 4 * size - toc


def test_a_host_that_refuses_several_ranges_fails_the_pull():
    """As zot does (project-zot/zot#3623)."""
    images = {"a:1": image(*V1)}
    source = registry(ranges="refused")
    result = run([pod("p", named("a:1"))], node(runtime()), registries=[source], images=images, horizon=5.0)
    record = pull(result, "p")
    assert (record.ok, record.cause, record.downloaded) == (False, "serverError", 0)
    assert (
        f'partial pull of blob {V1[0].digest}: read zstd:chunked manifest: fetching partial blob: StatusCode: 416, ""'
        in messages(result, "Failed")[0]
    )


FAULTS = [
    ({"cut": Cut(share=0.5)}, "staging a partially-pulled layer: unexpected EOF"),
    ({"status": 500}, "read zstd:chunked manifest: fetching partial blob: received unexpected HTTP status: 500"),
    ({"status": 404}, "read zstd:chunked manifest: fetching partial blob: blob unknown to registry"),
]


@pytest.mark.parametrize(("fault", "text"), FAULTS, ids=["cut", "500", "404"])
def test_a_part_that_does_not_come_fails_the_pull(fault, text):
    """The fault begins after the config has come, or after the table of contents where the body is cut."""
    content = image(chunked("x", 3, 2, files=1000))
    source = registry(**FAR, faults=())

    def result_of(source):
        return run(
            [pod("p", named("a:1"))], node(runtime()), registries=[source], images={"a:1": content}, horizon=120.0
        )

    began = layers(result_of(source), "p")[0].requested
    at = began + 1.5 if "cut" in fault else began - 0.5
    result = result_of(replace(source, faults=(Fault(at=at, duration=3.0, **fault),)))
    assert text in messages(result, "Failed")[0]
    assert f"partial pull of blob {content.layers[0].digest}" in messages(result, "Failed")[0]
    assert pull(result, "p", 2).ok
    assert check(result) == []


def test_a_host_that_answers_400_to_all_ends_both_ways():
    """Ranges that are refused lead to the whole blob, which is refused too."""
    content = image(chunked("x", 3, 2))
    source = registry(**FAR)
    began = layers(run([pod("p", NAME)], node(runtime()), registries=[source], images={NAME: content}), "p")[
        0
    ].requested
    faulty = replace(source, faults=(Fault(status=400, at=began - 0.5),))
    result = run([pod("p", NAME)], node(runtime()), registries=[faulty], images={NAME: content}, horizon=60.0)
    assert f"reading blob {content.layers[0].digest}: fetching blob: " in messages(result, "Failed")[0]


def test_a_disk_without_room_fails_the_pull():
    images = {"big:1": image(chunked("big", 1, 7))}
    spec = node(runtime(), size=6 * UNIT)
    result = run([pod("big", named("big:1"))], spec, registries=[registry()], images=images, horizon=9.0)
    assert pull(result, "big").cause == "noSpace"
    assert "staging a partially-pulled layer: write " in messages(result, "Failed")[0]
    assert messages(result, "Failed")[0].count("no space left on device") == 1


CACHES = [
    # preset, bytes of the first node's update and of the second's, in layers of 3 s of which 1 s is new; upstream's
    ("distribution", 4, 1),
    ("harbor", 4, 1),
    ("nginx", 4, 1),
    ("ecr-pull-through", 6, 6),
]


@pytest.mark.parametrize(("name", "first", "second"), CACHES, ids=[each[0] for each in CACHES])
def test_parts_by_way_of_a_cache(name, first, second):
    """What flows through a cache is the whole layer; from then on it has it, and serves ranges as it can."""
    ranges = "one" if name == "ecr-pull-through" else "several"
    mirror = registry(MIRROR, egress=FAST, cache=preset(name), ranges=ranges)
    source = registry(mirrors=(Host(MIRROR),))
    result = update(*MANY, source=source, more=[mirror], nodes=2, every=30.0)
    toc = toc_bytes(MANY[1][0])
    once = missing(MANY[1][0], {"lib"}.__contains__).requested()[1]
    expected = {4: 3 * UNIT + once, 1: toc + once, 6: 6 * UNIT}
    assert pull(result, "v2-0").downloaded == expected[first]
    assert pull(result, "v2-1").downloaded == expected[second]
    copies = 2 if name == "harbor" else 1  # its second GET stores what has flowed through
    assert sum(each.received for each in result.caches) == pytest.approx(copies * 2 * 3 * UNIT, rel=1e-3)


@pytest.mark.parametrize("ranges", ["several", "one"])
def test_who_waits_too_long_at_nginx_gets_ranges_from_upstream(ranges):
    """The first node gets the layer through nginx. The second waits for 1 s, and gets what upstream makes of ranges.

    Where that is all of it, nginx has the layer from the first node by then, and serves the parts.
    """
    mirror = registry(MIRROR, egress=FAST, cache=preset("nginx", coalesce_timeout=1.0))
    source = registry(mirrors=(Host(MIRROR),), ranges=ranges)
    result = update(*MANY, source=source, more=[mirror], nodes=2)
    once = missing(MANY[1][0], {"lib"}.__contains__).requested()[1]
    assert pull(result, "v2-0").downloaded == 3 * UNIT + once
    assert pull(result, "v2-1").downloaded == once + (3 * UNIT if ranges == "one" else toc_bytes(MANY[1][0]))


# ---------------------------------------------------------------- laws

seconds = st.sampled_from([0.5, 1.0, 1.0, 2.0])  # that tie
names = st.lists(st.sampled_from("abcd"), unique=True, max_size=3)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.lists(st.tuples(names, seconds), min_size=1, max_size=3), min_size=2, max_size=4),
    st.sampled_from(["several", "one"]),
    st.sampled_from([None, 1, 2, 700]),
    st.sampled_from([1, 64]),
)
def test_bytes_are_conserved_and_never_more_than_the_layer(versions, ranges, most, cores):
    images, pods = {}, []
    for number, content in enumerate(versions):
        made = [
            chunked(f"{number}.{place}", own + len(groups), 2 * own, files=9000, **dict.fromkeys(groups, 1))
            for place, (groups, own) in enumerate(content)
        ]
        images[f"v{number}:1"] = image(*made)
        pods.append(pod(f"v{number}", named(f"v{number}:1"), at=float(number)))
    spec = node(runtime(sha256=10 * RATE), cores=cores)
    result = run(pods, spec, registries=[registry(ranges=ranges, most_ranges=most)], images=images)
    assert check(result) == []
    assert sum(each.downloaded for each in result.pulls) == result.registries[0].sent
    for row in result.layers:
        assert row.downloaded <= row.size * (2 if ranges == "one" else 1)
    assert all(each.ok and whole(each) for each in result.pulls)
