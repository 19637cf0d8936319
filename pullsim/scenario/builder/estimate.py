"""An estimate of the CPU time and memory of a run, made from its input before nodes and pods are created.

The costs were fitted to the workloads W and J of `benchmarks/workloads` (interpreted, CPython 3.11, a core of 2026;
process times as ``python -m benchmarks.speed`` measures them): W(100) takes 1.0 s and 59 MB, W(100, 100 pods per node)
3.6 s and 77 MB, W(100, 20 pods, 50 layers) 7.4 s and 98 MB, W(1000) 11 s and 171 MB, J(10000) 12 s and 408 MB. The
estimates are within a fifth of these. The compiled modules need a third of the time. The records of a run are about a
tenth of its memory, whatever --detail keeps.
"""

from __future__ import annotations

import os
from collections import Counter
from contextlib import suppress
from dataclasses import field
from typing import TYPE_CHECKING, Final

from pullsim.compiled import compiled
from pullsim.errors import InputError, Location
from pullsim.frozen import dataclass
from pullsim.inputs import read_bytes
from pullsim.oci.manifest import select
from pullsim.oci.reference import InvalidReference, parse
from pullsim.scenario.builder.snapshotter import lazy_snapshotters
from pullsim.spec.lazy import BATCH

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pullsim.formats.kubernetes.objects import Objects
    from pullsim.formats.kubernetes.pod_group import PodGroup
    from pullsim.oci.catalog import Catalog
    from pullsim.oci.manifest import Manifest
    from pullsim.scenario.model.nodes import NodePool
    from pullsim.scenario.model.scenario import ScenarioModel
    from pullsim.scenario.model.workloads import On, Workload

#: A run that takes at least so many seconds of CPU time, or so many bytes, is announced before it begins.
LONG: Final = 10.0
LARGE: Final = 2e9
#: The longest run, in seconds of CPU time, that begins without `force`.
LONGEST: Final = 24 * 3600.0

_BASE: Final = 40e6  # bytes of the program itself
_HOUR: Final = 3600.0
_COMPILED: Final = 0.3  # the part of the interpreted time that compiled modules take (W100 0.28, W1000 0.29)


@dataclass(frozen=True, slots=True)
class _Price:
    """What one node, pod, layer or other item costs: seconds of CPU time (interpreted) and bytes."""

    name: str  # in the plural
    seconds: float
    bytes: float


#: The prices by the attribute of `Estimate` that has the count, in the order in which an estimate names them.
_PRICES: Final = {
    "nodes": _Price("nodes", 30e-6, 27_000),
    "pods": _Price("pods", 190e-6, 2_800),
    "layers": _Price("layers", 95e-6, 700),
    "units": _Price("units of lazy layers", 0.3e-6, 70),  # those that come at a time
    "departures": _Price("departures", 100e-6, 300),
    "retries": _Price("failed pulls", 460e-6, 900),  # after a back-off, of a pod whose image is not found
    "looks": _Price("looks at pods in error", 155e-6, 40),  # syncs of a pod whose image has no valid name
    "checks": _Price("checks of disks", 11e-6, 0),  # of one disk that can fill up
}
_RETRY: Final = 300.0  # seconds between failing pulls: the longest back-off
_LOOK: Final = 12.5  # seconds between syncs of a pod in error
_DISK: Final = 300.0  # seconds between the kubelet's checks of a disk


@dataclass(slots=True)
class Estimate:
    """How many nodes, pods, fetched layers and so on a run will have until its end, and what they cost together."""

    nodes: float = 0
    pods: float = 0
    layers: float = 0
    units: float = 0
    retries: float = 0
    looks: float = 0
    checks: float = 0
    departures: float = 0
    file: str = field(default="", compare=False)

    def _sum(self, of: str) -> float:
        return sum(float(getattr(self, kind)) * float(getattr(price, of)) for kind, price in _PRICES.items())

    @property
    def work(self) -> float:
        """The CPU time that the interpreted model would take, in seconds: the same on every installation."""
        return self._sum("seconds")

    @property
    def seconds(self) -> float:
        """The CPU time of the run and its summary, in seconds."""
        return self.work * (_COMPILED if compiled() else 1.0)

    @property
    def bytes(self) -> float:
        """The peak memory of the process, in bytes."""
        return _BASE + self._sum("bytes")

    @property
    def costly(self) -> bool:
        """Whether the run is so long or large that it is announced before it begins."""
        return self.seconds > LONG or self.bytes > LARGE

    def __str__(self) -> str:
        """``about 2 min and 1.2 GB: 1,000 nodes, 20,000 pods, 68,000 layers``."""
        counts = [
            f"{_rounded(count)} {price.name if count != 1 else price.name.removesuffix('s')}"
            for kind, price in _PRICES.items()
            if (count := getattr(self, kind)) >= 1 or kind in ("nodes", "pods", "layers")
        ]
        memory = self.bytes / 1e9
        amount = f"{memory:,.1f} GB" if memory < 1000 else f"{memory:,.0f} GB"
        return f"about {time_text(self.seconds)} and {amount}: {', '.join(counts)}"

    def check(self, memory: float | None = None) -> None:
        """Raise InputError for a run that does not fit into ``memory`` or takes longer than `LONGEST`.

        ``memory`` is in bytes; None: the result of `machine_memory`.
        """
        memory = machine_memory() if memory is None else memory
        if self.bytes > memory:
            rule = f"more than the {memory / 1e9:,.1f} GB of memory here"
        elif self.seconds > LONGEST:
            rule = f"longer than the {LONGEST / _HOUR:g} h that a run may take"
        else:
            return
        message = f"this takes {self}, {rule}; make it smaller or the horizon shorter, or give --force"
        raise InputError(message, Location(self.file) if self.file else None)


