"""Who made a pod: the controller's kind and name, told by owner references and labels, also without ReplicaSets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pullsim.inputs.fields import entries, text

if TYPE_CHECKING:
    from pullsim.importer.inventory import Found, Inventory

#: Labels with the hash of the template, by the kind of the controller above the ReplicaSet.
_HASHES: Final = {"pod-template-hash": "Deployment", "rollouts-pod-template-hash": "Rollout"}
HOOK: Final = "helm.sh/hook"  # the annotation of what Helm runs beside a release
_CRON: Final = re.compile(r"(?P<name>.+)-\d{8}")  # a CronJob's Jobs end in the minute that they were due
#: Kinds that this program or its users know by name; of others the API's group is told too.
KINDS: Final = (
    "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob", "Rollout", "ReplicationController",
    "DeploymentConfig", "JobSet", "LeaderWorkerSet",
)  # fmt: skip


@dataclass(frozen=True, slots=True, order=True)
class Owner:
    """A controller, and of several templates of it the one that made the pod."""

    kind: str
    namespace: str
    name: str
    template: str = ""  # the template's hash; empty where there is none

    def __str__(self) -> str:
        return f"{self.kind}/{self.namespace}/{self.name}"


def owner_of(pod: Found, inventory: Inventory) -> Owner:
    """Return the owner of a pod; a pod without one is its own, of the kind Pod."""
    references = entries(pod.value, "metadata", "ownerReferences")
    controller = next(
        (each for each in references if each.get("controller") is True), references[0] if references else {}
    )
    kind, name = text(controller, "kind"), text(controller, "name")
    namespace = pod.namespace
    if not kind or not name:
        return Owner("Pod", namespace, pod.name)
    for label, by in (
        ("jobset.sigs.k8s.io/jobset-name", "JobSet"),
        ("leaderworkerset.sigs.k8s.io/name", "LeaderWorkerSet"),
    ):
        if pod.labels.get(label) and kind in ("Job", "StatefulSet"):
            return Owner(by, namespace, pod.labels[label], name)
    if kind == "ReplicaSet":
        return _above_replica_set(pod, name, inventory)
    if kind == "Job":
        above = _controller(inventory.get("Job", namespace, name))
        match = _CRON.fullmatch(name)
        return above or (Owner("CronJob", namespace, match["name"]) if match else Owner("Job", namespace, name))
    if kind == "ReplicationController" and pod.labels.get("deploymentconfig"):
        return Owner("DeploymentConfig", namespace, pod.labels["deploymentconfig"], pod.labels.get("deployment", ""))
    if kind in KINDS:
        return Owner(kind, namespace, name)
    return Owner(f"{text(controller, 'apiVersion')}|{kind}", namespace, name)


def _above_replica_set(pod: Found, name: str, inventory: Inventory) -> Owner:
    """Return the Deployment or Rollout above a ReplicaSet: as it says if it is there, else by name and hash."""
    above = _controller(inventory.get("ReplicaSet", pod.namespace, name))
    for label, kind in _HASHES.items():
        number = pod.labels.get(label)
        if number and name.endswith(f"-{number}"):
            return Owner(above.kind if above else kind, pod.namespace, name.removesuffix(f"-{number}"), number)
    return above or Owner("ReplicaSet", pod.namespace, name)


def _controller(found: Found | None) -> Owner | None:
    """Return the controller of an object that was read."""
    if found is None:
        return None
    for reference in entries(found.value, "metadata", "ownerReferences"):
        if reference.get("controller") is True and text(reference, "kind") and text(reference, "name"):
            return Owner(text(reference, "kind"), found.namespace, text(reference, "name"))
    return None
