"""The lab's pulls of a real CRI-O (tests/data/lab/crio.json) against the model: `rows()` predicts every case.

Given per case: image, link, release. Given once: the lab's machine, as for containerd (`lab.py`). The costs are those
that a CRI-O node has by default, which `fit_crio.py` fits on the calibration rows: the quiet single pulls of 1.36.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from benchmarks.fidelity.clusters import Row
from benchmarks.fidelity.lab import SHORT, makespan
from pullsim.releases.release import parse
from pullsim.spec.runtime import CrioSpec

DATA: Final = Path(__file__).parents[2] / "tests" / "data" / "lab" / "crio.json"
LAB: Final = json.loads(DATA.read_text())
CALIBRATED: Final = "1.36.3"
KINDS: Final = {
    "a": "one pull",
    "b": "one pull",
    "d": "side by side",
    "e": "one after the other",
    "f": "again",
    "g": "missing",
}


def predict(case: dict[str, Any]) -> float:
    """Seconds until all pulls of the case are done."""
    return makespan(case, CrioSpec(parse(case["crio"])))


def rows() -> list[Row]:
    """Predict every case. Noisy ones are a group of their own."""
    return [
        Row("crio", group(case), case["id"], is_calibration(case), predict(case), case["makespan"][1])
        for case in LAB["cases"]
    ]


def group(case: dict[str, Any]) -> str:
    """Return the group under which a case is reported."""
    if case["all_noisy"]:
        return f"CRI-O {case['crio']}, noisy"
    return f"CRI-O {case['crio']}, {KINDS[case['group']]}" + (", under 0.2 s" if case["makespan"][1] < SHORT else "")


def is_calibration(case: dict[str, Any]) -> bool:
    """Whether the case is one of those on which the costs were fitted."""
    return case["crio"] == CALIBRATED and case["group"] in ("a", "b") and not case["all_noisy"]
