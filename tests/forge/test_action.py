"""The scripts of action.yml do with the real commands what GitHub would have them do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pullsim.version import __version__

ROOT = Path(__file__).parents[2]
STEPS = {step.get("name"): step for step in yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))["runs"]["steps"]}
SCENARIO = """\
version: 1
nodes: [{}]
workloads: [{pods: {image: 'nginx:1.12', count: 2}}]
assert: [pods.started == 2]
"""

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="its scripts are bash's")


@pytest.fixture
def repository(tmp_path):
    """A repository with two scenarios, one of which has a blank in its name, and their baseline."""
    directory = tmp_path / "repository"
    (directory / "scenarios").mkdir(parents=True)
    for name in ("a", "b"):
        (directory / "scenarios" / f"{name}.yaml").write_text(SCENARIO, encoding="utf-8")
    link = tmp_path / "runner/pullsim/bin/pullsim"
    link.parent.mkdir(parents=True)
    link.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pullsim "$@"\n', encoding="utf-8")
    link.chmod(0o755)
    done = step(directory, ARGUMENTS="--update-baseline")
    assert done.returncode == 0, done.stderr
    return directory


def step(directory, name="Run the scenarios", **given):
    """Run a step's script as the runner does, which stops at the first command that fails."""
    names = {"SCENARIOS": "scenarios/*.yaml", "BASELINE": "scenarios/baseline.json", "ARGUMENTS": "", "JUNIT": ""}
    runner = {"RUNNER_TEMP": str(directory.parent / "runner"), "GITHUB_ACTION_PATH": str(ROOT)}
    files = {key: str(directory.parent / key) for key in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT")}
    return subprocess.run(  # noqa: S603
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEPS[name]["run"]],  # noqa: S607
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHON": sys.executable, **runner, **files, **names, **given},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.mark.long
def test_what_is_as_it_was_passes_and_is_in_the_summary(repository):
    done = step(repository, JUNIT="made.xml", ARGUMENTS="--strict\n\n--assert=pods.started >= 2\n")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "scenarios/b.yaml" in (repository.parent / "GITHUB_STEP_SUMMARY").read_text(encoding="utf-8")
    assert "<testsuite" in (repository / "made.xml").read_text(encoding="utf-8")


@pytest.mark.long
def test_what_got_worse_fails_and_is_annotated(repository):
    text = SCENARIO.replace("nodes: [{}]", "nodes: [{nic: 50Mbit/s}]")
    (repository / "scenarios/b.yaml").write_text(text, encoding="utf-8")
    done = step(repository)
    assert done.returncode == 1
    assert "::error" in done.stdout
    assert "b.yaml" in done.stdout
    assert step(repository, SCENARIOS="scenarios/a.yaml").returncode == 0


@pytest.mark.long
def test_without_a_baseline_assertions_are_held(repository):
    assert step(repository, BASELINE="").returncode == 0
    done = step(repository, BASELINE="", ARGUMENTS="--assert=pods.start.p99 < 1ms")
    assert done.returncode == 1


@pytest.mark.long
def test_an_argument_is_no_command(repository):
    done = step(repository, ARGUMENTS="$(touch made)\n", SCENARIOS="scenarios/a.yaml;touch made")
    assert done.returncode == 2
    assert not (repository / "made").exists()


@pytest.mark.long
def test_it_installs_itself_from_its_own_sources(tmp_path):
    """Needs the package index, for what pullsim depends on."""
    directory = tmp_path / "repository"
    directory.mkdir()
    done = step(directory, "Install pullsim", PYTHONPATH="")
    assert done.returncode == 0, done.stderr
    version = (tmp_path / "GITHUB_OUTPUT").read_text(encoding="utf-8")
    assert version.startswith(f"version=pullsim {__version__} (pure Python, ")
    assert not (ROOT / "pullsim.egg-info").exists()
