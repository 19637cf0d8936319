"""The command advise, and the hint of run, as their users meet them."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pullsim
from pullsim.study.advice.advise import advise
from pullsim.study.advice.hint import EACH, LEAST, START, affordable, lines, tried
from tests.support.command import pullsim as command

P99 = "pods.start.p99"
PARALLEL = "kubelet.serializeImagePulls=false kubelet.maxParallelImagePulls=5"


def hint(shown):
    """The lines of "To turn" in what run prints, joined."""
    words = " ".join(shown.split())
    return re.search(r"To turn (.*?)(?: Warning .*)?$", words)[1]


def test_the_table_and_its_commands(small_file):
    done = command("advise", small_file, "--seeds", "1", "-j", "1", "-q")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"small: {P99} is ")
    words = " ".join(done.stdout.split())
    assert "Most gains: " in words
    assert "No gain (under 1 %) " in words
    told = [line for line in done.stdout.splitlines() if line.startswith("   pullsim run ")]
    assert len(told) > 2
    made = advise(pullsim.load(small_file), seeds=1)
    for line, row in zip(told, made.gains, strict=True):
        program, run, file, *options = shlex.split(line)
        assert (program, run, file) == ("pullsim", "run", str(small_file))
        changed = pullsim.load(file, [text for text in options if text != "--set"])
        start = pullsim.summarize(pullsim.run(changed)).pods.start
        assert start.p99 == pytest.approx(row.difference(P99).b.mean)
    assert command(*shlex.split(told[0])[1:], "-q").returncode == 0


def test_rows_are_the_runs_of_the_sweep(small_file, tmp_path):
    """Each figure is what `compare` has for the same overrides and seeds."""
    done = command("advise", small_file, "--seeds", "2", "-j", "1", "-o", "json", "--out", tmp_path / "out")
    rows = json.loads(done.stdout)
    assert rows == json.loads((tmp_path / "out" / "advice.json").read_text())
    assert {file.name for file in (tmp_path / "out").iterdir()} == {
        "advice.csv", "advice.json", "advice.md", "advice.png", "advice.svg", "report.html", "runs",
    }  # fmt: skip
    row = next(each for each in rows if each["set"] == PARALLEL and each["metric"] == P99)
    compared = pullsim.compare(pullsim.load(small_file), set_b=row["set"].split(), seeds=2).differences([P99])[0]
    assert (row["before"], row["after"]) == pytest.approx((compared.a.mean, compared.b.mean))
    assert (row["difference"], row["low"], row["high"]) == pytest.approx(compared.difference[:3])
    ranked = [each["gain"] for each in rows]
    assert ranked == sorted(ranked, reverse=True)


def test_other_forms(small_file):
    base = ("advise", small_file, "--seeds", "1", "-j", "1", "-q", "--max-runs", "8")
    marked = command(*base, "-o", "markdown")
    assert "| as it is | " in marked.stdout
    assert "   pullsim run " in marked.stdout
    rows = list(csv.DictReader(io.StringIO(command(*base, "-o", "csv").stdout)))
    assert rows[0]["metric"] == "pods.start.p50"
    other = command(*base, "--objective", "bytes.downloaded", "--set", "kubelet.maxParallelImagePulls=3")
    assert other.stdout.startswith("small: bytes.downloaded is ")
    assert "--set kubelet.maxParallelImagePulls=3" in other.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--objective", "pods.start.p98"], "did you mean pods.start.p99"),
        (["--max-runs", "4"], "too few"),
        (["--set", "nodes[x].cores=2"], "did you mean|no entry"),
        (["--dask", "local:2", "-j", "2"], "not both"),
    ],
)
def test_wrong_input(small_file, arguments, message):
    done = command("advise", small_file, *arguments)
    assert done.returncode == 2
    assert re.search(message, done.stderr)
    assert done.stdout == ""


def test_what_is_done_is_kept_when_it_is_interrupted(small):
    def stop(done, _total):
        if done == 9:
            raise KeyboardInterrupt

    made = advise(small, seeds=1, progress=stop)
    assert made.interrupted
    assert len(made.rows) == 8  # with the scenario as it is nine runs


def test_the_processes_do_not_matter(small):
    assert advise(small, seeds=1, max_runs=6, processes=2).table().equals(advise(small, seeds=1, max_runs=6).table())


def test_the_hint_of_a_small_run_is_the_best_single_change(small_file):
    shown = hint(command("run", small_file).stdout)
    small = pullsim.load(small_file)
    best, second = advise(small, seeds=1).singles[:2]
    assert best.levers == ("images present",)
    assert shown.startswith(f"{best.setting.overrides[0]} (all images ")
    ((overrides, before, after),) = re.findall(
        r"\(tried\) (\S+(?:, \S+)*) \([^)]*\): pods\.start\.p99 (\S+ s) → (\S+ s) \(\S+ %\) \(tried\)", shown
    )
    assert tuple(overrides.split(", ")) == second.setting.overrides
    for file, figure in ((small, before), (pullsim.override(small, overrides.split(", ")), after)):
        assert figure == f"{pullsim.summarize(pullsim.run(file)).pods.start.p99:.2f} s"
    assert shown.endswith("tries more, and pairs")


def with_layers(summary, layers):
    """The summary of a run that had fetched so many layers."""
    return replace(summary, layers=replace(summary.layers, fetched=layers))


def test_the_hint_of_a_large_run_is_to_ask(small):
    summary = pullsim.summarize(pullsim.run(small))
    assert tried(small, with_layers(summary, 20_000)) is None
    assert lines(None, "pullsim advise x.yaml") == ["ask `pullsim advise x.yaml`, which tries what could help"]


def test_no_more_is_tried_than_the_run_has_time_for(small):
    summary = pullsim.summarize(pullsim.run(small))
    whole = tried(small, summary)
    few = tried(small, with_layers(summary, 1000))
    assert LEAST <= len(few.rows) + len(few.failed) < len(whole.rows) + len(whole.failed)
    assert {row.setting for row in few.rows} < {row.setting for row in whole.rows}


@given(st.floats(0, 1000))
def test_the_changes_that_are_affordable_take_no_longer_than_the_run(work):
    count = affordable(work)
    assert count * (EACH + work) <= (START + work) * (1 + 1e-9)
    assert (count + 1) * (EACH + work) > (START + work) * (1 - 1e-9)


def test_the_hint_is_in_no_file_and_costs_nothing_elsewhere(small_file, tmp_path):
    done = command("run", small_file, "--no-charts", "--out", tmp_path / "out")
    assert "(tried)" in done.stdout
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["bottleneck"]["hint"] == ""
    assert command("run", small_file, "-q").stdout == ""
    quiet = pullsim.summarize(pullsim.run(pullsim.load(small_file)))
    assert quiet.bottleneck.hint == ""


def test_nobody_waited_and_nothing_is_to_turn():
    empty = pullsim.from_mapping({"nodes": [{"name": "n"}], "workloads": []})
    assert tried(empty, pullsim.summarize(pullsim.run(empty))) is None


def test_overrides_stand_in_the_command_that_is_told(small_file):
    shown = hint(command("run", small_file, "--set", "kubelet.maxParallelImagePulls=2", "--seed", "5").stdout)
    told = f"`pullsim advise {small_file} --set kubelet.maxParallelImagePulls=2 --set seed=5`"
    assert "".join(told.split()) in "".join(shown.split())  # a long path is folded


def test_a_change_that_helps_other_pods_only_is_told_so(tmp_path):
    """The last pod is alone on its node with a large image, so that parallel pulls gain nothing for it."""
    file = tmp_path / "two.yaml"
    small = "".join(f"    - {{image: 'r.test/a{n}:v1', layers: [{{size: 40MB}}]}}\n" for n in range(8))
    pods = "".join(f"  - {{name: a{n}, pods: {{image: 'r.test/a{n}:v1'}}, on: {{pool: many}}}}\n" for n in range(8))
    file.write_text(
        f"name: two\nimages:\n  define:\n    - {{image: 'r.test/big:v1', layers: [{{size: 4GB}}]}}\n{small}"
        "registries: [{host: r.test, perConnection: 30MB/s}]\n"
        "nodes: [{name: many, nic: 10Gbit/s, cores: 8}, {name: one, nic: 10Gbit/s}]\n"
        f"workloads:\n  - {{name: big, pods: {{image: 'r.test/big:v1'}}, on: {{pool: one}}}}\n{pods}"
    )
    words = " ".join(command("advise", file, "--seeds", "1", "-j", "1", "-q", "--max-runs", "40").stdout.split())
    assert re.search(r"parallel pulls \((?:[-+][\d.]+ %, )?but p50 -\d+ %\)", words), words
