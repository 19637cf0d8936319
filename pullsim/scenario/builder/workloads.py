"""From the section ``workloads`` to pods and daemon sets."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pydantic.alias_generators import to_camel

from pullsim.errors import InputError, shown
from pullsim.formats.kubernetes.cron import EPOCH
from pullsim.formats.kubernetes.objects import Objects, PodGroup, read_objects
from pullsim.inputs.suggestion import did_you_mean
from pullsim.oci.platform import Platform
from pullsim.scenario.builder.admission import Admission
from pullsim.scenario.builder.arrivals import arrival_times
from pullsim.scenario.builder.images import ImageUse
from pullsim.scenario.builder.node_support import unsupported_by_nodes
from pullsim.scenario.builder.pods import image_routes, images_of, prepull_spec, short_spec, template_spec
from pullsim.scenario.builder.updates import UpdateError, rolling_update, updated_group
from pullsim.spec.cluster import DaemonSet, Owner, Pod, PodSpec, Prepull
from pullsim.streams import Streams

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pullsim.formats.kubernetes.strategy import Strategy
    from pullsim.inputs.document import Route
    from pullsim.inputs.findings import Findings
    from pullsim.scenario.model.scenario import ScenarioModel
    from pullsim.scenario.model.workloads import On, Workload
    from pullsim.scenario.model.workloads import Prepull as PrepullModel
    from pullsim.spec.cluster import Node
    from pullsim.spec.credentials import Secret, ServiceAccount


@dataclass(frozen=True, slots=True)
class Workloads:
    """All that is to be started, and the images it needs."""

    pods: tuple[Pod, ...]  # by time of creation
    daemon_sets: tuple[DaemonSet, ...]
    uses: tuple[ImageUse, ...]
    secrets: tuple[Secret, ...] = ()  # of manifests
    service_accounts: tuple[ServiceAccount, ...] = ()
    owners: tuple[Owner, ...] = ()
    prepulls: tuple[Prepull, ...] = ()


def build_workloads(
    scenario: ScenarioModel, nodes: Sequence[Node], objects: dict[int, Objects], directory: Path, findings: Findings
) -> Workloads:
    """Make pods and daemon sets, those of manifests from `read_manifests`; mistakes are noted."""
    builder = _Builder(scenario, nodes, directory, findings, objects)
    for index, workload in enumerate(scenario.workloads):
        if workload.manifest is not None and index not in objects:
            continue
        try:
            builder.add(workload, index)
        except InputError as error:
            findings.take(error, "workloads", index)
    pods = sorted(builder.pods, key=lambda pod: pod.created)
    return Workloads(
        tuple(pods),
        tuple(builder.daemon_sets),
        tuple(builder.uses),
        tuple(builder.secrets),
        tuple(builder.service_accounts),
        tuple(builder.owners),
        tuple(builder.prepulls),
    )


def read_manifests(scenario: ScenarioModel, directory: Path, findings: Findings) -> dict[int, Objects]:
    """Read the files of Kubernetes objects, by the index of their workload; mistakes are noted."""
    objects = {}
    for index, workload in enumerate(scenario.workloads):
        if workload.manifest is not None:
            try:
                objects[index] = read_objects(directory / workload.manifest, workload.namespace)
            except InputError as error:
                findings.take(error, "workloads", index)
    return objects


def _runtime_classes(scenario: ScenarioModel, objects: Iterable[Objects], findings: Findings) -> dict[str, str]:
    """Give the handlers of all RuntimeClass objects by name."""
    classes = {entry.name: entry.handler for entry in scenario.runtime_classes}
    for each in objects:
        for name, handler in each.runtime_classes.items():
            if classes.setdefault(name, handler) != handler:
                findings.error(f"RuntimeClass {name} has the handler {classes[name]} here and {handler} elsewhere")
    return classes


@dataclass(frozen=True, slots=True)
class _Kind:
    """What the pods of one workload have in common."""

    workload: str
    namespace: str
    spec: PodSpec
    deadline: float | None
    lives: float | None
    owner: int | None = None
    ordered: bool = False  # each pod is created when the one before it has started


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the pods of a Kubernetes object go; neither: anywhere."""

    node: str | None = None
    pool: str | None = None


