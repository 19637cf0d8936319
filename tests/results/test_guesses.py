"""Figures that nobody gave: `init` writes them into the scenario, and all that is made of it names them."""

import json

import pytest
import yaml

import pullsim
from pullsim.importer.draft import Question
from pullsim.importer.importing import import_cluster
from pullsim.records import Guess
from pullsim.results.exports.export import Output
from pullsim.results.guesses import guessed_figures, told
from pullsim.results.page.run_page import run_page
from pullsim.results.page.writing import html
from tests.support.command import pullsim as command

POD = {"kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": [{"name": "c", "image": "acme/web:1"}]}}
DISK = {"what": "disk of pool gpu: 1 GB/s", "measure": "`fio` on a node"}
NIC = {"what": "nic <b>of</b> pool gpu: 10Gbit/s."}


def scenario(*guesses):
    small = {"version": 1, "name": "s", "nodes": [{}], "workloads": [{"pods": {"image": "nginx:1.12"}}]}
    return {**small, "guesses": [*guesses]}


def test_sentences():
    disk, nic = Guess(**DISK), Guess(**NIC)
    assert told(disk) == "disk of pool gpu: 1 GB/s. To know it: `fio` on a node."
    assert told(nic) == "nic <b>of</b> pool gpu: 10Gbit/s."
    assert guessed_figures([nic]) == f"1 figure was guessed: {told(nic)}"
    assert guessed_figures([disk, nic]) == f"2 figures were guessed. The one that matters most: {told(disk)}"


def test_what_init_guesses_is_in_the_scenario_as_in_its_comments(tmp_path):
    (tmp_path / "pods.json").write_text(json.dumps(POD))
    text, lines = import_cluster([str(tmp_path / "pods.json")], Question.rollout)
    guesses = yaml.safe_load(text)["guesses"]
    told_of = [line for line in lines if line.startswith("guess ")]
    assert len(guesses) == len(told_of) > 1
    comments = " ".join(" ".join(line.removeprefix("#").split()) for line in text.splitlines() if line.startswith("#"))
    for number, (guess, line) in enumerate(zip(guesses, told_of, strict=True), 1):
        assert line.startswith(f"guess {number}: {guess['what']}; to know it: ")
        assert f"{number}. {' '.join(guess['what'].split())}" in comments
        assert guess["measure"]
    loaded = pullsim.from_mapping(yaml.safe_load(text))
    assert [each.what for each in pullsim.run(loaded, detail="none").guesses] == [each["what"] for each in guesses]


def test_run_names_the_first_and_the_summary_has_all(tmp_path):
    file = tmp_path / "s.yaml"
    file.write_text(json.dumps(scenario(DISK, NIC)))
    shown = " ".join(command("run", file).stdout.split())
    assert "Guessed 2 figures were guessed. The one that matters most: disk of pool gpu: 1 GB/s. To know it:" in shown
    summary = json.loads(command("run", file, "-o", "json").stdout)
    assert summary["guesses"] == [DISK, {**NIC, "measure": ""}]
    assert json.loads(command("run", file, "--set", "guesses=[]", "-o", "json").stdout) == {**summary, "guesses": []}


@pytest.mark.parametrize("guesses", [[], [DISK], [DISK, NIC]])
def test_the_page_names_them_near_the_answer_and_lists_them_under_trust(guesses):
    result = pullsim.run(pullsim.from_mapping(scenario(*guesses)))
    page = run_page(Output(result, pullsim.summarize(result), "version: 1\n", print))
    assert ("guessed" in page.certainty) is bool(guesses)
    (trust,) = (section for section in page.sections if section.title == "How far to trust it")
    points = [point for part in trust.parts for point in part.points]
    assert points[: len(guesses)] == [told(Guess(**guess)) for guess in guesses]
    text = html(page)
    assert "<b>" not in text
    assert text.count("<code>fio</code>") == 2 * (DISK in guesses)


def test_pages_of_studies_name_them(tmp_path):
    file = tmp_path / "s.yaml"
    file.write_text(json.dumps(scenario(DISK)))
    command("compare", file, "--set", "seed=1,2", "--out", tmp_path / "out", "-q")
    assert (tmp_path / "out" / "report.html").read_text().count("1 figure was guessed: disk of pool gpu") == 1


def test_a_guess_without_words_is_one_error(tmp_path):
    file = tmp_path / "s.yaml"
    file.write_text(json.dumps(scenario({"what": ""})))
    done = command("validate", file)
    assert done.returncode == 2
    assert "guesses[0].what" in done.stderr
