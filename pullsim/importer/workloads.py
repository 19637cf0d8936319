"""Workloads by owner: how many pods each wants, of which template, and in which pools they are now.

Controllers that were read say how many replicas they want. Of others the pods that run or wait are counted; the
Deployment above a ReplicaSet is told by the hash of the template. Two templates of one owner alive are a rollout.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pullsim.formats.kubernetes.pod_status import why_not_wanted
from pullsim.importer.controllers import Template, read_controllers
from pullsim.importer.names import dns_name, free_name
from pullsim.importer.nodes import is_virtual
from pullsim.importer.owners import HOOK, Owner, owner_of
from pullsim.importer.pod_template import scenario_pod
from pullsim.inputs.fields import entries, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pullsim.importer.inventory import Found, Inventory
    from pullsim.importer.notes import Notes

_BARE: Final = re.compile(r"(sha256:)?[0-9a-f]{64}")


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
        if reason := why_not_wanted(pod.value):
            owner = owner_of(pod, inventory)
            notes.left_out[f"{reason}, of {owner}" if owner.kind in ("Job", "CronJob") else reason] += 1
        elif reason := _nothing_to_pull(pod, inventory):
            notes.left_out[reason] += 1
        elif HOOK in pod.annotations:
            notes.left_out["hooks of Helm, which are of no rollout"] += 1
        else:
            pods[owner_of(pod, inventory)].append(pod)
    controllers = read_controllers(inventory, notes)
    found: list[Workload] = []
    by_controller: dict[Owner, list[Owner]] = defaultdict(list)
    for each in sorted(pods):
        by_controller[Owner(each.kind, each.namespace, each.name)].append(each)
    for owner, templates in controllers.items():
        mine = {each: pods.pop(each) for each in by_controller.get(owner, ())}
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


def _of_controller(
    owner: Owner, templates: list[Template], pods: Mapping[Owner, list[Found]], notes: Notes
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
            notes.tally(
                "workload",
                "of which several templates are alive, as in a rollout that is under way",
                f"{kind} {namespace}/{name}: {counts} pods",
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
    # A pod of a manifest, of which no cluster has said anything, waits for no node.
    made.nodes = Counter(on for each in pods if (on := text(each.value, "spec", "nodeName")) or "status" in each.value)
    made.failing = _failing(pods)
    if waiting := made.nodes[""]:
        made.remarks.append(f"{waiting} of its {len(pods)} pods have no node now")
        what = f"{owner}: {waiting} of its {len(pods)} pods have no node: {_unschedulable(pods)}"
        notes.tally("workload", "with pods that have no node now", what)
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
    """Give each workload a name of its own, as a scenario needs: with the namespace, else the kind, else a number."""
    taken: set[str] = set()
    for each in sorted(workloads, key=lambda one: (one.owner, one.name)):
        name, kind = dns_name(each.name, "workload"), each.owner.kind.lower().rpartition("|")[2]
        others = [dns_name(f"{name}-{suffix}", name) for suffix in (each.owner.namespace, kind)]
        each.name = free_name([name, *others], taken)
        taken.add(each.name)