@dataclass(slots=True)
class _Builder:
    scenario: ScenarioModel
    nodes: Sequence[Node]
    directory: Path
    findings: Findings
    objects: dict[int, Objects]  # of manifests, by workload
    pods: list[Pod] = field(default_factory=list)
    daemon_sets: list[DaemonSet] = field(default_factory=list)
    uses: list[ImageUse] = field(default_factory=list)
    secrets: list[Secret] = field(default_factory=list)
    service_accounts: list[ServiceAccount] = field(default_factory=list)
    owners: list[Owner] = field(default_factory=list)
    prepulls: list[Prepull] = field(default_factory=list)
    pools: dict[str, Platform] = field(init=False)
    node_pools: dict[str, str] = field(init=False)
    streams: Streams = field(init=False)
    admission: Admission = field(init=False)
    makers: dict[tuple[str, str], str] = field(default_factory=dict)  # by namespace and pod name

    def __post_init__(self) -> None:
        self.pools = {node.spec.pool: node.spec.platform for node in self.nodes}
        self.node_pools = {node.name: node.spec.pool for node in self.nodes}
        self.streams = Streams(self.scenario.seed)
        classes = _runtime_classes(self.scenario, self.objects.values(), self.findings)
        self.admission = Admission(self.scenario.admission.always_pull_images, classes)

    def add(self, workload: Workload, index: int) -> None:
        """Make the pods of a workload."""
        route: Route = ("workloads", index)
        self._check_place(workload.on, route)
        if workload.manifest is not None:
            objects = self.objects[index]
            self.secrets += (replace(secret, created=workload.at) for secret in objects.secrets)
            self.service_accounts += objects.service_accounts
            self.findings.warnings += objects.warnings
            self.findings.ignored += objects.ignored
            updated = self._updated(workload, objects.groups, route)
            for group in objects.groups:
                if group.kind == "CronJob":
                    self._add_jobs(group, workload, route)
                else:
                    self._add_group(group, workload, route, updated=group is updated)
            return
        name = workload.name or f"w{index}"
        if workload.prepull is not None:
            self._add_prepull(workload.prepull, name, workload, route)
            return
        if workload.pods is not None:
            short = workload.pods
            spec, count = self._admit(name, short_spec(short), short.runtime_class_name, (*route, "pods")), short.count
            self._use(name, spec, workload.on, {short.image: (*route, "pods", "image")}, route)
        else:
            assert workload.pod is not None
            written, here = workload.pod, (*route, "pod")
            spec, count = (
                self._admit(name, template_spec(written), written.runtime_class_name, here),
                workload.count,
            )
            self._use(name, spec, workload.on, image_routes(written, here), route)
        try:
            stream = self.streams.get("arrivals", name)
            times = arrival_times(workload.arrivals, count, workload.at, stream, self.directory)
        except ValueError as error:
            self.findings.error(str(error), *route, "arrivals")
            return
        single = len(times) == 1 and workload.name is not None
        names = [name] if single else [f"{name}-{n:05d}" for n in range(len(times))]
        owner = self._own(Owner("Deployment", name, workload.namespace, len(names)), spec, workload, route)
        kind = _Kind(name, workload.namespace, spec, workload.deadline, workload.lives, owner)
        self._add_pods(names, times, kind, workload.on, route)

    def _add_prepull(self, prepull: PrepullModel, name: str, workload: Workload, route: Route) -> None:
        on, here = workload.on, (*route, "prepull")
        routes = {image: (*here, "images", n) for n, image in enumerate(prepull.images)}
        spec = self._admit(name, prepull_spec(prepull), None, (*here, "spec"))
        self._use(name, spec, on, routes, here)
        nodes = [node for node, pool in self.node_pools.items() if on is None or node == on.node or pool == on.pool]
        self._claim([f"{name}-{node}" for node in nodes], workload.namespace, f"prepull {name}", route)
        place = (None, None) if on is None else (on.pool, on.node)
        self.prepulls.append(
            Prepull(name, workload.namespace, spec, workload.at, prepull.parallelism, prepull.timeout, *place)
        )

    def _add_jobs(self, group: PodGroup, workload: Workload, route: Route) -> None:
        """Make the Jobs of a CronJob, named after the minute, as pkg/controller/cronjob/utils.go getJobName does."""
        horizon = self.scenario.horizon
        if horizon is None:
            message = f"CronJob {group.name} never ends: give the scenario a horizon, as horizon: 24h"
            raise InputError(message, group.document.place(group.route))
        assert group.pods is not None
        for at in group.schedule.times(workload.at, horizon) if group.schedule else ():
            name = f"{group.name}-{int(EPOCH.timestamp() + at) // 60}"
            job = replace(group, kind="Job", name=name, pods=replace(group.pods, name=name), schedule=None)
            self._add_group(job, workload.model_copy(update={"at": at}), route, updated=False)

    def _updated(self, workload: Workload, groups: Sequence[PodGroup], route: Route) -> PodGroup | None:
        """Find the object that the workload's update is about."""
        if workload.update is None:
            return None
        try:
            return updated_group(workload.update, groups)
        except UpdateError as error:
            self.findings.error(str(error), *route, "update", *filter(None, (error.key,)))
            return None

    def _own(
        self, owner: Owner, spec: PodSpec, workload: Workload, route: Route, strategy: Strategy | None = None
    ) -> int:
        """Add an owner of pods, with the workload's update if it has one; return its place."""
        update = workload.update
        if update is not None:
            try:
                rolling = rolling_update(update, owner.kind, owner.name, spec, workload.at, strategy)
            except UpdateError as error:
                key = () if error.key is None else (to_camel(error.key),)
                self.findings.error(str(error), *route, "update", *key)
            else:
                owner = replace(owner, update=rolling)
                if update.image is not None:
                    pools = self._pools_of(workload.on)
                    self.uses.append(ImageUse(update.image, pools, (*route, "update", "image")))
        self.owners.append(owner)
        return len(self.owners) - 1

    def _add_group(self, group: PodGroup, workload: Workload, route: Route, *, updated: bool) -> None:
        """Make the pods of a Kubernetes object. The workload's ``on`` goes before the object's own selectors."""
        namespace = group.namespace or workload.namespace
        pools = self._fitting(group) if workload.on is None else None
        uses = self._pools_of(workload.on) if pools is None else frozenset(pools)
        here = group.document.place(group.route)
        title = f"{group.kind} {group.name}"
        spec = self.admission.admit(group.spec, group.runtime_class)
        name = next(iter(group.pods or ()), group.name)
        for wrong, text in self.admission.violations(name, spec, group.runtime_class, group.image_volumes):
            where = group.document.own_route((*group.pod_route, *wrong))
            self.findings.errors.append(InputError(f"{title}: {text}", group.document.place(where)))
        self.uses += (ImageUse(image, uses, (*route, "manifest"), here) for image in images_of(spec) if image)
        self.findings.warnings += unsupported_by_nodes(title, spec, self.nodes, uses)
        count = len(group.pods or ())
        owner: int | None = None
        if group.kind != "Pod":
            made = Owner(group.kind, group.name, namespace, count, group.ordered, group.completions)
            rolled = workload if updated else workload.model_copy(update={"update": None})
            owner = self._own(made, spec, rolled, route, group.strategy)
        if group.pods is None:
            for pool in [None] if pools is None else pools:
                self._add_daemon_set(group, spec, namespace, pool, owner, workload, route)
            return
        place = workload.on or _Place(node=group.node)
        if pools is not None and group.node is None:
            if len(pools) > 1:
                message = (
                    f"{group.kind} {group.name} fits the pools {', '.join(pools)}; choose one with on: {{pool: …}}"
                )
                raise InputError(message, group.document.place(group.route))
            place = _Place(pool=pools[0])
        kind = _Kind(group.name, namespace, spec, workload.deadline, workload.lives, owner, group.ordered)
        self._add_pods(list(group.pods), [workload.at] * len(group.pods), kind, place, route)

    def _admit(self, name: str, spec: PodSpec, runtime_class: str | None, route: Route) -> PodSpec:
        """Give a pod of the scenario as the API server stores it; note why it would refuse it."""
        spec = self.admission.admit(spec, runtime_class)
        volumes = range(len(spec.image_volumes))
        for wrong, text in self.admission.violations(name, spec, runtime_class, volumes):
            # the shorthand has the fields of its only container
            below = wrong[2:] if route[-1] == "pods" and wrong[0] == "containers" else wrong
            self.findings.error(text, *route, *below)
        return spec

    def _fitting(self, group: PodGroup) -> list[str] | None:
        """Find the pools that an object's node name and selectors leave; None: all."""
        location = group.document.place(group.route)
        title = f"{group.kind} {group.name}"
        if group.node is not None and group.node not in self.node_pools:
            hint = did_you_mean(group.node, self.node_pools)
            raise InputError(
                f"{title} wants the node {shown(group.node)}, which there is not{hint}; `on` overrules it", location
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
        self,
        group: PodGroup,
        spec: PodSpec,
        namespace: str,
        pool: str | None,
        owner: int | None,
        workload: Workload,
        route: Route,
    ) -> None:
        node = workload.on.node if workload.on else group.node
        pool = workload.on.pool if workload.on else pool
        daemon_set = DaemonSet(
            group.name,
            namespace,
            spec,
            workload.at,
            pool=None if node else pool,
            node=node,
            deadline=workload.deadline,
            lives=workload.lives,
            owner=owner,
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
            Pod(
                name,
                kind.namespace,
                kind.workload,
                kind.spec,
                time,
                node,
                pool,
                kind.deadline,
                kind.lives,
                follows,
                kind.owner,
            )
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
                f"there is no pool {shown(on.pool)}{did_you_mean(on.pool, self.pools)}", *route, "on", "pool"
            )
        if on is not None and on.node is not None and on.node not in self.node_pools:
            hint = did_you_mean(on.node, self.node_pools)
            self.findings.error(f"there is no node {shown(on.node)}{hint}", *route, "on", "node")

    def _pools_of(self, on: On | None) -> frozenset[str] | None:
        if on is None:
            return None
        return frozenset({on.pool or self.node_pools.get(on.node or "", "")})

    def _use(self, name: str, spec: PodSpec, on: On | None, routes: dict[str, Route], route: Route) -> None:
        pools = self._pools_of(on)
        self.uses += (ImageUse(image, pools, routes.get(image, route)) for image in images_of(spec) if image)
        self.findings.warnings += unsupported_by_nodes(name, spec, self.nodes, pools)
