"""How long the pods of a run waited, one by one: all of them, or those of a workload, a pool or an image."""

from __future__ import annotations

import math
from array import array
from typing import TYPE_CHECKING, Final, NamedTuple

from pullsim.errors import InputError, Location, shown
from pullsim.results import metrics
from pullsim.results.summary.groups import workload_name
from pullsim.rows import values

if TYPE_CHECKING:
    from pullsim.run import Result

_WHAT: Final = ("start", "ready")


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


def waiting(result: Result, objective: Objective) -> Waiting:
    """Return the waits of an objective. Withdrawn pods are left out, see `pullsim.results.summary.pods`."""
    kind, name, what = objective
    seconds = array("d")
    never = 0
    fields = ("namespace", "workload", "node", "images", what if what == "ready" else "started", f"{what}_seconds")
    for namespace, workload, node, images, at, took, withdrawn in values(result.pods, *fields, "withdrawn"):
        if (
            (kind == "workloads" and workload_name(namespace, workload) != name)
            or (kind == "pools" and result.pools.get(node) != name)
            or (kind == "images" and name not in images)
        ):
            continue
        if at is not None:
            seconds.append(took)
        else:
            never += not withdrawn
    return Waiting(array("d", sorted(seconds)), never)


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
