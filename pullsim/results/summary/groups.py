"""The pods of each workload, pool and image: by outcome, and how long they took to start."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Final

from pullsim.frozen import dataclass
from pullsim.results.statistics import Waits, waits
from pullsim.results.wording import qualified
from pullsim.rows import values

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pullsim.run import Result

MOST_GROUPS: Final = 1000  # workloads, pools and images that a summary has each; of more the slowest


@dataclass(frozen=True, slots=True)
class GroupFigures:
    """The pods of a workload, a pool or an image, as the figures of all pods are."""

    total: int
    started: int
    not_started: int
    withdrawn: int
    missed_deadlines: int
    start: Waits  # time from creation to start
    ready: Waits  # time from creation until the pod is Ready


class _Tally:
    """Counts pods of a group one by one."""

    __slots__ = ("missed", "ready", "start", "total", "unstarted", "withdrawn")

    def __init__(self) -> None:
        self.total = self.missed = 0
        self.withdrawn = self.unstarted = 0  # withdrawn pods, and those of them that had not even started
        self.start, self.ready = (
            array("d"),
            array("d"),
        )  # seconds of the pods that started, and of those that were ready

    def add(self, start: float | None, ready: float | None, *, missed: bool, withdrawn: bool) -> None:
        """Count a pod; ``start`` and ``ready``: how long it took, None if it never did."""
        self.total += 1
        self.missed += missed
        if start is not None:
            self.start.append(start)
        if ready is not None:
            self.ready.append(ready)
        elif withdrawn:
            self.withdrawn += 1
            self.unstarted += start is None

    def figures(self) -> GroupFigures:
        """Return the figures of the group."""
        started, ready = len(self.start), len(self.ready)
        return GroupFigures(
            total=self.total,
            started=started,
            not_started=self.total - started,
            withdrawn=self.withdrawn,
            missed_deadlines=self.missed,
            start=waits(self.start, self.total - started - self.unstarted),
            ready=waits(self.ready, self.total - ready - self.withdrawn),
        )


def by_workload(result: Result) -> dict[str, GroupFigures]:
    """Return the figures of each workload by `workload_name`."""
    return _grouped(result, ((workload_name(*row),) for row in values(result.pods, "namespace", "workload")))


def by_pool(result: Result) -> dict[str, GroupFigures]:
    """Return the figures of each pool; pods that were never bound to a node are in none."""
    pools = result.pools
    return _grouped(result, ((pools[node],) if node in pools else () for node in values(result.pods, "node")))


def by_image(result: Result) -> dict[str, GroupFigures]:
    """Return the figures of the pods that use an image, by its name as written in them."""
    return _grouped(result, map(set, values(result.pods, "images")))


def workload_name(namespace: str, workload: str) -> str:
    """Return the name of a workload in paths of metrics: with its namespace before it, unless that is ``default``.

    A name that has a slash, which Kubernetes does not allow, gets its namespace always, so that no two are alike.
    """
    return f"{namespace}/{workload}" if "/" in workload else qualified(namespace, workload)


def slowest(groups: dict[str, GroupFigures], what: str = "start") -> list[str]:
    """Return the names of groups, the latest first: by p99, maximum and p50 of their ``start`` or ``ready``."""

    def rank(name: str) -> tuple[float, float, float, str]:
        waited: Waits = getattr(groups[name], what)
        return (-(waited.p99 or 0.0), -(waited.max or 0.0), -(waited.p50 or 0.0), name)

    return sorted(groups, key=rank)


def latest(groups: dict[str, GroupFigures], kind: str, warnings: list[str]) -> dict[str, GroupFigures]:
    """Return no more than MOST_GROUPS of the groups, those whose pods are the latest; add a warning about the others.

    ``kind``: what they are, as ``workloads``.
    """
    if len(groups) <= MOST_GROUPS:
        return groups
    warnings.append(f"of {len(groups):,} {kind} the summary has the {MOST_GROUPS:,} whose pods start latest")
    kept = {*slowest(groups)[:MOST_GROUPS]}
    return {name: figures for name, figures in groups.items() if name in kept}


def _grouped(result: Result, keys: Iterable[Iterable[str]]) -> dict[str, GroupFigures]:
    """Return the figures by name, sorted; ``keys`` are the names of the groups that each pod belongs to."""
    tallies: dict[str, _Tally] = {}
    rows = values(result.pods, "started", "start_seconds", "ready", "ready_seconds", "missed", "withdrawn")
    for (started, start, ready, until_ready, missed, withdrawn), names in zip(rows, keys, strict=True):
        for name in names:
            tally = tallies.get(name)
            if tally is None:
                tally = tallies[name] = _Tally()
            tally.add(
                None if started is None else start,
                None if ready is None else until_ready,
                missed=missed,
                withdrawn=withdrawn,
            )
    return {name: tally.figures() for name, tally in sorted(tallies.items())}
