"""Spans in columns come out as they went in."""

from __future__ import annotations

import copy
import pickle
import tempfile
from itertools import pairwise
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from pullsim.records import STAGES, SpanRecord
from pullsim.scratch import Scratch
from pullsim.span_rows import SpanRows


def test_rows_are_those_of_the_pods_in_their_order():
    spans = [("sync", 0.0, 1.5, None, None), ("pull", 1.5, 2.0, "app:1", "sha256:a")]
    rows = SpanRows()
    rows.add("n", "default", "a", spans)
    rows.add("n", "default", "empty", [])
    rows.add(None, "default", "b", spans[:1])
    expected = [
        *(SpanRecord("n", "default", "a", *span) for span in spans),
        SpanRecord(None, "default", "b", *spans[0]),
    ]
    assert [*rows] == expected
    assert rows == expected
    assert rows != expected[:2]
    assert repr(rows) == repr(expected)
    assert (rows[-1], rows[0:2], len(rows), bool(rows)) == (expected[-1], expected[:2], 3, True)
    assert not SpanRows()


def test_many_spans_take_few_bytes():
    rows, expected = SpanRows(), []
    for number in range(2000):
        times = [number + place / 11 for place in range(11)]
        spans = [
            (STAGES[place], *times[place : place + 2], "app:1", f"p{place * number % 999}" if place % 2 else None)
            for place in range(10)
        ]
        rows.add("n", "default", f"p{number}", spans)
        expected += [SpanRecord("n", "default", f"p{number}", *span) for span in spans]
    assert [*rows] == expected
    assert [rows[place] for place in range(-1, -len(rows), -1999)] == expected[:0:-1999]
    back = pickle.loads(pickle.dumps(rows))  # noqa: S301
    assert [*back] == expected
    assert len(pickle.dumps(rows._blocks)) / rows._packed < 12  # eight are its end


def test_what_lasts_until_the_next_begins_takes_one_number_each():
    def pickled(gap):
        rows = SpanRows(block=100)
        for number in range(100):
            times = [number + place / 10 for place in range(11)]
            spans = [("pull", begin, end - gap, None, None) for begin, end in pairwise(times)]
            rows.add("n", "default", f"p{number}", spans)
            assert rows[len(rows) - 10 :] == [SpanRecord("n", "default", f"p{number}", *span) for span in spans]
        return len(pickle.dumps(rows))

    assert pickled(0.01) - pickled(0.0) > 0.75 * 8 * 1000


@given(
    pods=st.lists(
        st.tuples(
            st.sampled_from([None, "n", "m"]),
            st.lists(
                st.tuples(
                    st.sampled_from(STAGES),
                    st.sampled_from([0.0, -0.0, 1.5]),
                    st.floats(allow_nan=False),
                    st.sampled_from([None, "app:1", "app:2"]),
                    st.none() | st.text(max_size=3),
                ),
                max_size=6,
            ),
        ),
        max_size=8,
    ),
    block=st.integers(1, 9),
    after=st.none() | st.integers(0, 2),
)
@settings(max_examples=40)
def test_blocks_of_spans_come_out_as_they_went_in(pods, block, after):
    with tempfile.TemporaryDirectory() as directory:
        scratch = None if after is None else Scratch(Path(directory))
        if scratch is not None:
            scratch.after = after
        rows, plain, places = SpanRows(block=block, scratch=scratch), [], []
        for number, (node, spans) in enumerate(pods):
            rows.add(node, "default", f"p{number}", spans)
            if spans:
                places.append((node, "default", f"p{number}", slice(len(plain), len(plain) + len(spans))))
            plain += [SpanRecord(node, "default", f"p{number}", *span) for span in spans]
        for each in (rows, pickle.loads(pickle.dumps(rows)), copy.deepcopy(rows)):  # noqa: S301
            assert (repr([*each]), len(each)) == (repr(plain), len(plain))
            assert [*each.pods()] == places
            assert [each[place] for *_, place in reversed(places)] == [plain[place] for *_, place in reversed(places)]
            assert [each[place] for place in range(-len(plain), len(plain))] == plain * 2
