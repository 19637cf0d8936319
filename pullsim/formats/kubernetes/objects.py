"""Reading files of Kubernetes objects, whose pods become workloads of a scenario.

The kinds that are read are Pod, Deployment, ReplicaSet, StatefulSet, DaemonSet, Job, CronJob, RuntimeClass, Secret and
ServiceAccount, in YAML (with several documents), in JSON, or in a List as ``kubectl get -o json`` prints it. Objects of
other kinds, and objects whose owner is in the same file, are skipped and listed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pullsim.errors import InputError, InputErrors, shown
from pullsim.formats.kubernetes.cron import Schedule
from pullsim.formats.kubernetes.item import Item
from pullsim.formats.kubernetes.pod import RUN_ANNOTATION, image_volume_indexes, pod_spec
from pullsim.formats.kubernetes.probes import initial_delay
from pullsim.formats.kubernetes.pull_secrets import read_secret, read_service_account
from pullsim.formats.kubernetes.strategy import Strategy, read_strategy
from pullsim.inputs.document import Document, read_documents
from pullsim.inputs.suggestion import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pullsim.inputs.document import Route
    from pullsim.spec.cluster import PodSpec
    from pullsim.spec.credentials import Secret, ServiceAccount

_WITH_TEMPLATE: Final = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob")
#: The fields of a workload that are read.
_WORKLOAD_FIELDS: Final = ("template", "replicas", "parallelism", "completions", "podManagementPolicy", "ordinals")
#: The labels of a node selector that are simulated: the name of the node, and its platform.
_HOSTNAME: Final = "kubernetes.io/hostname"
_PLATFORM_LABELS: Final = {"kubernetes.io/os": "os", "kubernetes.io/arch": "arch"}
#: Fields of a pod that can change where or how it starts and that are not simulated: they are warned of.
_NOT_HONOURED: Final = (
    "affinity",
    "topologySpreadConstraints",
    "schedulingGates",
)
_DEFAULT_TOLERATIONS: Final = {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}


@dataclass(frozen=True, slots=True)
class PodNames:
    """The names of an object's pods, which are produced on demand: a short file may ask for a million pods."""

    name: str
    count: int = 1
    first: int | None = None  # the ordinal of a StatefulSet's first pod; None: the object is no StatefulSet
    single: bool = False  # whether the object is a Pod, which has its own name

    def __len__(self) -> int:
        """Return the number of names."""
        return self.count

    def __iter__(self) -> Iterator[str]:
        """Yield the names."""
        for number in range(self.count):
            if self.single:
                yield self.name
            else:
                yield f"{self.name}-{number:05d}" if self.first is None else f"{self.name}-{self.first + number}"


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
    node: str | None = None
    os: str | None = None
    arch: str | None = None
    runtime_class: str | None = None
    pod_route: Route = ()  # the route of the pod's spec in the document
    image_volumes: tuple[int, ...] = ()  # indices of image volumes in the pod's list of volumes
    completions: int | None = None  # spec.completions of a Job whose pods complete
    schedule: Schedule | None = None  # when a CronJob creates Jobs; the other fields then describe each Job
    strategy: Strategy = field(default_factory=Strategy)
    probed: float | None = None  # seconds that its probes keep a pod from being ready at the least; None: it has none


@dataclass(slots=True)
class Objects:
    """The content of a file of Kubernetes objects."""

    groups: list[PodGroup] = field(default_factory=list)
    runtime_classes: dict[str, str] = field(default_factory=dict)  # the handler of each RuntimeClass, by its name
    secrets: list[Secret] = field(default_factory=list)
    service_accounts: list[ServiceAccount] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


