"""The runs on the disk: what is kept, what is dropped, what is refused."""

from __future__ import annotations

import json
import os
import resource

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pullsim
from pullsim.errors import InputError
from pullsim.study.job import Bundle, Job, Outcome
from pullsim.study.store import RunStore
from pullsim.study.sweep import sweep

BUNDLE = Bundle("nodes: []", "", {})
OUTCOME = Outcome(0, {"pods.total": 12, "pods.start.p99": 1.5, "pods.lastReadyAt": None}, None)
HEAD = {"format": 1, "version": pullsim.__version__, "scenario": BUNDLE.digest}
RUN = {"overrides": ["seed=1"], "seed": 1, "metrics": {"end": 1.0}, "verdict": None, "error": None}


def waits(found):
    return json.dumps(RUN | {"waits": found}).encode()


def job(text, seed=1):
    return Job(0, (text,), seed)


def fill(directory, *texts, resume=False, tell=None):
    with RunStore(directory, BUNDLE, resume=resume, tell=tell) as store:
        for text in texts:
            store.add(job(text), OUTCOME)


def found(directory):
    told = []
    with RunStore(directory, BUNDLE, resume=True, tell=told.append) as store:
        return {overrides[0] for overrides, _ in store.found}, told


def test_the_digest_of_a_scenario_does_not_depend_on_where_it_and_its_files_lie():
    """Neither of moved directories nor of names that are no UTF-8, so that a study is resumed there."""
    here = Bundle("text", "/a/scenarios", {"/a/scenarios/x.json": b"x", "/a/manifests/y": b"y"})
    there = Bundle("text", "/b\udcff/scenarios", {"/b\udcff/manifests/y": b"y", "/b\udcff/scenarios/x.json": b"x"})
    other = Bundle("text", "/a/scenarios", {"/a/scenarios/x.json": b"y", "/a/manifests/y": b"x"})
    assert here.digest == there.digest
    assert here.digest != other.digest


