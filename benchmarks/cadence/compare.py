"""Counts in tables of real clusters against the counts that the model gives for the same ages.

    python -m benchmarks.cadence.compare

A line `13m (x4 over 15m)` says that the fourth event came two minutes, give or take the rounding of ages, after the
first. The model says how many come in that time: the range over many pods and over the plausible times that an attempt
takes to fail (`tables.FAILS_AFTER`). A line is in range when its count is.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

from benchmarks.cadence.simulate import CADENCES, PODS, histories, result
from benchmarks.cadence.tables import ANSWER, OUTSIDE, Row, Table, read, statuses
from pullsim.results.event_correlator import api_events

#: Tables of pods with more than one container: the images of the containers.
CONTAINERS = {
    "ext-019": ("docker.io/grafana/alloy:v1.16.1", "quay.io/prometheus-operator/prometheus-config-reloader:v0.91.0"),
    "ext-022": ("agentx", "agentx"),
    "ext-040": ("k8s.gcr.io/etcd:v1", "k8s.gcr.io/etcd:v2"),
}
HORIZONS = (300.0, 900.0, 1800.0, 4200.0, 12_000.0, 50_000.0)  # few, so that lines share runs
#: What the API shows after 25 changes: counts of these lines stay as they are from about the second minute on.
THINNED = ("Pulling", "Failed to pull", "Error: ErrImagePull", "Error: ImagePullBackOff")


@dataclass(frozen=True)
class Line:
    """A line of a table and the range of counts for it."""

    table: Table
    row: Row
    low: int
    high: int

    @property
    def inside(self) -> bool:
        return self.low <= self.row.count <= self.high


def lines(tables: list[Table], cadence: str = "the model", pods: int = PODS) -> list[Line]:
    return [Line(table, row, *predict(table, row, cadence, pods)) for table in tables for row in table.rows]


def predict(table: Table, row: Row, cadence: str, pods: int) -> tuple[int, int]:
    """The fewest and the most events of the row's kind from its first event to its last one."""
    images = CONTAINERS.get(table.group, ("missing:1",))
    container = f"c{images.index(row.image)}" if row.image in images else "c0"
    early, late = row.elapsed
    horizon = next(limit for limit in HORIZONS if late + 200 <= limit)
    pods = max(4, round(pods * min(1.0, 2000 / horizon)))  # long runs average over time
    counts: list[int] = []
    for fails_after in table.fails_after:
        for times in histories(images, fails_after, horizon, cadence, pods):
            own = times.get((row.kind, container), [])
            counts += (bisect_right(own, own[0] + elapsed) for elapsed in (early, late) if own)
    return (min(counts), max(counts)) if counts else (0, 0)


def shown(tables: list[Table], pods: int = PODS) -> dict[str, float]:
    """By table that has all four lines: share of simulated pods of which the API shows exactly these counts."""
    shares = {}
    for table in tables:
        counts = {row.kind: row.count for row in table.rows if row.kind in THINNED}
        if not table.real or len(counts) < len(THINNED) or max(row.first[0] for row in table.rows) < 600:
            continue
        at = max(row.first[0] for row in table.rows) + 30
        same, simulated = 0, 0
        for fails_after in table.fails_after:
            run = result(CONTAINERS.get(table.group, ("missing:1",)), fails_after, at, pods=pods)
            by_pod: dict[str | None, dict[str, int]] = {}
            for event in api_events(run.events, at):
                name = event.message if event.message.startswith("Error: ") else event.reason
                by_pod.setdefault(event.pod, {})["Failed to pull" if name == "Failed" else name] = event.times
            same += sum(all(own.get(key) == count for key, count in counts.items()) for own in by_pod.values())
            simulated += len(by_pod)
        shares[table.group] = same / simulated
    return shares


def gaps(pods: int = PODS) -> list[tuple[float, list[float]]]:
    """Seconds between two times that ErrImagePull appeared in a real watch, a second more or less, and in the model."""
    seen = [age for age, status in statuses() if status == "ErrImagePull"]
    appeared: list[list[float]] = []
    for fails_after in ANSWER:
        by_pod: dict[str, list[float]] = {}
        for row in result(("missing:1",), fails_after, 700.0, pods=pods).statuses:
            if row.status == "ErrImagePull":
                by_pod.setdefault(row.pod, []).append(row.t)
        appeared += by_pod.values()
    found = []
    for before, after in pairwise(seen):
        # Which attempt it was is told by its age: the one that is nearest in the mean.
        mean = [sum(own[n] for own in appeared) / len(appeared) for n in range(min(map(len, appeared)))]
        number = min(range(len(mean)), key=lambda n: abs(mean[n] - after))
        found.append((after - before, sorted(own[number] - own[number - 1] for own in appeared)))
    return found


def main() -> None:
    tables = read()
    judged = [table for table in tables if table.real and table.group not in OUTSIDE]
    everything = lines(tables)
    print("| table | line | count | range | |\n|---|---|---:|---:|---|")
    for line in everything:
        note = "" if line.table in judged else "outside the model" if line.table.real else "hand-written"
        verdict = "in" if line.inside else "**out**"
        print(
            f"| {line.table.group} | {line.row.kind} | {line.row.count} | {line.low}-{line.high} |"
            f" {', '.join(filter(None, (verdict, note)))} |"
        )
    print("\n| cadence | lines in range | tables with all lines in range |\n|---|---:|---:|")
    for cadence in CADENCES:
        own = everything if cadence == "the model" else lines(judged, cadence, PODS // 2)
        print(f"| {cadence} | {score(own, judged)} |")
    controls = [line for line in everything if not line.table.real]
    print(f"\nHand-written tables: {sum(line.inside for line in controls)} of {len(controls)} lines in range.")
    for group, share in shown(judged).items():
        print(f"{group}: {share:.0%} of the simulated pods show exactly its counts of the four thinned lines.")
    for gap, simulated in gaps():
        print(f"ErrImagePull again after {gap:g} s; simulated {simulated[0]:.0f} to {simulated[-1]:.0f} s.")


def score(found: list[Line], judged: list[Table]) -> str:
    own = [line for line in found if line.table in judged]
    whole = [table for table in judged if all(line.inside for line in own if line.table == table)]
    return f"{sum(line.inside for line in own)} of {len(own)} | {len(whole)} of {len(judged)}"


if __name__ == "__main__":
    main()
