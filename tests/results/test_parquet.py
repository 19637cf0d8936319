"""Tables as Parquet have the rows, columns and numbers of the CSV files."""

from __future__ import annotations

import csv
import io
import sys

import pytest
from pyarrow import parquet as pq

from pullsim.printable import cell
from pullsim.results import parquet
from pullsim.results.parquet import write_parquet
from pullsim.results.tables import TABLES
from tests.support.command import ROOT, pullsim
from tests.support.records import make

QUICKSTART = ROOT / "scenarios" / "quickstart.yaml"
WRITTEN = [table for table in TABLES if table.file is not None]


def text(value):
    """A value as a cell of CSV."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else cell(value) if isinstance(value, str) else repr(value)


@pytest.mark.parametrize("table", WRITTEN, ids=lambda table: table.file)
def test_rows_and_columns_are_those_of_the_csv_file(table):
    result = make(pods=20, nodes=3, fail_first=4, never=2)
    result.pods[3] = result.pods[3]._replace(pod="=1+1", message="\ud800é", node=None)
    lines = io.StringIO()
    table.write_csv(result, lines)
    names, *rows = csv.reader(io.StringIO(lines.getvalue().replace("\ud800", r"\ud800")))
    file = io.BytesIO()
    write_parquet(table, result, file)
    read = pq.read_table(file)
    assert read.column_names == names
    assert [[text(value) for value in row.values()] for row in read.to_pylist()] == rows


def test_a_file_has_row_groups_of_limited_size(monkeypatch):
    monkeypatch.setattr("pullsim.results.table._CHUNK", 2)
    monkeypatch.setattr(parquet, "_GROUP", 6)
    result = make(pods=20)
    file = io.BytesIO()
    write_parquet(WRITTEN[0], result, file)
    read = pq.ParquetFile(file)
    assert [read.metadata.row_group(each).num_rows for each in range(read.num_row_groups)] == [6, 6, 6, 2]
    assert read.read()["pod"].to_pylist() == [pod.pod for pod in result.pods]


def test_a_run_writes_the_formats_that_are_asked_for(tmp_path):
    def run(*options):
        done = pullsim("run", QUICKSTART, "--out", tmp_path, "-q", "--no-charts", "--detail", "pods", *options)
        assert (done.returncode, done.stderr) == (0, "")
        return {path.name for path in tmp_path.iterdir()} - {"summary.json", "scenario.effective.yaml", "report.html"}

    assert run("--table-formats", "parquet") == {"pods.parquet", "status.parquet"}
    alone = (tmp_path / "pods.parquet").read_bytes()
    assert run("--table-formats", "csv, parquet") == {"pods.csv", "pods.parquet", "status.csv", "status.parquet"}
    assert (tmp_path / "pods.parquet").read_bytes() == alone
    assert run() == {"pods.csv", "status.csv"}  # none of the other run stays


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("xlsx", "--out", "o"), "'xlsx' is no format of tables; known are csv, parquet"),
        (("csv,", "--out", "o"), "'' is no format of tables"),
        (("parquet",), "goes with --out, which says where tables are written"),
    ],
)
def test_formats_that_cannot_be(tmp_path, options, message):
    done = pullsim("run", QUICKSTART, "-q", "--table-formats", *options, cwd=tmp_path)
    assert done.returncode == 2
    assert f"--table-formats: {message}" in done.stderr
    assert [*tmp_path.iterdir()] == []


def test_what_writes_it_is_to_be_installed(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    done = pullsim("run", QUICKSTART, "-q", "--table-formats", "parquet", "--out", "o", cwd=tmp_path)
    assert (done.returncode, [*tmp_path.iterdir()]) == (2, [])
    assert "parquet needs pyarrow: pip install 'pullsim[parquet]'" in done.stderr
