"""Building pods, daemon sets and their owners from the Kubernetes objects of a manifest."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pullsim.errors import InputError, shown
from pullsim.formats.kubernetes.controller_labels import job_labels, relabelled
from pullsim.formats.kubernetes.cron import EPOCH
from pullsim.inputs.suggestion import did_you_mean
from pullsim.inputs.told import counts
from pullsim.scenario.builder.collector import Place, PodKind
from pullsim.scenario.builder.images import ImageUse
from pullsim.scenario.builder.node_support import unsupported_by_nodes
from pullsim.scenario.builder.pods import images_of, with_startup
from pullsim.scenario.builder.updates import UpdateError, updated_group
from pullsim.spec.cluster import DaemonSet, Owner
from pullsim.units import duration_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pullsim.errors import Location
    from pullsim.formats.kubernetes.objects import Objects
    from pullsim.formats.kubernetes.pod_group import PodGroup
    from pullsim.inputs.document import Route
    from pullsim.scenario.builder.collector import Collector
    from pullsim.scenario.model.workloads import On, Workload
    from pullsim.spec.scheduling import Scheduling

_NAMED: Final = 3  # nodes that a warning names


class ObjectBuilder:
    """Builds the pods of a scenario's manifests and traces. Keys of the workload override the fields of its objects."""

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
        made.findings.warnings += self._lacking(workload, objects.groups)
        made.findings.ignored += objects.ignored
        if workload.startup.ready is None:
            made.findings.warnings += _unknown_readiness(objects.groups)
        updated = self._updated(workload, objects.groups, route)
        for written in objects.groups:
            group = self._admitted(written, workload, route)
            own = workload
            if group.begins or group.lives is not None:
                own = workload.model_copy(update={"at": workload.at + group.begins, "lives": group.lives})
            if group.kind == "CronJob":
                self._add_jobs(group, own, route)
            else:
                self._add_group(group, own, route, updated=written is updated)

    def _add_jobs(self, group: PodGroup, workload: Workload, route: Route) -> None:
        """Add the Jobs of a CronJob, each named after its minute (pkg/controller/cronjob/utils.go getJobName)."""
        horizon = group.last_job(self._horizon)
        if horizon is None:
            message = f"CronJob {group.name} never ends: give the scenario a horizon, as horizon: 24h"
            raise InputError(message, group.document.place(group.route))
        assert group.pods is not None
        for at in group.schedule.times(workload.at, horizon) if group.schedule else ():
            name = f"{group.name}-{int(EPOCH.timestamp() + at) // 60}"
            spec = replace(group.spec, scheduling=relabelled(group.spec.scheduling, job_labels(name)))
            pods = replace(group.pods, name=name)
            job = replace(group, kind="Job", name=name, spec=spec, pods=pods, schedule=None)
            self._add_group(job, workload.model_copy(update={"at": at}), route, updated=False, made_by=group.name)

    def _updated(self, workload: Workload, groups: Sequence[PodGroup], route: Route) -> PodGroup | None:
        """Return the object that the workload's update changes; None: there is no update, or an error was added."""
        if workload.update is None:
            return None
        try:
            return updated_group(workload.update, groups)
        except UpdateError as error:
            self._made.findings.error(str(error), *route, "update", *filter(None, (error.key,)))
            return None

    def _admitted(self, group: PodGroup, workload: Workload, route: Route) -> PodGroup:
        """Return an object with its pods as the API server stores them; collect their images, errors and warnings.

        The workload's ``on`` overrides the object's own selectors. Raises InputError.
        """
        made, title = self._made, f"{group.kind} {group.name}"
        spec = made.admission.admit(group.spec, group.classes)
        spec = replace(spec, scheduling=self._scheduling(spec.scheduling, title, workload))
        spec = with_startup(spec, workload, group.probed)
        name = next(iter(group.pods or ()), group.name)
        for wrong, text in made.admission.violations(name, spec, group.classes, group.image_volumes):
            where = group.document.own_route((*group.pod_route, *wrong))
            made.findings.errors.append(InputError(f"{title}: {text}", group.document.place(where)))
        if unknown := made.admission.unknown_priority(group.classes):
            made.told.about(title, unknown)
        given = self._given(group, workload)
        made.warn_of_places(title, spec.scheduling, given, each=group.pods is None)
        uses = made.uses_of(spec.scheduling, given)
        made.uses += (
            ImageUse(image, uses, (*route, workload.file_key), _place(group, image))
            for image in images_of(spec)
            if image
        )
        for text in unsupported_by_nodes(spec, made.nodes, uses):
            made.told.about(title, text)
        return replace(group, spec=spec)

    def _add_group(
        self, group: PodGroup, workload: Workload, route: Route, *, updated: bool, made_by: str | None = None
    ) -> None:
        """Add the pods of a Kubernetes object that was admitted; ``made_by``: the CronJob of a Job."""
        made, spec = self._made, group.spec
        namespace = group.namespace or workload.namespace
        given = self._given(group, workload)
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
            owner = made.own(new, spec, rolled, route, group.strategy)
        if group.pods is None:
            self._add_daemon_set(group, namespace, given, owner, workload, route)
            return
        place = made.place(spec.scheduling, given)
        kind = PodKind(made_by or group.name, namespace, spec, workload.deadline, workload.lives, owner, group.ordered)
        made.add_pods(list(group.pods), [workload.at] * len(group.pods), kind, place, route)

    def _given(self, group: PodGroup, workload: Workload) -> On | Place:
        """Return where an object's pods are held: by the workload's ``on``, or by their nodeName if there is one."""
        return workload.on or Place(node=group.node if group.node in self._made.node_pools else None)

    def _lacking(self, workload: Workload, groups: Sequence[PodGroup]) -> Iterator[str]:
        """Yield a warning if pods have nodeNames of nodes that the scenario does not have, as those of a dump do."""
        nodes = self._made.node_pools
        lacking = Counter(group.node for group in groups if group.node is not None and group.node not in nodes)
        if not lacking or workload.on is not None:
            return
        names = [shown(name) for name in sorted(lacking)]
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        more += did_you_mean(min(lacking), nodes) if len(names) == 1 else ""
        kinds = Counter(group.kind for group in groups if group.node in lacking)
        yield (
            f"{workload.file}: nodeName of {counts(kinds)}: there is no node {', '.join(names[:_NAMED])}{more}: "
            "they go where the scheduler puts them; `on` says where, and `pullsim init` makes pools of nodes"
        )

    def _scheduling(self, scheduling: Scheduling, title: str, workload: Workload) -> Scheduling:
        """Return the constraints of an object's pods, without those that ``on`` overrules or no node can tell."""
        if workload.on is not None and scheduling.required_nodes != ():
            scheduling = replace(scheduling, node_selector=(), required_nodes=None)
        known, texts = self._made.fitting.known(scheduling)
        for text in texts:
            self._made.told.about(title, text)
        return known

    def _add_daemon_set(
        self,
        group: PodGroup,
        namespace: str,
        place: On | Place,
        owner: int | None,
        workload: Workload,
        route: Route,
    ) -> None:
        node, pool = place.node, place.pool
        daemon_set = DaemonSet(
            group.name,
            namespace,
            group.spec,
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


def _place(group: PodGroup, image: str) -> Location:
    """Return the place in the file where a pod of an object first names an image; else that of the object."""
    spec = group.spec
    named: list[tuple[str, Route]] = [
        *((each.image, ("initContainers", n, "image")) for n, each in enumerate(spec.init_containers)),
        *((each.image, ("containers", n, "image")) for n, each in enumerate(spec.containers)),
        *(
            (each.image, ("volumes", n, "image", "reference"))
            for n, each in zip(group.image_volumes, spec.image_volumes, strict=False)
        ),
    ]
    route = next((below for name, below in named if name == image), None)
    return group.document.place(group.route if route is None else (*group.pod_route, *route))
