"""Rows on the disk are those that would be in memory, in every file of a run, and nothing of them is left behind."""

from __future__ import annotations

import copy
import pickle
import resource
import tempfile
from dataclasses import fields, replace
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.workloads.full_model import cluster
from benchmarks.workloads.workload import make_w
from pullsim import scratch as module
from pullsim.errors import InputError
from pullsim.results.exports.files import OutputDirectory
from pullsim.results.summary.summary import summarize
from pullsim.rows import BLOCK, Rows
from pullsim.run import simulate
from pullsim.scratch import Scratch
from tests.support.records import make


class Thing(NamedTuple):
    number: float | None
    name: str
    texts: tuple[str | None, ...] = ()
    seconds: dict[str, float] = {}  # noqa: RUF012  # nothing changes it


THINGS = st.lists(
    st.builds(
        Thing,
        st.sampled_from([None, 0.0, -0.0, 1.5, 2.5]),  # ties
        st.sampled_from(["a", "b"]) | st.text(max_size=3),
        st.lists(st.sampled_from(["x", None]), max_size=2).map(tuple),
        st.dictionaries(st.sampled_from(["pull", "start"]), st.floats(allow_nan=False), max_size=2),
    ),
    max_size=30,
)


def stored(rows, directory, *, block=4, after=1):
    scratch = Scratch(Path(directory))
    scratch.after = after
    return Rows(rows, block=block, scratch=scratch)


@given(rows=THINGS, after=st.integers(0, 3))
@settings(max_examples=30)
def test_rows_come_out_as_they_went_in(rows, after):
    with tempfile.TemporaryDirectory() as directory:
        on_disk = stored(rows, directory, block=3, after=after)
        assert repr([*on_disk]) == repr(rows)
        assert repr([on_disk[place] for place in range(len(rows))]) == repr(rows)
        assert [*on_disk.values("name", "number")] == [(row.name, row.number) for row in rows]
        for other in (pickle.loads(pickle.dumps(on_disk)), copy.deepcopy(on_disk)):  # noqa: S301
            assert repr(other) == repr(rows)
        on_disk.sort(key=lambda row: row.number or 0.0)
        assert repr([*on_disk]) == repr(sorted(rows, key=lambda row: row.number or 0.0))


def test_rows_on_the_disk_can_be_changed(tmp_path):
    rows = [Thing(float(number), f"name-{number}") for number in range(20)]
    on_disk = stored(rows, tmp_path)
    on_disk[6] = rows[6] = Thing(None, "other")
    del on_disk[9], rows[9]
    on_disk.extend(rows[:7])
    assert [*on_disk] == rows + rows[:7]
    assert on_disk.pop() == rows[6]
    on_disk.clear()
    on_disk.extend(rows)
    assert [*on_disk] == rows


def test_a_copy_needs_no_disk(tmp_path):
    rows = [Thing(float(number), f"name-{number}") for number in range(20)]
    other = copy.deepcopy(stored(rows, tmp_path / "gone", after=9))
    assert other == rows
    kept = stored(rows, tmp_path)
    other = pickle.loads(pickle.dumps(kept))  # noqa: S301
    kept.clear()
    assert other == rows


def test_the_files_of_a_run_are_the_same(tmp_path):
    result = make(pods=40, nodes=4, fail_first=5, never=2)
    (tmp_path / "rows").mkdir()
    lists = {each.name for each in fields(result) if isinstance(getattr(result, each.name), Rows)}
    assert {"pods", "pulls", "layers", "events", "statuses", "requests", "reads"} <= lists
    on_disk = replace(result, **{name: stored(getattr(result, name), tmp_path / "rows") for name in lists})
    written = []
    for name, each in (("memory", result), ("disk", on_disk)):
        with OutputDirectory(tmp_path / name, ("csv", "parquet")) as output:
            output.write_data(each, summarize(each), "version: 1\n", asked=("perfetto", "kwok", "kube-burner"))
            output.write_later(each, summarize(each), "version: 1\n")
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        written.append({path.relative_to(tmp_path / name): path.read_bytes() for path in files})
    assert written[0] == written[1]
    assert len(written[0]) > 10


@pytest.fixture(name="nothing_in_memory")
def _nothing_in_memory(monkeypatch):
    monkeypatch.setattr(module, "IN_MEMORY", 0)


@pytest.mark.usefixtures("nothing_in_memory")
def test_a_run_keeps_its_rows_there(tmp_path):
    spec = cluster(make_w(27))
    kept, result = simulate(spec, status=True), simulate(spec, status=True, scratch=tmp_path)
    assert len(result.events) > BLOCK
    assert isinstance(result.events._blocks[0]._columns["t"], module.StoredColumn)
    assert isinstance(result.spans._blocks[0].columns[1], module.StoredColumn)
    for each in fields(result):
        assert getattr(result, each.name) == getattr(kept, each.name), each.name
    assert result.statuses == sorted(kept.statuses, key=attrgetter("t"))
    assert summarize(result) == summarize(kept)
    assert [*tmp_path.iterdir()] == []  # the file has no name


@pytest.mark.usefixtures("nothing_in_memory")
def test_an_interrupted_run_leaves_its_whole_files_and_nothing_else(tmp_path):
    def stop(progress):
        if progress.pods_started == 530:
            raise KeyboardInterrupt

    with OutputDirectory(tmp_path / "out", ("parquet",)) as output:
        result = simulate(cluster(make_w(27)), detail="pulls", scratch=output.path, progress=stop)
        assert result.ended == "interrupted"
        output.write_data(result, summarize(result), "version: 1\n")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"summary.json", "scenario.effective.yaml", "pods.parquet", "pulls.parquet", "events.jsonl"}


@pytest.mark.usefixtures("nothing_in_memory")
def test_a_run_that_fails_leaves_nothing(tmp_path):
    def fail(progress):
        if progress.pods_started == 530:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), OutputDirectory(tmp_path / "out") as output:
        simulate(cluster(make_w(27)), scratch=output.path, progress=fail)
    assert [*tmp_path.iterdir()] == []


def test_a_disk_that_takes_nothing_more_is_told(tmp_path):
    rows = [Thing(float(number), f"name-{number}") for number in range(4000)]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(InputError, match="cannot be written: File too large") as error:
            stored(rows, tmp_path, block=1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert str(tmp_path) in str(error.value)
    with pytest.raises(InputError, match="cannot be written: No such file or directory"):
        stored(rows, tmp_path / "gone")
