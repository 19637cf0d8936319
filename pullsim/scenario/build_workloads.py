"""From the section ``workloads`` to pods and daemon sets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pullsim.cluster.spec import ContainerSpec, DaemonSet, Pod, PodSpec
from pullsim.engine.streams import Streams
from pullsim.errors import InputError
from pullsim.oci.platform import Platform
from pullsim.oci.reference import default_pull_policy
from pullsim.scenario.arrivals import arrival_times
from pullsim.scenario.build_images import ImageUse
from pullsim.scenario.kubernetes import PodGroup, read_objects
from pullsim.scenario.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pullsim.cluster.spec import Node
    from pullsim.scenario.document import Route
    from pullsim.scenario.findings import Findings
    from pullsim.scenario.model import Scenario
    from pullsim.scenario.model_workloads import Container, On, PodTemplate, Workload


@dataclass(frozen=True, slots=True)
class Workloads:
    """All that is to be started, and the images it needs."""

    pods: tuple[Pod, ...]  # by time of creation
    daemon_sets: tuple[DaemonSet, ...]
    uses: tuple[ImageUse, ...]


def build_workloads(scenario: Scenario, nodes: Sequence[Node], directory: Path, findings: Findings) -> Workloads:
    """Make pods and daemon sets; mistakes are noted."""
    builder = _Builder(scenario, nodes, directory, findings)
    for index, workload in enumerate(scenario.workloads):
        try:
            builder.add(workload, index)
        except InputError as error:
            findings.take(error, "workloads", index)
    pods = sorted(builder.pods, key=lambda pod: pod.created)
    return Workloads(tuple(pods), tuple(builder.daemon_sets), tuple(builder.uses))


@dataclass(frozen=True, slots=True)
class _Kind:
    """What the pods of one workload have in common."""

    workload: str
    namespace: str
    spec: PodSpec
    deadline: float | None
    ordered: bool = False  # each pod is created when the one before it has started


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the pods of a Kubernetes object go; neither: anywhere."""

    node: str | None = None
    pool: str | None = None


