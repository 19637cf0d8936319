"""Files that pullsim wrote, as they may be when it reads them: one clear error each, whatever stands in them."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pullsim
from pullsim.errors import InputError
from pullsim.inputs.document import parse_document
from pullsim.results.exports import files
from pullsim.results.summary.file import read_summary
from pullsim.study import baseline, saved_sides
from pullsim.study.study_file import read_study

#: What may stand where something else should.
WRONG = ["x", [1], {"a": 1}, True, {}, [], None, 5, -1.5, 10**99]
DEEP = "[" * 100_000
RAW = ["1" * 5000, "1e999", "NaN", "-Infinity", '"\ud800"', DEEP, "{", ""]


@pytest.fixture(scope="session")
def saved(small, tmp_path_factory):
    directory = tmp_path_factory.mktemp("saved")
    files.write(pullsim.run(small), pullsim.effective_yaml(small, directory), directory)
    return directory


@pytest.fixture(scope="session")
def summary(saved):
    return json.loads((saved / "summary.json").read_text())


def routes(node, here=()):
    yield here
    for key in node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
        yield from routes(node[key], (*here, key))


def replaced(document, route, value):
    if not route:
        return value
    changed = copy.deepcopy(document)
    node = changed
    for key in route[:-1]:
        node = node[key]
    node[route[-1]] = value
    return changed


def taken_from(read, file):
    """Whether what is read is as the file has it, or empty where the file has nothing; unknown keys are left out."""
    if isinstance(read, dict) and isinstance(file, dict):
        return all(taken_from(value, file[key]) if key in file else not value for key, value in read.items())
    if isinstance(read, list) and isinstance(file, list):
        return len(read) == len(file) and all(map(taken_from, read, file))
    return read == file


def read_or_refused(read, file):
    """What is read; None if the file is refused: everything but InputError is a bug, and its message can be read."""
    try:
        return read()
    except InputError as error:
        message = str(error)
    assert str(file) in message
    assert len(message) < 2000
    assert len(message.split("\n")) <= 20
    return None


@pytest.mark.long
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_summary_is_compared_or_refused(saved, summary, tmp_path_factory, data):
    directory = tmp_path_factory.mktemp("other")
    (directory / "scenario.effective.yaml").write_bytes((saved / "scenario.effective.yaml").read_bytes())
    route = data.draw(st.sampled_from([*routes(summary)]))
    text = json.dumps(replaced(summary, route, "\N{SNOWMAN}"))
    value = data.draw(st.sampled_from([*map(json.dumps, WRONG), *RAW]))
    (directory / "summary.json").write_text(text.replace('"\\u2603"', value), errors="surrogatepass")

    def read():
        compared = saved_sides.paired(saved_sides.saved(saved), saved_sides.saved(directory))
        return read_summary(directory / "summary.json"), compared.changes(), compared.moved(), compared.table()

    found = read_or_refused(read, directory / "summary.json")
    if found is not None:
        document, changes, moved, table = found
        assert taken_from(document, json.loads((directory / "summary.json").read_text()))
        assert changes == []  # both runs have one scenario
        assert route[:1] == ("time",) or moved == []
        assert len(table) > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schemaVersion": 2}, "schemaVersion 2 is newer than 1"),
        ({"schemaVersion": "1"}, "no summary of a run: schemaVersion is '1'"),
        ({"bottleneck": 5}, "bottleneck: 5 must be a mapping"),
        ({"seed": 1.5}, "seed: 1.5 must be a whole number"),
        ({"pods": {"start": {}}}, "pods.total: is missing"),
        ({"modelError": {"kind": "x", "median": "y", "p90": 1}}, "modelError.median"),
    ],
)
def test_what_is_wrong_is_said(summary, tmp_path, change, message):
    (tmp_path / "summary.json").write_text(json.dumps(summary | change))
    with pytest.raises(InputError, match=message):
        read_summary(tmp_path / "summary.json")


def test_a_summary_that_is_nothing_but_its_version_is_refused(tmp_path):
    (tmp_path / "summary.json").write_text('{"schemaVersion": 1}')
    with pytest.raises(InputError, match="name: is missing") as caught:
        read_summary(tmp_path / "summary.json")
    assert len(str(caught.value).split("\n")) > 3


def test_a_summary_reads_as_it_was_written(summary, saved):
    read = read_summary(saved / "summary.json")
    assert {"schemaVersion": 1, **read} == summary
    assert {"schemaVersion", *read} == {*summary}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- 1", "no scenario with its defaults"),
        ("version: 2", "version 2 is newer than 1"),
        ("a: 1", "it has no version"),
        ("version: 1\nnodes: 5", "nodes: 5 must be a list"),
        (DEEP, "deep"),
        (f"version: {'1' * 5000}", "digits|newer"),
    ],
)
def test_a_scenario_that_is_none_is_refused(saved, tmp_path, text, message):
    (tmp_path / "summary.json").write_bytes((saved / "summary.json").read_bytes())
    (tmp_path / "scenario.effective.yaml").write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        saved_sides.saved(tmp_path)
    assert "scenario.effective.yaml" in str(caught.value)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_any_baseline_is_held_or_refused(tmp_path_factory, data):
    file = tmp_path_factory.mktemp("baseline") / "baseline.json"
    document = {"formatVersion": 1, "scenarios": {"small.yaml": {"pods.start.p99": 1.5, "pods.total": 3}}}
    route = data.draw(st.sampled_from([*routes(document)]))
    value = data.draw(st.sampled_from([*map(json.dumps, WRONG), *RAW]))
    text = json.dumps(replaced(document, route, "\N{SNOWMAN}")).replace('"\\u2603"', value)
    file.write_text(text, errors="surrogatepass")

    def read():
        verdict = baseline.Verdict("small.yaml", {"pods.start.p99": 1.5, "pods.total": 3, "end": None})
        tolerances = [baseline.parse_tolerance("pods.start.*=2%")]
        baseline.hold(verdict, baseline.read(file).get("small.yaml"), tolerances, strict=True)
        return verdict.problems

    problems = read_or_refused(read, file)
    assert problems != []  # no value that is put there is the run's


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"formatVersion": 2, "scenarios": {}}', "formatVersion 2 is newer than 1"),
        ('{"scenarios": {}}', "it has no formatVersion"),
        ("[]", "no baseline"),
        ('{"formatVersion": 1}', "scenarios: is missing"),
        ('{"formatVersion": 1, "scenarios": {"a": {"end": "x"}}}', r"scenarios\.a\.end"),
        ('{"formatVersion": 1, "scenarios": {"a": {"end": true}}}', r"scenarios\.a\.end"),
        ('{"formatVersion": 1, "scenarios": {"a": {"end": 1e999}}}', "too large"),
        ('{"formatVersion": 1, "scenarios": {"a": {"end": ' + "1" * 400 + "}}}", "400 digits"),
        (DEEP, "nested more than 200 levels deep"),
    ],
)
def test_a_baseline_that_is_none_is_refused(tmp_path, text, message):
    (tmp_path / "b.json").write_text(text)
    with pytest.raises(InputError, match=message):
        baseline.read(tmp_path / "b.json")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("scenario: s\nversion: 2", "version 2 is newer than 1"),
        ("scenario: s\nversion: x", "no study: version is 'x'"),
        ("scenario: s\nset: {seed: [1, 2, 1]}", "'1' is given twice"),
        ("scenario: s\nset: 5", "set 5 must be a mapping"),
        ("scenario: s\nseeds: [1, x]", "seeds a list must be a number of seeds"),
        (f"scenario: s\ndesign: {'x' * 5000}", "must be grid or paired"),
    ],
)
def test_a_study_that_is_none_is_refused(tmp_path, text, message):
    with pytest.raises(InputError, match=message) as caught:
        read_study(tmp_path / "study.yaml", parse_document(text, "study.yaml"))
    assert str(caught.value).startswith("study.yaml:")
    assert len(str(caught.value)) < 300
