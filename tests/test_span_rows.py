"""Spans in columns come out as they went in."""

from __future__ import annotations

from pullsim.records import SpanRecord
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
