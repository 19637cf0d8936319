"""Controllers that were read: their pod templates and how many pods they want."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pullsim.formats.kubernetes.pod_templates import pod_templates
from pullsim.frozen import dataclass
from pullsim.importer.owners import HOOK, Owner
from pullsim.inputs.fields import at, entries, mapping, text, whole
from pullsim.inputs.told import counts

if TYPE_CHECKING:
    from pullsim.formats.kubernetes.pod_templates import FoundTemplate
    from pullsim.importer.inventory import Found, Inventory
    from pullsim.importer.notes import Notes

#: Kinds that have pod templates and are no workload of a cluster, or whose pods another kind wants.
_NO_WORKLOADS: Final = (
    "Pod", "ReplicaSet", "ReplicationController", "PodTemplate", "ControllerRevision", "Node", "Event",
    "CustomResourceDefinition", "Secret", "ConfigMap", "NodePool",
)  # fmt: skip
#: Kinds without pods of their own that other parts of an import read; of all others an import takes no notice.
_READ: Final = (
    "Pod", "ReplicaSet", "ReplicationController", "Node", "Event", "NodePool", "Provisioner", "EC2NodeClass",
    "HorizontalPodAutoscaler", "ScaledObject", "ServiceAccount", "InferenceService", "Secret",
)  # fmt: skip
_MOST: Final = 100_000  # pods of one workload


@dataclass(frozen=True, slots=True)
class Template:
    """A template of a controller: its pods, None where it does not say, and what it is called among several."""

    template: dict[str, Any]
    pods: int | None
    part: str
    found: Found


def read_controllers(inventory: Inventory, notes: Notes) -> dict[Owner, list[Template]]:
    """Return the templates of all controllers that were read and are not another one's."""
    made: dict[Owner, list[Template]] = {}
    scaled = {
        (
            text(hpa.value, "spec", "scaleTargetRef", "kind"),
            hpa.namespace,
            text(hpa.value, "spec", "scaleTargetRef", "name"),
        ): hpa
        for hpa in inventory.of_kind("HorizontalPodAutoscaler", "ScaledObject")
    }
    ignored: Counter[str] = Counter()
    for (kind, namespace, name), found in sorted(inventory.objects.items(), key=lambda each: each[0]):
        templates = [] if kind in _NO_WORKLOADS else list(pod_templates(found.value)) or _referred(found, inventory)
        if not templates:
            _without_template(kind, found, notes)
            ignored[kind] += kind not in _READ
            continue
        if HOOK in found.annotations:
            notes.left_out["hooks of Helm, which are of no rollout"] += 1
        elif kind == "Job" and _ended(found.value):
            notes.left_out["Jobs that have ended"] += 1
        elif at(found.value, "spec", "suspend") is True:
            notes.left_out[f"{kind}s that are suspended"] += 1
        elif not _owned(found, inventory):
            ordered = kind == "StatefulSet" and text(found.value, "spec", "podManagementPolicy") != "Parallel"
            if ordered and (whole(found.value, "spec", "replicas") or 0) > 1:
                notes.left_out["orders in which StatefulSets start their pods: here all begin at once"] += 1
            hpa = scaled.get((kind, namespace, name))
            owner = Owner(kind, namespace, name)
            made[owner] = [
                Template(
                    with_secrets(each.template, found, inventory),
                    _replicas(each.pods, found, hpa, notes),
                    each.part if len(templates) > 1 else "",
                    found,
                )
                for each in templates
            ]
    if told := counts(+ignored):
        notes.left_out[f"objects that are not simulated: {told}"] += ignored.total()
    for found in inventory.of_kind("ReplicaSet", "ReplicationController"):  # those that are nobody's
        if not entries(found.value, "metadata", "ownerReferences") and whole(found.value, "spec", "replicas"):
            for each in pod_templates(found.value):
                kind = text(found.value, "kind")
                made[Owner(kind, found.namespace, found.name)] = [
                    Template(with_secrets(each.template, found, inventory), each.pods, "", found)
                ]
    return made


def _referred(found: Found, inventory: Inventory) -> list[FoundTemplate]:
    """Return the templates of another controller that an object refers to, as a Rollout may, with its own replicas."""
    reference = mapping(found.value, "spec", "workloadRef")
    other = inventory.get(text(reference, "kind"), found.namespace, text(reference, "name"))
    if other is None:
        return []
    return [replace(each, pods=whole(found.value, "spec", "replicas")) for each in pod_templates(other.value)]


def _without_template(kind: str, found: Found, notes: Notes) -> None:
    """Say of a controller that refers to a template elsewhere that it is left out."""
    reference = mapping(found.value, "spec", "workloadRef")
    if reference:
        notes.warn(
            f"{kind} {found.name} is left out: its template is that of {text(reference, 'kind')} "
            f"{text(reference, 'name')} (workloadRef), which was not given"
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
        notes.tally("CronJob", "of which the pods of one run are in the scenario, as if it began at 0", found.name)
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


def with_secrets(template: dict[str, Any], found: Found, inventory: Inventory) -> dict[str, Any]:
    """Return a template with the pull secrets of its service account, which the API server gives to its pods."""
    spec = mapping(template, "spec")
    account = inventory.get("ServiceAccount", found.namespace, text(spec, "serviceAccountName") or "default")
    secrets = entries(account.value, "imagePullSecrets") if account else []
    if not secrets or entries(spec, "imagePullSecrets"):
        return template
    return {**template, "spec": {**spec, "imagePullSecrets": secrets}}
