"""The files of a fit."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, cast

from pullsim.errors import InputError, Location

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pullsim.study.fit.outcome import Fit

COLUMNS = ("label", "size_bytes", "observed_s", "predicted_s", "used")


def write(fit: Fit, directory: str | Path) -> Path:
    """Write preset.yaml, fit.json, pulls.csv and predicted-observed.png; other files in the directory are kept."""
    from pullsim.study.fit.chart import plot_fit  # noqa: PLC0415  matplotlib

    path = Path(directory)
    try:
        path.mkdir(parents=True, exist_ok=True)
        (path / "preset.yaml").write_text(fit.preset(), encoding="utf-8")
        (path / "fit.json").write_text(json.dumps(fit.mapping(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        (path / "pulls.csv").write_text(_rows(fit), encoding="utf-8")
        figure = cast("Figure", plot_fit(fit).figure)
        figure.savefig(path / "predicted-observed.png", dpi=120, metadata={"Software": None})
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", Location(str(path))) from None
    return path


def _rows(fit: Fit) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in fit.rows:
        writer.writerow((row.label, row.size, repr(row.observed), repr(round(row.predicted, 6)), str(row.used).lower()))
    return text.getvalue()
