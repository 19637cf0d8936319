"""Workloads by owner: how many pods each wants, of which template, and in which pools they are now.

Controllers that were read say how many replicas they want. Of others the pods that run or wait are counted; the
Deployment above a ReplicaSet is told by the hash of the template. Two templates of one owner alive are a rollout.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pullsim.importer.fields import at, entries, mapping, text, whole
from pullsim.importer.nodes import is_virtual
from pullsim.importer.owners import Owner, owner_of, why_no_replica
from pullsim.importer.pod_template import scenario_pod
from pullsim.importer.pod_templates import pod_templates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pullsim.importer.inventory import Found, Inventory
    from pullsim.importer.notes import Notes

#: Kinds that have pod templates and are no workload of a cluster, or whose pods another kind wants.
_NO_WORKLOADS: Final = (
    "Pod",
    "ReplicaSet",
    "PodTemplate",
    "ControllerRevision",
    "Node",
    "Event",
    "CustomResourceDefinition",
    "Secret",
    "ConfigMap",
    "NodePool",
)
_BARE: Final = re.compile(r"(sha256:)?[0-9a-f]{64}")
_HOOK: Final = "helm.sh/hook"
_MOST: Final = 100_000  # pods of one workload


@dataclass(slots=True)
class Workload:
    """Pods of one template of one owner."""

    owner: Owner
    name: str
    count: int
    pod: dict[str, Any]
    file: str
    nodes: Counter[str] = field(default_factory=Counter)  # pods by the cluster's node; "" for pods without one
    remarks: list[str] = field(default_factory=list)
    failing: bool = False  # whether none of its pods could get its images

    @property
    def daemon(self) -> bool:
        """Whether it has a pod on every node that it fits."""
        return self.owner.kind == "DaemonSet"


def make_workloads(inventory: Inventory, notes: Notes) -> list[Workload]:
    """Return the workloads of pods and controllers, by kind, namespace and name."""
    pods: dict[Owner, list[Found]] = defaultdict(list)
    for pod in inventory.of_kind("Pod"):
        if reason := why_no_replica(pod):
            owner = owner_of(pod, inventory)
            notes.left_out[f"{reason}, of {owner}" if owner.kind in ("Job", "CronJob") else reason] += 1
        elif reason := _nothing_to_pull(pod, inventory):
            notes.left_out[reason] += 1
        elif _HOOK in pod.annotations:
            notes.left_out["hooks of Helm, which are of no rollout"] += 1
        else:
            pods[owner_of(pod, inventory)].append(pod)
    controllers = _controllers(inventory, notes)
    found: list[Workload] = []
    for owner, templates in controllers.items():
        mine = {
            each: pods.pop(each)
            for each in sorted(pods)
            if (each.kind, each.namespace, each.name) == (owner.kind, owner.namespace, owner.name)
        }
        found += _of_controller(owner, templates, mine, notes)
    found += _of_pods(pods, notes)
    _distinct_names(found)
    # Those that lack nodes now are last, so that the others get theirs.
    return sorted(found, key=lambda each: (bool(each.nodes[""]), each.owner, each.name))


def _nothing_to_pull(pod: Found, inventory: Inventory) -> str:
    """Return why a pod pulls nothing that a name could tell; empty if it does."""
    node = inventory.get("Node", "default", text(pod.value, "spec", "nodeName"))
    if node is not None and is_virtual(node):
        return "pods on virtual kubelets, which pull nothing"
    images = [text(each, "image") for each in entries(pod.value, "spec", "containers")]
    return "pods whose image is a bare ID, which no registry has" if any(map(_BARE.fullmatch, images)) else ""


@dataclass(frozen=True, slots=True)
class _Template:
    """A template of a controller: its pods, None where it does not say, and what it is called among several."""

    template: dict[str, Any]
    pods: int | None
    part: str
    found: Found


def _controllers(inventory: Inventory, notes: Notes) -> dict[Owner, list[_Template]]:
    """Return the templates of all controllers that were read and are not another one's."""
    made: dict[Owner, list[_Template]] = {}
    scaled = {
        (
            text(hpa.value, "spec", "scaleTargetRef", "kind"),
            hpa.namespace,
            text(hpa.value, "spec", "scaleTargetRef", "name"),
        ): hpa
        for hpa in inventory.of_kind("HorizontalPodAutoscaler", "ScaledObject")
    }
    for (kind, namespace, name), found in sorted(inventory.objects.items(), key=lambda each: each[0]):
        templates = [] if kind in _NO_WORKLOADS else list(pod_templates(found.value))
        if not templates:
            _without_template(kind, found, notes)
            continue
        if _HOOK in found.annotations:
            notes.left_out["hooks of Helm, which are of no rollout"] += 1
        elif kind == "Job" and _ended(found.value):
            notes.left_out["Jobs that have ended"] += 1
        elif at(found.value, "spec", "suspend") is True:
            notes.left_out[f"{kind}s that are suspended"] += 1
        elif not _owned(found, inventory):
            hpa = scaled.get((kind, namespace, name))
            owner = Owner(kind, namespace, name)
            made[owner] = [
                _Template(
                    each.template,
                    _replicas(each.pods, found, hpa, notes),
                    each.part if len(templates) > 1 else "",
                    found,
                )
                for each in templates
            ]
    for found in inventory.of_kind("ReplicaSet", "ReplicationController"):  # those that are nobody's
        if not entries(found.value, "metadata", "ownerReferences") and whole(found.value, "spec", "replicas"):
            for each in pod_templates(found.value):
                kind = text(found.value, "kind")
                made[Owner(kind, found.namespace, found.name)] = [_Template(each.template, each.pods, "", found)]
    return made


