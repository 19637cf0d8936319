"""What a run cost: bytes by class of link, what registries ask, and accelerators that waited for images."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from pullsim.frozen import dataclass
from pullsim.results.summary.accelerators import idle
from pullsim.results.summary.byte_costs import Rates, of_bytes, of_classes, of_hosts, of_pulls
from pullsim.results.summary.cluster_changes import DAY
from pullsim.results.summary.unused import pulls_ahead, unused_pulls
from pullsim.rows import values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pullsim.records import Rollout
    from pullsim.run import Result


@dataclass(frozen=True, slots=True)
class Costs:
    """Money for a run: bytes by class of link and of hosts with a price, and idle accelerators, sum to the total."""

    currency: str  # "": the scenario names none
    total: float | None  # None: accelerators have a price, and the run kept no pods
    bytes: float  # by_class and by_host together
    by_class: dict[str, float]  # of bytes, by class of link; free ones not
    by_host: dict[str, float]  # what registries with a `price` ask for what they sent
    idle_accelerators: float | None  # accelerators of pods that waited for images; None: the run kept no pods
    per_day: float | None  # the total for a day; None: the run did not go on to a horizon
    rollouts: dict[str, float]  # bytes and idle accelerators of the pods of each update, by workload
    unused: float | None  # bytes pulled ahead that nobody used; None: nothing is pulled ahead, or no pulls were kept


def costs(result: Result, rollouts: Mapping[str, Rollout]) -> Costs | None:
    """Return what the run cost; None where nothing has a price.

    ``rollouts`` are those of the result by the names that the summary has for them.
    """
    sent = of_bytes(result)
    if sent is None:
        return None
    waited = sum((each.cost for each in idle(result)), Fraction(0))
    has_pods = result.keeps("pods")
    known = has_pods or result.prices is None or not result.prices.hours
    total = sent + waited if known else None
    kept = result.keeps("pulls")
    rates = Rates(result)
    ahead = kept and pulls_ahead(result)
    unused = {(each.namespace, each.pod, each.image) for each in unused_pulls(result)} if ahead else ()
    return Costs(
        currency="" if result.prices is None else result.prices.currency,
        total=None if total is None else float(total),
        bytes=float(sent),
        by_class={link: float(cost) for link, cost in of_classes(result).items() if cost},
        by_host={host: float(cost) for host, cost in sorted(of_hosts(result).items())},
        idle_accelerators=float(waited) if has_pods else None,
        per_day=float(total) * DAY / result.end if total is not None and result.ended == "horizon" else None,
        rollouts={name: float(_of_rollout(result, row, rates)) for name, row in rollouts.items()} if kept else {},
        unused=float(of_pulls(result, rates, unused)) if ahead else None,
    )


def _of_rollout(result: Result, rollout: Rollout, rates: Rates) -> Fraction:
    """Return what the pods of an update cost: those that its workload made while it went on."""
    until = result.end if rollout.completed is None else rollout.completed
    owner = rollout.namespace, rollout.workload
    pulls = {
        (namespace, pod, image)
        for namespace, workload, pod, created, images in values(
            result.pods, "namespace", "workload", "pod", "created", "images"
        )
        if (namespace, workload) == owner and rollout.began <= created <= until
        for image in images
    }
    waited = (
        each.cost
        for each in idle(result)
        if (each.namespace, each.workload) == owner and rollout.began <= each.created <= until
    )
    return of_pulls(result, rates, pulls) + sum(waited, Fraction(0))
