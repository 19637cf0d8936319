"""Tables of `kubectl describe pod` of real clusters, and what ages in them can mean."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TABLES = Path(__file__).resolve().parents[3] / "shared" / "data" / "events" / "describe_tables.jsonl"
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
KINDS = ("Pulling", "Failed", "BackOff")
#: Seconds that an attempt takes to fail, by what its message tells; what is not listed is an answer of the registry.
ANSWER = (0.3, 1.0, 3.0, 8.0)
FAILS_AFTER = {
    r"i/o timeout|deadline exceeded|exceeded while awaiting|server misbehaving|unreachable": (10.0, 30.0, 60.0, 120.0),
    # Resolvers try several servers and domains; clients of registries try again.
    r"no such host|connection refused": (0.3, 3.0, 10.0, 20.0),
    # Podman's and CRI-O's client waits 2, 4, 8, … s between five attempts (containers/image, docker_client.go).
    r"toomanyrequests|429": (0.3, 3.0, 15.0, 30.0, 60.0),
}
#: Tables of what the model does not have.
OUTSIDE = {
    "ext-034": "an image inspection that hung for three minutes lies between the attempts",
    "ext-037": "a kubelet of 2016, without back-off on this path",
}


@dataclass(frozen=True)
class Row:
    """A line with a count, and between which bounds its ages lie, in seconds."""

    reason: str
    message: str
    count: int
    first: tuple[float, float]
    last: tuple[float, float]

    @property
    def elapsed(self) -> tuple[float, float]:
        """From the first to the last event; timestamps are cut to whole seconds: a second more on both sides."""
        return max(0.0, self.first[0] - self.last[1] - 1), self.first[1] - self.last[0] + 1

    @property
    def kind(self) -> str:
        if self.reason == "Failed":
            return self.message if self.message.startswith("Error: ") else "Failed to pull"
        return self.reason

    @property
    def image(self) -> str | None:
        found = re.search(r'image "([^"]+)"', self.message)
        return found[1] if found else None


@dataclass(frozen=True)
class Table:
    group: str
    real: bool  # False: written by hand, a negative control
    rows: tuple[Row, ...]
    fails_after: tuple[float, ...]


def bounds(age: str) -> tuple[float, float]:
    """What an age can be: ages are cut after their last figure, see `pullsim.results.kubectl.age`."""
    parts = re.findall(r"(\d+)([smhd])", age)
    seconds = float(sum(int(number) * UNITS[unit] for number, unit in parts))
    # "3m" is 180 s to the second, "10m" anything up to 11 minutes.
    return seconds, seconds + (UNITS[parts[-1][1]] if seconds >= 600 else 1)


def read(path: Path = TABLES) -> list[Table]:
    """The tables that have a line with a count."""
    tables = [_table(json.loads(line)) for line in path.read_text().splitlines()]
    return [table for table in tables if table.rows]


def statuses(path: Path = TABLES) -> list[tuple[float, str]]:
    """Ages at which a `kubectl get pods -w` of the tables showed which status."""
    return [
        (each["last_age_s"], each["message"])
        for line in path.read_text().splitlines()
        for each in json.loads(line)["events"]
        if each["reason"] == "Status"
    ]


def _table(given: dict[str, Any]) -> Table:
    rows = tuple(
        Row(each["reason"], each["message"], each["count"], bounds(each["over"]), bounds(each["last_age"]))
        for each in given["events"]
        if each["over"] is not None and each["reason"] in KINDS
    )
    texts = " ".join([given["source"], given["note"], *(each["message"] for each in given["events"])])
    durations = [times for pattern, times in FAILS_AFTER.items() if re.search(pattern, texts, re.IGNORECASE)]
    return Table(given["group"], given["authenticity"] == "real", rows, durations[0] if durations else ANSWER)
