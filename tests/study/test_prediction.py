"""``pullsim run --interval``: intervals of key figures over clusters that seeds draw."""

from __future__ import annotations

import json
import math
import os
from contextlib import redirect_stdout, suppress
from dataclasses import replace

import pytest

from pullsim.cli.interval import HINT, tell_of_intervals
from pullsim.results.prediction_table import prediction_notes, prediction_section
from pullsim.results.summary.prediction import PredictedFigure, Prediction
from pullsim.results.summary.summary import summarize
from pullsim.run import run
from pullsim.scenario import from_mapping, override
from pullsim.spec.draws import factor, student
from pullsim.study.prediction import with_prediction
from tests.support.command import pullsim
from tests.support.small_scenario import SCENARIO

DRAWS = 12
SCALE = 0.2


@pytest.fixture
def scenario():
    """One pull of one layer, whose time is unpacking: as much longer as the model is off by."""
    return from_mapping(
        {
            "variation": {"model": SCALE},
            "images": {"define": [{"image": "r.test/a:1", "layers": [{"size": "200MB"}]}]},
            "registries": [{"host": "r.test"}],
            "nodes": [{"name": "w"}],
            "workloads": [{"name": "x", "pod": {"containers": [{"name": "m", "image": "r.test/a:1"}]}}],
        }
    )


def predicted(scenario):
    return with_prediction(scenario, summarize(run(scenario)), DRAWS, processes=1).prediction


def test_a_figure_is_that_of_the_runs_with_these_seeds(scenario):
    found = predicted(scenario)
    times = sorted(
        summarize(run(override(scenario, [f"seed={seed}"]), detail="pulls")).pulls.pull.p50 for seed in range(DRAWS)
    )
    figure = found.figures["pulls.pull.p50"]
    ends = (figure.low90, figure.low50, figure.median, figure.high50, figure.high90)
    assert ends == pytest.approx([times[rank - 1] for rank in (1, 3, 6, 9, 12)])
    assert found.spreads == "own"
    assert found.clusters == {"w": None}
    assert times[0] < times[-1]


def test_the_interval_is_that_of_the_factor_where_one_factor_makes_the_time(scenario):
    figure = predicted(scenario).figures["pulls.pull.p50"]
    alone = summarize(run(override(scenario, ["variation=none"]))).pulls.pull.p50
    factors = sorted(1 / factor(SCALE * student(seed, "model")) for seed in range(DRAWS))
    assert figure.high90 / alone == pytest.approx(factors[-1], rel=0.1)
    assert figure.low90 / alone == pytest.approx(factors[0], rel=0.1)
    assert figure.model > 0.9
    assert figure.sampling < 0.1


def test_without_spreads_there_is_no_variance_but_that_of_sampling(scenario):
    still = predicted(override(scenario, ["variation.model=0"]))
    figure = still.figures["pulls.pull.p50"]
    assert figure.low90 == pytest.approx(figure.high90, rel=0.01)
    assert "12 draws" in " ".join(prediction_notes(still))


def test_a_scenario_without_variation_gets_that_of_its_presets(scenario):
    plain = override(scenario, ["variation=none"])
    found = predicted(plain)
    assert found.spreads == "preset"
    assert found.clusters == {"w": 0}
    figure = found.figures["pods.start.p99"]
    assert figure.low90 < figure.low50 < figure.median < figure.high50 < figure.high90
    assert "no cluster behind them" in " ".join(prediction_notes(found))


def test_figures_of_pods_that_never_start_say_so():
    figure = PredictedFigure(9.0, 8.0, math.inf, 7.0, math.inf, None, None)
    section = prediction_section(Prediction(10, "preset", {"w": 1}, {"pods.start.p99": figure}))
    table, text = section.parts
    assert [cell.text for cell in table.rows[0]] == ["pod start, p99", "9.00s", "8.00s to never", "7.00s to never"]
    assert "one cluster behind them" in " ".join(text.paragraphs)
    assert prediction_section(None).parts == []


def test_the_command_writes_intervals_and_nothing_without_the_option(tmp_path):
    (tmp_path / "s.yaml").write_text(SCENARIO)
    words = ["run", "s.yaml", "-o", "json", "-q", "--out", "out", "--no-charts"]
    asked = pullsim(*words, "--interval", "10", "-j", "1", cwd=tmp_path)
    summary = json.loads(asked.stdout)
    assert summary["prediction"]["draws"] == 10
    assert set(summary["prediction"]["figures"]["pods.start.p99"]) == {
        "median", "low50", "high50", "low90", "high90", "sampling", "model",
    }  # fmt: skip
    assert "In other clusters" in (tmp_path / "out" / "report.html").read_text()
    plain = json.loads(pullsim(*words, cwd=tmp_path).stdout)
    assert "prediction" not in plain
    del summary["prediction"]
    assert summary == plain


@pytest.mark.parametrize(
    ("options", "said"),
    [(["--interval", "3"], "--interval"), (["-j", "2"], "--processes: a run has one process: it goes with --interval")],
)
def test_wrong_options_are_refused(tmp_path, options, said):
    (tmp_path / "s.yaml").write_text(SCENARIO)
    wrong = pullsim("run", "s.yaml", *options, cwd=tmp_path)
    assert wrong.returncode == 2
    assert said in wrong.stderr


def told_on_a_terminal(scenario, summary):
    """What a terminal gets of the hint."""
    master, slave = os.openpty()
    try:
        with os.fdopen(slave, "w", encoding="utf-8") as terminal, redirect_stdout(terminal):
            terminal.write("before")
            tell_of_intervals(scenario, summary)
        found = b""
        with suppress(OSError):  # Linux says so that the terminal is closed
            while part := os.read(master, 10_000):  # of a terminal a read returns a line, at times
                found += part
        return found.decode()
    finally:
        os.close(master)


def test_a_terminal_is_told_that_a_number_is_no_promise_unless_it_is_known(scenario):
    plain = override(scenario, ["variation=none"])
    summary = summarize(run(plain))
    assert len(HINT) < 80
    assert HINT in told_on_a_terminal(plain, summary)
    assert told_on_a_terminal(scenario, summary) == "before"
    asked = Prediction(10, "preset", {"w": 1}, {})
    assert told_on_a_terminal(plain, replace(summary, prediction=asked)) == "before"


def test_a_file_is_not_told_it(tmp_path):
    (tmp_path / "s.yaml").write_text(SCENARIO)
    assert "promise" not in pullsim("run", "s.yaml", cwd=tmp_path).stdout
