"""The page of advice about images: what was tried, what gains most, and which layers images share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.printable import shortened
from pullsim.results.page.page import Cell, Chart, Column, Figure, Page, Section, Table, Text
from pullsim.results.wording import counted
from pullsim.study.image_advice import text
from pullsim.study.image_advice.changes import STEPS
from pullsim.study.image_advice.image_advice import P99
from pullsim.study.pages.parts import Point, certainty, closing, curve

if TYPE_CHECKING:
    from pullsim.study.image_advice.image_advice import ImageAdvice
    from pullsim.study.pages.parts import Source

_TITLE: Final = 60  # letters of an image's name in a title


def image_advice_page(found: ImageAdvice, source: Source) -> Page:
    """Return the page."""
    names = [shortened(image.familiar, _TITLE) for image in found.images]
    title = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    notes = [f"{label}: {note}" for label, note in text.notes(found).items() if label != "Assumed"]
    return Page(
        title=title,
        question="What could be built otherwise in the images, so that pods start earlier?",
        answer=[text.best(found), text.heading(found)],
        certainty=certainty(len(found.advice.seeds), found.advice.error),
        figures=[
            Figure("changes tried", f"{len(found.rows):,}"),
            Figure("changes that help", f"{len(found.best):,}"),
        ],
        sections=[
            Section("What helps", [*_tables(found), *_curves(found)]),
            Section("What is assumed", [Text((), text.assumptions(found))]),
            Section("What was tried", [Text((), notes)]),
            *([Section("What images share", _shared(found))] if found.shared else []),
            *closing(source._replace(error=found.advice.error)),
        ],
        made_by=f"pullsim image-advice, {counted(len(found.advice.seeds), 'seed')}",
    )


def _tables(found: ImageAdvice) -> list[Table]:
    rows = [
        (Cell(name), *(Cell(f"{value} ({part})" if part else value) for value, part in cells), Cell(doubt))
        for name, cells, doubt in text.rows(found)
    ]
    columns = (Column("change"), *map(Column, text.COLUMNS), Column("doubt"))
    return [Table("The changes that help, first what gains most seconds", columns, rows)] if rows else []


def _curves(found: ImageAdvice) -> list[Chart]:
    """Return p99 over the number of parts and of equal layers, where several were tried."""
    return [
        curve(
            lever.replace(" + ", "-").replace(" ", "-"),
            f"p99 by {what}",
            P99,
            [Point("", str(row.change.steps), row.tried.difference(P99).b) for row in steps],
            what,
        )
        for lever, what in STEPS.items()
        if len(steps := found.steps(lever)) > 1
    ]


def _shared(found: ImageAdvice) -> list[Table | Text]:
    if text.nothing_shared(found):
        return [Text([text.nothing_shared(found)])]
    columns = [Column(heading, number=place > 1) for place, heading in enumerate(text.SHARED_COLUMNS)]
    rows = [
        tuple(
            Cell(cell, float(number) if place > 1 else None)
            for place, (cell, number) in enumerate(zip(row, (0, 0, *each[2:]), strict=True))
        )
        for row, each in zip(text.shared_rows(found), text.sharing(found), strict=True)
    ]
    note = "Pull and disk: what a node saves that has one of two images and pulls the other."
    return [Table("Layers that images share", columns, rows, note, filtered=len(rows) > 15)]
