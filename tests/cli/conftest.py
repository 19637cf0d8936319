import sys
from types import SimpleNamespace

import pytest

from pullsim.cli import main
from tests.support.small_scenario import SCENARIO


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