def _without_template(kind: str, found: Found, notes: Notes) -> None:
    """Say of a controller that refers to a template elsewhere that it is left out."""
    reference = mapping(found.value, "spec", "workloadRef")
    if reference:
        notes.warn(
            f"{kind} {found.name}: its template is that of {text(reference, 'kind')} {text(reference, 'name')} "
            "(workloadRef): if that was not given, its pods are left out"
        )
    elif kind == "InferenceService":
        uri = text(found.value, "spec", "predictor", "model", "storageUri")
        notes.warn(
            f"InferenceService {found.name} is left out: its ServingRuntime names the image"
            + (f"; {uri} is an image of its own" if uri.startswith("oci://") else "")
        )
        notes.left_out["InferenceServices without an image"] += 1


def _owned(found: Found, inventory: Inventory) -> bool:
    """Whether an object is made by another one that was read and has a template itself."""
    return any(
        inventory.get(text(each, "kind"), found.namespace, text(each, "name")) is not None
        for each in entries(found.value, "metadata", "ownerReferences")
    )


def _ended(job: dict[str, Any]) -> bool:
    done = any(
        text(each, "type") in ("Complete", "Failed") and text(each, "status") == "True"
        for each in entries(job, "status", "conditions")
    )
    return done or bool(at(job, "status", "completionTime"))


def _replicas(pods: int | None, found: Found, hpa: Found | None, notes: Notes) -> int | None:
    """Return how many pods a template has: as the object says, as its autoscaler does at the least, or not known."""
    kind, title = text(found.value, "kind"), f"{text(found.value, 'kind')} {found.name}"
    if kind == "CronJob":
        inner = mapping(found.value, "spec", "jobTemplate", "spec")
        pods = whole(inner, "parallelism")
        notes.warn(f"{title}: the pods of one of its runs are in the scenario, as if it began at 0")
        return 1 if pods is None else pods
    if kind == "DaemonSet":
        wanted = whole(found.value, "status", "desiredNumberScheduled")
        return wanted or None
    if pods is not None:
        if pods == 0 and kind == "InferenceService":
            notes.guess(2, f"{title} scales to zero: one pod is in the scenario", "`kubectl get pods` under load")
            return 1
        return min(pods, _MOST)
    if hpa is not None:
        least = whole(hpa.value, "spec", "minReplicas") or whole(hpa.value, "spec", "minReplicaCount") or 1
        notes.guess(
            2,
            f"{title} has the {least} replicas that its autoscaler keeps at the least",
            "`kubectl get deployments -A -o json`",
        )
        return least
    if kind != "Job":
        notes.guess(2, f"{title} does not say its replicas: 1", "`kubectl get deployments -A -o json`")
    return 1


