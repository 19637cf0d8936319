"""Accelerators that pods held while they waited for images."""

from __future__ import annotations

from fractions import Fraction
from math import fsum
from typing import TYPE_CHECKING, Final, NamedTuple

from pullsim.frozen import dataclass
from pullsim.rows import values
from pullsim.spec.prices import accelerators
from pullsim.stages import READ

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pullsim.run import Result

_HOUR: Final = 3600  # seconds
_BINDING: Final = ("namespace", "workload", "node", "created", "scheduled")
_FIELDS: Final = (*_BINDING, "start_seconds", "images_ready", "requests", "stages")


@dataclass(frozen=True, slots=True)
class IdleAccelerators:
    """Accelerators of one kind: those of pods that were bound to a node and had not all their images yet."""

    pods: int  # pods that held any
    accelerators: int  # that they held together
    minutes: float  # of accelerators, from when their pod was bound until its last image, with its files, was there
    cost: float | None  # of these minutes; None: they have no price


class Idle(NamedTuple):
    """The accelerators of one kind that one pod held, and how long they were idle."""

    namespace: str
    workload: str
    created: float  # when the pod was
    resource: str
    amount: int
    seconds: float  # of each of them
    hour: Fraction | None  # price of an hour of one; None: it has none

    @property
    def cost(self) -> Fraction:
        """Money for them while they were idle, 0 without a price."""
        return Fraction(repr(self.amount * self.seconds)) * (self.hour or 0) / _HOUR


def idle(result: Result) -> Iterator[Idle]:
    """Yield what each pod held while it waited for images: until the last one was there, or the pod or run ended.

    Files of images that come to the node as they are read are waited for after that; the stage of these seconds counts
    too. What does not: time before a pod is bound, such as that of a node that boots, and time after its images are
    there, such as that in which a model is loaded into the accelerator.
    """
    for row in values(result.pods, *_FIELDS):
        namespace, workload, node, created, scheduled, until_start, images_ready, requests, stages = row
        if scheduled is None or not requests:
            continue
        end = created + until_start if images_ready is None else images_ready
        seconds = max(end - scheduled, 0.0) + stages.get(READ, 0.0)
        pool = result.pools.get(node, "")
        for name, amount in accelerators(requests, result.prices):
            hour = None if result.prices is None else result.prices.of_hour(name, pool)
            yield Idle(namespace, workload, created, name, amount, seconds, hour)


def idle_accelerators(result: Result) -> dict[str, IdleAccelerators]:
    """Return the idle accelerators by resource; none where no bound pod holds any."""
    by_resource: dict[str, list[Idle]] = {}
    for each in idle(result):
        by_resource.setdefault(each.resource, []).append(each)
    return {
        name: IdleAccelerators(
            len(rows),
            sum(row.amount for row in rows),
            fsum(row.amount * row.seconds for row in rows) / 60,
            float(sum(row.cost for row in rows)) if any(row.hour is not None for row in rows) else None,
        )
        for name, rows in sorted(by_resource.items())
    }