def estimate(scenario: ScenarioModel, objects: Mapping[int, Objects], catalog: Catalog, directory: Path) -> Estimate:
    """Return the estimate for a scenario; ``objects`` has those of each workload's file by its index."""
    counter = _Counter(scenario, catalog, directory)
    _count(counter, scenario, objects)
    if any(pool.autoscale is not None for pool in scenario.nodes):  # no more nodes come than there are pods
        counter = _Counter(scenario, catalog, directory, more=round(counter.pods))
        _count(counter, scenario, objects)
    return counter.total()


def _count(counter: _Counter, scenario: ScenarioModel, objects: Mapping[int, Objects]) -> None:
    """Count the pods of all workloads."""
    for index, workload in enumerate(scenario.workloads):
        if workload.file is None:
            counter.add_workload(workload)
        elif index in objects:
            for group in objects[index].groups:
                counter.add_group(group, workload)


def machine_memory() -> float:
    """Return the memory that this process can have, in bytes: the least of machine, container and process limit."""
    amounts = [float("inf")]
    with suppress(AttributeError, ValueError, OSError):  # not on Windows
        amounts.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for place in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError), open(place, encoding="ascii") as file:  # noqa: PTH123  # no input of users
            amounts.append(int(file.read()))
    with suppress(ImportError):
        import resource  # noqa: PLC0415  # not on Windows

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit != resource.RLIM_INFINITY:
            amounts.append(limit)
    return min(amounts)


