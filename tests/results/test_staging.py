"""Files that are replaced whole or not at all: full disks, kills at every step, signals."""

from __future__ import annotations

import os
import resource
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pullsim.errors import InputError
from pullsim.outputs import replacing, write_text
from pullsim.staging import Staging, clean, staged

ROOT = Path(__file__).resolve().parents[2]
#: Replaces a, b and c/d of a directory, and removes e; ends itself with a signal at the n-th change of the directory.
WRITER = """
import os, sys
from pathlib import Path
from pullsim.staging import Staging
directory, at, number = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
changes = 0
def hook(event, arguments):
    global changes
    if event in ("os.rename", "os.remove", "os.mkdir", "os.rmdir"):
        changes += 1
        if changes == at:
            os.kill(os.getpid(), number)
sys.addaudithook(hook)
with Staging(directory) as staging:
    for name in ("a", "b", "c/d"):
        (staging.path / name).parent.mkdir(exist_ok=True)
        (staging.path / name).write_text("new")
    staging.commit(obsolete=["a", "e"])
"""
OLD = {"a": "old", "b": "old", "c/d": "old", "e": "old", "theirs": "kept"}
NEW = {"a": "new", "b": "new", "c/d": "new", "theirs": "kept"}


def content(directory):
    return {str(f.relative_to(directory)): f.read_text() for f in directory.rglob("*") if f.is_file()}


def fill(directory, files):
    for name, text in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text)


def write_until(directory, change, number):
    return subprocess.run(  # noqa: S603
        [sys.executable, "-c", WRITER, directory, str(change), str(number)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    ).returncode


def test_a_kill_at_any_change_leaves_all_old_or_all_new_files(tmp_path):
    """SIGKILL: the next that writes or reads there finishes what was complete, and removes what was not."""
    seen = set()
    for change in range(1, 40):
        directory = tmp_path / str(change)
        fill(directory, OLD)
        code = write_until(directory, change, signal.SIGKILL)
        clean(directory)
        assert content(directory) in (OLD, NEW)
        assert [*directory.glob(".pullsim-*")] == []
        seen.add((code, content(directory) == NEW))
        if code == 0:
            break
    assert seen == {(-signal.SIGKILL, False), (-signal.SIGKILL, True), (0, True)}


def test_a_signal_waits_until_all_files_are_moved(tmp_path):
    """SIGTERM by default ends a process at once; between two files it must not."""
    seen = set()
    for change in range(1, 40):
        directory = tmp_path / str(change)
        fill(directory, OLD)
        code = write_until(directory, change, signal.SIGTERM)
        left = [each for each in content(directory) if not each.startswith(".pullsim-")]
        assert {name: (directory / name).read_text() for name in left} in (OLD, NEW)
        seen.add(code)
        if code == 0:
            break
    assert seen == {-signal.SIGTERM, 0}


def test_what_fails_changes_nothing(tmp_path):
    fill(tmp_path, OLD)
    with pytest.raises(ZeroDivisionError), staged(tmp_path) as files:  # noqa: PT012
        (files / "a").write_text("new")
        raise ZeroDivisionError
    assert content(tmp_path) == OLD


def test_a_live_process_is_not_taken_for_killed(tmp_path):
    with Staging(tmp_path) as first:
        (first.path / "a").write_text("first")
        with Staging(tmp_path) as second:
            (second.path / "a").write_text("second")
            second.commit()
        assert content(tmp_path)["a"] == "second"
        first.commit()
    assert content(tmp_path) == {"a": "first"}


def test_directories_that_were_made_for_nothing_go_and_others_stay(tmp_path):
    (tmp_path / "a").mkdir()
    with Staging(tmp_path / "a" / "b" / "c"):
        pass
    assert [*tmp_path.iterdir()] == [tmp_path / "a"]
    assert [*(tmp_path / "a").iterdir()] == []


@pytest.fixture
def small_files():
    """A limit that the kernel holds like a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_leaves_the_old_file(tmp_path, small_files):
    file = tmp_path / "file.json"
    file.write_text("old")
    with pytest.raises(InputError, match=r"file\.json: cannot be written: .*too large.*ulimit"):
        write_text(file, "x" * 2000)
    assert content(tmp_path) == {"file.json": "old"}
    fill(tmp_path, OLD)
    with pytest.raises(InputError, match="cannot be written"), staged(tmp_path) as files:  # noqa: PT012
        (files / "a").write_text("new")
        (files / "b").write_text("x" * 2000)
    assert content(tmp_path) == {"file.json": "old", **OLD}


def test_a_link_stays_a_link_and_the_mode_stays(tmp_path):
    (tmp_path / "file").write_text("old")
    (tmp_path / "file").chmod(0o640)
    (tmp_path / "link").symlink_to("file")
    write_text(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "new"
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640
    write_text(tmp_path / "other", "new")
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE((tmp_path / "other").stat().st_mode) == 0o666 & ~mask


def test_what_is_no_file_is_written_itself(tmp_path):
    reader, writer = os.pipe()
    write_text(Path(f"/dev/fd/{writer}"), "text")
    os.close(writer)
    with os.fdopen(reader) as pipe:
        assert pipe.read() == "text"


def test_a_name_too_long_is_an_error_of_the_input(tmp_path):
    with pytest.raises(InputError, match="give a shorter name"):
        write_text(tmp_path / ("x" * 300), "text")
    with pytest.raises(OSError), replacing(tmp_path):
        (tmp_path / "no" / "file").write_text("")


@pytest.mark.parametrize(
    "listed",
    [
        "",
        "{",
        "[]",
        '{"move": []}',
        '{"move": [], "remove": 3}',
        '{"move": [], "remove": [null]}',
        '{"move": [], "remove": ["../theirs"]}',
        '{"move": [], "remove": ["a/../../theirs"]}',
        '{"move": ["../theirs"], "remove": []}',
        '{"move": ["."], "remove": []}',
        '{"move": ["a\\u0000"], "remove": []}',
        '{"move": [], "remove": ["THERE/theirs"]}',
        "[" * 100_000,
        b"\xff",
    ],
)
def test_a_list_that_is_not_ours_is_not_followed(tmp_path, listed):
    """A directory that somebody sent must not remove or move files beside it."""
    directory = tmp_path / "given"
    fill(tmp_path, {"theirs": "kept", "given/a": "kept", "given/.pullsim-x/a": "new"})
    text = listed.replace("THERE", str(tmp_path)).encode() if isinstance(listed, str) else listed
    (directory / ".pullsim-x" / "complete.json").write_bytes(text)
    clean(directory)
    assert content(tmp_path) == {"theirs": "kept", "given/a": "kept"}
