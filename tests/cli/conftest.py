import sys
from types import SimpleNamespace

import pytest

from pullsim.cli import main

SCENARIO = """\
version: 1
name: small
seed: 7
images:
  define:
    - {image: example.com/team/app:v1, layers: [{size: 30MB}, {size: 9MB}]}
    - {image: example.com/team/job:v1, layers: [{size: 30MB}]}
registries:
  - {host: example.com, egress: 1Gbit/s}
nodes:
  - name: workers
    count: 2
workloads:
  - name: web
    pod: {containers: [{name: app, image: "example.com/team/app:v1"}]}
    count: 4
  - name: job
    pod: {containers: [{name: job, image: "example.com/team/job:v1"}]}
    count: 3
    at: 1s
"""


@pytest.fixture
def scenario(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text(SCENARIO)
    return path


@pytest.fixture
def inside(monkeypatch, capsys):
    """Run the command line in this process: faster, for what does not depend on a process of its own."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["pullsim", *map(str, arguments)])
        with pytest.raises(SystemExit) as exited:
            main()
        stdout, stderr = capsys.readouterr()
        return SimpleNamespace(returncode=exited.value.code or 0, stdout=stdout, stderr=stderr)

    return run