class _Counter:
    """Adds up the pods of workloads by image and place, since a node fetches an image only once."""

    def __init__(self, scenario: ScenarioModel, catalog: Catalog, directory: Path, *, more: int = 0) -> None:
        """``more``: how many nodes an autoscaler adds to each of its pools, if they may have so many."""
        self._more = more
        self._scenario = scenario
        self._catalog = catalog
        self._directory = directory
        self._horizon = scenario.horizon or 0.0  # without one a run ends as soon as no pull can succeed any more
        self._estimate = Estimate(nodes=sum(map(self._size, scenario.nodes)), file=scenario.document.file)
        self._pods: Counter[tuple[str, On | None]] = Counter()  # how many pods want an image, by image and place
        self._manifests: dict[tuple[str, str], Manifest | None] = {}  # by image and platform

    @property
    def pods(self) -> float:
        """The number of pods that were counted."""
        return self._estimate.pods

    def add_workload(self, workload: Workload) -> None:
        """Count a workload that is written in the scenario itself: ``pods``, ``pod`` or ``prepull``."""
        if workload.prepull is not None:
            self._add(workload.prepull.images, self._nodes(workload.on), workload)
            return
        if workload.pods is not None:
            images, count = [workload.pods.image], workload.pods.count
        else:
            assert workload.pod is not None
            pod, count = workload.pod, workload.count
            images = [container.image for container in (*pod.init_containers, *pod.containers)]
            images += (volume.image.reference for volume in pod.volumes)
        arrivals = workload.arrivals
        if count is None and arrivals is not None:
            if arrivals.at is not None:
                count = len(arrivals.at)
            elif arrivals.trace is not None:
                with suppress(InputError):  # `arrival_times` reads it again and reports what is wrong
                    count = read_bytes(self._directory / arrivals.trace).rstrip().count(b"\n") + 1
        self._add(images, 1 if count is None else count, workload)

    def add_group(self, group: PodGroup, workload: Workload) -> None:
        """Count the pods of a Kubernetes object."""
        on = workload.on
        count = self._nodes(on) if group.pods is None else max(len(group.pods), group.completions or 0)
        if group.kind == "CronJob":
            until = group.last_job(self._scenario.horizon) or 0.0
            count *= 0 if group.schedule is None else group.schedule.count(workload.at, until)
        self._add([want.image for want in group.spec.wants], count, workload)

    def total(self) -> Estimate:
        """Return the estimate: the counted pods, their layers and retries, and what replaced nodes add."""
        made = self._estimate
        for (image, on), pods in self._pods.items():
            pools = self._pools(on)
            fetching = [pool for pool in pools if pool.runtime.fixed is None]
            try:
                parse(image)
            except InvalidReference:
                made.looks += pods * self._horizon / min(map(_between_looks, pools), default=_LOOK)
                continue
            layers = [self._layers(image, pool) for pool in fetching]
            most = max((count for count in layers if count is not None), default=0)
            if fetching and None in layers and self._scenario.images.unknown == "notFound":
                look = min(map(_between_looks, fetching))
                longest = min(max(pool.simulation.image_backoff.max, look) for pool in fetching)
                made.retries += pods * self._horizon / min(longest, _RETRY)
                made.looks += (
                    pods * self._horizon * max(1 / look - 1 / _LOOK, 0.0)
                )  # the cost of a retry includes one look each _LOOK seconds
            times = min(pods, self._nodes(on))
            made.layers += times * most
            made.units += times * max((self._units(image, pool) for pool in fetching), default=0)
        made.checks += sum(self._size(pool) * self._horizon / _DISK for pool in self._scenario.nodes if pool.disk.size)
        nodes, made_pods, fetched = made.nodes, made.pods, made.layers
        for pool in self._scenario.nodes:
            if pool.leave is not None and pool.leave.rate and self._scenario.horizon is not None:
                left = pool.count * self._horizon / (1 / pool.leave.rate + pool.leave.replace_after)
                made.departures += left
                made.nodes += left
                made.pods += left * made_pods / nodes
                made.layers += left * fetched / nodes
        return made

    def _add(self, images: Iterable[str], count: int, workload: Workload) -> None:
        images = dict.fromkeys(images)
        if workload.update is not None:
            self._estimate.pods += count
            if workload.update.image is not None:
                images = images | {workload.update.image: None}
        self._estimate.pods += count
        for image in images:
            self._pods[image, workload.on] += count

    def _pools(self, on: On | None) -> list[NodePool]:
        pools = self._scenario.nodes
        if on is None:
            return pools
        named = on.pool or (on.node or "").rpartition("-")[0]
        return [pool for pool in pools if pool.name == named]

    def _nodes(self, on: On | None) -> int:
        return 1 if on is not None and on.node is not None else sum(map(self._size, self._pools(on)))

    def _size(self, pool: NodePool) -> int:
        """Return the most nodes that a pool will have at a time."""
        return pool.count if pool.autoscale is None else min(pool.count + self._more, pool.autoscale.max)

    def _layers(self, image: str, pool: NodePool) -> int | None:
        """Return the number of layers of an image on the platform of a pool; None: the catalogue does not have it."""
        manifest = self._manifest(image, pool)
        return None if manifest is None else len(manifest.layers)

    def _units(self, image: str, pool: NodePool) -> int:
        """Return how many units of an image's layers come at a time where they are mounted before they are there."""
        manifest, most = self._manifest(image, pool), 0
        if manifest is not None:
            for spec in lazy_snapshotters(pool).values():
                unit = spec.grain or spec.unit
                together = max(1, BATCH // unit)
                most = max(most, sum(min(layer.unpacked // unit + 1, together) for layer in manifest.layers))
        return most

    def _manifest(self, image: str, pool: NodePool) -> Manifest | None:
        """Return an image on the platform of a pool; None: the catalogue does not have it."""
        key = image, str(pool.platform)
        if key not in self._manifests:
            found = self._catalog.lookup(parse(image), 0.0)
            self._manifests[key] = None if found is None else select(found, pool.platform)
        return self._manifests[key]


def _between_looks(pool: NodePool) -> float:
    """Return the seconds between syncs of a pod in error."""
    retry = pool.simulation.retry
    return retry.base * (1 + retry.jitter / 2)


def _rounded(number: float) -> str:
    """Write a number, rounded to two digits: ``68,000``, ``3.6e+12``."""
    return f"{round(number, 2 - len(str(int(number)))):,.0f}" if 100 <= number < 1e9 else f"{number:.3g}"


def time_text(seconds: float) -> str:
    """Write a duration in seconds roughly: ``0.1 s``, ``12 s``, ``3 min``, ``5 h``, ``2 days``."""
    for unit, size in (("days", 86400.0), ("h", _HOUR), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 1 else f"{max(seconds, 0.1):.1f} s"
