"""The commands sweep, compare and solve, as their users run them."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.support.command import pullsim

KNOB = "kubelet.maxParallelImagePulls"


def test_sweep_prints_and_writes(small_file, tmp_path):
    arguments = ["--set", f"{KNOB}=1,3", "--set", "nodes[node].cores=1,2", "--seeds", "2"]
    done = pullsim(
        "sweep", small_file, *arguments, "--out", tmp_path / "out", "-o", "csv", "--cost", "bytes.downloaded"
    )
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert len(rows) == 8
    assert (tmp_path / "out" / "runs.csv").read_text() == done.stdout
    names = {file.name for file in (tmp_path / "out").iterdir()}
    assert names >= {"runs.jsonl", "runs.csv", "table.csv", "report.html", "knee.png", "heat.svg", "trade-off.png"}
    table = pullsim("sweep", small_file, "-j", "1", *arguments, "-m", "pods.start.p99")
    assert table.stdout.splitlines()[0].split() == ["maxParallelImagePulls", "cores", "start.p99"]


def test_a_study_file(small_file):
    study = small_file.parent / "study.yaml"
    study.write_text(
        f"scenario: small.yaml\ndesign: paired\nseeds: [5, 6]\nset:\n  {KNOB}: [1, 3]\n"
        "  'nodes[node].cores': [1, 2]\nmetrics: [pods.start.p99]\n"
    )
    done = pullsim("sweep", study, "-j", "1", "-o", "csv")
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [(row[KNOB], row["nodes[node].cores"], row["seed"]) for row in rows] == [
        ("1", "1", "5"),
        ("1", "1", "6"),
        ("3", "2", "5"),
        ("3", "2", "6"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("scenario: small.yaml\nsets: {}", "no key 'sets'; did you mean set?"),
        ("scenario: small.yaml\nseeds: many", "must be a number of seeds"),
        ("scenario: small.yaml\ndesign: cross", "must be grid or paired"),
        ("scenario: none.yaml", "no such file"),
        ("scenario: small.yaml\nset: {seed: []}", "has no values"),
        ("scenario: small.yaml\nmetrics: [pods.start.p98]", "did you mean pods.start.p99"),
    ],
)
def test_a_wrong_study_file(small_file, text, message):
    study = small_file.parent / "study.yaml"
    study.write_text(text)
    done = pullsim("sweep", study)
    assert done.returncode == 2
    assert message in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--resume"], "give --out DIR too"),
        (["--set", "a"], "KEY=VALUE"),
        (["-m", "pods"], "there is no metric 'pods'"),
        (["--dask", "nowhere"], "no Dask scheduler"),
        (["--dask", "local:2", "-j", "2"], "not both"),
        (["--set", "seed=1", "--set", "seed=2"], "given twice"),
    ],
)
def test_sweep_refuses(small_file, arguments, message):
    done = pullsim("sweep", small_file, "-j", "1", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stdout == ""


def test_a_failing_variant_is_named_and_the_rest_is_there(small_file):
    done = pullsim("sweep", small_file, "-j", "1", "--set", f"{KNOB}=1,0", "-m", "pods.start.p99")
    assert done.returncode == 0
    assert f"failed: {KNOB}=0: " in done.stderr
    assert len(done.stdout.splitlines()) == 3


def test_compare(small_file, tmp_path):
    done = pullsim("compare", small_file, "-j", "1", "--set", f"{KNOB}=1,3", "--seeds", "2", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "pull queue: -" in done.stdout
    assert {file.name for file in (tmp_path / "out").iterdir()} == {
        "comparison.csv",
        "runs",
        "comparison.md",
        "report.html",
        "comparison.png",
        "comparison.svg",
    }
    rows = json.loads(
        pullsim("compare", small_file, "-j", "1", "--a", f"{KNOB}=1", "--b", f"{KNOB}=3", "-o", "json").stdout
    )
    assert rows[0]["metric"] == "pods.start.p50"
    one = pullsim("compare", small_file)
    assert one.returncode == 2
    assert "one side only" in one.stderr


def test_solve(small_file, tmp_path):
    goal = ["--knob", KNOB, "--range", "1..4", "--objective", "pods.start.max"]
    done = pullsim("solve", small_file, "-j", "1", *goal, "--slo", "< 1h", "--seeds", "2", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert f"{KNOB}=1 is" in " ".join(done.stdout.split())
    assert {"solve.png", "report.html"} <= {file.name for file in (tmp_path / "out").iterdir()}
    answer = json.loads(
        pullsim("solve", small_file, "-j", "1", *goal, "--slo", "< 1h", "--seeds", "1", "-o", "json").stdout
    )
    assert answer["answer"] == [f"{KNOB}=1"]
    assert len(answer["tried"]) == 4
    none = pullsim("solve", small_file, "-j", "1", *goal, "--slo", "< 1ms", "--seeds", "1", "-o", "sentence")
    assert none.returncode == 1
    assert none.stdout.startswith(f"No {KNOB} in 1..4 meets")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--range", "1-4"], "LOW..HIGH"),
        (["--range", "1..4", "--objective", "pods.start.p98"], "did you mean pods.start.p99"),
        (["--range", "1..4", "--slo", "90"], "is no assertion"),
        (["--range", "1..4", "--range", "1..2"], "a range for each"),
        (["--range", "0..0"], "must be a positive number"),
    ],
)
def test_solve_refuses(small_file, arguments, message):
    done = pullsim("solve", small_file, "-j", "1", "--knob", KNOB, *arguments)
    assert done.returncode == 2
    assert message in done.stderr
