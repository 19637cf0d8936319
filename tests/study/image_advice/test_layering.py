"""Images in other layers: what is cut and joined sums to what it was, and what images shared they share afterwards."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pullsim.oci.manifest import Layer, synthetic_digest
from pullsim.study.image_advice.layering import (
    MOST_LAYERS,
    as_weights,
    evened,
    merged,
    on_base,
    shares_bottom,
    split_biggest,
    uncompressed,
    zstd,
)
from pullsim.study.image_advice.stored import matrix, node_with


def layer(name, size, unpacked=None, files=10, compression="gzip"):
    return Layer.of(
        synthetic_digest("test", name),
        size,
        unpacked=2 * size if unpacked is None else unpacked,
        files=files,
        compression=compression,
    )


def sizes(layers):
    return [each.size for each in layers]


def totals(layers):
    return [sum(getattr(each, name) for each in layers) for name in ("size", "unpacked", "files")]


A, B, C = layer("a", 100, files=7), layer("b", 900, files=3), layer("c", 900, unpacked=900, files=1)
IMAGE = (A, B, C)

# Sizes that tie, and none at all, come up often.
LAYERS = st.lists(
    st.builds(
        layer,
        st.uuids().map(str),
        st.sampled_from([0, 1, 5, 900, 900_001]),
        st.sampled_from([0, 900, 2_000_003]),
        st.sampled_from([0, 1, 7]),
        st.sampled_from(["gzip", "zstd", "stored"]),
    ),
    min_size=1,
    max_size=6,
).map(tuple)


def test_the_biggest_layer_is_split_into_equal_parts():
    parts = split_biggest(IMAGE, 4)
    assert sizes(parts) == [100, 225, 225, 225, 225, 900], "of equals the lowest"
    assert [each.unpacked for each in parts[1:5]] == [450] * 4
    assert [each.files for each in parts] == [7, 0, 1, 1, 1, 1]
    assert parts[0] is A
    assert parts[5] is C
    assert sizes(split_biggest((layer("x", 10),), 3)) == [3, 3, 4]
    assert split_biggest((layer("x", 2),), 3) == (layer("x", 2),), "no part may be empty"
    assert split_biggest((), 2) == ()
    assert len(split_biggest(IMAGE, MOST_LAYERS - 2)) == MOST_LAYERS
    assert split_biggest(IMAGE, MOST_LAYERS - 1) == IMAGE, "an overlay takes no more"


def test_the_content_in_equal_layers():
    two = evened(IMAGE, 2)
    assert sizes(two) == [950, 950]
    assert [each.unpacked for each in two] == [200 + 1700, 100 + 900]
    assert [each.files for each in two] == [7 + 2, 1 + 1]
    assert sizes(evened(IMAGE, 1)) == [1900]
    assert evened((B, C), 2) == (B, C), "a layer that is not cut stays what it is"
    assert evened((layer("x", 2),), 3) == (layer("x", 2),)


def test_small_neighbours_are_merged():
    small = [layer(name, 10) for name in "pqr"]
    assert sizes(merged((*small[:2], B, small[2]), 11)) == [20, 900, 10]
    assert merged((*small[:2], B, small[2]), 10) == (*small[:2], B, small[2])
    assert merged((B, small[2]), 11)[1] is small[2], "one alone stays what it is"


def test_zstd_is_another_blob_of_the_same_tar():
    made = zstd(IMAGE, 0.8)
    assert sizes(made) == [80, 720, 900], "what does not compress stays as large"
    assert {each.compression for each in made} == {"zstd"}
    assert [each.diff_id for each in made] == [each.diff_id for each in IMAGE]
    assert not {each.digest for each in made} & {each.digest for each in IMAGE}
    assert zstd(made, 0.8) == made, "it is zstd already"


def test_plain_tars():
    assert sizes(uncompressed(IMAGE, 1.5)) == [100, 900, 900]
    assert [each.compression for each in uncompressed(IMAGE, 1.5)] == ["gzip", "gzip", "stored"]
    assert sizes(uncompressed(IMAGE, float("inf"))) == [200, 1800, 900]


def test_weights_do_not_compress():
    assert [each.unpacked for each in as_weights(IMAGE, 900)] == [200, 900, 900]


def test_a_base_takes_the_place_of_as_many_bytes():
    base = (layer("base", 300),)
    moved = on_base(IMAGE, base)
    assert sizes(moved) == [300, 700, 900]
    assert moved[0] is base[0]
    assert moved[2] is C
    assert sizes(on_base(IMAGE, (layer("base", 100),))) == [100, 900, 900]
    assert on_base(moved, base) == moved, "it stands on it already"
    assert on_base(IMAGE, (layer("base", 1900),)) == IMAGE, "there would be nothing else"
    assert shares_bottom((A, B), (A, C)) == 1


@settings(max_examples=12)
@given(LAYERS, st.integers(1, 9))
def test_nothing_gets_lost_and_nothing_is_added(layers, number):
    changes = (
        partial(split_biggest, parts=number),
        partial(evened, count=number),
        partial(merged, least=number * 500),
    )
    for change in changes:
        made = change(layers)
        assert totals(made) == totals(layers)
        assert change(layers) == made, "the same digests"
        assert all(each.size for each in made) or not all(each.size for each in layers)
    common = (layer("base", number),)
    made = on_base(layers, common)
    assert totals(made)[0] == totals(layers)[0]


@settings(max_examples=12)
@given(LAYERS, LAYERS, st.integers(2, 5))
def test_what_was_shared_is_shared(bottom, top, number):
    """Layers of two images are changed alike, so that a node that has one of them saves as much of the other."""
    for change in (partial(zstd, factor=0.5), partial(uncompressed, below=9.0), partial(merged, least=2)):
        made, other = change((*bottom, *top)), change(bottom)
        whole = {each.digest for each in bottom if each.size >= 2}
        if change.func is not merged or whole == {each.digest for each in bottom}:
            assert shares_bottom(made, other) == len(bottom)


def test_what_two_images_share_on_a_node():
    """Image 1 is A, B; image 2 is A, C, B: A is shared; B is the same blob, but lies on other layers."""
    first, second = (A, B), (A, C, B)
    (kept,) = matrix([first, second], keeps_blobs=True)
    assert kept == (0, 1, 2, 1000, 1000, 200 + 100 + 900), "the blobs once, of the snapshots that of A"
    (discarded,) = matrix([first, second], keeps_blobs=False)
    assert discarded == (0, 1, 2, 1000, 100, 200), "a blob that is gone is fetched again"
    assert node_with([first], keeps_blobs=True).disk == 1000 + 2000
    assert node_with([first], keeps_blobs=False).disk == 2000
    assert matrix([first], keeps_blobs=True) == []


@pytest.mark.parametrize("keeps", [True, False])
@settings(max_examples=12)
@given(LAYERS, LAYERS)
def test_savings_are_what_pulling_one_after_the_other_shows(keeps, first, second):
    (shared,) = matrix([first, second], keeps_blobs=keeps)
    node = node_with([first], keeps_blobs=keeps)
    downloaded, disk = node.downloaded, node.disk
    node.pull(second)
    alone = node_with([second], keeps_blobs=keeps)
    assert shared.download == alone.downloaded - (node.downloaded - downloaded)
    assert shared.disk == alone.disk - (node.disk - disk)
    (same,) = matrix([first, first], keeps_blobs=keeps)
    assert same.download == node_with([first], keeps_blobs=keeps).downloaded
