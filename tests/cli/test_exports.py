"""The option --export: which files it writes, and what it refuses."""

import pytest

from pullsim.results.exports.registry import EXPORTS, NAMES

ASKED = {name: {export.name for export in EXPORTS if export.asked == name} for name in NAMES}


def written(directory):
    return {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}


def test_nothing_is_exported_unless_asked_for(inside, scenario, tmp_path):
    assert inside("run", scenario, "--no-charts", "-q", "--out", tmp_path / "out").returncode == 0
    assert not (tmp_path / "out" / "exports").exists()


def test_the_help_names_all(inside):
    words = " ".join(inside("run", "--help").stdout.replace("│", " ").split())
    assert f"{', '.join(NAMES)}. Several are joined by commas" in words


def test_each_name_writes_its_files_and_a_run_without_it_removes_them(inside, scenario, tmp_path):
    out = tmp_path / "out"
    run = ("run", scenario, "--no-charts", "-q", "--out", out)
    assert inside(*run, "--export", " ,".join(NAMES)).returncode == 0
    everything = written(out)
    assert set().union(*ASKED.values()) <= everything
    (out / "exports" / "mine.txt").write_text("mine")
    assert inside(*run).returncode == 0
    assert everything - written(out) == set().union(*ASKED.values())
    assert (out / "exports" / "mine.txt").read_text() == "mine"


def test_a_directory_of_a_run_is_exported_by_running_it_again(inside, scenario, tmp_path):
    once, again, first = tmp_path / "once", tmp_path / "again", tmp_path / "first"
    options = ("--no-charts", "-q", "--export", "events,perfetto", "--out")
    assert inside("run", scenario, *options, first).returncode == 0
    assert inside("run", scenario, "--no-charts", "-q", "--out", once).returncode == 0
    assert inside("run", once, *options, again).returncode == 0
    for name in ASKED["events"] | ASKED["perfetto"]:
        assert (again / name).read_bytes() == (first / name).read_bytes()
    done = inside("run", tmp_path, *options, again)
    assert (done.returncode, done.stdout) == (2, "")
    assert "no scenario.effective.yaml of a run is in this directory" in done.stderr


def test_a_file_of_the_user_with_the_directory_s_name_stays(inside, scenario, tmp_path):
    (tmp_path / "exports").write_text("mine")
    run = ("run", scenario, "--no-charts", "-q", "--out", tmp_path)
    assert inside(*run).returncode == 0
    assert inside(*run, "--export", "perfetto").returncode == 2
    assert (tmp_path / "exports").read_text() == "mine"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--export", "perfeto"], "--export: 'perfeto' is no export; did you mean perfetto?"),
        (["--export", "perfetto,"], "--export: '' is no export"),
        (["--export", "perfetto,\x1b[31mx"], r"--export: '\x1b[31mx' is no export"),
        (["--export", "perfetto", "--detail", "pods"], "--export: perfetto needs --detail pulls or more, not pods"),
    ],
)
def test_what_cannot_be_exported_is_one_error_and_nothing_is_written(inside, scenario, tmp_path, options, message):
    done = inside("run", scenario, "--out", tmp_path / "out", *options)
    assert done.returncode == 2
    assert done.stderr.startswith(f"pullsim: error: {message}")
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_without_a_directory_there_is_nowhere_to_write(inside, scenario):
    done = inside("run", scenario, "--export", "perfetto")
    assert (done.returncode, done.stderr) == (
        2,
        "pullsim: error: --export: goes with --out, which says where they are written\n",
    )
