"""The files of a fit."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

from pullsim.outputs import write_text
from pullsim.printable import cell, json_text
from pullsim.staging import staged
from pullsim.study.fit.preset import preset_text

if TYPE_CHECKING:
    from pullsim.study.fit.outcome import Outcome

COLUMNS = ("label", "size_bytes", "observed_s", "predicted_s", "used")


def write(fit: Outcome, directory: str | Path) -> Path:
    """Write preset.yaml, fit.json, pulls.csv and predicted-observed.png; other files in the directory are kept."""
    from pullsim.results.charts.style import save  # noqa: PLC0415  matplotlib
    from pullsim.study.fit.chart import plot_fit  # noqa: PLC0415

    path = Path(directory)
    with staged(path) as files:
        write_text(files / "preset.yaml", preset_text(fit))
        write_text(files / "fit.json", json_text(fit.mapping(), indent=2) + "\n")
        write_text(files / "pulls.csv", _rows(fit))
        save(plot_fit(fit).figure, files, "predicted-observed", ["png"])
    return path


def _rows(fit: Outcome) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in fit.rows:
        writer.writerow(
            (cell(row.label), row.size, repr(row.observed), repr(round(row.predicted, 6)), str(row.used).lower())
        )
    return text.getvalue()
