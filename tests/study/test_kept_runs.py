"""Studies that are ended and gone on with: their answers are those of studies that nobody ended."""

from __future__ import annotations

import random
import shutil

import pytest

import pullsim
from pullsim.errors import InputError
from pullsim.study import baseline, executors
from pullsim.study.break_even import break_even
from pullsim.study.dask_cluster import WorkersLost
from pullsim.study.deadline import deadline
from pullsim.study.image_advice.advise import image_advice
from tests.support.command import pullsim as command
from tests.support.command import start

KNOB = "kubelet.maxParallelImagePulls"
#: Studies of the small scenario by name: each makes tens of runs, the next ones chosen by the last ones.
STUDIES = {
    "solve": lambda scenario, **kept: pullsim.solve(scenario, KNOB, "1..8", slo="< 4s", seeds=2, **kept),
    "advise": lambda scenario, **kept: pullsim.advise(scenario, seeds=1, max_runs=14, **kept).table().to_csv(),
    "compare": lambda scenario, **kept: (
        pullsim.compare(scenario, set=[f"{KNOB}=1,3"], seeds=3, **kept).table().to_csv()
    ),
    "deadline": lambda scenario, **kept: deadline(scenario, "90%", seeds=4, **kept),
    "break-even": lambda scenario, **kept: break_even(
        scenario, KNOB, "1..4", "registries[r.test].egress=50Mbit/s", seeds=1, **kept
    ),
    "image-advice": lambda scenario, **kept: (
        image_advice(scenario, "r.test/app0:v1", seeds=1, max_runs=8, **kept).table().to_csv()
    ),
}


class Counted:
    """Counts the runs that are made in this process, and is interrupted before one of them."""

    def __init__(self, run_job, last=None):
        self.made = 0
        self._run_job = run_job
        self._last = last

    def __call__(self, bundle, job):
        if self.made == self._last:
            raise KeyboardInterrupt
        self.made += 1
        return self._run_job(bundle, job)


@pytest.fixture
def counted(monkeypatch):
    run_job = executors.run_job

    def count(last=None):
        counter = Counted(run_job, last)
        monkeypatch.setattr(executors, "run_job", counter)
        return counter

    return count


def ended(study, scenario, **kept):
    try:
        study(scenario, **kept)
    except KeyboardInterrupt:
        return True
    return False


