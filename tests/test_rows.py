"""Rows in columns: they come out as they went in, and behave as a list does."""

from __future__ import annotations

import copy
import math
import pickle
import random
import struct
import sys
import tracemalloc
from typing import NamedTuple, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.workloads.full_model import cluster
from benchmarks.workloads.workload import make_w
from pullsim import records
from pullsim.column_packer import pack
from pullsim.packed_column import ValueTable
from pullsim.records import ImageRequest, KubeletEvent, LayerRecord, PodRecord, PullRecord, StatusRecord
from pullsim.results import tables
from pullsim.results.exports.registry import summary_json
from pullsim.results.summary.summary import summarize
from pullsim.rows import BLOCK, Rows, values
from pullsim.run import Result, simulate

RECORDS = (PodRecord, PullRecord, LayerRecord, KubeletEvent, StatusRecord, ImageRequest)

FLOATS = st.floats(allow_nan=False)
NAMES = st.sampled_from(["a", "b", "c", "node-1", ""]) | st.text(max_size=8)
INTEGERS = st.integers(-200, 200) | st.integers(-(2**63), 2**63 - 1) | st.integers(2**63, 2**70)
BY_HINT = {
    float: FLOATS,
    int: INTEGERS,
    str: NAMES,
    bool: st.booleans(),
    float | None: FLOATS | st.none(),
    int | None: INTEGERS | st.none(),
    str | None: NAMES | st.none(),
    bool | None: st.booleans() | st.none(),
    tuple[str, ...]: st.lists(NAMES, max_size=3).map(tuple),
    tuple[str | None, ...]: st.lists(NAMES | st.none(), max_size=3).map(tuple),
    tuple[tuple[str, int], ...]: st.lists(st.tuples(NAMES, INTEGERS), max_size=3).map(tuple),
    dict[str, float]: st.dictionaries(st.sampled_from(records.STAGES), FLOATS, max_size=4),
}


def rows_of(kind):
    return st.lists(st.builds(kind, **{field: BY_HINT[hint] for field, hint in get_type_hints(kind).items()}))


class Thing(NamedTuple):
    number: float | None
    name: object = "x"


def exact(value):
    """What tells values apart that are equal: their types, all bits of a double, the order of keys."""
    if isinstance(value, float):
        return float, struct.pack("d", value)
    if isinstance(value, tuple):
        return type(value), [*map(exact, value)]
    if isinstance(value, dict):
        return dict, [(exact(key), exact(each)) for key, each in value.items()]
    return type(value), value


@pytest.mark.parametrize("kind", RECORDS)
@pytest.mark.parametrize("block", [1, 3, 8])
@given(data=st.data())
@settings(max_examples=20)
def test_records_come_out_as_they_went_in(kind, block, data):
    given_rows = data.draw(rows_of(kind))
    rows = Rows(given_rows, block=block)
    assert exact((*rows,)) == exact((*given_rows,))
    assert exact((*map(rows.__getitem__, range(len(rows))),)) == exact((*given_rows,))
    back = pickle.loads(pickle.dumps(rows))  # noqa: S301
    assert exact((*back,)) == exact((*given_rows,))
    for field in kind._fields:
        assert exact((*rows.values(field),)) == exact((*values(given_rows, field),))
    assert [*rows.values("node", "pod")] == [*values(given_rows, "node", "pod")]


@pytest.mark.parametrize(
    "column",
    [
        (0.0, -0.0, 5e-324, math.inf),
        (1.0, 1, True),  # equal, and of three types
        (1, True, False, 0),
        (None, None),
        (0.5, None, -0.0),
        (math.nan, None),  # NaN is no None
        (math.nan, 1.0),
        (2**63 - 1, -(2**63)),
        (2**63, 1),
        (127, 128, -129, 40_000),
        ("a", 1, None),
        (("a",), ("a", None), ()),
        ((1,), (True,), (1.0,)),
        ((("a",),), (("a", 1),)),
        ([1], [2]),
        ({"a": 1.0}, {"a": 1}),
        ({"b": 1.0, "a": -0.0}, {"a": 1.0, "b": 2.0}, {}),
        ({}, {}),
        ({1: 1.0}, {True: 1.0}),
        ("a" * 9, 10**30, None, b"x"),
    ],
)
def test_values_of_all_kinds_keep_their_types(column):
    given_rows = [Thing(None, value) for value in column] * 3
    rows = Rows(given_rows, block=len(column))
    assert exact((*rows,)) == exact((*given_rows,))
    assert exact(rows[len(column) - 1]) == exact(given_rows[len(column) - 1])


