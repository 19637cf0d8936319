"""Reading files of Kubernetes objects, whose pods become workloads of a scenario.

The kinds that are read are Pod, Deployment, ReplicaSet, StatefulSet, DaemonSet, Job, CronJob, RuntimeClass,
PriorityClass, Secret and ServiceAccount, in YAML (with several documents), in JSON, or in a List as ``kubectl get -o
json`` prints it. Objects of other kinds whose pod templates are found by their shape have pods as a ReplicaSet has; all
others, and objects whose owner is in the same file, are skipped and listed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from pullsim.errors import InputError, InputErrors
from pullsim.formats.kubernetes.classes import read_class_names, read_priority_class, read_runtime_class
from pullsim.formats.kubernetes.controller_labels import with_controller_labels
from pullsim.formats.kubernetes.cron import Schedule
from pullsim.formats.kubernetes.item import Item
from pullsim.formats.kubernetes.pod import RUN_ANNOTATION, image_volume_indexes, pod_spec
from pullsim.formats.kubernetes.pod_group import PodGroup, PodNames
from pullsim.formats.kubernetes.pod_status import why_not_wanted
from pullsim.formats.kubernetes.pod_templates import pod_templates
from pullsim.formats.kubernetes.probes import initial_delay
from pullsim.formats.kubernetes.pull_secrets import read_secret, read_service_account
from pullsim.formats.kubernetes.scheduling import read_scheduling
from pullsim.formats.kubernetes.selectors import read_labels
from pullsim.formats.kubernetes.strategy import read_strategy
from pullsim.formats.recognise import in_place_of_manifest
from pullsim.inputs.document import Document, read_documents
from pullsim.inputs.fields import mapping
from pullsim.inputs.suggestion import did_you_mean
from pullsim.inputs.told import Told, counts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from pullsim.formats.kubernetes.classes import PriorityClass, RuntimeClass
    from pullsim.formats.kubernetes.pod_templates import FoundTemplate
    from pullsim.inputs.document import Route
    from pullsim.spec.cluster import PodSpec
    from pullsim.spec.credentials import Secret, ServiceAccount
    from pullsim.spec.scheduling import Labels

_WITHOUT_PODS: Final = ("Pod", "List", "RuntimeClass", "PriorityClass", "Secret", "ServiceAccount")
_WITH_TEMPLATE: Final = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob")
#: The fields of a workload that are read.
_WORKLOAD_FIELDS: Final = ("template", "replicas", "parallelism", "completions", "podManagementPolicy", "ordinals")
#: Kinds without pods of their own that can keep pods from a node, or change what they request.
_LIMITING: Final = ("ResourceQuota", "LimitRange")


@dataclass(slots=True)
class Objects:
    """The content of a file of Kubernetes objects."""

    file: str  # its name
    groups: list[PodGroup] = field(default_factory=list)
    runtime_classes: dict[str, RuntimeClass] = field(default_factory=dict)
    priority_classes: dict[str, PriorityClass] = field(default_factory=dict)
    secrets: list[Secret] = field(default_factory=list)
    service_accounts: list[ServiceAccount] = field(default_factory=list)
    told: Told = field(default_factory=Told)
    left_out: Counter[str] = field(default_factory=Counter)  # objects that are not simulated, by kind or reason
    ignored: list[str] = field(default_factory=list)  # the same objects with their places, and those made by others

    @property
    def warnings(self) -> list[str]:
        """What may surprise, each once: what is not simulated of objects, and which objects are not at all."""
        left_out = [f"{self.file}: left out, as not simulated: {counts(self.left_out)}"] if self.left_out else []
        return [*self.told.lines(), *left_out]


def read_objects(path: Path, namespace: str = "default") -> Objects:
    """Read a file of Kubernetes objects. Raises InputErrors with all errors of the file.

    ``namespace`` is the namespace of secrets and service accounts that do not have one.
    """
    documents = read_documents(path)
    if wrong := in_place_of_manifest([document.tree for document in documents], str(path)):
        raise InputError(wrong, documents[0].place(()))
    items = [item for document in documents for item in _items(document, document.tree, ())]
    if not items:
        raise InputErrors([InputError("the file has no Kubernetes objects", Document(str(path), None).place(()))])
    return objects_of(items, path.name, namespace)


def objects_of(items: Sequence[Item], file: str, namespace: str = "default") -> Objects:
    """Read objects that a file of this name has. Raises InputErrors with all errors of them."""
    present = {(item.value.get("kind"), item.name) for item in items}
    objects, errors = Objects(file), []
    for item in items:
        try:
            _read_object(item, present, objects, namespace)
        except InputError as error:
            errors.append(error)
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
    if kind in ("RuntimeClass", "PriorityClass"):
        _read_class(item, kind, title, objects)
        return
    if kind == "Secret":
        secret = read_secret(item, namespace)
        if secret.error is not None:
            objects.told.about(title, f"{secret.error}: containers with it do not start")
        objects.secrets.append(secret)
        return
    if kind == "ServiceAccount":
        objects.service_accounts.append(read_service_account(item, namespace))
        return
    if kind != "Pod" and kind not in _WITH_TEMPLATE:
        if shaped := list(pod_templates(item.value)):
            if _is_made(item, title, present, objects):
                return
            hint = did_you_mean(kind, [*_WITHOUT_PODS, *_WITH_TEMPLATE])
            objects.told.about(title, f"its pods are simulated as those of a ReplicaSet, by its pod template{hint}")
            for each in shaped:
                _read_shaped(item, each, f"{item.name}-{each.part}" if len(shaped) > 1 else item.name, objects)
            return
        if "items" in item.value:
            hint = did_you_mean(kind, [*_WITHOUT_PODS, *_WITH_TEMPLATE])
            objects.told.about(title, f"this kind is not simulated, nor are its pods{hint}")
        elif kind in _LIMITING:
            objects.told.about(title, "this kind is not simulated: it neither refuses pods nor changes them")
        else:
            objects.left_out[kind] += 1
        objects.ignored.append(f"{item.document.place(item.route)}: {title}")
        return
    if _is_made(item, title, present, objects):
        return
    if kind == "Pod" and (reason := why_not_wanted(item.value)):
        objects.left_out[reason] += 1
        objects.ignored.append(f"{item.document.place(item.route)}: {title}, one of the {reason}")
        return
    metadata = item.mapping("metadata")
    name = metadata.text("name") or (metadata.text("generateName", "") or "") + "00000"
    if name == "00000":
        metadata.fail("name is missing")
    workload = item.mapping("spec", "jobTemplate", "spec") if kind == "CronJob" else item.mapping("spec")
    if kind != "Pod":
        workload.check_spelling(_WORKLOAD_FIELDS)
    template = item if kind == "Pod" else workload.mapping("template")
    pod = template.mapping("spec")
    claims = [claim.name or "" for claim in item.mapping("spec").items("volumeClaimTemplates")]
    spec = pod_spec(pod, template.mapping("metadata", "annotations"), claims, completes=kind in ("Job", "CronJob"))
    labels = with_controller_labels(kind, name, read_labels(template.mapping("metadata"), "labels"))
    spec = _with_scheduling(spec, pod, labels, title, objects)
    _warn_of_the_rest(pod, claims, lambda text: objects.told.about(title, text))
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
            node=pod.text("nodeName"),
            classes=read_class_names(pod),
            pod_route=pod.route,
            image_volumes=image_volume_indexes(pod),
            schedule=_schedule(item.mapping("spec")) if kind == "CronJob" else None,
            strategy=read_strategy(kind, item.mapping("spec")),
            probed=initial_delay(pod),
        )
    )


def _is_made(item: Item, title: str, present: set[tuple[Any, str | None]], objects: Objects) -> bool:
    """Whether an object is made by another one in the file, and so adds nothing to it."""
    for owner in item.mapping("metadata").items("ownerReferences"):
        if (owner.value.get("kind"), owner.value.get("name")) in present:
            objects.ignored.append(f"{item.document.place(item.route)}: {title}, made by {owner.value['kind']}")
            return True
    return False


def _with_scheduling(spec: PodSpec, pod: Item, labels: Labels, title: str, objects: Objects) -> PodSpec:
    return replace(spec, scheduling=read_scheduling(pod, labels, lambda text: objects.told.about(title, text)))


def _read_shaped(item: Item, found: FoundTemplate, name: str | None, objects: Objects) -> None:
    """Add the pods of an object whose kind is not known, but whose pod template is.

    Operators' kinds (Rollout, JobSet, InferenceService) differ in what else they do; all replace pods that are lost.
    """
    if not name:
        item.fail("name is missing")
    pod = Item(found.template["spec"], item.document, (*item.route, *found.route))
    metadata = Item(mapping(found.template, "metadata"), item.document, (*pod.route[:-1], "metadata"))
    spec = pod_spec(pod, metadata.mapping("annotations"))
    title = f"{item.value['kind']} {name}"
    spec = _with_scheduling(spec, pod, read_labels(metadata, "labels"), title, objects)
    objects.groups.append(
        PodGroup(
            kind="ReplicaSet",
            name=name,
            namespace=item.mapping("metadata").text("namespace"),
            spec=spec,
            pods=PodNames(name, 1 if found.pods is None else found.pods),
            ordered=False,
            document=item.document,
            route=item.route,
            classes=read_class_names(pod),
            pod_route=pod.route,
            image_volumes=image_volume_indexes(pod),
            probed=initial_delay(pod),
        )
    )


def _read_class(item: Item, kind: str, title: str, objects: Objects) -> None:
    """Read a RuntimeClass or a PriorityClass, and add it to the objects."""
    known: dict[str, Any]
    if kind == "RuntimeClass":
        known = objects.runtime_classes
        new: Any = read_runtime_class(item, title, lambda text: objects.told.about(title, text))
    else:
        known, new = objects.priority_classes, read_priority_class(item)
    if known.setdefault(item.name or "", new) != new:
        item.fail(f"{title} is in the file already, with other values")


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
            objects.told.about(title, f"{what}: the annotation {RUN_ANNOTATION} says how long they run")
        count = 0 if spec.value.get("suspend") is True else min(count, completions)
    return PodNames(name, count)


def _warn_of_the_rest(pod: Item, claims: Sequence[str], warn: Callable[[str], None]) -> None:
    """Warn of what in a pod's spec is not simulated and can change what is pulled where."""
    volumes = pod.items("volumes")
    if claims or any(volume.value.get(kind) for volume in volumes for kind in ("persistentVolumeClaim", "ephemeral")):
        warn("volumes do not restrict where its pods go, as those of a zone or of a node would")
    if pod.value.get("ephemeralContainers"):
        warn("ephemeralContainers are left out: no pod is created with any")