def read_objects(path: Path, namespace: str = "default") -> Objects:
    """Read a file of Kubernetes objects. Raises InputErrors with all errors of the file.

    ``namespace`` is the namespace of secrets and service accounts that do not have one.
    """
    documents = read_documents(path)
    items = [item for document in documents for item in _items(document, document.tree, ())]
    present = {(item.value.get("kind"), item.name) for item in items}
    objects, errors = Objects(), []
    for item in items:
        try:
            _read_object(item, present, objects, namespace)
        except InputError as error:
            errors.append(error)
    if not items:
        errors.append(InputError("the file has no Kubernetes objects", Document(str(path), None).place(())))
    if errors:
        raise InputErrors(errors)
    return objects


def _items(document: Document, tree: Any, route: Route) -> Iterator[Item]:
    item = Item(tree if isinstance(tree, dict) else {}, document, route)
    kind = item.value.get("kind")
    if not isinstance(kind, str):
        item.fail("a Kubernetes object is a mapping with apiVersion, kind and metadata")
    if kind == "List" or (kind.endswith("List") and "items" in item.value):
        for child in item.items("items"):
            if child.value.get("kind") is None:  # the items of a PodList need not have a kind
                child = Item({"kind": kind.removesuffix("List"), **child.value}, document, child.route)  # noqa: PLW2901
            yield from _items(document, child.value, child.route)
    else:
        yield item


def _read_object(item: Item, present: set[tuple[Any, str | None]], objects: Objects, namespace: str) -> None:
    kind = str(item.value["kind"])
    title = f"{kind} {item.name}" if item.name else kind
    if kind == "RuntimeClass":
        _read_runtime_class(item, title, objects)
        return
    if kind == "Secret":
        secret = read_secret(item, namespace)
        if secret.error is not None:
            objects.warnings.append(f"{title}: {secret.error}: containers with it do not start")
        objects.secrets.append(secret)
        return
    if kind == "ServiceAccount":
        objects.service_accounts.append(read_service_account(item, namespace))
        return
    if kind != "Pod" and kind not in _WITH_TEMPLATE:
        if _has_pods(item.value):
            hint = did_you_mean(kind, ["Pod", "List", "RuntimeClass", "Secret", "ServiceAccount", *_WITH_TEMPLATE])
            objects.warnings.append(f"{title}: this kind is not simulated, nor are its pods{hint}")
        objects.ignored.append(f"{item.document.place(item.route)}: {title}")
        return
    metadata = item.mapping("metadata")
    for owner in metadata.items("ownerReferences"):
        if (owner.value.get("kind"), owner.value.get("name")) in present:
            objects.ignored.append(f"{item.document.place(item.route)}: {title}, made by {owner.value['kind']}")
            return
    name = metadata.text("name") or (metadata.text("generateName", "") or "") + "00000"
    if name == "00000":
        metadata.fail("name is missing")
    workload = item.mapping("spec", "jobTemplate", "spec") if kind == "CronJob" else item.mapping("spec")
    if kind != "Pod":
        workload.check_spelling(_WORKLOAD_FIELDS)
    template = item if kind == "Pod" else workload.mapping("template")
    pod = template.mapping("spec")
    selector = _node_selector(pod, title, objects)
    claims = [claim.name or "" for claim in item.mapping("spec").items("volumeClaimTemplates")]
    spec = pod_spec(pod, template.mapping("metadata", "annotations"), claims, completes=kind in ("Job", "CronJob"))
    completions = (
        workload.count("completions", workload.count("parallelism", 1)) if kind in ("Job", "CronJob") else None
    )
    objects.groups.append(
        PodGroup(
            kind=kind,
            name=name,
            namespace=metadata.text("namespace"),
            spec=spec,
            pods=_pod_names(kind, name, workload, title, objects, completes=spec.completes),
            completions=completions if spec.completes else None,
            ordered=kind == "StatefulSet"
            and item.mapping("spec").text("podManagementPolicy", "OrderedReady") == "OrderedReady",
            document=item.document,
            route=item.route,
            node=pod.text("nodeName") or selector.get(_HOSTNAME),
            os=selector.get("kubernetes.io/os"),
            arch=selector.get("kubernetes.io/arch"),
            runtime_class=pod.text("runtimeClassName"),
            pod_route=pod.route,
            image_volumes=image_volume_indexes(pod),
            schedule=_schedule(item.mapping("spec")) if kind == "CronJob" else None,
            strategy=read_strategy(kind, item.mapping("spec")),
            probed=initial_delay(pod),
        )
    )


