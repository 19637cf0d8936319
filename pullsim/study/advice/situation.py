"""The situation in which levers are looked for: a scenario as it is, with the figures of its presets and files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.frozen import dataclass
from pullsim.inputs.document import entry_name
from pullsim.oci.manifest import select
from pullsim.oci.reference import InvalidReference, parse
from pullsim.printable import json_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pullsim.scenario import Scenario
    from pullsim.scenario.builder.estimate import Estimate
    from pullsim.scenario.model.nodes import NodePool
    from pullsim.scenario.model.registries import Registry
    from pullsim.spec.cluster import ClusterSpec, NodeSpec, PodSpec

_ALL: Final = "*"


@dataclass(frozen=True, slots=True)
class Situation:
    """A scenario, what it builds, and how to name its parts in an override."""

    scenario: Scenario
    cluster: ClusterSpec
    estimate: Estimate  # of one run
    specs: dict[str, NodeSpec]  # what the nodes of a pool are, by the pool's name
    images: tuple[str, ...]  # those that pods ask for and a catalogue has for a platform of the nodes
    hosts: tuple[str, ...]  # the registries that these images name

    @classmethod
    def of(cls, scenario: Scenario, *, force: bool = False) -> Situation:
        """Build a scenario and look at it. Raises InputError; ``force``: see `pullsim.run.run`."""
        built = scenario.assemble(force=force)
        cluster = built.cluster
        specs = cluster.pools
        platforms = {spec.platform for spec in specs.values()}
        images, hosts = [], []
        for image in dict.fromkeys(want.image for spec in pod_specs(cluster) for want in spec.wants):
            try:
                reference = parse(image)
            except InvalidReference:
                continue
            hosts.append(reference.domain)
            found = cluster.catalog.lookup(reference, 0.0)
            if found is not None and all(select(found, platform) is not None for platform in platforms):
                images.append(image)
        return cls(scenario, cluster, built.estimate, specs, tuple(images), tuple(dict.fromkeys(hosts)))

    @property
    def reads(self) -> bool:
        """Whether pods say what their processes read of their images before they are ready."""
        return any(spec.reads is not None for spec in pod_specs(self.cluster))

    def nodes(self, key: str, value: Callable[[NodePool, NodeSpec], str | None]) -> list[str]:
        """Return overrides that set a key of all pools for which there is a value; one alone where all are equal."""
        found: dict[str, str] = {}
        pools = self.scenario.nodes
        for index, pool in enumerate(pools):
            spec = self.specs.get(pool.name)
            text = None if spec is None else value(pool, spec)
            if text is not None:
                found[self._entry("nodes", index)] = text
        if len(found) == len(pools) and len(set(found.values())) == 1:
            found = {_ALL: next(iter(found.values()))}
        return [f"nodes[{name}].{key}={text}" for name, text in found.items()]

    def registries(self) -> Iterator[Registry]:
        """Yield the listed registries that images come from."""
        return (registry for registry in self.scenario.registries if registry.host in self.hosts)

    def workload(self, index: int) -> str:
        """Return how an override names a workload."""
        return f"workloads[{self._entry('workloads', index)}]"

    def registry(self, registry: Registry) -> str:
        """Return how an override names a listed registry."""
        return f"registries[{self._entry('registries', self.scenario.registries.index(registry))}]"

    def _entry(self, section: str, index: int) -> str:
        """Return what stands in brackets for an entry of a list: its name in the file, or its index."""
        entries = self.scenario.document.tree.get(section)
        name = entry_name(entries[index]) if isinstance(entries, list) and index < len(entries) else None
        plain = isinstance(name, str) and name == name.strip() and not {*name} & {*"[]"} and name != _ALL
        return str(name) if plain else str(index)


def flow(value: object) -> str:
    """Write a list or mapping as the value of an override."""
    return json_text(value)


def pod_specs(cluster: ClusterSpec) -> Iterator[PodSpec]:
    """Yield what pods consist of, those of DaemonSets and of updates too."""
    yield from (pod.spec for pod in cluster.pods)
    yield from (daemons.spec for daemons in cluster.daemon_sets)
    for owner in cluster.owners:
        if owner.update is not None:
            yield owner.update.spec
