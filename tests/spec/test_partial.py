"""Which bytes of a zstd:chunked layer are missing, and in how many ranges, beside layouts that are drawn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullsim.oci.manifest import Layer
from pullsim.spec.partial import MERGED_GAP, MOST_RANGES, Missing, missing, toc_bytes

MB = 1_000_000


def layer(size=100 * MB, files=1000, *, unpacked=250 * MB, chunked=()):
    return Layer.of("sha256:" + "a" * 64, size, unpacked=unpacked, files=files, compression="zstd", chunked=chunked)


def merged(gaps, most):
    """The rule of mergeMissingChunks, gap by gap: (ranges, bytes of gaps)."""
    ranges, extra = len(gaps) + 1, 0
    to_merge = ranges - most
    for gap in sorted(gaps):
        if to_merge < 0 and gap > MERGED_GAP:
            break
        to_merge -= 1
        ranges -= 1
        extra += gap
    return ranges, extra


def test_what_is_missing():
    own = layer(chunked=(("base", 60 * MB), ("lib", 20 * MB)))
    toc = toc_bytes(own)
    assert toc == 70 * 1000 + 45 * 3815
    assert missing(own, lambda _: False) == Missing(100 * MB - toc, 250 * MB, 1000, 0, 0, 1)
    some = missing(own, {"base"}.__contains__)
    assert (some.size, some.there) == (40 * MB - toc, 60 * MB)
    assert some.files + some.linked == 1000
    assert some.files == pytest.approx(1000 * some.size / (100 * MB - toc), abs=1)
    full = layer(chunked=(("base", 100 * MB),))
    assert missing(full, {"base"}.__contains__) == Missing(0, 0, 0, 100 * MB - toc, 1000, 1)


@pytest.mark.parametrize("size", [0, 1, 50])
def test_a_layer_that_is_all_table_of_contents(size):
    tiny = layer(size, files=3, unpacked=10, chunked=())
    assert toc_bytes(tiny) == size
    assert missing(tiny, lambda _: True).requested() == (0, 0)


def test_what_is_missing_alone_is_one_range():
    assert Missing(5 * MB, 9 * MB, 400, 0, 0, 1).requested() == (1, 5 * MB)
    assert Missing(0, 0, 0, 5 * MB, 400, 1).requested() == (0, 0)


@pytest.mark.parametrize("most", [MOST_RANGES, 512, 100, 8, 1])
@pytest.mark.parametrize(("files", "linked", "size"), [(3000, 17000, 20_000), (3000, 3000, 6_000), (60, 6000, 900)])
@pytest.mark.parametrize("together", [1, 10])
def test_ranges_are_those_of_layouts_that_are_drawn(files, linked, size, together, most):
    """Groups of equal files in any order; ranges and bytes of gaps are those of 30 such layers on average."""
    rng = np.random.default_rng(7)
    found = []
    for _ in range(30):
        order = np.repeat([True, False], [files // together, linked // together])
        rng.shuffle(order)
        places = np.flatnonzero(order)
        between = np.diff(places) - 1
        found.append(merged((between[between > 0] * together * size).tolist(), most))
    ranges, extra = np.mean(found, axis=0)
    lacks = Missing(files * size, 0, files, linked * size, linked, together)
    predicted, asked = lacks.requested(most)
    assert predicted == pytest.approx(ranges, rel=0.03, abs=1)
    assert asked - lacks.size == pytest.approx(extra, rel=0.05, abs=0.004 * lacks.there)


numbers = st.one_of(st.sampled_from([0, 1, 2, 1023, 1024, 1025]), st.integers(0, 10**6))


@given(numbers, numbers, numbers, numbers, st.sampled_from([1, 2, 10]), st.integers(1, 1100))
def test_fewer_ranges_are_no_fewer_bytes(size, files, there, linked, together, most):
    lacks = Missing(size, size, files, there, linked, together)
    ranges, asked = lacks.requested(most)
    assert (ranges == 0) == (size == 0)
    assert ranges <= max(1, most)
    assert size <= asked <= size + there
    fewer, more = lacks.requested(max(1, most // 2))
    assert fewer <= ranges
    assert more >= asked - 1  # of rounding
