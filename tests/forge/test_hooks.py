"""The hooks for pre-commit, as it runs them for a repository that uses them. It installs what pullsim depends on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RIGHT = "version: 1\nnodes: [{}]\nworkloads: [{pods: {image: 'nginx:1.12'}}]\n"

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(find_spec("pre_commit") is None, reason="the extra dev is not installed"),
    pytest.mark.skipif(shutil.which("git") is None, reason="pre-commit works on repositories of git"),
]


def git(directory, *arguments):
    who = ["-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *who, *arguments], cwd=directory, check=True, capture_output=True)  # noqa: S603, S607


@pytest.fixture(scope="module")
def hooks(tmp_path_factory):
    """A repository of pullsim to clone, with the work tree as it is."""
    copy = tmp_path_factory.mktemp("hooks") / "pullsim"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns("tests", "out", "build", "dist", ".git", ".venv", "*.so"))
    git(copy, "init")
    git(copy, "add", "--all")
    git(copy, "commit", "--message", "as it is")
    return copy


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    directory = tmp_path_factory.mktemp("uses-hooks")
    (directory / "scenarios").mkdir()
    for name in ("a", "b"):
        (directory / "scenarios" / f"{name}.yaml").write_text(RIGHT, encoding="utf-8")
    git(directory, "init")
    git(directory, "add", "--all")
    return directory


@pytest.fixture(scope="module")
def tried(hooks, repository, tmp_path_factory):
    """Run a hook of the repository on files, which pre-commit installs once."""
    home = tmp_path_factory.mktemp("home")

    def run(hook):
        command = [sys.executable, "-m", "pre_commit", "try-repo", str(hooks), hook, "--verbose", "--all-files"]
        env = {**os.environ, "PRE_COMMIT_HOME": str(home), "PYTHONPATH": ""}
        return subprocess.run(command, cwd=repository, env=env, capture_output=True, encoding="utf-8", check=False)  # noqa: S603

    return run


def test_right_scenarios_pass_and_each_mistake_is_told(tried, repository):
    done = tried("pullsim-validate")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "scenarios/a.yaml:" in done.stdout
    for name in ("a", "b"):
        (repository / "scenarios" / f"{name}.yaml").write_text(RIGHT + "nodez: 1\n", encoding="utf-8")
    git(repository, "add", "--all")
    wrong = tried("pullsim-validate")
    assert wrong.returncode == 1
    assert wrong.stdout.count("unknown key 'nodez'") == 2
