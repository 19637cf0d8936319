import json
import os
import shutil

import pytest

from pullsim.errors import InputError
from pullsim.records import Departure, ImageRemoval, Rollout, StatusRecord
from pullsim.results import charts
from pullsim.results.exports import chart_files, files
from pullsim.results.exports.files import OutputDirectory
from pullsim.results.exports.registry import EXPORTS
from pullsim.results.summary.summary import summarize
from tests.support.records import make

ALL = {"summary.json", "scenario.effective.yaml", "report.html", "pods.csv", "pulls.csv", "layers.csv", "events.jsonl"}


def names(directory):
    return {path.name for path in directory.iterdir()}


def write_data(result, directory):
    with OutputDirectory(directory) as output:
        output.write_data(result, summarize(result), "version: 1\n")
        output.write_later(result, summarize(result), "version: 1\n")


def test_all_files(tmp_path):
    out = tmp_path / "new" / "out"
    files.write(make(pods=3), "version: 1\n", out)
    assert names(out) == {*ALL, "charts"}
    drawn = {*charts.CHARTS} - {"start-cdf-by-workload"}  # there is one workload
    assert names(out / "charts") == {f"{name}.png" for name in drawn}
    assert (out / "charts" / "start-cdf.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((out / "summary.json").read_text())["pods"]["total"] == 3
    assert (out / "scenario.effective.yaml").read_text() == "version: 1\n"


def test_the_same_run_gives_the_same_bytes(tmp_path):
    for name in ("first", "second"):
        write_data(make(fail_first=4), tmp_path / name)
    for name in ALL:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_foreign_files_stay_and_ours_are_replaced(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    write_data(make(pods=3), tmp_path)
    write_data(make(pods=5), tmp_path)
    assert names(tmp_path) == {*ALL, "notes.txt"}
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert len((tmp_path / "pods.csv").read_text().splitlines()) == 6


@pytest.mark.parametrize(
    ("detail", "there"),
    [
        ("none", {"summary.json", "scenario.effective.yaml"}),
        ("pods", {"summary.json", "scenario.effective.yaml", "report.html", "pods.csv"}),
        ("pulls", ALL - {"layers.csv"}),
    ],
)
def test_files_of_another_run_that_this_one_does_not_have_go(tmp_path, detail, there):
    write_data(make(), tmp_path)
    result = make()
    result.detail = detail
    write_data(result, tmp_path)
    assert names(tmp_path) == there


def with_everything():
    """A run that has a row of each kind."""
    result = make()
    pod = result.pods[0]
    result.statuses = [StatusRecord(0.0, None, "default", pod.pod, 0.0, 0, 1, "Pending", None)]
    result.removals = [ImageRemoval(1.0, result.nodes[0], "age", "sha256:1", ("a:1",), "", 10, 10, None)]
    result.rollouts = [Rollout("default", "web", "Deployment", 0.0, None, 1, 0, 1, 1, 0)]
    result.departures = [Departure(1.0, result.nodes[0], "a", 0.0, "b", 0, 0)]
    result.prepulls = [pod]
    return result


ALWAYS = {"summary.json", "scenario.effective.yaml", "rollouts.csv", "departures.csv", "prepulls.csv"}
WITH_PODS = {*ALWAYS, "report.html", "pods.csv", "status.csv"}
WITH_PULLS = {*WITH_PODS, "pulls.csv", "events.jsonl", "removals.csv", "metrics.txt"}


@pytest.mark.parametrize(
    ("detail", "there"),
    [("none", ALWAYS), ("pods", WITH_PODS), ("pulls", WITH_PULLS), ("layers", {*WITH_PULLS, "layers.csv"})],
)
def test_each_file_has_the_least_detail_that_the_reference_says(tmp_path, detail, there):
    result = with_everything()
    result.detail = detail
    write_data(result, tmp_path)
    assert names(tmp_path) == there


def test_no_two_exports_have_one_name():
    assert len({export.name for export in EXPORTS}) == len(EXPORTS)


def test_a_failure_in_the_middle_leaves_everything_as_it_was(tmp_path, monkeypatch):
    write_data(make(pods=3), tmp_path)
    before = {name: (tmp_path / name).read_bytes() for name in ALL}
    result = make(pods=5)
    result.pulls[-1] = None
    with pytest.raises(AttributeError):
        write_data(result, tmp_path)
    assert {name: (tmp_path / name).read_bytes() for name in ALL} == before
    assert names(tmp_path) == ALL


def test_a_run_that_fails_leaves_no_directory(tmp_path):
    with pytest.raises(ZeroDivisionError), OutputDirectory(tmp_path / "a" / "b"):
        raise ZeroDivisionError
    assert names(tmp_path) == set()


def test_a_directory_that_was_there_stays(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(ZeroDivisionError), OutputDirectory(tmp_path / "a" / "b"):
        raise ZeroDivisionError
    assert names(tmp_path) == {"a"}


def test_interrupted_charts_leave_the_data(tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(charts, "write_charts", interrupted)
    with pytest.raises(KeyboardInterrupt):
        files.write(make(), "", tmp_path / "out")
    assert names(tmp_path / "out") >= ALL


def test_a_file_in_the_way_is_an_error_of_the_input(tmp_path):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "out"):
        with (
            pytest.raises(InputError, match="cannot write to the output directory") as caught,
            OutputDirectory(place),
        ):
            pytest.fail("entered")
        assert str(place) in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_cannot_be_written(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InputError), OutputDirectory(tmp_path / "out"):
        pytest.fail("entered")


def test_text_that_utf_8_cannot_say(tmp_path):
    result = make(pods=1)
    result.pods[0] = result.pods[0]._replace(pod="\ud800")
    result.events = [event._replace(message="\ud800") for event in result.events]
    write_data(result, tmp_path)
    assert json.loads((tmp_path / "events.jsonl").read_text().splitlines()[0])["message"] == "\ud800"


def test_charts_of_another_run_do_not_stay_beside_new_data(tmp_path):
    files.write(make(pods=3), "", tmp_path)
    assert (tmp_path / "charts" / "start-cdf.png").exists()
    write_data(make(pods=5), tmp_path)
    assert names(tmp_path / "charts") == set()


def test_the_names_of_the_charts_are_those_that_are_drawn():
    assert tuple(charts.CHARTS) == chart_files.NAMES


def test_a_directory_that_is_removed_meanwhile_is_an_error_of_the_input(tmp_path):
    result = make()
    with pytest.raises(InputError, match="was removed while the run went on"), OutputDirectory(tmp_path / "out") as out:  # noqa: PT012
        shutil.rmtree(tmp_path / "out")
        out.write_data(result, summarize(result), "")


@pytest.mark.parametrize("letter", ["\x85", "\u2028", "\u2029"])
def test_an_event_is_one_line_for_every_reader(tmp_path, letter):
    result = make(pods=1)
    result.events = [event._replace(message=f"a{letter}b") for event in result.events]
    write_data(result, tmp_path)
    lines = (tmp_path / "events.jsonl").read_text().splitlines()
    assert [json.loads(line)["message"] for line in lines] == [f"a{letter}b"] * len(result.events)