def _read_runtime_class(item: Item, title: str, objects: Objects) -> None:
    """Read the handler of a RuntimeClass (node.k8s.io/v1)."""
    name, handler = item.name, item.text("handler")
    if not name:
        item.fail("a RuntimeClass needs metadata.name")
    if not handler:
        item.fail(f"{title}: handler: Required value", "handler")
    if objects.runtime_classes.setdefault(name, handler) != handler:
        item.fail(f"{title} is in the file already, with the handler {objects.runtime_classes[name]}")
    if item.value.get("scheduling"):
        objects.warnings.append(f"{title}: scheduling is not simulated; use on: {{pool: …}}")


def _schedule(spec: Item) -> Schedule | None:
    """Read the schedule of a CronJob; None: it is suspended."""
    if spec.text("concurrencyPolicy", "Allow") != "Allow":
        spec.fail("only the concurrencyPolicy Allow is simulated", "concurrencyPolicy")
    if spec.text("timeZone", "UTC") not in ("UTC", "Etc/UTC"):
        spec.fail("only the time zone UTC is simulated: a run begins on a Monday at midnight", "timeZone")
    try:
        schedule = Schedule.parse(spec.text("schedule") or "")
    except ValueError as error:
        spec.fail(str(error), "schedule")
    return None if spec.value.get("suspend") is True else schedule


def _has_pods(value: dict[str, Any]) -> bool:
    """Whether an object of an unknown kind seems to have pods: it has items, or a template with containers."""
    spec = value.get("spec")
    template = spec.get("template") if isinstance(spec, dict) else None
    inner = template.get("spec") if isinstance(template, dict) else None
    return "items" in value or (isinstance(inner, dict) and "containers" in inner)


def _pod_names(kind: str, name: str, spec: Item, title: str, objects: Objects, *, completes: bool) -> PodNames | None:
    if kind == "DaemonSet":
        return None
    if kind == "Pod":
        return PodNames(name, single=True)
    if kind == "StatefulSet":
        first = spec.mapping("ordinals").count("start", 0)
        return PodNames(name, spec.count("replicas", 1), first)
    count = spec.count("replicas", 1)
    if kind in ("Job", "CronJob"):
        count = spec.count("parallelism", 1)
        completions = spec.count("completions", count)
        if completions > count and not completes:
            what = f"only the first {count} of {completions} pods are simulated"
            objects.warnings.append(f"{title}: {what}: the annotation {RUN_ANNOTATION} says how long they run")
        count = 0 if spec.value.get("suspend") is True else min(count, completions)
    return PodNames(name, count)


def _node_selector(pod: Item, title: str, objects: Objects) -> dict[str, str]:
    """Return the labels of nodeSelector that are simulated; warn of everything else that influences placement."""
    selector = {}
    for label, value in pod.mapping("nodeSelector").value.items():
        if not isinstance(value, str):
            pod.fail(f"{label} must be text, not {shown(value)}", "nodeSelector", label)
        if label == _HOSTNAME or label in _PLATFORM_LABELS:
            selector[label] = value
        else:
            objects.warnings.append(f"{title}: nodeSelector {label}: {value} is not simulated; use on: {{pool: …}}")
    objects.warnings += (f"{title}: {key} is not simulated" for key in _NOT_HONOURED if pod.value.get(key))
    if any(item.value.get("key") not in _DEFAULT_TOLERATIONS for item in pod.items("tolerations")):
        objects.warnings.append(f"{title}: tolerations are not simulated, nor are taints")
    if pod.value.get("ephemeralContainers"):
        objects.warnings.append(f"{title}: ephemeralContainers are left out: no pod is created with any")
    return selector
