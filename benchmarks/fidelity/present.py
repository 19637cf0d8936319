"""Pulls of images that are there, of 1 to 40 layers, against the model: `lines` gives their part of the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.fidelity.lab import makespan
from pullsim.releases.containerd import CONTAINERD
from pullsim.releases.release import parse
from pullsim.spec.runtime import ContainerdSpec

if TYPE_CHECKING:
    from pullsim.releases.release import Release

DATA: Final = Path(__file__).parent / "data" / "present.json"
PROBE: Final = 1e-3  # seconds of a write with which the slope is found
INTRODUCTION: Final = """\
## A present image pulled again

With `imagePullPolicy: Always` containerd still resolves the name, reads manifest and config from its store and looks
for each layer's snapshot. From 1.6.37, 1.7.23 and 2.0 on (containerd#10723) it looks by preparing one, which finds the
layer there and writes it into the pull's lease: a transaction a layer, in pulls that share a base too. Counted by the
fdatasync calls of real pulls (two a transaction), such a pull makes 13 transactions with 1.6.20, whatever the layers,
and 10 and one a layer with 2.1.9. The model has four writes for the 11 of one layer, so that a layer takes 4/11 of a
write: 0.8 ms with the default of 2.1 ms. That is of the counts; times judge it. In a quiet minute 2.1.9 took 32 to
40 ms for 40 layers on a disk (lower quartile and median of 40), for which 12 ms were predicted and 43 are now. Below,
the time of a write is fitted on the image of one layer of each run alone; without the rule every prediction would be
that of one layer. Medians of 60; the disk was busy with other work, so that a write took ten times as long as in the
quiet lab, and in memory an fsync takes next to nothing: what a transaction takes there is the processor's. What 1.6.20
takes a layer more in memory is reading (0.3 ms), for the size of the image under each of its names, and not in the
model.

| containerd | store | a write | layers | fdatasyncs | measured | quartiles | without | predicted | |
| --- | --- | ---: | ---: | ---: | ---: | --- | ---: | ---: | --- |"""


def lines() -> list[str]:
    """Predict each pull with the write that the smallest image of its run tells; return the report's lines."""
    found = INTRODUCTION.splitlines()
    for run in json.loads(DATA.read_text(encoding="utf-8"))["runs"]:
        release = CONTAINERD.resolve(parse(run["containerd"]))
        first, *_ = run["pulls"]
        write = write_of(release, first)
        for pull in run["pulls"]:
            low, median, high = pull["seconds"]
            predicted = predict(release, pull["image"], write)
            error, before = ((each - median) / median for each in (predicted, first["seconds"][1]))
            mark = "fitted" if pull is first else f"{before:+.0%} → {error:+.0%}"
            found.append(
                f"| {release} | {run['store']} | {write * 1e3:.1f} ms | {pull['layers']} | {pull['syncs']} |"
                f" {median * 1e3:.1f} ms | {low * 1e3:.1f} to {high * 1e3:.1f} | {first['seconds'][1] * 1e3:.1f} ms |"
                f" {predicted * 1e3:.1f} ms | {mark} |"
            )
    return [*found, ""]


def write_of(release: Release, pull: dict[str, Any]) -> float:
    """Give the seconds of a write with which a pull takes its measured median: but for a rest, all of it is writes."""
    rest = predict(release, pull["image"], 0.0)
    return PROBE * (pull["seconds"][1] - rest) / (predict(release, pull["image"], PROBE) - rest)


def predict(release: Release, image: str, write: float) -> float:
    """Give the seconds of a pull of a present image of the lab's with writes of so many seconds."""
    case: dict[str, Any] = {
        "mode": "repull",
        "pulls": [{"image": image, "tag": "v1", "node": 0}],
        "egress_mbit": None,
        "added_rtt_ms": 0,
    }
    return makespan(case, ContainerdSpec(release, metadata_write=write))
