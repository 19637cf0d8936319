"""What the shell completes, and that nothing heavy is loaded for it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from pullsim.cli import completers
from pullsim.cli.app import app
from pullsim.results.exports.registry import NAMES
from pullsim.scenario import load, override
from pullsim.scenario.presets.nodes import names
from tests.support.command import python

HEAVY = ("numpy", "pandas", "matplotlib", "simpy", "jinja2", "scipy")


def completed(*words):
    """Return what bash is offered for the last of the words."""
    env = {
        "_PULLSIM_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(["pullsim", *map(str, words)]),
        "COMP_CWORD": str(len(words)),
    }
    return CliRunner().invoke(app, [], env=env, prog_name="pullsim").stdout.split()


def test_commands_and_options():
    assert {"run", "sweep", "explain-credentials"} <= {*completed("")}
    assert completed("run", "--metrics-i") == ["--metrics-interval"]
    assert completed("run", "--detail", "l") == ["layers"]


def test_presets_metrics_and_exports():
    assert completed("presets", "aws/g6e.x") == ["aws/g6e.xlarge"]
    assert completers.presets("") == sorted(names())
    assert {"pods.start.p99", "pods.start.p99.9"} == {*completed("sweep", "x.yaml", "-m", "pods.start.p99")}
    assert completers.exports("") == list(NAMES)
    first, second = list(NAMES)[:2]
    assert f"{first},{second}" in completers.exports(f"{first},")
    assert f"{first},{first}" not in completers.exports(f"{first},")


def test_images_are_files_or_those_of_the_catalogues(tmp_path, monkeypatch):
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "app.json").touch()
    monkeypatch.chdir(tmp_path)
    assert completers.images("man") == ["manifests/"]
    assert completers.images("manifests/") == ["manifests/app.json"]
    assert completed("image-advice", "python:3.13") == ["python:3.13", "python:3.13-slim"]
    assert completers.images("none/") == []


def test_keys_are_those_of_the_scenario_and_can_be_set(scenario):
    keys = completed("run", scenario, "--set", "nodes")
    assert "nodes[workers].nic.rate" in keys
    assert "nodes[workers].disk.write" in keys
    assert all(key.startswith("nodes[workers].") for key in keys)
    override(load(scenario), ["nodes[workers].nic.rate=1Gbit/s"])
    assert completed("run", scenario, "--set", "kubelet.maxPar") == ["kubelet.maxParallelImagePulls"]
    assert completed("sweep", scenario, "--set", "kubelet.maxPar") == ["kubelet.maxParallelImagePulls"]


@pytest.mark.parametrize("text", ["nodes: [", "- 1", "\x00", "nodes: {a: [1, [2]]}"])
def test_a_file_that_is_no_scenario_is_no_trouble(tmp_path, text):
    (tmp_path / "x.yaml").write_text(text)
    assert completed("run", tmp_path / "x.yaml", "--set", "see") == ["seed"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_the_script_of_each_shell(shell):
    done = CliRunner().invoke(app, ["completion", shell])
    assert done.exit_code == 0
    assert "_PULLSIM_COMPLETE" in done.stdout


def test_typers_own_options_are_there_and_not_in_the_help():
    assert "--install-completion" not in CliRunner().invoke(app, ["--help"]).stdout
    assert "completion" in CliRunner().invoke(app, ["--help"]).stdout


def test_completing_loads_no_heavy_library(scenario):
    code = f"""
import json, os, sys
os.environ |= {{"_PULLSIM_COMPLETE": "complete_bash", "COMP_CWORD": "4",
               "COMP_WORDS": "pullsim run {scenario} --set nodes"}}
from pullsim.cli.app import app
try:
    app(prog_name="pullsim")
except SystemExit:
    print(json.dumps(sorted(sys.modules)))
"""
    done = python(code)
    *keys, loaded = done.stdout.splitlines()
    assert "nodes[workers].nic.rate" in keys
    assert [name for name in HEAVY if name in json.loads(loaded)] == []