def _of_controller(
    owner: Owner, templates: list[_Template], pods: Mapping[Owner, list[Found]], notes: Notes
) -> list[Workload]:
    """Return the workloads of a controller: its own templates, or those of its pods while a rollout is under way."""
    alive = [each for each in pods if pods[each]]
    if len(alive) > 1 and len(templates) == 1:
        return _of_pods(pods, notes)
    placed = Counter(text(pod.value, "spec", "nodeName") for each in pods.values() for pod in each)
    made = []
    for each in templates:
        count = each.pods
        if count is None and owner.kind == "DaemonSet":
            count = sum(placed.values()) or -1  # -1: one on each node that it fits
        count = 1 if count is None else count
        if count == 0:
            notes.left_out[f"{owner.kind}s with 0 replicas"] += 1
            continue
        pod = scenario_pod(each.template, f"{owner.kind} {owner.name}", notes)
        if pod is not None:
            name = f"{owner.name}-{each.part}" if each.part else owner.name
            new = Workload(owner, name, count, pod, each.found.file, placed if len(templates) == 1 else Counter())
            new.failing = _failing([pod for group in pods.values() for pod in group])
            made.append(new)
    return made


def _of_pods(pods: Mapping[Owner, list[Found]], notes: Notes) -> list[Workload]:
    """Return the workloads of pods whose controllers were not read, the templates of a rollout by age."""
    by_controller: dict[tuple[str, str, str], list[Owner]] = defaultdict(list)
    for owner in sorted(pods):
        by_controller[owner.kind, owner.namespace, owner.name].append(owner)
    found = []
    for (kind, namespace, name), owners in sorted(by_controller.items()):
        oldest = sorted(
            owners, key=lambda each: (min(text(pod.value, "metadata", "creationTimestamp") for pod in pods[each]), each)
        )
        several = len(owners) > 1 and kind not in ("JobSet", "LeaderWorkerSet", "CronJob")
        if several:
            counts = " + ".join(str(len(pods[each])) for each in oldest)
            notes.warn(
                f"{kind} {namespace}/{name}: {len(owners)} templates are alive, a rollout is under way: {counts} pods"
            )
        for position, owner in enumerate(oldest):
            mine = sorted(pods[owner], key=lambda pod: (text(pod.value, "metadata", "creationTimestamp"), pod.name))
            made = _counted(owner, mine, notes)
            if made is not None:
                if position and (several or kind in ("JobSet", "LeaderWorkerSet")):
                    made.name = f"{name}-{owner.template}"
                if several:
                    made.remarks.append(
                        f"template {owner.template}, {'new' if position else 'old'} in a rollout that is under way"
                    )
                found.append(made)
    return found


def _counted(owner: Owner, pods: list[Found], notes: Notes) -> Workload | None:
    pod = scenario_pod(pods[-1].value, f"{owner.kind} {owner.name}", notes)
    if pod is None:
        notes.left_out["pods without containers, or that cannot be read"] += len(pods)
        return None
    made = Workload(owner, owner.name, len(pods), pod, pods[0].file)
    made.nodes = Counter(text(each.value, "spec", "nodeName") for each in pods)
    made.failing = _failing(pods)
    if waiting := made.nodes[""]:
        made.remarks.append(f"{waiting} of its {len(pods)} pods have no node now")
        notes.warn(f"{owner}: {waiting} of its {len(pods)} pods have no node: {_unschedulable(pods)}")
    return made


def _unschedulable(pods: list[Found]) -> str:
    """Return what the scheduler says of the first pod without a node."""
    for pod in pods:
        for condition in entries(pod.value, "status", "conditions"):
            if text(condition, "type") == "PodScheduled" and text(condition, "status") == "False":
                return text(condition, "message") or text(condition, "reason") or "no reason is given"
    return "no reason is given"


def _failing(pods: list[Found]) -> bool:
    """Whether a container of each pod waits because its image cannot be pulled."""
    reasons = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName")
    return bool(pods) and all(
        any(
            text(status, "state", "waiting", "reason") in reasons
            for status in (
                *entries(pod.value, "status", "containerStatuses"),
                *entries(pod.value, "status", "initContainerStatuses"),
            )
        )
        for pod in pods
    )


def _distinct_names(workloads: list[Workload]) -> None:
    """Give workloads of one name and namespace different names: with the kind, then with a number."""
    taken: set[tuple[str, str]] = set()
    for each in sorted(workloads, key=lambda one: (one.owner, one.name)):
        name, number = each.name, 1
        while (each.owner.namespace, name) in taken:
            name = (
                f"{each.name}-{each.owner.kind.lower().rpartition('|')[2]}" if number == 1 else f"{each.name}-{number}"
            )
            number += 1
        each.name = name
        taken.add((each.owner.namespace, name))
