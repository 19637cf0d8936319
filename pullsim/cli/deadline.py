"""``pullsim solve --coverage``: the smallest deadline that a share of the pods meets."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import typer

from pullsim.cli import terminal
from pullsim.cli.exit_codes import ASSERTION_FAILED
from pullsim.printable import json_text, printable

if TYPE_CHECKING:
    from fractions import Fraction

    from rich.console import Group

    from pullsim.results.model_error import ModelError
    from pullsim.study.deadline import Deadline
    from pullsim.study.deadline_clusters import DeadlineClusters


def show_deadline(found: Deadline, error: ModelError | None, output: str) -> None:
    """Print the answer as a table, a sentence or JSON. Raises typer.Exit with code 1 if there is no deadline."""
    from pullsim.study.deadline import in_clusters, notes, sentence  # noqa: PLC0415

    said = notes(found)
    if error is not None and error.median and not math.isinf(found.answer.value):
        measured = f"{error.median:.0%} (median; 90 %: {error.p90:.0%}) for {error.kind}"
        said.append(f"The model's own error was measured at {measured}.")
    if output == "table":
        terminal.show(_table(found, said))
    else:
        with terminal.standard_output() as stdout:
            if output == "sentence":
                stdout.write(printable(" ".join([sentence(found) + in_clusters(found), *said])) + "\n")
            else:
                stdout.write(json_text(_document(found, said), indent=2) + "\n")
    if math.isinf(found.answer.value):
        raise typer.Exit(ASSERTION_FAILED)


def _table(found: Deadline, said: list[str]) -> Group:
    from rich.console import Group  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from pullsim.results.fitted_table import FittedTable  # noqa: PLC0415
    from pullsim.results.prose import Prose  # noqa: PLC0415
    from pullsim.study.cluster_tables import clusters_of_deadline, terminal_parts  # noqa: PLC0415
    from pullsim.study.deadline import in_clusters, interval, percent, sentence  # noqa: PLC0415

    table = FittedTable()
    table.figures("of the pods")
    table.names("within [95 % over the seeds]", rank=0, whole=True)
    table.names("", rank=1, whole=True)
    for share, quantile in found.curve.items():
        asked = share == found.coverage
        table.add_row(percent(share), interval(quantile), "answer" if asked else "", style="bold" if asked else "")
    answer = Prose(sentence(found) + in_clusters(found), "bold")
    texts = [answer, *(Prose(f"Note: {each}", "yellow") for each in said)]
    return Group(table, *terminal_parts(clusters_of_deadline(found)), Text(), *texts)


def _document(found: Deadline, said: list[str]) -> dict[str, object]:
    """Return the answer for JSON, in which what is infinite is null; ``never`` says that there is no deadline."""
    from pullsim.study.deadline import in_clusters, sentence  # noqa: PLC0415

    value, low, high = found.answer
    document: dict[str, object] = {
        "objective": str(found.objective),
        "coverage": float(found.coverage),
        "deadline": _finite(value),
        "low": _finite(low),
        "high": _finite(high),
        "never": math.isinf(value),
        "pods": found.pods,
        "notMet": found.never,
        "seeds": found.seeds,
        "sentence": sentence(found) + in_clusters(found),
        "notes": said,
        "curve": [
            {"coverage": float(share), **{key: _finite(seconds) for key, seconds in each._asdict().items()}}
            for share, each in found.curve.items()
        ],
    }
    if found.clusters is not None:
        document["clusters"] = _clusters(found, found.clusters)
    return document


def _clusters(found: Deadline, drawn: DeadlineClusters) -> dict[str, object]:
    from pullsim.study.clusters import HALF, MOST  # noqa: PLC0415
    from pullsim.study.deadline_clusters import name_of  # noqa: PLC0415

    def enough(share: Fraction) -> dict[str, float | None]:
        return {name: _finite(drawn.enough(share, level)) for name, level in (("half", HALF), ("nineInTen", MOST))}

    curve = []
    for share in found.curve:
        columns = drawn.drawn.columns(name_of(share), 0)
        figures = {name: _finite(value) for name, value in columns.items()}
        curve.append({"coverage": float(share), **figures, **enough(share)})
    return {"draws": drawn.draws, "spreads": drawn.drawn.spreads, **enough(found.coverage), "curve": curve}


def _finite(seconds: float | None) -> float | None:
    return None if seconds is None or math.isinf(seconds) else seconds
