from __future__ import annotations

import json
import multiprocessing
import os
import signal
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from functools import partial

import pytest

import pullsim
from pullsim.errors import InputError
from pullsim.results.metrics import values
from pullsim.study import executors
from pullsim.study.design import Variant
from pullsim.study.executors import Processes
from pullsim.study.job import Bundle, Job, run_job
from pullsim.study.sweep import sweep
from pullsim.study.variant_runs import run_variants

KNOBS = ["kubelet.maxParallelImagePulls=1,3", "nodes[node].cores=1,4"]


def text(study) -> str:
    return study.runs().to_csv(index=False) + study.table().to_csv(index=False)


def test_each_run_is_what_run_gives(small):
    study = sweep(small, KNOBS, seeds=2)
    assert len(study.outcomes) == 8
    for position, variant in enumerate(study.variants):
        for seed in (3, 4):
            alone = pullsim.run(pullsim.override(small, [*variant.overrides, f"seed={seed}"]))
            assert study.outcomes[position, seed].metrics == values(pullsim.summarize(alone).to_dict())


def test_tables_are_tidy(small):
    study = sweep(small, KNOBS, seeds=3)
    runs = study.runs()
    assert list(runs.columns[:4]) == ["variant", "kubelet.maxParallelImagePulls", "nodes[node].cores", "seed"]
    assert len(runs) == 12
    table = study.table(["pods.start.mean"])
    assert list(table.columns[3:]) == ["metric", "mean", "low", "high", "runs"]
    assert (table["low"] <= table["mean"]).all()
    assert (table["mean"] <= table["high"]).all()
    assert set(table["runs"]) == {3}
    per_variant = runs.groupby("variant")["pods.start.mean"].mean()
    assert table["mean"].to_list() == pytest.approx(per_variant.to_list())


def test_variants_share_random_numbers(small):
    """Common random numbers: what does not depend on the knob is the same in all variants."""
    runs = sweep(small, ["nodes[node].disk.fsync=0s,1ms"], seeds=4).runs()
    firsts = runs.groupby("seed")["pods.total"].nunique()
    assert set(firsts) == {1}
    results = [pullsim.run(pullsim.override(small, [f"nodes[node].cores={n}"])) for n in (1, 4)]
    assert [pod.created for pod in sorted(results[0].pods)] == [pod.created for pod in sorted(results[1].pods)]


@pytest.mark.parametrize("processes", [1, 2])
def test_the_executor_does_not_matter(small, processes):
    assert text(sweep(small, KNOBS, seeds=2, processes=processes)) == text(sweep(small, KNOBS, seeds=2))


def test_a_variant_that_fails_does_not_lose_the_rest(small):
    study = sweep(small, ["kubelet.maxParallelImagePulls=1,0,2"], seeds=2)
    assert [(str(f.variant), f.seed) for f in study.failures] == [
        ("kubelet.maxParallelImagePulls=0", 3),
        ("kubelet.maxParallelImagePulls=0", 4),
    ]
    assert "must be a positive number" in study.failures[0].error
    assert [study.interval(position, "pods.start.p99").runs for position in range(3)] == [2, 0, 2]


@pytest.mark.parametrize(
    ("knob", "message"),
    [
        ("kubelet.maxParalelImagePulls=1,2", "did you mean maxParallelImagePulls"),
        ("nodes[nodee].cores=1,2", "did you mean node"),
        ("kubelet.maxParallelImagePulls=-1,0", "must be a positive number"),
    ],
)
def test_knobs_that_no_variant_can_have_are_wrong_input(small, knob, message):
    with pytest.raises(InputError, match=message):
        sweep(small, [knob])


def test_seeds_are_counted_from_the_scenarios_own_or_given(small):
    assert sweep(small, seeds=2).seeds == (3, 4)
    assert sweep(small, seeds=[9, 1]).seeds == (9, 1)
    with pytest.raises(InputError, match="all different"):
        sweep(small, seeds=[1, 1])
    with pytest.raises(InputError, match="too few"):
        sweep(small, seeds=0)


def test_runs_are_kept_as_they_come_and_resumed(small, tmp_path):
    whole = text(sweep(small, KNOBS, seeds=2))
    done = []

    def stop(count, _total):
        done.append(count)
        if count == 3:
            raise KeyboardInterrupt

    first = sweep(small, KNOBS, seeds=2, out=tmp_path, progress=stop)
    assert first.interrupted
    assert len(first.outcomes) == 3
    lines = (tmp_path / "runs.jsonl").read_text().splitlines()
    assert len(lines) == 4
    (tmp_path / "runs.jsonl").write_text("\n".join([*lines[:3], lines[3][:40]]))  # cut while it was written
    told = []
    second = sweep(small, KNOBS, seeds=2, out=tmp_path, resume=True, progress=lambda count, _total: told.append(count))
    assert told == [2, 3, 4, 5, 6, 7, 8]
    assert text(second) == whole
    assert len((tmp_path / "runs.jsonl").read_text().splitlines()) == 9