@dataclass(slots=True)
class _Builder:
    scenario: Scenario
    nodes: Sequence[Node]
    directory: Path
    findings: Findings
    pods: list[Pod] = field(default_factory=list)
    daemon_sets: list[DaemonSet] = field(default_factory=list)
    uses: list[ImageUse] = field(default_factory=list)
    pools: dict[str, Platform] = field(init=False)
    node_pools: dict[str, str] = field(init=False)
    streams: Streams = field(init=False)
    makers: dict[tuple[str, str], str] = field(default_factory=dict)  # by namespace and pod name

    def __post_init__(self) -> None:
        self.pools = {node.spec.pool: node.spec.platform for node in self.nodes}
        self.node_pools = {node.name: node.spec.pool for node in self.nodes}
        self.streams = Streams(self.scenario.seed)

    def add(self, workload: Workload, index: int) -> None:
        """Make the pods of a workload."""
        route: Route = ("workloads", index)
        self._check_place(workload.on, route)
        if workload.manifest is not None:
            objects = read_objects(self.directory / workload.manifest)
            self.findings.warnings += objects.warnings
            self.findings.ignored += objects.ignored
            for group in objects.groups:
                self._add_group(group, workload, route)
            return
        name = workload.name or f"w{index}"
        if workload.pods is not None:
            short = workload.pods
            policy = short.image_pull_policy or default_pull_policy(short.image)
            spec, count = PodSpec((ContainerSpec("app", short.image, policy),)), short.count
            self._use(spec, workload.on, {short.image: (*route, "pods", "image")}, route)
        else:
            assert workload.pod is not None
            spec, count = _pod_spec(workload.pod), workload.count
            self._use(spec, workload.on, _image_routes(workload.pod, (*route, "pod")), route)
        try:
            stream = self.streams.get("arrivals", name)
            times = arrival_times(workload.arrivals, count, workload.at, stream, self.directory)
        except ValueError as error:
            self.findings.error(str(error), *route, "arrivals")
            return
        single = len(times) == 1 and workload.name is not None
        names = [name] if single else [f"{name}-{n:05d}" for n in range(len(times))]
        self._add_pods(names, times, _Kind(name, workload.namespace, spec, workload.deadline), workload.on, route)

    def _add_group(self, group: PodGroup, workload: Workload, route: Route) -> None:
        """Make the pods of a Kubernetes object. The workload's ``on`` goes before the object's own selectors."""
        namespace = group.namespace or workload.namespace
        pools = self._fitting(group) if workload.on is None else None
        uses = self._pools_of(workload.on) if pools is None else frozenset(pools)
        here = group.document.place(group.route)
        self.uses += (ImageUse(image, uses, (*route, "manifest"), here) for image in _images(group.spec))
        if group.pods is None:
            for pool in [None] if pools is None else pools:
                self._add_daemon_set(group, namespace, pool, workload, route)
            return
        place = workload.on or _Place(node=group.node)
        if pools is not None and group.node is None:
            if len(pools) > 1:
                message = (
                    f"{group.kind} {group.name} fits the pools {', '.join(pools)}; choose one with on: {{pool: …}}"
                )
                raise InputError(message, group.document.place(group.route))
            place = _Place(pool=pools[0])
        kind = _Kind(group.name, namespace, group.spec, workload.deadline, group.ordered)
        self._add_pods(group.pods, [workload.at] * len(group.pods), kind, place, route)

    def _fitting(self, group: PodGroup) -> list[str] | None:
        """Find the pools that an object's node name and selectors leave; None: all."""
        location = group.document.place(group.route)
        title = f"{group.kind} {group.name}"
        if group.node is not None and group.node not in self.node_pools:
            hint = did_you_mean(group.node, self.node_pools)
            raise InputError(
                f"{title} wants the node {group.node!r}, which there is not{hint}; `on` overrules it", location
            )
        fitting = [
            pool
            for pool, platform in self.pools.items()
            if group.os in (None, platform.os)
            and (group.arch is None or Platform(platform.os, group.arch).architecture == platform.architecture)
            and (group.node is None or self.node_pools[group.node] == pool)
        ]
        if not fitting:
            wanted = "/".join(filter(None, (group.os, group.arch)))
            raise InputError(f"{title} wants nodes of {wanted}, which there are not; `on` overrules it", location)
        return None if len(fitting) == len(self.pools) else fitting

    def _add_daemon_set(
        self, group: PodGroup, namespace: str, pool: str | None, workload: Workload, route: Route
    ) -> None:
        node = workload.on.node if workload.on else group.node
        pool = workload.on.pool if workload.on else pool
        daemon_set = DaemonSet(
            group.name,
            namespace,
            group.spec,
            workload.at,
            pool=None if node else pool,
            node=node,
            deadline=workload.deadline,
        )
        names = [
            f"{group.name}-{name}"
            for name, own_pool in self.node_pools.items()
            if (node is None or name == node) and (pool is None or own_pool == pool)
        ]
        self._claim(names, namespace, f"DaemonSet {group.name}", route)
        self.daemon_sets.append(daemon_set)

    def _add_pods(
        self, names: Sequence[str], times: Sequence[float], kind: _Kind, place: On | _Place | None, route: Route
    ) -> None:
        node, pool = (place.node, place.pool) if place else (None, None)
        if self.scenario.placement == "given" and node is None and pool is None:
            if len(self.nodes) > 1:
                self.findings.error("placement is given, so the workload must say where: on: {pool: …}", *route)
                return
            node = self.nodes[0].name
        self._claim(names, kind.namespace, f"workload {kind.workload}", route)
        before = [None, *names[:-1]] if kind.ordered else [None] * len(names)
        self.pods += (
            Pod(name, kind.namespace, kind.workload, kind.spec, time, node, pool, kind.deadline, follows)
            for name, time, follows in zip(names, times, before, strict=True)
        )

    def _claim(self, pods: Sequence[str], namespace: str, maker: str, route: Route) -> None:
        """Take the names of pods; only one workload can have each."""
        here = f"{self.findings.document.name(route)} ({maker})"
        for pod in pods:
            first = self.makers.setdefault((namespace, pod), here)
            if first is not here:
                message = f"{here} makes the pod {namespace}/{pod}, which {first} makes too: name one differently"
                raise InputError(message)

    def _check_place(self, on: On | None, route: Route) -> None:
        if on is not None and on.pool is not None and on.pool not in self.pools:
            self.findings.error(
                f"there is no pool {on.pool!r}{did_you_mean(on.pool, self.pools)}", *route, "on", "pool"
            )
        if on is not None and on.node is not None and on.node not in self.node_pools:
            hint = did_you_mean(on.node, self.node_pools)
            self.findings.error(f"there is no node {on.node!r}{hint}", *route, "on", "node")

    def _pools_of(self, on: On | None) -> frozenset[str] | None:
        if on is None:
            return None
        return frozenset({on.pool or self.node_pools.get(on.node or "", "")})

    def _use(self, spec: PodSpec, on: On | None, routes: dict[str, Route], route: Route) -> None:
        pools = self._pools_of(on)
        self.uses += (ImageUse(image, pools, routes.get(image, route)) for image in _images(spec))


def _pod_spec(pod: PodTemplate) -> PodSpec:
    return PodSpec(
        containers=tuple(ContainerSpec(entry.name, entry.image, _policy(entry)) for entry in pod.containers),
        init_containers=tuple(
            ContainerSpec(entry.name, entry.image, _policy(entry), entry.run, sidecar=entry.restart_policy == "Always")
            for entry in pod.init_containers
        ),
    )


def _policy(container: Container) -> str:
    return container.image_pull_policy or default_pull_policy(container.image)


def _images(spec: PodSpec) -> list[str]:
    return list(dict.fromkeys(container.image for container in (*spec.init_containers, *spec.containers)))


def _image_routes(pod: PodTemplate, route: Route) -> dict[str, Route]:
    """Say where each image of a pod is written."""
    routes: dict[str, Route] = {}
    for key, containers in (("initContainers", pod.init_containers), ("containers", pod.containers)):
        for index, container in enumerate(containers):
            routes.setdefault(container.image, (*route, key, index, "image"))
    return routes
