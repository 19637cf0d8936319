"""Sides of a comparison that are results which were saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullsim.inputs.document import read_document
from pullsim.inputs.versions import check_version
from pullsim.outputs import written
from pullsim.results import metrics as metric_names
from pullsim.results.exports.registry import SCENARIO, SUMMARY
from pullsim.results.model_error import ModelError
from pullsim.results.summary.file import read_summary
from pullsim.scenario.file.reader import from_document
from pullsim.staging import clean
from pullsim.study.compare import Comparison, Side, flat

if TYPE_CHECKING:
    from pathlib import Path


def saved(path: Path) -> Side:
    """Read the results that ``pullsim run --out`` wrote into a directory. Raises InputError."""
    with written(path):
        clean(path)  # completes the moving of files that a killed run had begun
    summary = read_summary(path / SUMMARY)
    effective = read_document(path / SCENARIO)
    check_version(effective.tree, "version", 1, "scenario with its defaults", effective.place(()))
    from_document(effective, path)  # raises InputError if it is no scenario
    binding, measured = summary["bottleneck"], summary["modelError"]
    return Side(
        path.name,
        dict(flat(effective.tree, "")) | {"percentiles": summary["percentiles"]},  # older versions interpolated them
        {summary["seed"]: metric_names.values(summary)},
        binding["sentence"] if binding else None,
        ModelError(**measured) if measured else None,
    )


def paired(a: Side, b: Side) -> Comparison:
    """Compare two sides by position when their seeds differ: saved results of one run each."""
    if set(a.runs) == set(b.runs):
        return Comparison(a, b)
    pairs = [*zip(a.runs, b.runs, strict=False)]
    runs, waits = {own: b.runs[other] for own, other in pairs}, {own: b.waits.get(other) for own, other in pairs}
    return Comparison(a, b._replace(runs=runs, waits=waits))
