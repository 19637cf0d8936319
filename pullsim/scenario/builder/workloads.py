"""Building pods and daemon sets from the section ``workloads``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pullsim.errors import InputError, shown
from pullsim.formats.kubernetes.classes import ClassNames, RuntimeClass
from pullsim.formats.kubernetes.controller_labels import with_controller_labels
from pullsim.formats.kubernetes.item import item_at
from pullsim.formats.kubernetes.objects import Objects, read_objects
from pullsim.formats.kubernetes.resources import written
from pullsim.formats.kubernetes.scheduling import read_scheduling
from pullsim.formats.simkube.objects import read_trace_objects
from pullsim.frozen import dataclass
from pullsim.inputs.suggestion import did_you_mean
from pullsim.scenario.builder.admission import Admission
from pullsim.scenario.builder.arrivals import arrival_times
from pullsim.scenario.builder.collector import Collector, Place, PodKind
from pullsim.scenario.builder.images import ImageUse
from pullsim.scenario.builder.kinds import named_apart
from pullsim.scenario.builder.objects import ObjectBuilder
from pullsim.scenario.builder.pods import image_routes, images_of, prepull_spec, short_spec, template_spec, with_startup
from pullsim.scenario.model.workloads import Pods
from pullsim.spec.cluster import DaemonSet, Owner, Pod, Prepull
from pullsim.spec.pull_policies import Priority, Registered
from pullsim.spec.scheduling import CPU, LITTLE, MEMORY
from pullsim.streams import Streams

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from pullsim.formats.kubernetes.classes import PriorityClass
    from pullsim.inputs.document import Route
    from pullsim.inputs.findings import Findings
    from pullsim.scenario.model.placement import Placed
    from pullsim.scenario.model.scenario import ScenarioModel
    from pullsim.scenario.model.workloads import PodTemplate, Workload
    from pullsim.scenario.model.workloads import Prepull as PrepullModel
    from pullsim.spec.cluster import Node
    from pullsim.spec.credentials import Secret, ServiceAccount
    from pullsim.spec.scheduling import Scheduling


@dataclass(frozen=True, slots=True)
class Workloads:
    """All pods and daemon sets of a scenario, the images that they need, and the secrets of its manifests."""

    pods: tuple[Pod, ...]  # in the order of their creation
    daemon_sets: tuple[DaemonSet, ...]
    uses: tuple[ImageUse, ...]
    secrets: tuple[Secret, ...] = ()  # those in manifests
    service_accounts: tuple[ServiceAccount, ...] = ()
    owners: tuple[Owner, ...] = ()
    prepulls: tuple[Prepull, ...] = ()


def build_workloads(
    scenario: ScenarioModel, nodes: Sequence[Node], objects: dict[int, Objects], directory: Path, findings: Findings
) -> Workloads:
    """Build pods and daemon sets; ``objects`` is the result of `read_manifests`. Errors go to the findings."""
    admission = Admission(
        scenario.admission.always_pull_images,
        _runtime_classes(scenario, objects.values(), findings),
        _priority_classes(objects.values(), findings),
    )
    made = Collector(nodes, findings, admission, scenario.placement)
    builder = _Builder(scenario, directory, made)
    for index, workload in enumerate(scenario.workloads):
        if workload.file is not None and index not in objects:
            continue  # the file could not be read
        try:
            builder.add(workload, index, objects.get(index))
        except InputError as error:
            findings.take(error, "workloads", index)
    findings.warnings += made.told.lines()
    return Workloads(
        tuple(sorted(named_apart(made), key=lambda pod: pod.created)),
        tuple(made.daemon_sets),
        tuple(made.uses),
        tuple(made.secrets),
        tuple(made.service_accounts),
        tuple(made.owners),
        tuple(made.prepulls),
    )


def read_manifests(scenario: ScenarioModel, directory: Path, findings: Findings) -> dict[int, Objects]:
    """Read manifests and traces, by the index of their workload. Errors go to the findings."""
    objects = {}
    for index, workload in enumerate(scenario.workloads):
        if workload.file is not None:
            read = read_objects if workload.trace is None else read_trace_objects
            try:
                objects[index] = read(directory / workload.file, workload.namespace)
            except InputError as error:
                findings.take(error, "workloads", index)
    return objects


def _runtime_classes(
    scenario: ScenarioModel, objects: Iterable[Objects], findings: Findings
) -> dict[str, RuntimeClass]:
    """Return each RuntimeClass, of the scenario and its manifests, by name."""
    classes = {entry.name: RuntimeClass(entry.handler) for entry in scenario.runtime_classes}
    for each in objects:
        for name, own in each.runtime_classes.items():
            known = classes.setdefault(name, own)
            if known.handler != own.handler:
                findings.error(f"RuntimeClass {name} has the handler {known.handler} here and {own.handler} elsewhere")
            elif known != own:
                classes[name] = own  # a manifest says more than the scenario, which has handlers only
    return classes


def _priority_classes(objects: Iterable[Objects], findings: Findings) -> dict[str, PriorityClass]:
    """Return each PriorityClass of the manifests, by name."""
    classes: dict[str, PriorityClass] = {}
    for each in objects:
        for name, own in each.priority_classes.items():
            known = classes.setdefault(name, own)
            if known != own:
                findings.error(f"PriorityClass {name} has the value {known.value} here and {own.value} elsewhere")
    return classes


class _Builder:
    """Builds what the workloads of a scenario start."""

    def __init__(self, scenario: ScenarioModel, directory: Path, made: Collector) -> None:
        self._directory = directory
        self._made = made
        self._streams = Streams(scenario.seed)
        self._objects = ObjectBuilder(made, scenario.horizon)

    def add(self, workload: Workload, index: int, objects: Objects | None) -> None:
        """Collect what a workload starts; ``objects`` are those of its manifest. Raises InputError."""
        route: Route = ("workloads", index)
        self._made.check_place(workload.on, route)
        if objects is not None:
            self._check_reads(workload, {image for group in objects.groups for image in images_of(group.spec)}, route)
            self._objects.add(workload, objects, route)
            return
        name = workload.name or f"w{index}"
        if workload.prepull is not None:
            self._add_prepull(workload.prepull, name, workload, route)
            return
        if workload.pods is not None:
            short, here = workload.pods, (*route, "pods")
            spec, count = replace(short_spec(short), scheduling=self._scheduling(short, name, here)), short.count
            classes, routes = _class_names(short, short.runtime_class_name), {short.image: (*here, "image")}
        else:
            assert workload.pod is not None
            pod, here = workload.pod, (*route, "pod")
            spec, count = replace(template_spec(pod), scheduling=self._scheduling(pod, name, here)), workload.count
            classes, routes = _class_names(pod, pod.runtime_class_name), image_routes(pod, here)
        self._check_reads(workload, routes, route)
        spec = self._made.admit(name, spec, classes, here)
        self._made.warn_of_places(name, spec.scheduling, workload.on or Place())
        self._made.use(name, spec, workload.on, routes, route)
        spec = with_startup(spec, workload)
        try:
            stream = self._streams.get("arrivals", name)
            times = arrival_times(workload.arrivals, count, workload.at, stream, self._directory)
        except ValueError as error:
            self._made.findings.error(str(error), *route, "arrivals")
            return
        single = len(times) == 1 and workload.name is not None
        names = [name] if single else [f"{name}-{n:05d}" for n in range(len(times))]
        owner = self._made.own(Owner("Deployment", name, workload.namespace, len(names)), spec, workload, route)
        kind = PodKind(name, workload.namespace, spec, workload.deadline, workload.lives, owner)
        place = self._made.place(spec.scheduling, workload.on or Place())
        self._made.add_pods(names, times, kind, place, route)

    def _check_reads(self, workload: Workload, images: Collection[str], route: Route) -> None:
        """Add an error if the workload reads of an image that its pods do not have."""
        reads = workload.reads
        if reads is not None and reads.image is not None and reads.image not in images:
            hint = did_you_mean(reads.image, images)
            self._made.findings.error(f"its pods have no image {shown(reads.image)}{hint}", *route, "reads", "image")

    def _scheduling(self, pods: Pods | PodTemplate, name: str, route: Route) -> Scheduling:
        """Return what a pod of the scenario says of where it goes. Raises InputError."""
        item = item_at(self._made.findings.document, route)
        labels = with_controller_labels("Deployment", name, tuple(pods.labels.items()))
        scheduling = read_scheduling(item, labels, lambda text: self._made.told.about(name, text))
        if not isinstance(pods, Pods):
            return scheduling
        counted = {**LITTLE, **pods.requests}
        return replace(scheduling, requests=written(pods.requests), nonzero=(counted[CPU], counted[MEMORY]))

    def _add_prepull(self, prepull: PrepullModel, name: str, workload: Workload, route: Route) -> None:
        on, here = workload.on, (*route, "prepull")
        routes = {image: (*here, "images", n) for n, image in enumerate(prepull.images)}
        spec = self._made.admit(name, prepull_spec(prepull), ClassNames(own_priority=prepull.priority), (*here, "spec"))
        self._made.use(name, spec, on, routes, here)
        nodes = [
            node for node, pool in self._made.node_pools.items() if on is None or node == on.node or pool == on.pool
        ]
        self._made.claim([f"{name}-{node}" for node in nodes], workload.namespace, f"prepull {name}", route)
        if prepull.priority is not None and not any(
            isinstance(each, Priority | Registered) for node in self._made.nodes for each in node.spec.pull_policies
        ):
            self._made.findings.warnings.append(
                f"workloads[{name}].prepull.priority changes nothing: no node has the pull policy priority"
            )
        place = (None, None) if on is None else (on.pool, on.node)
        self._made.prepulls.append(
            Prepull(
                name,
                workload.namespace,
                spec,
                workload.at,
                prepull.parallelism,
                prepull.timeout,
                *place,
                back_off_limit=prepull.back_off_limit,
            )
        )


def _class_names(pods: Placed, runtime_class: str | None) -> ClassNames:
    return ClassNames(runtime_class, pods.priority_class_name, pods.priority)