@pytest.mark.parametrize("name", STUDIES)
def test_no_run_is_made_twice_and_the_answer_is_the_same(name, small, tmp_path, counted):
    study = STUDIES[name]
    whole = counted()
    answer = study(small)
    half = counted(whole.made // 2)
    ended(study, small, out=tmp_path)  # where an answer is given nevertheless, it is of half of the runs
    assert half.made == whole.made // 2
    rest = counted()
    assert study(small, out=tmp_path, resume=True) == answer
    assert half.made + rest.made == whole.made
    nothing = counted()
    assert study(small, out=tmp_path, resume=True) == answer
    assert nothing.made == 0


def test_without_resume_all_is_made_again_and_takes_the_place_of_what_was_kept(small, tmp_path, counted):
    study = STUDIES["solve"]
    first, second = counted(), None
    study(small, out=tmp_path)
    second = counted()
    study(small, out=tmp_path)
    assert second.made == first.made
    third = counted()
    study(small, out=tmp_path, resume=True)
    assert third.made == 0


@pytest.mark.parametrize("name", ["solve", "break-even", "compare"])
def test_each_run_is_told_once_it_is_kept(name, small, tmp_path):
    """So that who is interrupted hears of all runs that are kept, also of those of a round that has not ended."""
    told = []
    STUDIES[name](small, out=tmp_path, progress=lambda done, *_: told.append((done, lines(tmp_path))))
    assert {done for done, _ in told if done} == {*range(1, told[-1][0] + 1)}
    assert all(done == kept for done, kept in told)


def lines(out):
    return sum(len(file.read_bytes().splitlines()) - 1 for file in out.glob("runs/*/runs.jsonl"))


def test_runs_that_are_about_to_be_replaced_are_told(small_file, tmp_path):
    out = tmp_path / "out"
    words = ("solve", small_file, "--coverage", "90%", "--seeds", "1", "--out", out)
    message = f"{out / 'runs'} has runs of 1 scenario: new ones replace those of the same, --resume would keep them"
    assert message not in command(*words).stderr
    assert message in command(*words).stderr
    assert message not in command(*words, "--resume").stderr
    assert message not in command(*words, "-q").stderr


@pytest.mark.parametrize(
    ("name", "reason"), [("x" * 300, "File name too long"), ("loop", "Too many levels"), ("file", "Not a directory")]
)
@pytest.mark.parametrize("options", [(), ("--resume",)])
def test_a_directory_that_cannot_be(small_file, tmp_path, name, reason, options):
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").touch()
    done = command("solve", small_file, "--coverage", "90%", "--out", tmp_path / name, *options)
    assert done.returncode == 2
    assert f"cannot be written: {reason}" in done.stderr
    assert {path.name for path in tmp_path.iterdir()} <= {"loop", "file", small_file.name}


def test_runs_of_another_scenario_stay_apart(small, tmp_path, counted):
    STUDIES["deadline"](small, out=tmp_path)
    other = pullsim.override(small, ["seed=9"])
    made = counted()
    STUDIES["deadline"](other, out=tmp_path, resume=True)
    assert made.made == 4
    made = counted()
    STUDIES["deadline"](small, out=tmp_path, resume=True)
    assert made.made == 0


def test_a_directory_may_be_a_text(small, tmp_path):
    swept = pullsim.sweep(small, [f"{KNOB}=1"], out=str(tmp_path))
    compared = pullsim.compare(small, set=[f"{KNOB}=1,3"], out=str(tmp_path))
    assert (tmp_path / "runs.jsonl").is_file()
    assert lines(tmp_path) == 2 * len(compared.a.runs)
    assert len(swept.outcomes) == 1


class Lost(executors.InProcess):
    """A cluster whose workers are gone after one run."""

    def run(self, bundle, jobs):
        yield from super().run(bundle, jobs[:1])
        raise WorkersLost("there are no workers")


@pytest.mark.parametrize("kept", [True, False])
def test_who_loses_the_workers_hears_whether_runs_are_kept(small, tmp_path, monkeypatch, kept):
    monkeypatch.setattr("pullsim.study.deadline.choose", lambda *_: Lost())
    with pytest.raises(InputError, match="there are no workers: 3 of 4 runs are missing") as told:
        STUDIES["deadline"](small, **({"out": tmp_path} if kept else {}))
    assert str(told.value).endswith(f"what is done is kept, --out {tmp_path} --resume goes on with it") == kept
    assert ("kept" in str(told.value)) == kept


def test_runs_of_another_version_are_refused(small, tmp_path):
    STUDIES["deadline"](small, out=tmp_path)
    (file,) = tmp_path.glob("runs/*/runs.jsonl")
    head, *rest = file.read_text().splitlines(keepends=True)
    file.write_text("".join([head.replace(pullsim.__version__, "0.0.1"), *rest]))
    with pytest.raises(InputError, match=r"these runs are of pullsim 0\.0\.1, this is .*: go without --resume"):
        STUDIES["deadline"](small, out=tmp_path, resume=True)


def test_a_gate_goes_on_with_the_scenarios_that_are_left(small_file, tmp_path, monkeypatch):
    """The second scenario is interrupted; then the first one's figures are those that are kept."""
    other = tmp_path / "other.yaml"
    other.write_text(small_file.read_text().replace("seed: 3", "seed: 4"))
    words = ("ci", small_file, other, "--baseline", tmp_path / "baseline.json", "--update-baseline")
    assert command(*words).returncode == 0
    written = (tmp_path / "baseline.json").read_bytes()
    (tmp_path / "baseline.json").unlink()
    run, ran = baseline.run, []

    def interrupted(scenario, **options):
        ran.append(scenario.seed)
        if len(ran) == 2:
            raise KeyboardInterrupt
        return run(scenario, **options)

    monkeypatch.setattr(baseline, "run", interrupted)
    done = command(*words, "--out", tmp_path / "out")
    assert done.returncode == 130
    assert done.stderr == (
        f"pullsim: interrupted: 1 of 2 runs are done and are in {tmp_path / 'out'}: --resume goes on with them\n"
    )
    assert not (tmp_path / "baseline.json").exists()
    assert command(*words, "--out", tmp_path / "out", "--resume").returncode == 0
    assert ran == [3, 4, 4]
    assert (tmp_path / "baseline.json").read_bytes() == written


@pytest.mark.parametrize(
    "words",
    [
        ("ci",),
        ("compare", "--set", f"{KNOB}=1,2"),
        ("advise",),
        ("solve", "--coverage", "90%"),
        ("solve", "--knob", KNOB, "--range", "1..2"),
        ("image-advice", "--scenario"),
    ],
)
def test_there_is_nothing_to_go_on_with_without_a_directory(small_file, words):
    name, *options = words
    arguments = ("r.test/app0:v1", "--scenario", small_file) if name == "image-advice" else (small_file, *options)
    done = command(name, *arguments, "--resume")
    assert done.returncode == 2
    assert "--resume: there is nothing to go on with: give --out DIR too" in done.stderr


def test_results_are_not_run_again(small_file, tmp_path):
    assert command("run", small_file, "-q", "--no-charts", "--out", tmp_path / "a").returncode == 0
    done = command("compare", tmp_path / "a", tmp_path / "a", "--out", tmp_path / "b", "--resume")
    assert done.returncode == 2
    assert "--resume: results are not run again" in done.stderr


#: Commands and the file that says what they came to.
KILLED = {
    "run": ("pods.csv", ("run", "FILE", "--no-charts")),
    "sweep": ("table.csv", ("sweep", "FILE", "--set", f"{KNOB}=1,2,3,4", "--seeds", "3", "-j", "2")),
    "compare": ("comparison.csv", ("compare", "FILE", "--set", f"{KNOB}=1,4", "--seeds", "6")),
    "solve": ("solve.svg", ("solve", "FILE", "--knob", KNOB, "--range", "1..8", "--slo", "< 4s")),
    "advise": ("advice.csv", ("advise", "FILE", "--seeds", "2", "--max-runs", "40", "-j", "1")),
    "ci": ("ci.md", ("ci", "FILE", "--assert", "pods.start.p99 < 90s", "--markdown", "MARKDOWN")),
}


@pytest.mark.long
@pytest.mark.parametrize("name", KILLED)
def test_a_command_that_is_killed_at_any_time_goes_on(name, small_file, tmp_path):
    """Whatever the moment, what is kept is whole, and the end is that of a command which nobody killed."""
    file, words = KILLED[name]

    def given(out):
        replaced = {"FILE": small_file, "MARKDOWN": out / file}
        return [*(str(replaced.get(word, word)) for word in words), "-q", "--out", str(out)]

    assert command(*given(tmp_path / "whole")).returncode == 0
    expected = (tmp_path / "whole" / file).read_bytes()
    goes_on = [] if name == "run" else ["--resume"]
    moments = random.Random(name)
    for number in range(4):
        out = tmp_path / str(number)
        with start(*given(out)) as running:
            try:
                running.wait(timeout=moments.uniform(0.3, 4))
            except Exception:  # noqa: BLE001  it has not come to its end
                running.kill()
            running.communicate()
        assert not (out / file).exists() or (out / file).read_bytes() == expected
        done = command(*given(out), *goes_on)
        assert (done.returncode, done.stderr) == (0, "")
        assert (out / file).read_bytes() == expected
        assert not [*out.glob("**/.pullsim-*")]
        shutil.rmtree(out)
