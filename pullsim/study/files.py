"""The files of a study's ``--out`` directory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.errors import InputError, Location
from pullsim.results.tables import safe_cells

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pullsim.study.sweep import Sweep

RUNS: Final = "runs.csv"
TABLE: Final = "table.csv"


def write_tables(sweep: Sweep, metrics: Sequence[str], directory: Path, *, parquet: bool = False) -> None:
    """Write ``runs.csv`` (a row a run) and ``table.csv`` (a row a variant and metric), and both as parquet if wanted.

    The bytes depend on the runs alone, not on who ran them. Raises InputError if they cannot be written, or pyarrow is
    not installed.
    """
    frames = {RUNS: sweep.runs(), TABLE: sweep.table(metrics)}
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, frame in frames.items():
            safe_cells(frame).to_csv(directory / name, index=False, lineterminator="\n")
            if parquet:
                frame.to_parquet((directory / name).with_suffix(".parquet"), index=False)
    except ImportError:
        raise InputError("parquet needs pyarrow: pip install 'pullsim[parquet]'", Location("--parquet")) from None
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror or error}", Location(str(directory))) from None
