"""How long the pods of a run waited, one by one: all of them, or those of a workload, a pool or an image."""

from __future__ import annotations

import math
from array import array
from typing import TYPE_CHECKING, Final, NamedTuple

from pullsim.errors import InputError, Location, shown
from pullsim.results import metrics
from pullsim.results.statistics import THOUSANDTHS
from pullsim.results.summary.groups import workload_name
from pullsim.results.summary.summary import camel
from pullsim.rows import values

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from pullsim.run import Result

_WHAT: Final = ("start", "ready")
_INSTANTS: Final = {"start": "started", "ready": "ready"}  # the field that says when it was
#: What pods wait for in a figure, and whether those that never come to it count, by the figure's name.
_FIGURES: Final = {
    "start": ("start", True),
    "ready": ("ready", True),
    "startOfStarted": ("start", False),
    "readyOfReady": ("ready", False),
}
_SHARES: Final = {camel(name): each for name, each in THOUSANDTHS.items()}  # in thousandths, by the figure's last name


class Waiting(NamedTuple):
    """The waits of pods: the seconds of those that ended, in ascending order, and how many never did."""

    seconds: array[float]
    never: int


class Objective(NamedTuple):
    """Whose waits for what: ``pods.start``, ``workloads.web.ready``."""

    kind: str  # pods | workloads | pools | images
    name: str  # of the workload, pool or image; "" for all pods
    what: str  # start | ready

    def __str__(self) -> str:
        """The path below which the figures of these waits stand."""
        return ".".join(filter(None, self))


def parse_objective(text: str, place: Location | None = None) -> Objective:
    """Read whose waits for what, ``pods.start`` or ``workloads.web.ready``. Raises InputError."""
    head, _, what = text.rpartition(".")
    kind, _, name = head.partition(".")
    if what in _WHAT and (head == "pods" or (kind in ("workloads", "pools", "images") and name)):
        return Objective(kind, name, what)
    hint = "; without the percentile, which --coverage gives" if metrics.is_percentile(text) else ""
    raise InputError(
        f"{shown(text)} is not what pods wait for: pods.start, pods.ready, workloads.NAME.start, pools.NAME.ready, "
        f"images.NAME.start{hint}",
        place,
    )


class PodPercentile(NamedTuple):
    """A metric that is the wait of one pod: whose waits, and the share of the pods that wait no longer."""

    objective: Objective
    thousandths: int
    every: bool  # False: of the pods that came to it alone, as `pods.startOfStarted` is


def pod_percentile(metric: str) -> PodPercentile | None:
    """Return what a percentile or maximum of the waits of pods is of; None for another metric."""
    kind, name, figure = metrics.of_group(metric) or ("pods", "", metric.removeprefix("pods."))
    what, _, last = figure.partition(".")
    if last not in _SHARES or what not in _FIGURES or (kind == "pods" and not metric.startswith("pods.")):
        return None
    awaited, every = _FIGURES[what]
    return PodPercentile(Objective(kind, name, awaited), _SHARES[last], every)


def objectives(names: Iterable[str]) -> frozenset[Objective]:
    """Return whose waits it takes to pool the percentiles among some metrics. Maxima are pooled without."""
    found = filter(None, map(pod_percentile, names))
    return frozenset(each.objective for each in found if each.thousandths < _SHARES["max"])


def waits_of(result: Result, wanted: Collection[Objective]) -> dict[Objective, Waiting]:
    """Return the waits of objectives. Withdrawn pods are left out, see `pullsim.results.summary.pods`."""
    found: dict[Objective, Waiting] = {}
    for what in _WHAT:
        those = [objective for objective in wanted if objective.what == what]
        if not those:
            continue
        kinds = {objective.kind for objective in those}
        seconds = {(objective.kind, objective.name): array("d") for objective in those}
        never = dict.fromkeys(seconds, 0)
        fields = ("namespace", "workload", "node", "images", _INSTANTS[what], f"{what}_seconds", "withdrawn")
        for namespace, workload, node, images, at, took, withdrawn in values(result.pods, *fields):
            groups = [("pods", "")]
            if "workloads" in kinds:
                groups.append(("workloads", workload_name(namespace, workload)))
            if "pools" in kinds and node in result.pools:
                groups.append(("pools", result.pools[node]))
            if "images" in kinds:
                groups += (("images", image) for image in {*images})
            for group in groups:
                if group in seconds and at is not None:
                    seconds[group].append(took)
                elif group in seconds:
                    never[group] += not withdrawn
        for group, unordered in seconds.items():
            found[Objective(*group, what)] = Waiting(array("d", sorted(unordered)), never[group])
    return found


def by_workload(result: Result) -> dict[str, list[float]]:
    """Return the seconds until pods started by workload, in ascending order; infinite for those that never did.

    Withdrawn pods that never started are left out.
    """
    found: dict[str, list[float]] = {}
    for namespace, workload, started, seconds, withdrawn in values(
        result.pods, "namespace", "workload", "started", "start_seconds", "withdrawn"
    ):
        if started is not None or not withdrawn:
            found.setdefault(workload_name(namespace, workload), []).append(math.inf if started is None else seconds)
    for waited in found.values():
        waited.sort()
    return found
