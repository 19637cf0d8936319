"""Workflows, the action, the hooks and the forms: what `make lint` does not see in them."""

from __future__ import annotations

import re
import runpy
import tomllib
from pathlib import Path

import pytest
import yaml

from pullsim.version import __version__

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
NOTES = runpy.run_path(str(ROOT / ".ci/release_notes.py"))["release_notes"]


def read(path):
    return yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)  # `on` stays a text  # noqa: S506


def used(value):
    """Every action that is used, at any depth."""
    if isinstance(value, dict):
        yield from (inner for key, inner in value.items() if key == "uses")
        value = list(value.values())
    for inner in value if isinstance(value, list) else ():
        yield from used(inner)


def test_there_are_the_four_workflows():
    assert [path.stem for path in WORKFLOWS] == ["ci", "docs", "release", "wheels"]


@pytest.mark.parametrize("path", [*WORKFLOWS, ROOT / "action.yml"], ids=lambda path: path.name)
def test_actions_are_pinned_by_commit_and_name_their_release(path):
    text = path.read_text(encoding="utf-8")
    for name in used(read(path)):
        assert name.startswith("./") or re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", name), name
        assert name.startswith("./") or re.search(rf"{re.escape(name)} # v\d+\.\d+\.\d+\n", text), name


def test_the_same_action_is_of_the_same_release_everywhere():
    names = {name for path in [*WORKFLOWS, ROOT / "action.yml"] for name in used(read(path)) if "@" in name}
    actions = [name.partition("@")[0] for name in names]
    assert sorted(actions) == sorted(set(actions))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_read_and_a_job_says_what_else_it_may(path):
    workflow = read(path)
    assert workflow["permissions"] == {"contents": "read"}
    more = {name: job["permissions"] for name, job in workflow["jobs"].items() if "permissions" in job}
    assert more == {
        "docs": {"publish": {"pages": "write", "id-token": "write"}},
        "release": {"publish": {"id-token": "write"}, "announce": {"contents": "write"}},
    }.get(path.stem, {})


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_token_stays_in_a_work_tree_and_no_job_runs_without_end(path):
    text, jobs = path.read_text(encoding="utf-8"), read(path)["jobs"].values()
    assert text.count("actions/checkout@") == text.count("persist-credentials: false")
    assert all("timeout-minutes" in job for job in jobs if "uses" not in job)
    assert "secrets." not in text


def test_what_runs_in_a_shell_takes_no_text_of_others():
    """Inputs and names of branches reach a script as variables, never as a part of it."""
    for path in [*WORKFLOWS, ROOT / "action.yml"]:
        document = read(path)
        jobs = document["jobs"].values() if "jobs" in document else [document["runs"]]
        scripts = [step["run"] for job in jobs for step in job.get("steps", ()) if "run" in step]
        assert [script for script in scripts if "${{" in script] == []


def test_every_supported_python_is_tested_and_has_wheels():
    (job,) = read(ROOT / ".github/workflows/ci.yml")["jobs"].values()
    tested = job["strategy"]["matrix"]["python"]
    classified = re.findall(r"Python :: (3\.\d+)", " ".join(PROJECT["project"]["classifiers"]))
    built = re.findall(r"cp3(\d+)-", PROJECT["tool"]["cibuildwheel"]["build"])
    assert tested == classified == [f"3.{minor}" for minor in built]
    assert PROJECT["project"]["requires-python"] == f">={tested[0]}"


def test_the_release_notes_are_the_section_of_the_version():
    notes = NOTES(__version__)
    assert len(notes) > 1000
    assert "\n## " not in notes
    with pytest.raises(SystemExit, match="versions must agree: the tag has 9"):
        NOTES("9.9.9")


def test_the_hooks_are_commands():
    hooks = {hook["id"]: hook for hook in read(ROOT / ".pre-commit-hooks.yaml")}
    assert {name: hook["entry"].split()[:2] for name, hook in hooks.items()} == {
        "pullsim-validate": ["pullsim", "validate"],
        "pullsim-ci": ["pullsim", "ci"],
    }
    for hook in hooks.values():
        assert re.search(hook["files"], "scenarios/quickstart.yaml")
        assert not re.search(hook["files"], "scenarios/k8s/shop.yaml")


def test_no_address_is_claimed_that_is_not_the_projects():
    """A package has the addresses of the repository that publishes it (hatch_metadata.py)."""
    assert "urls" not in PROJECT["project"]
    assert "urls" in PROJECT["project"]["dynamic"]


@pytest.mark.parametrize("name", ["github-workflow.yml", "pre-commit-config.yaml"])
def test_an_example_installs_the_wheel_that_is_built_here_and_nothing_of_an_index(name):
    """No index has pullsim yet."""
    text = (ROOT / "examples" / name).read_text(encoding="utf-8")
    installed = re.findall(r"pip install (\S+\.whl|\S+)", text)
    assert installed == [f"tools/pullsim-{__version__}-py3-none-any.whl"]
    assert "additional_dependencies" not in text
    known = {each for path in WORKFLOWS for each in used(read(path))}
    assert set(used(read(ROOT / "examples" / name))) <= known
