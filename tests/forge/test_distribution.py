"""The source distribution has what it needs, and makes a wheel where there is no network."""

from __future__ import annotations

import email
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from pullsim.version import __version__
from tests.support.command import process

ROOT = Path(__file__).parents[2]
ADDRESS = "https://forge.example/team/pullsim"
LEFT_OUT = ("out", "build", "dist", ".git", ".venv", "__pycache__", "*.so")
#: Programs that reach for a network get none: every address is refused at once.
OFFLINE = {"PIP_NO_INDEX": "1", "HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(find_spec("build") is None, reason="the extra dev is not installed"),
]


def built(source, kind, out, **environment):
    """Build what `python -m build` builds of a directory, without an environment of its own."""
    subprocess.run(  # noqa: S603
        [sys.executable, "-m", "build", "--no-isolation", f"--{kind}", "--outdir", str(out), str(source)],
        env={"PATH": "/usr/bin:/bin", "HOME": str(out), **OFFLINE, **environment},
        check=True,
        capture_output=True,
    )
    (made,) = out.iterdir()
    return made


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    copy = tmp_path_factory.mktemp("copy") / "pullsim"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*LEFT_OUT))
    return built(copy, "sdist", tmp_path_factory.mktemp("sdist"), PULLSIM_REPOSITORY=f"{ADDRESS}/")


@pytest.fixture(scope="module")
def unpacked(sdist, tmp_path_factory):
    directory = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(directory, filter="data")
    return directory / f"pullsim-{__version__}"


@pytest.fixture(scope="module")
def wheel(unpacked, tmp_path_factory):
    return built(unpacked, "wheel", tmp_path_factory.mktemp("wheel"))


def test_the_sources_have_what_tests_and_builds_read(unpacked):
    wanted = ("hatch_build.py", "hatch_metadata.py", "Makefile", ".ci/run", ".github/workflows/ci.yml", "action.yml")
    assert [name for name in wanted if not (unpacked / name).is_file()] == []
    names = {path.name for path in unpacked.rglob("*")}
    assert not names & {".venv", "out", "dist", "build", "__pycache__"}


def test_the_wheel_is_the_pure_one_and_says_what_it_is(wheel):
    assert wheel.name == f"pullsim-{__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (described,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(archive.read(described))
    assert {name.split("/")[0] for name in names} == {"pullsim", f"pullsim-{__version__}.dist-info"}
    assert metadata["License-Expression"] == "Apache-2.0"
    licences = {name.partition("/licenses/")[2] for name in names if "/licenses/" in name}
    assert licences == {"LICENSE", "pullsim/results/page/assets/NOTICE.md"}
    assert metadata.get_all("Project-URL")[0] == f"Repository, {ADDRESS}"
    assert {"pullsim/scenario/scenario.schema.json", "pullsim/py.typed"} <= set(names)


def test_it_runs_without_the_repository(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")  # noqa: S202  # what was built above
    (tmp_path / "a.yaml").write_text("version: 1\nnodes: [{}]\nworkloads: [{pods: {image: 'nginx:1.12'}}]\n", "utf-8")
    done = process("run", "a.yaml", "--out", "out", cwd=tmp_path, env={"PYTHONPATH": str(tmp_path / "site")})
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out/report.html").is_file()
