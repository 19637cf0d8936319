"""The fidelity report: what it judges, and that its sources are all there."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from benchmarks.fidelity import lab, lab_crio, published, report


def test_published_figures_are_predicted_or_it_is_said_why_not():
    figures = json.loads(published.DATA.read_text())["figures"]
    assert {figure["id"] for figure in figures} == set(published.CASES)
    assert all(figure["source"] for figure in figures)
    for case in published.CASES.values():
        assert case.layers or case.why


def test_decompression_of_a_published_layer():
    rows = {row.case: row for row in published.rows() if row.case.startswith("idf-go")}
    assert rows["idf-go-gzip"].error < 0.3
    assert rows["idf-go-zstd"].error < 0.3


def test_the_lab_is_judged_without_noisy_and_short_cases():
    rows = lab.rows()
    judged = report.judged(rows, "lab")
    assert {row.case for row in rows} == {case["id"] for case in lab.LAB["cases"] if case["group"] != "i"}
    assert all(row.measured >= 0.2 for row in judged)
    noisy = {case["id"] for case in lab.LAB["cases"] if case["all_noisy"]}
    assert not noisy & {row.case for row in judged}


def test_calibration_rows_of_clusters_are_not_judged():
    path = Path(report.HERE) / "data" / "predictions.csv"
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["source"] for row in rows} == set(report.BARS)
    assert {row["calibration"] for row in rows if row["source"] == "chonks"} == {"True", "False"}


def test_the_model_says_how_far_off_cri_o_is():
    rows = report.judged(lab_crio.rows(), "crio")
    median, _, worst = report.errors(rows)
    text = (Path(report.HERE).parents[1] / "docs/model.md").read_text(encoding="utf-8")
    assert f"<!-- crio -->{median:.0%}".replace("%", " %") + f" (worst {worst:.0%})".replace("%", " %") in text


@pytest.mark.parametrize("source", list(report.BARS))
def test_the_report_names_every_source(source):
    text = (Path(report.HERE) / "REPORT.md").read_text(encoding="utf-8")
    assert f"| {source} |" in text
    assert f"### {source}" in text
