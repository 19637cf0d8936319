"""The same scenario, seed and release write the same files, byte by byte, whoever runs it where and in what way.

Five scenarios that differ in what they draw and do: manifests and failures, nodes that come and go by chance, a swarm,
whole images between nodes, clusters that vary. What must not matter is varied all together, so a file that differs does
not say by what: leave out the changes one by one.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from pullsim.compiled import compiled
from tests.support.command import ROOT, process

pytestmark = pytest.mark.long

EXPORTS = "perfetto,events,kwok,kube-burner,perfdata"
#: Scenarios with the arguments of their runs.
RUNS = {
    "quickstart.yaml": ("--export", EXPORTS, "--metrics", "sampled.txt", "--metrics-interval", "5s"),
    "spot-churn.yaml": ("--detail", "pulls", "--no-charts"),
    "levers/kraken.yaml": ("--no-charts",),
    "levers/spegel.yaml": ("--no-charts",),
    "gpu-autoscale.yaml": ("--no-charts", "--set", "variation=preset", "--detail", "pods"),
}
SWEEP = ("--set", "kubelet.registryBurst=1,10", "--seeds", "2", "--parquet")
#: Where .ci/run has the digests that modules which are not compiled gave, for those that are.
RECORD = os.environ.get("PULLSIM_DIGESTS")
PLAIN = {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C.UTF-8", "PYTHONUTF8": "0"}
#: Another order of sets, half an hour off, a locale without UTF-8, a narrow terminal and another user.
OTHER = {
    "PYTHONHASHSEED": "4711",
    "TZ": "Asia/Kathmandu",
    "LC_ALL": "C",
    "LANG": "tr_TR.UTF-8",
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
    "COLUMNS": "60",
    "HOME": "/nonexistent",
    "USER": "somebody",
    "OMP_NUM_THREADS": "2",
}


def digests(directory):
    """The digest of each file, by its path; of a study's journal, whose lines are as its runs end, sorted."""
    found = {}
    for path in sorted(path for path in directory.rglob("*") if path.is_file()):
        content = path.read_bytes()
        if path.name == "runs.jsonl":
            content = b"".join(sorted(content.splitlines(keepends=True)))
        found[path.relative_to(directory).as_posix()] = hashlib.sha256(content).hexdigest()
    return found


def clone(directory):
    """A copy of what scenarios refer to, so that directories differ as those of two users do."""
    for name in ("scenarios", "examples"):
        shutil.copytree(ROOT / name, directory / name)
    return directory


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    return clone(tmp_path_factory.mktemp("here"))


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    return clone(tmp_path_factory.mktemp("elsewhere") / "deep" / "with blänks")


def made(command, scenario, *arguments, root, env):
    """The digests of all files of a command that runs in a directory. Pages show its paths, which are relative."""
    out = f"{command}-{Path(scenario).stem}"
    shutil.rmtree(root / out, ignore_errors=True)
    (root / out).mkdir()
    given = [f"{out}/{each}" if each.endswith(".txt") else each for each in arguments]
    done = process(command, f"scenarios/{scenario}", *given, "--out", f"{out}/files", cwd=root, env=env)
    assert done.returncode in (0, 1), done.stderr  # an assertion of the scenario may fail
    return digests(root / out)


@pytest.fixture(scope="module", params=RUNS, ids=lambda name: Path(name).stem)
def plain(request, here):
    name = request.param
    return name, made("run", name, *RUNS[name], root=here, env=PLAIN)


def test_a_run_does_not_depend_on_where_and_by_whom_it_is_made(plain, elsewhere):
    name, files = plain
    assert len(files) > 5
    assert made("run", name, *RUNS[name], root=elsewhere, env=OTHER) == files


@pytest.mark.skipif(RECORD is None, reason="`.ci/run` names the file for the digests in PULLSIM_DIGESTS")
def test_a_run_does_not_depend_on_whether_pullsim_is_compiled(plain):
    name, files = plain
    record = Path(RECORD, f"{Path(name).stem}.json")
    if not compiled():
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text(json.dumps(files), encoding="utf-8")
    assert json.loads(record.read_text(encoding="utf-8")) == files


@pytest.fixture(scope="module")
def alone(here):
    """A sweep in one process."""
    return made("sweep", "quickstart.yaml", *SWEEP, "-j", "1", root=here, env=PLAIN)


@pytest.mark.parametrize("processes", [("-j", "2"), ("--dask", "local:2")], ids=["processes", "Dask"])
def test_a_study_does_not_depend_on_what_its_runs_are_made_by(alone, elsewhere, tmp_path, processes):
    """But for the command, which its page shows."""
    if "--dask" in processes and find_spec("distributed") is None:
        pytest.skip("the extra dask is not installed")
    env = {**OTHER, "HOME": str(tmp_path), "PYTHONWARNINGS": ""}  # Dask reads its settings there, and warns
    again = made("sweep", "quickstart.yaml", *SWEEP, *processes, root=elsewhere, env=env)
    assert len(alone) > 5
    assert alone.keys() == again.keys()
    assert {name for name in alone if again[name] != alone[name]} <= {"files/report.html"}
