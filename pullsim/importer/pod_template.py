"""The pod of a workload as a scenario has it: images, requests and constraints of a Pod or a pod template.

What belongs to one pod only is taken off (hashes in labels, the node that a DaemonSet's pod was made for), and so is
what the scenario would refuse: the notes say it, by kind, with a count.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from pullsim.errors import InputError
from pullsim.formats.kubernetes.classes import SYSTEM_PRIORITIES
from pullsim.formats.kubernetes.item import Item
from pullsim.formats.kubernetes.resources import check_name, parse_amount
from pullsim.formats.kubernetes.scheduling import read_scheduling
from pullsim.inputs.document import Document
from pullsim.inputs.fields import at, entries, labels, mapping, text, whole
from pullsim.oci.reference import default_pull_policy
from pullsim.scenario.model.placement import check_label
from pullsim.scenario.model.workloads import PodTemplate

if TYPE_CHECKING:
    from pullsim.importer.notes import Notes
    from pullsim.spec.scheduling import Scheduling

#: Labels that a controller gives to one pod, or to those of one template.
_PER_POD: Final = (
    "pod-template-hash", "rollouts-pod-template-hash", "controller-revision-hash", "pod-template-generation",
    "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index", "controller-uid", "job-name",
    "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name", "batch.kubernetes.io/job-completion-index",
)  # fmt: skip
#: The name of an object (apimachinery, pkg/util/validation, IsDNS1123Subdomain).
_DNS: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_POLICIES: Final = ("Always", "IfNotPresent", "Never")
_HOST: Final = "kubernetes.io/hostname"
_LOST: Final = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
_LAST_PORT: Final = 65_535
#: Fields with constraints, which are left out one by one as long as the pod is refused.
_CONSTRAINTS: Final = (
    "affinity",
    "topologySpreadConstraints",
    "tolerations",
    "nodeSelector",
    "priority",
    "resources",
    "overhead",
)


def scenario_pod(template: dict[str, Any], title: str, notes: Notes) -> dict[str, Any] | None:
    """Return the pod of a scenario for a Pod or a pod template; None for one without containers."""
    spec = mapping(template, "spec")
    volumes = _image_volumes(spec)
    names = [text(volume, "name") for volume in volumes]
    network = at(spec, "hostNetwork") is True
    containers = [each for entry in entries(spec, "containers") if (each := _container(entry, names, network=network))]
    if not containers:
        return None
    pod: dict[str, Any] = {"containers": containers}
    if inits := [
        _init(each, entry)
        for entry in entries(spec, "initContainers")
        if (each := _container(entry, names, network=network))
    ]:
        pod["initContainers"] = inits
    if volumes:
        pod["volumes"] = volumes
    if secrets := [name for each in entries(spec, "imagePullSecrets") if _DNS.fullmatch(name := text(each, "name"))]:
        pod["imagePullSecrets"] = list(dict.fromkeys(secrets))
    if resources := _resources(mapping(spec, "resources")):
        pod["resources"] = resources
    if overhead := _amounts(mapping(spec, "overhead")):
        pod["overhead"] = overhead
    pod |= _placement(template, spec, notes)
    if at(spec, "runtimeClassName"):
        notes.left_out["pods' runtimeClassName: they run with the default handler"] += 1
    if at(spec, "ephemeralContainers"):
        notes.left_out["ephemeral containers, with which no pod is created"] += 1
    if entries(spec, "schedulingGates"):
        notes.tally("workload", "with scheduling gates, which are taken as open", title)
    return _valid(pod, title, notes)


def images_of(pod: dict[str, Any]) -> list[str]:
    """Return the images of a scenario's pod, in the order in which the kubelet needs them, each once."""
    found = [text(volume, "image", "reference") for volume in entries(pod, "volumes")]
    found += [text(each, "image") for each in (*entries(pod, "initContainers"), *entries(pod, "containers"))]
    return list(dict.fromkeys(filter(None, found)))


def scheduling_of(pod: dict[str, Any]) -> Scheduling:
    """Return what the scheduler reads of a scenario's pod. Raises InputError for what it refuses."""
    own = tuple(sorted(labels(pod, "labels").items()))
    return read_scheduling(Item(pod, Document("pod", pod), ()), own, lambda _: None)


def _container(entry: dict[str, Any], volumes: list[str], *, network: bool) -> dict[str, Any] | None:
    """Return a container of a scenario; None for one that the API refuses. ``network``: whether it has the node's."""
    name, image = text(entry, "name"), text(entry, "image")
    if not image or image != image.strip():  # which the API refuses
        return None
    container: dict[str, Any] = {"name": name or "container", "image": image}
    policy = text(entry, "imagePullPolicy")
    if policy in _POLICIES and policy != default_pull_policy(image):
        container["imagePullPolicy"] = policy
    if mounts := [
        {"name": text(each, "name")} for each in entries(entry, "volumeMounts") if text(each, "name") in volumes
    ]:
        container["volumeMounts"] = mounts
    if resources := _resources(mapping(entry, "resources")):
        container["resources"] = resources
    if ports := [port for each in entries(entry, "ports") if (port := _host_port(each, network=network))]:
        container["ports"] = ports
    return container