def test_runs_of_another_scenario_are_not_taken(small, tmp_path):
    sweep(small, out=tmp_path)
    with pytest.raises(InputError, match="of another scenario"):
        sweep(pullsim.override(small, ["nodes[node].cores=2"]), out=tmp_path, resume=True)


def test_a_process_that_dies_is_replaced(small, monkeypatch, tmp_path):
    """A worker is killed from outside while it runs; no run is lost and none is twice."""
    killed = []

    def kill(count, _total):
        if count == 2 and not killed:
            victim = multiprocessing.active_children()[0]
            killed.append(victim.pid)
            os.kill(victim.pid, signal.SIGKILL)

    study = sweep(small, KNOBS, seeds=3, processes=2, progress=kill)
    assert killed
    assert study.failures == []
    assert text(study) == text(sweep(small, KNOBS, seeds=3))


def test_a_job_that_kills_its_process_every_time_is_named(small, monkeypatch):
    bundle = Bundle.of(small, [Variant(())])
    outcomes = list(_Deadly(1).run(bundle, [Job(0, (), 3)]))
    assert [outcome.error for outcome in outcomes] == ["the process that ran it died 3 times"]


class _Deadly(Processes):
    """Its workers end at once."""

    def _pool(self, bundle):
        return ProcessPoolExecutor(
            1, mp_context=multiprocessing.get_context("spawn"), initializer=os._exit, initargs=(9,)
        )


def test_processes_stay_for_further_runs_of_the_same_scenario(small):
    executor = _Threads(1)
    with closing(executor):
        made = [
            run_variants(small, (), [Variant((("kubelet.maxParallelImagePulls", n),))], executor=executor) for n in "13"
        ]
        assert len(executor.bundles) == 1
        assert text(made[1]) == text(run_variants(small, (), made[1].variants))
        other = pullsim.override(small, ["nodes[node].cores=2"])
        assert text(run_variants(other, (), [Variant(())], executor=executor)) == text(sweep(other))
        assert len(executor.bundles) == 2
        assert executor.pools[0]._shutdown
    assert executor.pools[1]._shutdown


class _Threads(Processes):
    """Its workers are threads, which start at once, and it remembers for which bundles it had some."""

    def __init__(self, count):
        super().__init__(count)
        self.bundles, self.pools = [], []

    def _pool(self, bundle):
        self.bundles.append(bundle)
        self.pools.append(ThreadPoolExecutor(1, initializer=partial(setattr, executors, "_installed", bundle)))
        return self.pools[-1]


def test_an_outcome_is_not_lost_when_the_pool_is_found_broken_before_it_is_told(small):
    bundle = Bundle.of(small, [Variant(())])
    jobs = [Job(number, (), number) for number in range(6)]
    outcomes = list(_BreaksAtTheThird(1).run(bundle, jobs))
    assert sorted(outcome.number for outcome in outcomes) == [0, 1, 2, 3, 4, 5]
    assert [outcome.error for outcome in outcomes] == [None] * 6


class _BreaksAtTheThird(_Threads):
    """Its first pool takes no third job: a process has died while an outcome was read."""

    def _pool(self, bundle):
        pool, submit = super()._pool(bundle), ThreadPoolExecutor.submit
        if len(self.pools) == 1:
            left = iter(range(2))

            def broken(*arguments):
                if next(left, None) is None:
                    raise BrokenProcessPool
                return submit(pool, *arguments)

            pool.submit = broken
        return pool


def test_the_scenario_travels_with_its_files(tmp_path, monkeypatch):
    """A bundle runs where the files are not."""
    (tmp_path / "app.yaml").write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, image: 'nginx:1.12'}]}\n"
    )
    (tmp_path / "kubelet.yaml").write_text("serializeImagePulls: false\n")
    (tmp_path / "s.yaml").write_text("nodes: [{kubelet: kubelet.yaml}]\nworkloads: [{manifest: app.yaml}]\n")
    scenario = pullsim.load(tmp_path / "s.yaml")
    variants = [Variant(()), Variant((("kubelet.registryPullQPS", "2"),))]
    bundle = Bundle.of(scenario, variants)
    assert {name.rsplit("/", 1)[-1] for name in bundle.files} == {"app.yaml", "kubelet.yaml"}
    here = [run_job(bundle, Job(0, tuple(variant.overrides), 1)) for variant in variants]
    for file in tmp_path.iterdir():
        file.unlink()
    again = Bundle(bundle.text, bundle.directory, dict(bundle.files))
    assert again.digest == bundle.digest
    assert [run_job(again, Job(0, tuple(variant.overrides), 1)) for variant in variants] == here
    assert here[0].metrics is not None


def test_verdicts_come_along(small):
    study = sweep(small, ["kubelet.maxParallelImagePulls=1,3"])
    assert study.verdict(0)["resource"] == "pullQueue"


def test_run_variants_takes_any(small):
    study = run_variants(small, (), [Variant((("nodes[node].cores", "2"),)), Variant(())])
    assert len(study.outcomes) == 2
    assert json.dumps(study.outcomes[0, 3].metrics)
