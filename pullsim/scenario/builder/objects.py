"""Building pods, daemon sets and their owners from the Kubernetes objects of a manifest."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pullsim.errors import InputError, shown
from pullsim.formats.kubernetes.cron import EPOCH
from pullsim.inputs.suggestion import did_you_mean
from pullsim.oci.platform import Platform
from pullsim.scenario.builder.collector import Place, PodKind
from pullsim.scenario.builder.images import ImageUse
from pullsim.scenario.builder.node_support import unsupported_by_nodes
from pullsim.scenario.builder.pods import images_of, with_startup
from pullsim.scenario.builder.updates import UpdateError, updated_group
from pullsim.spec.cluster import DaemonSet, Owner
from pullsim.units import duration_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pullsim.formats.kubernetes.objects import Objects, PodGroup
    from pullsim.inputs.document import Route
    from pullsim.scenario.builder.collector import Collector
    from pullsim.scenario.model.workloads import Workload
    from pullsim.spec.cluster import PodSpec


class ObjectBuilder:
    """Builds the pods of a scenario's manifests. Keys of the workload override the fields of its objects."""

    def __init__(self, made: Collector, horizon: float | None) -> None:
        """``horizon``: the time in seconds until which CronJobs create Jobs; None: the scenario has no horizon."""
        self._made = made
        self._horizon = horizon

    def add(self, workload: Workload, objects: Objects, route: Route) -> None:
        """Collect what the objects of a workload's manifest start. Raises InputError."""
        made = self._made
        made.secrets += (replace(secret, created=workload.at) for secret in objects.secrets)
        made.service_accounts += objects.service_accounts
        made.findings.warnings += objects.warnings
        made.findings.ignored += objects.ignored
        if workload.startup.ready is None:
            made.findings.warnings += _unknown_readiness(objects.groups)
        updated = self._updated(workload, objects.groups, route)
        for group in objects.groups:
            if group.kind == "CronJob":
                self._add_jobs(group, workload, route)
            else:
                self._add_group(group, workload, route, updated=group is updated)

    def _add_jobs(self, group: PodGroup, workload: Workload, route: Route) -> None:
        """Add the Jobs of a CronJob, each named after its minute (pkg/controller/cronjob/utils.go getJobName)."""
        horizon = self._horizon
        if horizon is None:
            message = f"CronJob {group.name} never ends: give the scenario a horizon, as horizon: 24h"
            raise InputError(message, group.document.place(group.route))
        assert group.pods is not None
        for at in group.schedule.times(workload.at, horizon) if group.schedule else ():
            name = f"{group.name}-{int(EPOCH.timestamp() + at) // 60}"
            job = replace(group, kind="Job", name=name, pods=replace(group.pods, name=name), schedule=None)
            self._add_group(job, workload.model_copy(update={"at": at}), route, updated=False)

    def _updated(self, workload: Workload, groups: Sequence[PodGroup], route: Route) -> PodGroup | None:
        """Return the object that the workload's update changes; None: there is no update, or an error was added."""
        if workload.update is None:
            return None
        try:
            return updated_group(workload.update, groups)
        except UpdateError as error:
            self._made.findings.error(str(error), *route, "update", *filter(None, (error.key,)))
            return None

    def _add_group(self, group: PodGroup, workload: Workload, route: Route, *, updated: bool) -> None:
        """Add the pods of a Kubernetes object. The workload's ``on`` overrides the object's own selectors."""
        namespace = group.namespace or workload.namespace
        pools = self._fitting(group) if workload.on is None else None
        uses = self._made.pools_of(workload.on) if pools is None else frozenset(pools)
        here = group.document.place(group.route)
        title = f"{group.kind} {group.name}"
        spec = self._made.admission.admit(group.spec, group.runtime_class)
        spec = with_startup(spec, workload.startup, group.probed)
        name = next(iter(group.pods or ()), group.name)
        for wrong, text in self._made.admission.violations(name, spec, group.runtime_class, group.image_volumes):
            where = group.document.own_route((*group.pod_route, *wrong))
            self._made.findings.errors.append(InputError(f"{title}: {text}", group.document.place(where)))
        self._made.uses += (ImageUse(image, uses, (*route, "manifest"), here) for image in images_of(spec) if image)
        self._made.findings.warnings += unsupported_by_nodes(title, spec, self._made.nodes, uses)
        count = len(group.pods or ())
        owner: int | None = None
        if group.kind != "Pod":
            new = Owner(
                group.kind,
                group.name,
                namespace,
                count,
                group.ordered,
                group.completions,
                min_ready=group.strategy.min_ready,
            )
            rolled = workload if updated else workload.model_copy(update={"update": None})
            owner = self._made.own(new, spec, rolled, route, group.strategy)
        if group.pods is None:
            for pool in [None] if pools is None else pools:
                self._add_daemon_set(group, spec, namespace, pool, owner, workload, route)
            return
        place = workload.on or Place(node=group.node)
        if pools is not None and group.node is None:
            if len(pools) > 1:
                message = (
                    f"{group.kind} {group.name} fits the pools {', '.join(pools)}; choose one with on: {{pool: …}}"
                )
                raise InputError(message, group.document.place(group.route))
            place = Place(pool=pools[0])
        kind = PodKind(group.name, namespace, spec, workload.deadline, workload.lives, owner, group.ordered)
        self._made.add_pods(list(group.pods), [workload.at] * len(group.pods), kind, place, route)

    def _fitting(self, group: PodGroup) -> list[str] | None:
        """Return the pools that match the object's node name and selectors; None: all. Raises InputError for none."""
        location = group.document.place(group.route)
        title = f"{group.kind} {group.name}"
        if group.node is not None and group.node not in self._made.node_pools:
            hint = did_you_mean(group.node, self._made.node_pools)
            raise InputError(
                f"{title} wants the node {shown(group.node)}, which there is not{hint}; `on` overrules it", location
            )
        fitting = [
            pool
            for pool, platform in self._made.pools.items()
            if group.os in (None, platform.os)
            and (group.arch is None or Platform(platform.os, group.arch).architecture == platform.architecture)
            and (group.node is None or self._made.node_pools[group.node] == pool)
        ]
        if not fitting:
            wanted = "/".join(filter(None, (group.os, group.arch)))
            raise InputError(f"{title} wants nodes of {wanted}, which there are not; `on` overrules it", location)
        return None if len(fitting) == len(self._made.pools) else fitting

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
            for name, own_pool in self._made.node_pools.items()
            if (node is None or name == node) and (pool is None or own_pool == pool)
        ]
        self._made.claim(names, namespace, f"DaemonSet {group.name}", route)
        self._made.daemon_sets.append(daemon_set)


def _unknown_readiness(groups: Sequence[PodGroup]) -> Iterator[str]:
    """Yield a warning with the objects whose probes a manifest has: what they wait for is not in it."""
    probed = [
        f"{group.kind} {group.name} ({duration_text(group.probed)})" for group in groups if group.probed is not None
    ]
    if probed:
        told = "pods are taken as ready after the initialDelaySeconds of their probes"
        yield f"{', '.join(probed)}: {told}, as a manifest does not have how long they really take: give startup.ready"
