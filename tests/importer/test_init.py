"""The command line of `pullsim init`: the template, what is not overwritten, exit codes, standard input."""

import io
import json
import shutil
import sys
from types import SimpleNamespace

import pytest
import yaml

import pullsim
from pullsim.cli import main

POD = {"kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": [{"name": "c", "image": "nginx:1.12"}]}}


@pytest.fixture
def command(monkeypatch, capsys):
    def run(*arguments, stdin=b""):
        monkeypatch.setattr(sys, "argv", ["pullsim", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as exited:
            main()
        stdout, stderr = capsys.readouterr()
        return SimpleNamespace(code=exited.value.code or 0, stdout=stdout, stderr=stderr)

    return run


def test_without_anything_a_template_is_written_that_runs(command, tmp_path):
    done = command("init")
    assert done.code == 0
    assert 25 <= len(done.stdout.splitlines()) <= 40
    (tmp_path / "template.yaml").write_text(done.stdout)
    summary = pullsim.summarize(pullsim.run(pullsim.load(tmp_path / "template.yaml")))
    assert summary.pods.started == summary.pods.total


def test_standard_input_is_read(command):
    done = command("init", "-", stdin=json.dumps(POD).encode())
    assert done.code == 0
    assert [each["name"] for each in yaml.safe_load(done.stdout)["workloads"]] == ["web"]


def test_a_file_is_overwritten_only_by_force(command, tmp_path):
    out = tmp_path / "scenario.yaml"
    out.write_text("mine")
    refused = command("init", "-o", out)
    assert refused.code == 2
    assert "--force" in refused.stderr
    assert out.read_text() == "mine"
    assert command("init", "-o", out, "--force").code == 0
    assert "workloads:" in out.read_text()


@pytest.mark.parametrize(
    "content", ["", "hello", "{}", "[1, 2]", "a: 1\n", "\x00\x01", '{"kind": "Pod"}', "a: [\n", "---\n"]
)
def test_nothing_of_use_is_one_clear_error(command, tmp_path, content):
    (tmp_path / "file").write_text(content)
    done = command("init", tmp_path / "file", "-o", tmp_path / "scenario.yaml")
    assert done.code == 2
    assert len(done.stderr.splitlines()) == 1
    assert "nothing of a cluster" in done.stderr
    assert not (tmp_path / "scenario.yaml").exists()


def test_a_path_that_is_not_there_is_an_error(command, tmp_path):
    done = command("init", tmp_path / "no.json")
    assert done.code == 2
    assert "no such file" in done.stderr


def test_unknown_files_are_named_and_not_fatal(command, tmp_path):
    (tmp_path / "pod.json").write_text(json.dumps(POD))
    (tmp_path / "notes.txt").write_text("buy milk")
    done = command("init", tmp_path)
    assert done.code == 0
    assert "not read: " in done.stderr
    assert "notes.txt" in done.stderr


def test_the_order_of_files_changes_nothing(command, dumps):
    names = ["nodes.json", "pods.json", "configz-wk-1.json", "containerd-config.toml", "kubeadm-init.yaml"]
    paths = [dumps / "small-kubeadm" / name for name in names]
    assert command("init", *paths).stdout == command("init", *reversed(paths)).stdout


def test_the_same_input_gives_the_same_bytes_wherever_it_lies(command, dumps, tmp_path):
    shutil.copytree(dumps / "odd-aks", tmp_path / "copy")
    assert command("init", dumps / "odd-aks").stdout == command("init", tmp_path / "copy").stdout


def test_what_is_left_out_is_told_by_kind_with_a_count(command, tmp_path):
    others = [{"kind": kind, "metadata": {"name": f"x{n}"}} for n, kind in enumerate(["Service", "Ingress", "Service"])]
    (tmp_path / "all.json").write_text(json.dumps({"kind": "List", "items": [POD, *others]}))
    done = command("init", tmp_path / "all.json")
    assert "left out: 3 objects that are not simulated: Service (2), Ingress (1)" in done.stderr
    assert "no node" not in done.stderr


def test_a_name_that_is_too_long_for_a_file(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = command("init", "-o", "x" * 300)
    assert (done.code, "give a shorter name" in done.stderr) == (2, True)
    assert not [*tmp_path.iterdir()]