def numbers(rows):
    return [row.number for row in rows]


@pytest.fixture(name="rows")
def _rows():
    return Rows((Thing(float(n), f"name-{n % 3}") for n in range(11)), block=4)


def test_an_empty_one():
    rows = Rows()
    assert not rows
    assert (len(rows), [*rows], rows[:], [*rows.values("anything")], repr(rows)) == (0, [], [], [], "[]")
    assert rows == []
    assert rows == Rows()
    rows.sort(key=len)
    with pytest.raises(IndexError, match="row index out of range"):
        rows[0]


def test_it_is_a_sequence(rows):
    plain = [*rows]
    assert rows == plain
    assert plain == rows
    assert rows == Rows(plain, block=3)
    assert rows != plain[:-1]
    assert rows != [*plain[:-1], plain[0]]
    assert rows != (*plain,)
    assert plain[5] in rows
    assert Thing(5.0, "other") not in rows
    assert (rows.index(plain[5]), rows.count(plain[10]), rows[-1], rows[-11]) == (5, 1, plain[10], plain[0])
    assert [*reversed(rows)] == plain[::-1]
    assert repr(rows) == repr(plain)
    assert copy.copy(rows) == copy.deepcopy(rows) == plain
    assert type(rows[0]) is Thing
    for index in (11, -12):
        with pytest.raises(IndexError, match="row index out of range"):
            rows[index]
    with pytest.raises(TypeError):
        hash(rows)


BOUND = st.none() | st.integers(-14, 14)


@given(BOUND, BOUND, st.none() | st.integers(-5, 5).filter(bool))
def test_slices_are_those_of_a_list(start, stop, step):
    plain = [Thing(float(n)) for n in range(11)]
    assert Rows(plain, block=4)[start:stop:step] == plain[start:stop:step]


