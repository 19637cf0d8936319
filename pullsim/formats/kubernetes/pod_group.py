"""The pods of one Kubernetes object."""

from __future__ import annotations

import math
from dataclasses import field
from typing import TYPE_CHECKING

from pullsim.formats.kubernetes.classes import ClassNames
from pullsim.formats.kubernetes.cron import RecordedTimes
from pullsim.formats.kubernetes.strategy import Strategy
from pullsim.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pullsim.formats.kubernetes.cron import Schedule
    from pullsim.inputs.document import Document, Route
    from pullsim.spec.cluster import PodSpec


@dataclass(frozen=True, slots=True)
class PodNames:
    """The names of an object's pods, which are produced on demand: a short file may ask for a million pods."""

    name: str
    count: int = 1
    first: int | None = None  # the ordinal of a StatefulSet's first pod; None: the object is no StatefulSet
    single: bool = False  # whether the object is a Pod, which has its own name
    offset: int = 0  # how many pods there were before, of an object that is no StatefulSet

    def __len__(self) -> int:
        """Return the number of names."""
        return self.count

    def __iter__(self) -> Iterator[str]:
        """Yield the names."""
        for number in range(self.count):
            if self.single:
                yield self.name
            else:
                ordinal = f"{self.offset + number:05d}" if self.first is None else str(self.first + number)
                yield f"{self.name}-{ordinal}"


@dataclass(frozen=True, slots=True)
class PodGroup:
    """The pods of one object. ``pods`` has their names; it is None for a DaemonSet, which has a pod on every node."""

    kind: str
    name: str
    namespace: str | None  # None: the object has none
    spec: PodSpec
    pods: PodNames | None
    ordered: bool  # whether each pod is created only when the previous one has started
    document: Document
    route: Route
    node: str | None = None  # spec.nodeName
    classes: ClassNames = field(default_factory=ClassNames)
    pod_route: Route = ()  # the route of the pod's spec in the document
    image_volumes: tuple[int, ...] = ()  # indices of image volumes in the pod's list of volumes
    completions: int | None = None  # spec.completions of a Job whose pods complete
    schedule: Schedule | RecordedTimes | None = (
        None  # when a CronJob creates Jobs; the other fields then describe each Job
    )
    strategy: Strategy = field(default_factory=Strategy)
    probed: float | None = None  # seconds that its probes keep a pod from being ready at the least; None: it has none
    begins: float = 0.0  # seconds after the creation of the workload, of pods that a trace brings later
    lives: float | None = None  # seconds from the pods' creation to their deletion by a trace; None: it has none

    def last_job(self, horizon: float | None) -> float | None:
        """Return until when a CronJob makes Jobs, in seconds; None: without a horizon it makes them for ever."""
        return math.inf if horizon is None and isinstance(self.schedule, RecordedTimes) else horizon
