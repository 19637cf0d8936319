"""Scenarios from their file to their tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import pullsim
from pullsim.results.exports import files

if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIOS = Path(__file__).parents[2] / "scenarios"


@pytest.mark.parametrize("name", ["quickstart", "serial-vs-parallel", "registry-outage"])
def test_scenario(timed: Callable[..., None], name: str, tmp_path: Path) -> None:
    def run() -> dict[str, int]:
        result = pullsim.run(pullsim.load(SCENARIOS / f"{name}.yaml"))
        with files.OutputDirectory(tmp_path) as directory:
            directory.write_data(result, pullsim.summarize(result), "")
        return {"kubelet events": len(result.events), "pulls": len(result.pulls), "layers": len(result.layers)}

    timed("scenario", run)
