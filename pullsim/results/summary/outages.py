"""What the faults of registries did that have an end: which pods they hit, and when the last of these was up."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from typing import TYPE_CHECKING

from pullsim.frozen import dataclass
from pullsim.oci.reference import InvalidReference, parse
from pullsim.rows import values

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pullsim.records import FaultRecord
    from pullsim.run import Result


@dataclass(frozen=True, slots=True)
class Outage:
    """One fault of a registry with an end. A pod is hit if a request met the fault while it pulled that image there."""

    host: str
    image: str  # shell pattern of the images that it concerns; * for all
    began_at: float
    ended_at: float
    pods: int  # pods that it hit; withdrawn ones do not count
    never: int  # of them, those that never were Ready
    last_up_at: float | None  # when the last of them was Ready; infinite if one never was, None if it hit none
    last_up_after: float | None  # the same from the end of the fault; negative: before its end


def lasting(result: Result) -> list[FaultRecord]:
    """Return the faults that are outages: they have an end, and began within the run."""
    return [fault for fault in result.faults if math.isfinite(fault.ended) and fault.began < result.end]


def outages(result: Result) -> dict[str, Outage]:
    """Return the outages by the host of their registry; those of a host with several have their number after it."""
    faults = lasting(result)
    many = Counter(fault.host for fault in faults)
    found: dict[str, Outage] = {}
    seen: Counter[str] = Counter()
    ready = _ready(result) if faults else {}
    for fault in faults:
        seen[fault.host] += 1
        name = fault.host if many[fault.host] == 1 else f"{fault.host}#{seen[fault.host]}"
        hit = {pod for pod in _hit(result, fault) if pod in ready}
        last = max((ready[pod] for pod in hit), default=None)
        found[name] = Outage(
            host=fault.host,
            image=fault.image or "*",
            began_at=fault.began,
            ended_at=fault.ended,
            pods=len(hit),
            never=sum(math.isinf(ready[pod]) for pod in hit),
            last_up_at=last,
            last_up_after=None if last is None else last - fault.ended,
        )
    return found


def _ready(result: Result) -> dict[tuple[str, str], float]:
    """Return when each pod was Ready, infinite if never; without those that were withdrawn.

    Of pods of one name, as a StatefulSet makes them one after the other, the last one counts.
    """
    rows = values(result.pods, "namespace", "pod", "ready", "withdrawn")
    return {
        (namespace, pod): math.inf if ready is None else ready
        for namespace, pod, ready, withdrawn in rows
        if ready is not None or not withdrawn
    }


def _hit(result: Result, fault: FaultRecord) -> Iterator[tuple[str, str]]:
    """Yield the pods that pulled, or at the end of the run were still to pull, what met the fault; some repeatedly."""
    times = {key: sorted(at) for key, at in fault.hits.items()}
    if not times:
        return
    pulls = values(result.pulls, "node", "namespace", "pod", "image", "started", "ended")
    for node, namespace, pod, image, started, ended in pulls:
        if _met(times, node, image, started, ended):
            yield namespace, pod
    pods = values(result.pods, "node", "namespace", "pod", "images", "scheduled", "started")
    for node, namespace, pod, images, scheduled, at in pods:
        unpulled = () if at is not None or scheduled is None else images  # a pull that is under way has no row
        if any(_met(times, node, image, scheduled, math.inf) for image in unpulled):
            yield namespace, pod


def _met(times: Mapping[tuple[str, str], Sequence[float]], node: str, image: str, began: float, ended: float) -> bool:
    """Whether a request for the image met the fault on the node within this time."""
    try:
        at = times.get((node, str(parse(image))))
    except InvalidReference:
        return False
    if at is None:
        return False
    place = bisect_left(at, began)
    return place < len(at) and at[place] <= ended
