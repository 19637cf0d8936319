"""Times of a pull's steps, from containerd's debug log and the content store."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from pullsim.units import parse_duration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FIELD = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)')
_STEPS = {"fetch": "fetch", "do request": "request", "fetch response received": "first_byte"}


def read(log: Path, offset: int, blobs: Path, begin: float, digests: set[str]) -> tuple[dict, dict]:
    """Give the phases of a measurement and the steps of its layers, in seconds since `begin` (of the epoch).

    `digests` are the layers' in short; a layer's list has a value for each time that a step happened.
    """
    phases: dict = {}
    layers: dict[str, dict[str, list]] = {}
    for entry in _entries(log, offset):
        at = round(_epoch(entry["time"]) - begin, 4)
        message, short = entry.get("msg", ""), entry.get("digest", "").removeprefix("sha256:")[:8]
        if message in ("resolved", "image unpacked"):
            phases.setdefault("resolved" if message == "resolved" else "image_unpacked", at)
        elif short in digests and message in _STEPS:
            layers.setdefault(short, {}).setdefault(_STEPS[message], []).append(at)
        elif short in digests and message == "diff applied":
            took = parse_duration(entry["d"])
            layers.setdefault(short, {}).setdefault("unpack", []).append([round(at - took, 4), at])
    for blob in blobs.iterdir() if blobs.exists() else ():
        if blob.name[:8] in digests:  # renamed into place when it was complete
            committed = round(blob.stat().st_ctime - begin, 4)
            layers.setdefault(blob.name[:8], {}).setdefault("committed", []).append(committed)
    _summarise(phases, layers)
    return phases, layers


def _summarise(phases: dict, layers: dict[str, dict[str, list]]) -> None:
    def every(step: str) -> list:
        return [value for layer in layers.values() for value in layer.get(step, ())]

    if fetched := every("fetch"):
        phases["first_layer_fetch"] = min(fetched)
    if committed := every("committed"):
        phases |= {"first_layer_committed": min(committed), "last_layer_committed": max(committed)}
    if unpacked := every("unpack"):
        phases |= {
            "first_unpack_start": min(begin for begin, _ in unpacked),
            "last_unpack_end": max(end for _, end in unpacked),
            "unpack_busy_sum": round(sum(end - begin for begin, end in unpacked), 4),
        }
    phases["layers_fetched"] = sum("request" in layer for layer in layers.values())
    phases["layer_requests"] = len(every("request"))


def _entries(log: Path, offset: int) -> Iterator[dict[str, str]]:
    with log.open(encoding="utf-8", errors="replace") as file:
        file.seek(offset)
        for line in file:
            entry = {key: value.strip('"') for key, value in _FIELD.findall(line)}
            if "time" in entry:
                yield entry


def _epoch(text: str) -> float:
    """Read RFC 3339 with nanoseconds, which datetime reads to microseconds."""
    return datetime.fromisoformat(re.sub(r"(\.\d{6})\d*", r"\1", text)).timestamp()