EDITS = {
    "set": lambda rows: rows.__setitem__(2, Thing(-1.0)),
    "set from behind": lambda rows: rows.__setitem__(-1, Thing(-1.0)),
    "set slice": lambda rows: rows.__setitem__(slice(1, 6), [Thing(-1.0)]),
    "set all": lambda rows: rows.__setitem__(slice(None), [Thing(-1.0)] * 9),
    "del": lambda rows: rows.__delitem__(5),
    "del slice": lambda rows: rows.__delitem__(slice(1, 9, 2)),
    "insert": lambda rows: rows.insert(3, Thing(-1.0)),
    "insert from behind": lambda rows: rows.insert(-1, Thing(-1.0)),
    "insert beyond": lambda rows: rows.insert(99, Thing(-1.0)),
    "pop": lambda rows: [rows.pop() for _ in range(6)],
    "pop first": lambda rows: rows.pop(0),
    "clear": lambda rows: rows.clear(),
    "reverse": lambda rows: rows.reverse(),
    "extend by itself": lambda rows: rows.extend(rows),
    "remove": lambda rows: rows.remove(Thing(4.0, "name-1")),
    "sort": lambda rows: rows.sort(key=lambda row: (row.name, -row.number)),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_edits_are_those_of_a_list(edit, rows):
    plain = [*rows]
    assert edit(rows) == edit(plain)
    assert rows == plain
    more = [Thing(float(n)) for n in range(9)]
    rows.extend(more)
    assert rows == plain + more
    assert pickle.loads(pickle.dumps(rows)) == plain + more  # noqa: S301


def test_rows_may_be_replaced_while_one_goes_through_them(rows):
    seen = []
    for index, row in enumerate(rows):
        seen.append(row.number)
        rows[index] = row._replace(number=row.number + 0.5)
    assert seen == [float(n) for n in range(11)]
    assert numbers(rows) == [n + 0.5 for n in range(11)]


@given(st.lists(st.integers(0, 9)), st.integers(1, 7))
def test_sorting_is_stable(keys, block):
    plain = [Thing(float(key), str(place)) for place, key in enumerate(keys)]
    rows = Rows(plain, block=block)
    rows.sort(key=lambda row: row.number)
    assert rows == sorted(plain, key=lambda row: row.number)


@pytest.mark.parametrize("odd", [Thing(1.0)[:], KubeletEvent(0.0, *"abcdefgh"), None])
def test_rows_are_of_one_type(odd):
    with pytest.raises(TypeError, match="rows are named tuples of one type, not "):
        Rows([Thing(0.0), odd], block=2)


def test_plain_tuples_are_no_rows():
    with pytest.raises(TypeError, match="rows are named tuples of one type, not tuple"):
        Rows([(1, 2)], block=1)


def made(count):
    """Layers as a run has them: each with numbers and texts of its own but for names that many share."""
    names = [f"node-{n:04}" for n in range(count // 50)]
    for n in range(count):
        t = n / 7
        yield LayerRecord(
            names[n % len(names)],
            "default",
            f"pod-{n // 3}",
            f"registry.example.com/app{n % 100}:1",
            n % 9,
            f"sha256:{n % 500:064}",
            1_000_000 + n,
            3_000_000 + n,
            "registry.example.com",
            1_000_000 + n,
            *(t + step for step in range(8)),
            *(t / 3, t / 5, 0.0),
            "cpu" if n % 2 else None,
        )


@pytest.mark.parametrize("count", [0, 1, 3, 4, 9])
def test_plain_tuples_of_a_kind_become_rows(count):
    given = [Thing(number, str(number)) for number in range(count)]
    rows = Rows(block=4)
    append = rows.appender(Thing)
    for number, row in enumerate(given):
        append(tuple(row))
        assert len(rows) == number + 1
        assert type(rows[-1]) is Thing
    assert rows == given
    assert [*rows.values("name")] == [row.name for row in given]


def test_a_layer_takes_a_quarter_of_its_memory():
    count = 20 * BLOCK
    rows = Rows(made(count))  # tables and classes that stay
    tracemalloc.start()
    rows = Rows(made(count))
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    row = rows[0]
    boxed = sys.getsizeof(row) + sum(sys.getsizeof(value) for value in row if isinstance(value, float))
    assert (
        kept / count < 120
    )  # bytes: ten doubles, two integers, five codes, a number for its pod and a third of its name
    assert kept / count < boxed / 4
    assert len(pickle.dumps(rows)) / count < 120


def test_texts_of_single_rows_take_few_bytes():
    given_rows = [Thing(None, f"Successfully pulled image in {n / 7:.3f} s") for n in range(4 * BLOCK)]
    rows = Rows(given_rows)
    assert rows == given_rows
    assert [rows[place] for place in range(-1, -len(rows), -99)] == given_rows[:0:-99]
    assert len(pickle.dumps(rows)) / len(rows) < 9  # two are the number of the text


def test_texts_that_come_again_are_kept_once():
    """Nodes' names come again, though each block has many that the one before had not; names of pods do not."""
    drawn = random.Random(1)
    nodes = [f"node-{drawn.randrange(300)}" for _ in range(12 * 256)]
    pods = [f"pod-{n // 2}" for n in range(12 * 256)]
    for names, most in ((nodes, 300), (pods, 0)):
        given_rows = [Thing(None, name) for name in names]
        rows = Rows(given_rows, block=256)
        assert rows == given_rows
        assert [rows[place] for place in range(-1, -len(rows), -7)] == given_rows[:0:-7]
        kept = rows._tables["name"].values
        assert 0.9 * most <= len({*kept}) == len(kept) <= most


@given(st.lists(st.lists(NAMES | st.none(), min_size=1, max_size=40), min_size=1, max_size=6), st.integers(0, 6))
def test_columns_of_one_table_are_as_they_were_given(columns, room):
    table = ValueTable()
    packed = [pack(column, table, room) for column in columns]
    for column, found in zip(columns, packed, strict=True):
        assert [*found] == column
        assert [found[place] for place in range(len(column))] == column
    assert len(table.values) == len({*table.values}) <= room


def test_texts_that_many_rows_have_are_one_object():
    rows = Rows((Thing(0.0, f"name {n % 2}") for n in range(24)), block=8)
    assert len({*map(id, rows.values("name"))}) == 2
    back = pickle.loads(pickle.dumps(rows))  # noqa: S301
    assert len({*map(id, back.values("name"))}) == 2
    back.extend(Thing(0.0, f"name {n % 2}") for n in range(8))
    assert len({*map(id, back.values("name"))}) == 2


def test_figures_and_tables_do_not_depend_on_what_is_packed():
    spec = cluster(make_w(3))
    plain, packed = simulate(spec, status=True), simulate(spec, status=True)
    for name in ("pods", "pulls", "layers", "events", "statuses", "requests"):
        rows = getattr(packed, name)
        assert rows
        setattr(packed, name, Rows(rows, block=7))
        setattr(plain, name, [*rows])
    assert isinstance(plain, Result)
    assert summary_json(summarize(packed)) == summary_json(summarize(plain))
    for table in (tables.pods, tables.pulls, tables.layers, tables.events, tables.statuses):
        assert table(packed).equals(table(plain))
