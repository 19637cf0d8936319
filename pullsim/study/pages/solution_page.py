"""The page of a search: the setting that was found, and what was tried on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullsim.results import metrics as metric_names
from pullsim.results.page.metric_words import headline, in_words, limit_text, the
from pullsim.results.page.page import Cell, Column, Figure, Page, Section, Table, points_of
from pullsim.results.wording import counted, percentage
from pullsim.stages import RESOURCES
from pullsim.study import solve_text
from pullsim.study.cluster_tables import clusters_of_solution
from pullsim.study.pages.cluster_section import cluster_section
from pullsim.study.pages.parts import SERIES, Point, certainty, closing, curve, interval_cell

if TYPE_CHECKING:
    from pullsim.results.page.page import Chart
    from pullsim.study.pages.parts import Source
    from pullsim.study.solve import Solution


def solution_page(solution: Solution, source: Source) -> Page:
    """Return the page."""
    goal = solution.goal
    what = the(goal.metric)
    over = " and ".join(f"{k} in {r}" for k, r in zip(solution.knobs, solution.ranges, strict=True))
    limit = f"{what} {limit_text(goal.limit)}" if goal.limit else ""
    asked = {
        "smallest": f"What is the smallest {over} that keeps {limit}?",
        "largest": f"What is the largest {over} that keeps {limit}?",
        "best": f"Which {over} is best for {what}{f' and keeps {limit}' if limit else ''}?",
    }[goal.want]
    warnings = solve_text.warnings(solution, source.error)
    title = " and ".join(solution.knobs)
    return Page(
        title=f"pullsim solve: {title}",
        question=asked,
        answer=[*_answer(solution), solve_text.sentence(solution) + solve_text.in_clusters(solution), *warnings[:2]],
        certainty=certainty(solution.seeds, source.error, source.guesses),
        figures=_figures(solution),
        sections=[
            Section("What was tried", [*_chart(solution), _table(solution)]),
            *cluster_section(clusters_of_solution(solution)),
            *([Section("Beware", points_of({"Before relying on it:": warnings}))] if warnings else []),
            *closing(source),
        ],
        context=source.description,
        made_by=f"pullsim solve, {counted(solution.seeds, 'seed')}",
    )


def _answer(solution: Solution) -> list[str]:
    metric, answer = solution.goal.metric, solution.answer
    if answer is None:
        return ["None that was tried meets it."]
    setting = " and ".join(solution.settings(answer.point))
    return [f"{setting}: {the(metric)} is then {metric_names.text(metric, answer.objective.mean)}."]


def _figures(solution: Solution) -> list[Figure]:
    goal, answer = solution.goal, solution.answer
    found = []
    if answer is not None:
        for knob, setting in zip(solution.knobs, solution.settings(answer.point), strict=True):
            found.append(Figure(knob, setting[len(knob) + 1 :]))
        found.append(Figure(in_words(goal.metric), metric_names.text(goal.metric, answer.objective.mean)))
    else:
        found.append(Figure("answer", "none", bad=True))
    if goal.limit is not None:
        found.append(Figure("limit", limit_text(goal.limit)))
    found.append(Figure("settings tried", f"{len(solution.tried):,}", f"each with {counted(solution.seeds, 'seed')}"))
    return found


def _chart(solution: Solution) -> list[Chart]:
    """Return the chart over the first knob: with several the line through the answer, or without one a few lines."""
    metric, limit = solution.goal.metric, solution.goal.limit
    rests = dict.fromkeys(tried.point[1:] for tried in solution.tried)
    shown = [*rests][:SERIES] if solution.answer is None else [solution.answer.point[1:]]
    values = [
        Point(
            " and ".join(solution.settings(tried.point)[1:]),
            solution.ranges[0].value(tried.point[0]),
            tried.objective,
        )
        for tried in solution.tried
        if tried.point[1:] in shown
    ]
    return [curve("curve", headline(metric), metric, values, solution.knobs[0], None if limit is None else limit.limit)]


def _table(solution: Solution) -> Table:
    metric = solution.goal.metric
    phrases = {resource.key: resource.phrase for resource in RESOURCES}
    rows = []
    for tried in solution.tried:
        first = max(tried.shares, key=tried.shares.__getitem__, default=None)
        waited = f"{phrases[first]} ({percentage(tried.shares[first])})" if first else "nothing"
        mark = "answer" if tried is solution.answer else ""
        setting = " and ".join(solution.settings(tried.point))
        rows.append((Cell(setting), interval_cell(metric, tried.objective), Cell(waited), Cell(mark)))
    columns = (
        Column("setting"),
        Column(in_words(metric), number=True, help=metric),
        Column("mostly waited for"),
        Column(""),
    )
    return Table("All settings that were tried", columns, rows, filtered=len(rows) > 12)
