"""The metrics of a scenario: every path with its unit and meaning, with the names that its runs will have.

Paths of workloads, pools and images are checked against the scenario, as no other one can have a value.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple

from pullsim.errors import InputError, Location, shown
from pullsim.frozen import dataclass
from pullsim.inputs.suggestion import did_you_mean
from pullsim.results import metrics
from pullsim.results.metric_meanings import meaning
from pullsim.results.summary.groups import workload_name
from pullsim.results.wording import qualified

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pullsim.scenario import Scenario
    from pullsim.spec.cluster import ClusterSpec

_SINGULAR: Final = {"workloads": "workload", "pools": "pool", "images": "image"}


class Metric(NamedTuple):
    """A metric by its path, what it is measured in (see `pullsim.results.metrics.dimension`), and what it means."""

    path: str
    unit: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Names:
    """The names of a scenario that metrics have in their paths, each sorted."""

    workloads: tuple[str, ...]
    pools: tuple[str, ...]
    images: tuple[str, ...]
    hosts: tuple[str, ...]
    caches: tuple[str, ...]
    rollouts: tuple[str, ...]
    prepulls: tuple[str, ...]

    def of(self, head: str) -> tuple[str, ...]:
        """Return the names that may follow the head of a path; none where only a run knows them."""
        by_head = {
            "workloads": self.workloads,
            "pools": self.pools,
            "autoscaling": self.pools,
            "volumes": self.pools,
            "reads": self.pools,
            "images": self.images,
            "bytes.bySource": self.hosts,
            "caches": self.caches,
            "costs.byHost": self.hosts,
            "costs.rollouts": self.rollouts,
            "housekeeping.disks": self.pools,
            "rollouts": self.rollouts,
            "prepulls": self.prepulls,
        }
        return by_head.get(head, ())


def listed(scenario: Scenario | None = None) -> Iterator[Metric]:
    """Yield all metrics; of a scenario with the names of its workloads, pools, images, hosts and so on.

    ``*`` stands for what only a run knows, such as the causes of failures, and without a scenario for any name.
    Raises InputError if the scenario cannot be built.
    """
    found = None if scenario is None else names(scenario.assemble().cluster)
    for head, same in groupby(metrics.names(), key=lambda pattern: pattern.partition(".*")[0]):
        patterns = list(same)
        for name in (found.of(head) if found is not None else ()) or ("*",):
            for pattern in patterns:
                path = pattern.replace("*", name, 1)
                yield Metric(path, metrics.dimension(path), meaning(pattern))


def names(cluster: ClusterSpec) -> Names:
    """Return the names that a cluster's metrics have in their paths."""
    updates = [owner for owner in cluster.owners if owner.update is not None]
    specs = {id(pod.spec): pod.spec for pod in cluster.pods} | {
        id(each.spec): each.spec for each in cluster.daemon_sets
    }
    specs |= {id(owner.update): owner.update.spec for owner in updates if owner.update is not None}
    workloads = {workload_name(pod.namespace, pod.workload) for pod in cluster.pods}
    workloads |= {workload_name(each.namespace, each.name) for each in cluster.daemon_sets}
    return Names(
        workloads=tuple(sorted(workloads)),
        pools=tuple(sorted(cluster.pools)),
        images=tuple(sorted({want.image for spec in specs.values() for want in spec.wants})),
        hosts=tuple(sorted({registry.host for registry in cluster.registries})),
        caches=tuple(sorted({registry.host for registry in cluster.registries if registry.cache is not None})),
        rollouts=tuple(sorted({qualified(owner.namespace, owner.name) for owner in updates})),
        prepulls=tuple(sorted({qualified(job.namespace, job.name) for job in cluster.prepulls})),
    )


def check_groups(wanted: Mapping[str, Location], scenarios: Iterable[Scenario]) -> None:
    """Raise InputError for a metric of a workload, pool or image that none of the scenarios has.

    ``wanted`` has metrics with the places where they stand. Scenarios are built one after the other until all names are
    found, and only if there are any; one that cannot be built may have any name, as its run says what is wrong with it.
    """
    groups = {path: group for path in wanted if (group := metrics.of_group(path))}
    known: defaultdict[str, set[str]] = defaultdict(set)
    for scenario in scenarios if groups else ():
        try:
            found = names(scenario.assemble().cluster)
        except InputError:
            return
        for kind in _SINGULAR:
            known[kind].update(getattr(found, kind))
        if all(name in known[kind] for kind, name, _ in groups.values()):
            return
    for path, (kind, name, _) in groups.items():
        there = sorted(known[kind])
        if name in known[kind]:
            continue
        singular = _SINGULAR[kind]
        hint = did_you_mean(name, there, 3, "pullsim metrics SCENARIO")
        raise InputError(f"{shown(path)}: the scenario has no {singular} {shown(name)}{hint}", wanted[path])
