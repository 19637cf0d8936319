"""What ``pullsim solve`` prints and writes of the setting that it found."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pullsim.cli import terminal
from pullsim.printable import json_text, printable
from pullsim.staging import staged

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Group

    from pullsim.study.pages.parts import Source
    from pullsim.study.solve import Solution


def write_solution(solution: Solution, out: Path, source: Source) -> None:
    """Write the page and the curve."""
    from pullsim.results.charts.style import save  # noqa: PLC0415  matplotlib
    from pullsim.study.files import write_page  # noqa: PLC0415
    from pullsim.study.pages.solution_page import solution_page  # noqa: PLC0415
    from pullsim.study.solve_text import plot_curve  # noqa: PLC0415

    with staged(out) as files:
        write_page(solution_page(solution, source), files)
        save(plot_curve(solution).figure, files, "solve")


def show_solution(solution: Solution, warnings: list[str], output: str) -> None:
    """Print the answer as a table, a sentence or JSON."""
    from pullsim.study import solve_text  # noqa: PLC0415

    if output == "table":
        terminal.show(_shown(solution, warnings))
        return
    with terminal.standard_output() as stdout:
        if output == "sentence":
            stdout.write(printable(" ".join([_sentence(solution), *warnings])) + "\n")
        else:
            document = {
                "answer": solution.settings(solution.answer.point) if solution.answer else None,
                "sentence": _sentence(solution),
                "warnings": warnings,
                "tried": [{"set": solution.settings(t.point), **solve_text.figures(t)} for t in solution.tried],
                **_clusters(solution),
            }
            stdout.write(json_text(document, indent=2) + "\n")


def _shown(solution: Solution, warnings: list[str]) -> Group:
    from rich.console import Group  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from pullsim.results.fitted_table import FittedTable  # noqa: PLC0415
    from pullsim.results.prose import Prose  # noqa: PLC0415
    from pullsim.study import solve_text  # noqa: PLC0415
    from pullsim.study.cluster_tables import clusters_of_solution, terminal_parts  # noqa: PLC0415

    table = FittedTable()
    table.words("tried")
    table.figures(f"{solution.goal.metric} [95 %]")
    table.words("")
    for row in solve_text.rows(solution):
        table.add_row(*row, style="bold" if row[2] else "")
    drawn = terminal_parts(clusters_of_solution(solution))
    texts = [Prose(_sentence(solution), "bold"), *(Prose(f"Note: {w}", "yellow") for w in warnings)]
    return Group(table, *drawn, Text(), *texts)


def _sentence(solution: Solution) -> str:
    from pullsim.study.solve_text import in_clusters, sentence  # noqa: PLC0415

    return sentence(solution) + in_clusters(solution)


def _clusters(solution: Solution) -> dict[str, object]:
    """Return what JSON has of drawn clusters; without any nothing, so that the document is as it is without them."""
    found = solution.clusters
    if found is None:
        return {}
    answers = {"half": found.half, "nineInTen": found.most}
    return {
        "clusters": {
            "draws": found.clusters.draws,
            "spreads": found.clusters.spreads,
            **{name: None if point is None else solution.settings(point) for name, point in answers.items()},
            "tried": [
                {
                    "set": solution.settings(point),
                    "met": found.met(point, solution.goal),
                    **{
                        name: None if value is None or math.isinf(value) else value
                        for name, value in found.clusters.columns(solution.goal.metric, place).items()
                    },
                }
                for place, point in enumerate(found.points)
            ],
        }
    }
