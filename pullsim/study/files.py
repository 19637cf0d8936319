"""The files of a study's ``--out`` directory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.errors import InputError, Location
from pullsim.results.exports.registry import REPORT
from pullsim.results.tables import safe_cells
from pullsim.staging import staged
from pullsim.study.pages.parts import Source

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from pullsim.results.page.page import Page
    from pullsim.study.variant_runs import Sweep

RUNS: Final = "runs.csv"
TABLE: Final = "table.csv"


def write(
    sweep: Sweep,
    metrics: Sequence[str],
    directory: Path,
    *,
    parquet: bool = False,
    cost: str | None = None,
    latency: str | None = None,
    source: Source = Source(),  # noqa: B008  # nothing changes it
) -> None:
    """Write the tables, charts and page of a sweep, all of them or none.

    ``cost`` and ``latency``: see `pullsim.study.charts`; ``source``: what the page says of where the sweep comes from.

    Raises InputError if they cannot be written, or pyarrow is not installed.
    """
    from pullsim.study.charts import write_charts  # noqa: PLC0415  matplotlib
    from pullsim.study.pages.sweep_page import sweep_page  # noqa: PLC0415

    with staged(directory) as files:
        write_tables(sweep, metrics, files, parquet=parquet)
        write_charts(sweep, metrics, files, cost=cost, latency=latency)
        against = None if cost is None else (cost, latency or metrics[0])
        write_page(sweep_page(sweep, [*metrics, *([] if cost is None else [cost])], source, against), files)


def write_tables(sweep: Sweep, metrics: Sequence[str], directory: Path, *, parquet: bool = False) -> None:
    """Write ``runs.csv``, a row for each run, and ``table.csv``, one for each variant and metric; also as ``parquet``.

    The bytes depend on the runs alone, not on the executor that ran them.

    Raises OSError, or InputError if pyarrow is not installed.
    """
    frames = {RUNS: sweep.runs(), TABLE: sweep.table(metrics)}
    try:
        for name, frame in frames.items():
            write_csv(frame, directory / name)
            if parquet:
                with (directory / name).with_suffix(".parquet").open("wb") as file:  # pyarrow takes UTF-8 paths alone
                    frame.to_parquet(file, index=False)
    except ImportError:
        raise InputError("parquet needs pyarrow: pip install 'pullsim[parquet]'", Location("--parquet")) from None


def write_page(page: Page, directory: Path) -> None:
    """Write ``report.html``. Raises OSError."""
    from pullsim.results.page.writing import html  # noqa: PLC0415  jinja2

    (directory / REPORT).write_text(html(page), encoding="utf-8", errors="backslashreplace", newline="")


def write_csv(frame: pd.DataFrame, file: Path) -> None:
    """Write a table, with cells that are safe for spreadsheets. Raises OSError."""
    safe_cells(frame).to_csv(file, index=False, lineterminator="\n")