def _host_port(port: dict[str, Any], *, network: bool) -> dict[str, Any]:
    """Return the port of the node that a container takes; empty for one that takes none.

    With the node's network each port is one of the node (pkg/apis/core/v1/defaults.go defaultHostNetworkPorts).
    """
    number = whole(port, "hostPort") or (whole(port, "containerPort") if network else None)
    if not number or number > _LAST_PORT:
        return {}
    made: dict[str, Any] = {"hostPort": number}
    if (protocol := text(port, "protocol")) in ("UDP", "SCTP"):
        made["protocol"] = protocol
    if address := text(port, "hostIP"):
        made["hostIP"] = address
    return made


def _resources(given: dict[str, Any]) -> dict[str, Any]:
    """Return requests and limits that can be read."""
    return {kind: amounts for kind in ("requests", "limits") if (amounts := _amounts(mapping(given, kind)))}


def _amounts(given: dict[str, Any]) -> dict[str, Any]:
    return {key: each for key, each in given.items() if _is_amount(key, each)}


def _init(container: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    """Return an init container, which is a sidecar if it is restarted always."""
    return {**container, "restartPolicy": "Always"} if text(entry, "restartPolicy") == "Always" else container


def _is_amount(resource: str, value: Any) -> bool:
    try:
        check_name(resource)
        return parse_amount(resource, value) >= 0
    except ValueError:
        return False


def _image_volumes(spec: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for volume in entries(spec, "volumes"):
        name, reference = text(volume, "name"), text(volume, "image", "reference")
        if name and reference and reference == reference.strip():
            image: dict[str, Any] = {"reference": reference}
            policy = text(volume, "image", "pullPolicy")
            if policy in _POLICIES and policy != default_pull_policy(reference):
                image["pullPolicy"] = policy
            found.append({"name": name, "image": image})
    return found


def _placement(template: dict[str, Any], spec: dict[str, Any], notes: Notes) -> dict[str, Any]:
    """Return the fields that say where the pod goes, without those that only fit one node of the real cluster."""
    found: dict[str, Any] = {}
    own = {
        key: each
        for key, each in labels(template, "metadata", "labels").items()
        if key not in _PER_POD and _is_label(key, each)
    }
    if own:
        found["labels"] = own
    selector = labels(spec, "nodeSelector")
    if selector.pop(_HOST, None):
        notes.left_out["node selectors that name one node"] += 1
    if wrong := [key for key, each in selector.items() if not _is_label(key, each)]:
        notes.left_out["node selectors that no label can match"] += len(wrong)
        selector = {key: each for key, each in selector.items() if key not in wrong}
    if selector:
        found["nodeSelector"] = selector
    if affinity := _affinity(mapping(spec, "affinity"), notes):
        found["affinity"] = affinity
    tolerations = [
        each
        for each in entries(spec, "tolerations")
        if not (text(each, "key") in _LOST and "tolerationSeconds" in each)
    ]
    if tolerations:
        found["tolerations"] = tolerations
    if spread := entries(spec, "topologySpreadConstraints"):
        found["topologySpreadConstraints"] = spread
    priority, named = at(spec, "priority"), text(spec, "priorityClassName")
    if named in SYSTEM_PRIORITIES:
        found["priorityClassName"] = named
    elif type(priority) is int and priority and -(2**31) <= priority < 2**31:
        found["priority"] = priority
    return found


def _affinity(affinity: dict[str, Any], notes: Notes) -> dict[str, Any]:
    """Return the affinity without terms that name nodes: those of a DaemonSet's pods, and of hand-made pods."""
    required = entries(affinity, "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
    kept = []
    for term in required:
        expressions = [each for each in entries(term, "matchExpressions") if text(each, "key") != _HOST]
        if len(expressions) != len(entries(term, "matchExpressions")):
            notes.left_out["node affinities that name one node"] += 1
        if expressions:
            kept.append({"matchExpressions": expressions})
    nodes = {
        key: each
        for key, each in mapping(affinity, "nodeAffinity").items()
        if key != "requiredDuringSchedulingIgnoredDuringExecution"
    }
    if kept and len(kept) == len(required):
        nodes["requiredDuringSchedulingIgnoredDuringExecution"] = {"nodeSelectorTerms": kept}
    result = {key: each for key in ("podAffinity", "podAntiAffinity") if (each := mapping(affinity, key))}
    return {**({"nodeAffinity": nodes} if nodes else {}), **result}


def _is_label(key: str, value: str) -> bool:
    try:
        check_label(key, value)
    except ValueError:
        return False
    return True


def _valid(pod: dict[str, Any], title: str, notes: Notes) -> dict[str, Any] | None:
    """Return the pod as a scenario takes it: without a constraint that is refused; None if nothing helps."""
    left = dict(pod)
    problem = _problem(left)
    if problem:
        for key in _CONSTRAINTS:
            alone = {"containers": [{"name": "c", "image": "i"}], key: left.get(key)}
            if key in left and _problem(alone):
                notes.left_out[f"{key} of pods that cannot be read"] += 1
                notes.warn(f"{title}: its {key} is left out: {_problem(alone)}")
                del left[key]
        for container in (*entries(left, "containers"), *entries(left, "initContainers")):
            if "resources" in container and _problem({"containers": [{**container, "name": "c", "volumeMounts": []}]}):
                notes.warn(f"{title}: the resources of a container are left out: {problem}")
                del container["resources"]
        problem = _problem(left)
    if problem:
        notes.warn(f"{title} is left out: {problem}")
        return None
    return left


def _problem(pod: dict[str, Any]) -> str:
    """Return why a scenario refuses a pod; empty if it takes it."""
    try:
        PodTemplate.model_validate(pod)
        scheduling_of(pod)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    except InputError as error:
        return error.message
    return ""
