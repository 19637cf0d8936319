"""Real Kubernetes objects as workloads.

Pod, Deployment, ReplicaSet, StatefulSet, DaemonSet and Job, in YAML (several documents), JSON, or a List as
``kubectl get -o json`` prints it. Other kinds are skipped and listed, as are objects whose owner is in the file too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, NoReturn

from pullsim.cluster.spec import ContainerSpec, PodSpec
from pullsim.errors import InputError, InputErrors
from pullsim.oci.reference import default_pull_policy
from pullsim.scenario.document import Document, parse_documents, read_text
from pullsim.scenario.suggest import did_you_mean
from pullsim.units import parse_duration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pullsim.scenario.document import Route

RUN_ANNOTATION: Final = "pullsim.io/run"
_WITH_TEMPLATE: Final = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job")
_POLICIES: Final = ("Always", "IfNotPresent", "Never")
#: The fields that are read: of a workload, a pod and a container.
_WORKLOAD_FIELDS: Final = ("template", "replicas", "parallelism", "completions", "podManagementPolicy", "ordinals")
_POD_FIELDS: Final = ("containers", "initContainers", "nodeName", "nodeSelector")
_CONTAINER_FIELDS: Final = ("image", "imagePullPolicy", "restartPolicy", "name")
#: Labels of a node selector that can be honoured.
_HOSTNAME: Final = "kubernetes.io/hostname"
_PLATFORM_LABELS: Final = {"kubernetes.io/os": "os", "kubernetes.io/arch": "arch"}
#: Fields of a pod that can change where or how it starts, and are not simulated.
_NOT_HONOURED: Final = (
    "affinity",
    "topologySpreadConstraints",
    "schedulingGates",
    "runtimeClassName",
    "imagePullSecrets",
)
_DEFAULT_TOLERATIONS: Final = {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}


@dataclass(frozen=True, slots=True)
class PodGroup:
    """The pods of one object. ``pods`` are their names; None for a DaemonSet, which has one on every node."""

    kind: str
    name: str
    namespace: str | None  # None: the object does not say
    spec: PodSpec
    pods: tuple[str, ...] | None
    ordered: bool  # each pod is created when the one before it has started
    document: Document
    route: Route
    node: str | None = None
    os: str | None = None
    arch: str | None = None


@dataclass(slots=True)
class Objects:
    """What a file of Kubernetes objects holds."""

    groups: list[PodGroup] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


def read_objects(path: Path) -> Objects:
    """Read a file of Kubernetes objects. Raises InputErrors with all mistakes of the file."""
    documents = parse_documents(read_text(path), str(path))
    items = [item for document in documents for item in _items(document, document.tree, ())]
    present = {(item.value.get("kind"), item.name) for item in items}
    objects, errors = Objects(), []
    for item in items:
        try:
            _read_object(item, present, objects)
        except InputError as error:
            errors.append(error)
    if not items:
        errors.append(InputError("the file has no Kubernetes objects", Document(str(path), None).place(())))
    if errors:
        raise InputErrors(errors)
    return objects


@dataclass(frozen=True, slots=True)
class _Item:
    """A mapping in a document, and where it is."""

    value: dict[str, Any]
    document: Document
    route: Route

    def fail(self, message: str, *below: str | int) -> NoReturn:
        """Raise an InputError about what is below."""
        route = self.document.own_route((*self.route, *below))
        name = self.document.name(route)
        raise InputError(f"{name}: {message}" if name else message, self.document.place(route))

    def mapping(self, *keys: str) -> _Item:
        """Give a mapping below; an empty one where there is none."""
        item = self
        for key in keys:
            value = item.value.get(key)
            if value is not None and not isinstance(value, dict):
                item.fail(f"{key} must be a mapping", key)
            item = _Item(value or {}, self.document, (*item.route, key))
        return item

    def items(self, key: str) -> list[_Item]:
        """Give the mappings of a list below; none where there is no list."""
        value = self.value.get(key)
        if value is not None and not (isinstance(value, list) and all(isinstance(entry, dict) for entry in value)):
            self.fail(f"{key} must be a list of mappings", key)
        return [_Item(entry, self.document, (*self.route, key, index)) for index, entry in enumerate(value or ())]

    def text(self, key: str, default: str | None = None) -> str | None:
        """Give a text below."""
        value = self.value.get(key)
        if value is not None and not isinstance(value, str):
            self.fail(f"{key} must be text, not {value!r}", key)
        return default if value is None else value

    def count(self, key: str, default: int) -> int:
        """Give a number of pods below."""
        value = self.value.get(key)
        if value is None:
            return default
        if type(value) is not int or not 0 <= value <= 1_000_000:
            self.fail(f"{key} must be a whole number from 0 to 1000000, not {value!r}", key)
        return value

    @property
    def name(self) -> str | None:
        """The object's name."""
        metadata = self.value.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else None
        return name if isinstance(name, str) else None


def _items(document: Document, tree: Any, route: Route) -> Iterator[_Item]:
    item = _Item(tree if isinstance(tree, dict) else {}, document, route)
    kind = item.value.get("kind")
    if not isinstance(kind, str):
        item.fail("a Kubernetes object is a mapping with apiVersion, kind and metadata")
    if kind == "List" or (kind.endswith("List") and "items" in item.value):
        for child in item.items("items"):
            if child.value.get("kind") is None:  # a PodList's items may leave out what they are
                child = _Item({"kind": kind.removesuffix("List"), **child.value}, document, child.route)  # noqa: PLW2901
            yield from _items(document, child.value, child.route)
    else:
        yield item


