"""Pods that never started, in every figure that a run gives: summary, assertions, tables and charts."""

from __future__ import annotations

import io
import json
import math

import pandas as pd
import pytest

from pullsim import charts
from pullsim.results import metrics, tables
from pullsim.results.assertions import failures, parse_assertion, with_assertions
from pullsim.results.exports.registry import summary_json
from pullsim.results.statistics import THOUSANDTHS
from pullsim.results.summary.file import read_summary
from pullsim.results.summary.summary import camel, summarize
from tests.support.records import empty, make


@pytest.fixture(scope="module")
def result():
    return make(pods=100, nodes=4, never=2)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("pods.start.p99 < 90s", False),
        ("pods.start.p99 <= 1000h", False),
        ("pods.start.p99 > 90s", True),
        ("pods.start.p99 >= 90s", True),
        ("pods.start.p99 == 90s", False),
        ("pods.start.p99.9 < 1h", False),
        ("pods.start.max < 1h", False),
        ("pods.start.mean < 1h", False),
        ("pods.start.p95 < 1h", True),
        ("pods.start.never == 2", True),
        ("pods.startOfStarted.p99 < 1h", True),
        ("pods.startOfStarted.p99.9 < 1h", True),
        ("pods.startOfStarted.count == 98", True),
    ],
)
def test_assertions(result, condition, holds):
    assertion = parse_assertion(condition)
    summary = with_assertions(summarize(result), [assertion])
    (outcome,) = summary.assertions
    assert outcome.holds is holds
    assert not outcome.within_model_error
    assert outcome.never == (outcome.value == math.inf)
    assert json.loads(summary_json(summary))["assertions"][0]["value"] == (None if outcome.never else outcome.value)


def test_a_failure_says_how_many(result):
    (line,) = failures([parse_assertion("pods.start.p99.9 < 90s")], summarize(result))
    assert line == "pods.start.p99.9 < 90s: it is never (2 of 100 never started)"


def test_json_has_null_and_a_count_and_reads_back(result, tmp_path):
    summary = summarize(result)
    (tmp_path / "summary.json").write_text(summary_json(summary))
    start = json.loads((tmp_path / "summary.json").read_text())["pods"]["start"]
    assert (start["count"], start["never"], start["p99"], start["p99.9"], start["mean"]) == (100, 2, None, None, None)
    found = metrics.values(read_summary(tmp_path / "summary.json"))
    assert found == metrics.values(summary.to_dict())
    assert found["pods.start.p99"] == math.inf
    assert metrics.values(summarize(empty()).to_dict())["pods.start.p99"] is None


def test_a_summary_of_an_older_version_has_no_never(result, tmp_path):
    document = summarize(result).to_dict() | {"percentiles": "linear"}
    document["pods"]["start"] = {"count": 98, "mean": 1.5, "p50": 1.0, "p90": 2.0, "p95": 2.0, "p99": 2.0, "max": 2.0}
    del document["pods"]["withdrawn"], document["pods"]["startOfStarted"]
    (tmp_path / "summary.json").write_text(json.dumps(document))
    found = metrics.values(read_summary(tmp_path / "summary.json"))
    assert (found["pods.start.p99"], found["pods.start.p99.9"], found["pods.withdrawn"]) == (2.0, None, 0)
    assert found["pods.startOfStarted.count"] == 0


def test_the_figures_are_those_of_pandas(result):
    file = io.StringIO()
    tables.write_pods_csv(result, file)
    file.seek(0)
    frame = pd.read_csv(file)
    pods = summarize(result).pods
    for what, waited in (
        ("start", frame.until_start_s.where(frame.started, math.inf)[frame.started | ~frame.withdrawn]),
        ("ready", frame.until_ready_s.where(frame.ready_at.notna(), math.inf)[~frame.withdrawn]),
    ):
        ordered = waited.sort_values(ignore_index=True)
        for name, thousandths in THOUSANDTHS.items():
            expected = ordered[math.ceil(thousandths * len(ordered) / 1000) - 1]
            assert getattr(getattr(pods, what), name) == pytest.approx(expected), (what, name)
            assert metrics.check(f"pods.{what}.{camel(name)}")


def test_charts(result):
    texts = [text.get_text() for text in charts.plot_start_cdf(result).texts]
    assert [text.split()[0] for text in texts] == ["p50"]  # p99 is nowhere on the axis