@pytest.mark.parametrize("letter", ["\x85", "\u2028", "\u2029", "\x0b", "\x0c", "\x1c", "\r", "\n", "\ud800", "ü"])
def test_a_run_with_any_letter_is_found_again(tmp_path, letter):
    fill(tmp_path, f"description=a{letter}b", "description=c")
    lines = (tmp_path / "runs.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 3
    assert "description=c" in found(tmp_path)[0]
    if letter != "\ud800":  # no text in UTF-8: knobs refuse it
        assert f"description=a{letter}b" in found(tmp_path)[0]


def test_a_sweep_over_such_values_goes_on(small, tmp_path):
    knobs = ["description=a\u2028b,c\x85d,e"]
    first = sweep(small, knobs, out=tmp_path)
    told = []
    again = sweep(small, knobs, out=tmp_path, resume=True, progress=lambda done, _total: told.append(done))
    assert told == [3]
    assert again.runs().to_csv() == first.runs().to_csv()


def test_whole_numbers_and_fractions_stay_what_they_are(tmp_path):
    fill(tmp_path, "a=1")
    with RunStore(tmp_path, BUNDLE, resume=True) as store:
        metrics = store.get(job("a=1")).metrics
    assert repr(metrics) == repr(OUTCOME.metrics)


def test_the_old_runs_stay_until_the_new_ones_have_one(tmp_path):
    fill(tmp_path, "a=1", "a=2")
    before = (tmp_path / "runs.jsonl").read_bytes()
    told = []
    with RunStore(tmp_path, BUNDLE, resume=False, tell=told.append) as store:
        assert (tmp_path / "runs.jsonl").read_bytes() == before
        store.add(job("a=3"), OUTCOME)
        assert len((tmp_path / "runs.jsonl").read_bytes().splitlines()) == 2
    assert told == [
        (
            f"{tmp_path / 'runs.jsonl'} has 2 runs, which the first new one replaces "
            "(--resume would go on with those of the same scenario)"
        )
    ]
    assert found(tmp_path) == ({"a=3"}, [])
    with RunStore(tmp_path, BUNDLE, resume=False):
        pass
    assert found(tmp_path) == ({"a=3"}, [])
    assert [file.name for file in tmp_path.iterdir()] == ["runs.jsonl"]


def test_resuming_appends(tmp_path):
    fill(tmp_path, "a=1")
    before, inode = (tmp_path / "runs.jsonl").read_bytes(), (tmp_path / "runs.jsonl").stat().st_ino
    fill(tmp_path, "a=2", resume=True)
    assert (tmp_path / "runs.jsonl").read_bytes().startswith(before)
    assert (tmp_path / "runs.jsonl").stat().st_ino == inode


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(0, 600))
def test_a_file_that_is_cut_anywhere_keeps_its_whole_runs(tmp_path_factory, cut):
    directory = tmp_path_factory.mktemp("cut")
    fill(directory, "description=ü\u2028", "a=2", "a=3")
    data = (directory / "runs.jsonl").read_bytes()[:cut]
    (directory / "runs.jsonl").write_bytes(data)
    whole = max(data.count(b"\n") - 1, 0)
    kept, told = found(directory)
    assert len(kept) == whole
    half = data.count(b"\n") > 0 and not data.endswith(b"\n")
    assert told == (
        [f"{directory / 'runs.jsonl'}:{whole + 2}: a run that was cut while it was written is made again"] * half
    )
    fill(directory, "a=4", resume=True)
    assert found(directory) == (kept | {"a=4"}, [])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"a": 1}', "overrides: is missing"),
        (b"[1]", "must be a mapping"),
        (b'"\xc3"', "no text in UTF-8"),
        (b"{bad}", "no JSON"),
        (b"[" * 100_000, "nested more than 200 levels deep"),
        (json.dumps(RUN | {"seed": 1.5}).encode(), "seed: 1.5 must be a whole number"),
        (json.dumps(RUN | {"metrics": {"end": "x"}}).encode(), "metrics.end"),
        (json.dumps(RUN | {"metrics": {"end": [1]}}).encode(), "metrics.end"),
        (json.dumps(RUN | {"metrics": {"end": True}}).encode(), "metrics.end"),
        (json.dumps(RUN).replace("1.0", "1" * 400).encode(), "400 digits"),
        (json.dumps(RUN).replace("1.0", "1e400").encode(), "too large"),
        (json.dumps(RUN | {"metrics": None}).encode(), "either metrics or an error"),
        (waits({"pods.start": {"seconds": "AAA", "never": 0}}), "seconds must be doubles in base64"),
        (waits({"pods.start": {"seconds": "AAAA", "never": 0}}), "seconds must be doubles in base64"),
        (waits({"pods.start": {"seconds": "AAAAAAAA+H8=", "never": 0}}), "seconds must be finite"),
        (waits({"pods.start": {"seconds": "AAAAAAAA8D8AAAAAAAAAAA==", "never": 0}}), "in ascending order"),
        (waits({"pods.start": {"seconds": "", "never": -1}}), "never: -1 must be greater than or equal to 0"),
        (waits({"pods": {"seconds": "", "never": 0}}), "is not what pods wait for"),
        (json.dumps(RUN | {"verdict": {"sentence": 1}}).encode(), "verdict"),
        (json.dumps(RUN | {"overrides": "seed=1"}).encode(), "overrides: 'seed=1' must be a list"),
    ],
)
def test_a_line_that_is_no_run_is_one_error_with_its_place(tmp_path, line, message):
    file = tmp_path / "runs.jsonl"
    file.write_bytes(json.dumps(HEAD).encode() + b"\n" + line + b"\n")
    before = file.read_bytes()
    with pytest.raises(InputError, match=message) as caught:
        found(tmp_path)
    assert f"{file}:2: " in str(caught.value) or f"{file}:2:" in str(caught.value)
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (HEAD | {"format": 2}, "format 2, this version of pullsim reads 1"),
        (HEAD | {"version": "0.0.1"}, "of pullsim 0.0.1"),
        (HEAD | {"scenario": "x"}, "of another scenario"),
        ({}, "is missing"),
        ([], "must be a mapping"),
    ],
)
def test_runs_of_something_else_are_refused(tmp_path, head, message):
    (tmp_path / "runs.jsonl").write_text(json.dumps(head) + "\n")
    with pytest.raises(InputError, match=message):
        found(tmp_path)


def test_a_full_disk_keeps_the_runs_before(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with RunStore(tmp_path, BUNDLE, resume=False) as store:
        store.add(job("a=1"), OUTCOME)
        resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "runs.jsonl").stat().st_size + 10, hard))
        try:
            with pytest.raises(InputError, match=r"cannot be written.*--resume goes on with them"):
                store.add(job("a=2"), OUTCOME)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert found(tmp_path) == ({"a=1"}, [])


def test_what_is_no_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "runs.jsonl")
    for resume in (True, False):
        with pytest.raises(InputError, match="no file"):
            fill(tmp_path, resume=resume)