def _read_object(item: _Item, present: set[tuple[Any, str | None]], objects: Objects) -> None:
    kind = str(item.value["kind"])
    title = f"{kind} {item.name}" if item.name else kind
    if kind == "CronJob":
        item.fail("CronJob is part of the format but not simulated by this version: remove it (a Job is)")
    if kind != "Pod" and kind not in _WITH_TEMPLATE:
        if _has_pods(item.value):
            hint = did_you_mean(kind, ["Pod", "List", *_WITH_TEMPLATE])
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
    if kind != "Pod":
        _check_spelling(item.mapping("spec"), _WORKLOAD_FIELDS)
    template = item if kind == "Pod" else item.mapping("spec", "template")
    pod = template.mapping("spec")
    selector = _node_selector(pod, title, objects)
    objects.groups.append(
        PodGroup(
            kind=kind,
            name=name,
            namespace=metadata.text("namespace"),
            spec=_pod_spec(pod, template.mapping("metadata", "annotations")),
            pods=_pod_names(kind, name, item.mapping("spec"), title, objects),
            ordered=kind == "StatefulSet"
            and item.mapping("spec").text("podManagementPolicy", "OrderedReady") == "OrderedReady",
            document=item.document,
            route=item.route,
            node=pod.text("nodeName") or selector.get(_HOSTNAME),
            os=selector.get("kubernetes.io/os"),
            arch=selector.get("kubernetes.io/arch"),
        )
    )


def _has_pods(value: dict[str, Any]) -> bool:
    """Whether an object of an unknown kind seems to make pods."""
    spec = value.get("spec")
    template = spec.get("template") if isinstance(spec, dict) else None
    inner = template.get("spec") if isinstance(template, dict) else None
    return "items" in value or (isinstance(inner, dict) and "containers" in inner)


def _pod_names(kind: str, name: str, spec: _Item, title: str, objects: Objects) -> tuple[str, ...] | None:
    if kind == "DaemonSet":
        return None
    if kind == "Pod":
        return (name,)
    if kind == "StatefulSet":
        first = spec.mapping("ordinals").count("start", 0)
        return tuple(f"{name}-{first + n}" for n in range(spec.count("replicas", 1)))
    count = spec.count("replicas", 1)
    if kind == "Job":
        count = spec.count("parallelism", 1)
        completions = spec.count("completions", count)
        if completions > count:
            objects.warnings.append(f"{title}: only the first {count} of {completions} pods are simulated")
        count = 0 if spec.value.get("suspend") is True else min(count, completions)
    return tuple(f"{name}-{n:05d}" for n in range(count))


def _node_selector(pod: _Item, title: str, objects: Objects) -> dict[str, str]:
    """Give the labels that can be honoured; warn of everything else that matters to placement."""
    selector = {}
    for label, value in pod.mapping("nodeSelector").value.items():
        if not isinstance(value, str):
            pod.fail(f"{label} must be text, not {value!r}", "nodeSelector", label)
        if label == _HOSTNAME or label in _PLATFORM_LABELS:
            selector[label] = value
        else:
            objects.warnings.append(f"{title}: nodeSelector {label}: {value} is not simulated; use on: {{pool: …}}")
    objects.warnings += (f"{title}: {key} is not simulated" for key in _NOT_HONOURED if pod.value.get(key))
    if any(item.value.get("key") not in _DEFAULT_TOLERATIONS for item in pod.items("tolerations")):
        objects.warnings.append(f"{title}: tolerations are not simulated, nor are taints")
    if any(item.value.get("image") for item in pod.items("volumes")):
        objects.warnings.append(f"{title}: image volumes are not simulated")
    return selector


def _pod_spec(pod: _Item, annotations: _Item) -> PodSpec:
    _check_spelling(pod, _POD_FIELDS)
    if not pod.value.get("containers"):
        pod.fail("a pod needs containers", "containers")
    inits = pod.items("initContainers")
    runs = _run_times(annotations, [str(item.value.get("name")) for item in inits])
    return PodSpec(
        containers=tuple(_container(item) for item in pod.items("containers")),
        init_containers=tuple(_container(item, runs) for item in inits),
    )


def _container(item: _Item, runs: dict[str, float] | None = None) -> ContainerSpec:
    _check_spelling(item, _CONTAINER_FIELDS)
    name, image = item.text("name"), item.text("image")
    if not name:
        item.fail("a container needs a name")
    if image is None:
        item.fail("a container needs an image")
    policy = item.text("imagePullPolicy") or default_pull_policy(image)
    if policy not in _POLICIES:
        item.fail(f"imagePullPolicy {policy!r} is not one of {', '.join(_POLICIES)}", "imagePullPolicy")
    sidecar = runs is not None and item.text("restartPolicy") == "Always"
    return ContainerSpec(name, image, policy, run=(runs or {}).get(name, 0.0), sidecar=sidecar)


def _check_spelling(item: _Item, read: tuple[str, ...]) -> None:
    """Refuse a field that is nearly one that is read: it would have no effect."""
    for key in item.value:
        if key not in read and (near := get_close_matches(key, read, n=1, cutoff=0.85)):
            item.fail(f"unknown field {key!r}; did you mean {near[0]}?", key)


def _run_times(annotations: _Item, names: list[str]) -> dict[str, float]:
    """Read how long init containers run from the annotation: ``init=3s,other=10s``."""
    runs = {}
    for part in filter(None, (annotations.text(RUN_ANNOTATION) or "").split(",")):
        name, equals, duration = (piece.strip() for piece in part.partition("="))
        if not equals:
            annotations.fail(f"{part!r} is not NAME=DURATION, as in init=3s,other=10s", RUN_ANNOTATION)
        if name not in names:
            annotations.fail(f"there is no init container {name!r}{did_you_mean(name, names)}", RUN_ANNOTATION)
        try:
            runs[name] = parse_duration(duration)
        except ValueError as error:
            annotations.fail(str(error), RUN_ANNOTATION)
    return runs
