"""The files of a fit."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

from pullsim.errors import InputError, Location
from pullsim.printable import cell, json_text

if TYPE_CHECKING:
    from pullsim.study.fit.outcome import Fit

COLUMNS = ("label", "size_bytes", "observed_s", "predicted_s", "used")


def write(fit: Fit, directory: str | Path) -> Path:
    """Write preset.yaml, fit.json, pulls.csv and predicted-observed.png; other files in the directory are kept."""
    from pullsim.results.chart_style import save  # noqa: PLC0415  matplotlib
    from pullsim.study.fit.chart import plot_fit  # noqa: PLC0415

    path = Path(directory)
    try:
        path.mkdir(parents=True, exist_ok=True)
        (path / "preset.yaml").write_text(fit.preset(), encoding="utf-8")
        (path / "fit.json").write_text(json_text(fit.mapping(), indent=2) + "\n", encoding="utf-8")
        (path / "pulls.csv").write_text(_rows(fit), encoding="utf-8")
        save(plot_fit(fit).figure, path / "predicted-observed.png", dpi=120, metadata={"Software": None})
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", Location(str(path))) from None
    return path


def _rows(fit: Fit) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in fit.rows:
        writer.writerow(
            (cell(row.label), row.size, repr(row.observed), repr(round(row.predicted, 6)), str(row.used).lower())
        )
    return text.getvalue()
