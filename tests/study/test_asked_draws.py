"""The draws that ``--interval`` asks for: which are refused before anything runs, how they are counted, and lost."""

from __future__ import annotations

import pytest

import pullsim
from pullsim.errors import InputError
from pullsim.study.dask_cluster import WorkersLost
from pullsim.study.deadline import deadline
from pullsim.study.executors import InProcess
from tests.support.command import pullsim as command
from tests.support.small_scenario import SCENARIO

DRAWS = 10
STUDIES = {
    "run": [],
    "compare": ["--set", "seed=3,4"],
    "sweep": ["--set", "seed=3,4"],
    "advise": [],
    "solve": ["--knob", "kubelet.maxParallelImagePulls", "--range", "1..2"],
}


@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.parametrize(
    ("draws", "options"),
    [
        ("9", ["-o", "json"]),
        ("-1", ["--resume"]),
        ("nan", []),
        (10**6, ["--dask", "127.0.0.1:1"]),
        (10**30, ["--resume"]),
    ],
)
def test_draws_that_none_can_make_are_refused_before_anything_runs(tmp_path, study, draws, options):
    (tmp_path / "s.yaml").write_text(SCENARIO)
    more = [] if study == "run" else options
    wrong = command(study, "s.yaml", *STUDIES[study], "--interval", str(draws), "--out", "out", *more, cwd=tmp_path)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "--interval" in wrong.stderr
    assert not (tmp_path / "out").exists()


def test_more_draws_than_memory_holds_are_refused_with_their_number(small):
    with pytest.raises(InputError, match=r"^--interval: 2 variants with 60,000 draws are 120,000 runs; 100,000 are"):
        pullsim.sweep(small, ["seed=3,4"], interval=60_000)


def test_too_few_draws_are_refused_in_python_too(small):
    for study in (
        lambda draws: pullsim.sweep(small, ["seed=3,4"], interval=draws),
        lambda draws: pullsim.compare(small, set=["seed=3,4"], interval=draws),
        lambda draws: pullsim.solve(small, "kubelet.maxParallelImagePulls", "1..2", interval=draws),
        lambda draws: pullsim.advise(small, interval=draws),
        lambda draws: deadline(small, interval=draws),
    ):
        for draws in (-1, 0, 9):
            with pytest.raises(InputError, match=rf"^--interval: {draws} draws are too few: at least 10"):
                study(draws)


class LostInDraws(InProcess):
    """A cluster whose workers are gone when clusters are drawn."""

    def run(self, bundle, jobs):
        if len(jobs) >= DRAWS:
            raise WorkersLost("there are no workers")
        return super().run(bundle, jobs)


def test_a_sweep_that_loses_the_workers_in_draws_has_its_own_runs(monkeypatch, small):
    monkeypatch.setattr("pullsim.study.sweep.choose", lambda *_: LostInDraws())
    swept = pullsim.sweep(small, ["seed=3,4"], interval=DRAWS)
    assert len(swept.outcomes) == 2
    assert swept.clusters is None
    assert swept.stopped.startswith("there are no workers: 20 of 20 runs are missing")


def test_advice_that_loses_the_workers_in_draws_has_what_was_tried(monkeypatch, small):
    monkeypatch.setattr("pullsim.study.advice.advise.choose", lambda *_: LostInDraws())
    given = pullsim.advise(small, seeds=1, max_runs=4, interval=DRAWS)
    assert given.rows
    assert given.clusters is None
    assert given.stopped.startswith("there are no workers: ")


def test_runs_and_draws_are_counted_together(small):
    told = []
    pullsim.sweep(small, ["seed=3,4"], interval=DRAWS, progress=lambda *numbers: told.append(numbers))
    assert {total for _, total in told} == {2 * (1 + DRAWS + 2)}
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1][0] == told[-1][1]


def test_results_that_were_saved_are_not_drawn_again(tmp_path):
    (tmp_path / "s.yaml").write_text(SCENARIO)
    assert command("run", "s.yaml", "-q", "--no-charts", "--out", "a", cwd=tmp_path).returncode == 0
    wrong = command("compare", "a", "a", "--interval", "10", cwd=tmp_path)
    assert wrong.returncode == 2
    assert "--interval: results are not run again" in wrong.stderr


@pytest.mark.parametrize("output", ["csv", "json"])
def test_rows_of_runs_have_no_place_for_other_clusters(tmp_path, output):
    (tmp_path / "s.yaml").write_text(SCENARIO)
    wrong = command("sweep", "s.yaml", "--interval", str(DRAWS), "-o", output, cwd=tmp_path)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "--interval: goes with the output table or with --out" in wrong.stderr
