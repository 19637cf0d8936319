"""The page of a deadline that a share of the pods meets, and the table beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullsim.results.page.page import Cell, Column, Figure, Page, Section, Table, Text
from pullsim.results.wording import counted, duration
from pullsim.study.cluster_tables import clusters_of_deadline
from pullsim.study.deadline import in_clusters, interval, notes, percent, sentence
from pullsim.study.deadline_clusters import name_of
from pullsim.study.files import write_csv, write_page
from pullsim.study.intervals import Interval
from pullsim.study.pages.cluster_section import cluster_section
from pullsim.study.pages.parts import Point, certainty, closing, curve

if TYPE_CHECKING:
    from pathlib import Path

    from pullsim.results.page.page import Chart
    from pullsim.study.deadline import Deadline
    from pullsim.study.pages.parts import Source


def write_deadline(found: Deadline, directory: Path, source: Source) -> None:
    """Write ``deadline.csv``, the deadlines of several shares in seconds, and ``report.html``. Raises OSError."""
    import pandas as pd  # noqa: PLC0415  only when asked

    rows = [
        dict(zip(("coverage", "deadline", "low", "high"), (float(share), *quantile), strict=True))
        | ({} if found.clusters is None else found.clusters.drawn.columns(name_of(share), 0))
        for share, quantile in found.curve.items()
    ]
    write_csv(pd.DataFrame(rows), directory / "deadline.csv")
    write_page(deadline_page(found, source), directory)


def deadline_page(found: Deadline, source: Source) -> Page:
    """Return the page."""
    happens = "have started" if found.objective.what == "start" else "are ready"
    whose = f" of {found.objective.name}" if found.objective.name else ""
    beware = notes(found)
    return Page(
        title=f"pullsim solve --coverage {percent(found.coverage)}",
        question=f"What is the smallest deadline by which {percent(found.coverage)} of the pods{whose} {happens}?",
        answer=[sentence(found) + in_clusters(found), *beware],
        certainty=certainty(found.seeds, source.error, source.guesses),
        figures=[
            Figure("deadline", duration(found.answer.value), f"that {percent(found.coverage)} of the pods meet"),
            Figure("pods", f"{found.pods:,}", "of all seeds"),
            Figure("never came to it", f"{found.never:,}", bad=bool(found.never)),
        ],
        sections=[
            Section("Deadlines of other shares", [_chart(found), _table(found)]),
            *cluster_section(clusters_of_deadline(found)),
            *([Section("Beware", [Text(["Before relying on it:"], beware)])] if beware else []),
            *closing(source),
        ],
        context=source.description,
        made_by=f"pullsim solve, {counted(found.seeds, 'seed')}",
    )


def _chart(found: Deadline) -> Chart:
    points = [Point("", percent(share), Interval(*each, found.seeds)) for share, each in found.curve.items()]
    return curve(
        "deadline", "Deadline by the share of pods that meet it", f"{found.objective}.p50", points, "of the pods"
    )


def _table(found: Deadline) -> Table:
    rows = [
        (
            Cell(percent(share), float(share)),
            Cell(interval(each), each.value),
            Cell("asked" * (share == found.coverage)),
        )
        for share, each in found.curve.items()
    ]
    columns = (Column("of the pods", number=True), Column("within [95 % over the seeds]", number=True), Column(""))
    return Table("Deadlines", columns, rows)
