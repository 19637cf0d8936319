"""Names and texts of an input are shown, never obeyed: by terminals, readers of XML, browsers or spreadsheets."""

import csv
import json
from xml.etree import ElementTree as ET

import pytest

from pullsim.printable import printable
from tests.support.small_scenario import SCENARIO

NAME = "a\x1b]0;title\x07\x9b31m\u202e[/x][red]|$\\frac{$`x`<b>你"
IMAGE = "=cmd|' /C calc'!A0"


@pytest.fixture
def hostile(tmp_path):
    """A scenario whose names a terminal, a spreadsheet or matplotlib would obey."""
    path = tmp_path / "hostile\x1b[31m<&.yaml"
    workload = {"name": "bad", "pods": {"image": IMAGE}}
    text = SCENARIO.replace("name: small", f"name: {json.dumps(NAME)}\nhorizon: 60s")
    path.write_text(text + f"  - {json.dumps(workload)}\n")
    return path


def raw(text):
    return printable(text, "\n") != text


def test_commands_write_controls_out(inside, hostile, tmp_path):
    missing = tmp_path / "no\x1b[31m\nfile.yaml"
    for arguments in (
        ["run", hostile],
        ["run", hostile, "-o", "json"],
        ["run", hostile, "-o", "csv"],
        ["run", hostile, "--watch"],
        ["run", missing],
        ["run", hostile, "--set", "nodes[\x1b[31m].count=1"],
        ["run", hostile, "--\x1b[31m"],
        ["validate", hostile],
        ["describe", hostile, "bad"],
        ["describe", hostile, "\x1b[31m"],
        ["explain", hostile, "bad"],
        ["explain", hostile, "bad", "-o", "json"],
        ["explain", hostile, "\x1b[31m"],
        ["ci", hostile, "--assert", "pods.total < 1"],
        ["ci", hostile, "--assert", "pods.total < 1", "--github"],
        ["ci", missing],
        ["compare", hostile, "--set", "description=[/x]\x1b[1m,b"],
        ["compare", hostile, "-o", "markdown"],
        ["sweep", hostile, "--set", "description=[/x]\x1b[1m,[a:1]"],
        ["sweep", hostile, "--set", "nodes[workers].count=\x1b[1m,1"],
        ["image", "a\x1b[31m", "ok"],
        ["image", "a\x1b[31m", "-o", "json"],
        ["presets", "a\x1b[31m"],
        ["explain-credentials", "nginx", "--config", missing],
        ["fit", missing],
        ["\x1b[31m"],
    ):
        done = inside(*arguments)
        assert done.returncode in (0, 1, 2), (arguments, done.stderr)
        assert not raw(done.stdout), arguments
        assert not raw(done.stderr), arguments


def test_the_name_is_shown_as_it_is_written(inside, hostile):
    assert "a\\x1b]0;title" in inside("run", hostile).stdout


def test_markup_is_text(inside, hostile):
    done = inside("sweep", hostile, "--set", 'description="[/x]","[a:1]","[red]"')
    assert all(f'"{value}" ' in done.stdout for value in ("[/x]", "[a:1]", "[red]"))


def test_files_are_well_formed_and_harmless(inside, hostile, tmp_path):
    out = tmp_path / "out"
    done = inside("run", hostile, "--out", out, "--chart-formats", "svg")
    assert done.returncode == 0, done.stderr
    with (out / "pods.csv").open(newline="") as file:
        assert {row["images"] for row in csv.DictReader(file)} >= {f"'{IMAGE}", "example.com/team/app:v1"}
    assert json.loads((out / "summary.json").read_text())["name"] == NAME
    for path in out.iterdir():
        assert path.is_dir() or path.suffix == ".yaml" or not raw(path.read_text()), path
    for chart in (out / "charts").glob("*.svg"):
        ET.parse(chart)  # noqa: S314  it is ours


def test_junit_is_well_formed_for_any_name(inside, hostile, tmp_path):
    junit, report = tmp_path / "junit.xml", tmp_path / "report.md"
    condition = "pods.total < 1"
    assert inside("ci", hostile, "--assert", condition, "--junit", junit, "--markdown", report).returncode == 1
    (case,) = ET.parse(junit).iter("testcase")  # noqa: S314
    assert case.get("name") == printable(hostile.as_posix())
    assert not raw(report.read_text())
    assert "<&" not in report.read_text()


def test_charts_and_tables_of_studies_show_any_value(inside, hostile, tmp_path):
    knobs = ["--set", "name='$\\frac{',=1+1", "--set", "description=$a,$b$"]
    done = inside("sweep", hostile, *knobs, "--out", tmp_path / "sweep")
    assert done.returncode == 0, done.stderr
    with (tmp_path / "sweep" / "table.csv").open(newline="") as file:
        assert {row["name"] for row in csv.DictReader(file)} == {"'$\\frac{'", "'=1+1"}
    long = "x" * 5000
    done = inside(
        "sweep", hostile, "--set", f"name={long},b", "--set", f"description={long},b", "--out", tmp_path / "long"
    )
    assert (done.returncode, len(done.stderr.splitlines())) == (0, 1), done.stderr
    done = inside("compare", hostile, "--set", "name='$\\frac{',$b$", "--out", tmp_path / "compare")
    assert done.returncode == 0, done.stderr


def test_usage_errors_are_short(inside):
    done = inside("run", "--" + "x" * 70_000)
    assert done.returncode == 2
    assert len(done.stderr) < 2000


def test_many_mistakes_are_counted(inside, tmp_path):
    path = tmp_path / "many.yaml"
    path.write_text(SCENARIO + "".join(f"mistake{n}: {'x' * 500}\n" for n in range(50)))
    done = inside("run", path)
    lines = done.stderr.splitlines()
    assert done.returncode == 2
    assert len(lines) <= 20
    assert lines[-1].startswith("pullsim: error: and ")
    assert len(done.stderr) <= 2000
