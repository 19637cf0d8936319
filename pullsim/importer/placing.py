"""Which pools the constraints of a workload allow, and where its pods are held that are in one pool now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pullsim.errors import InputError
from pullsim.formats.kubernetes.tolerations import parse_taint
from pullsim.importer.figures import default
from pullsim.importer.names import dns_name
from pullsim.importer.notes import listed
from pullsim.importer.pod_template import scheduling_of
from pullsim.inputs.fields import entries, mapping
from pullsim.scenario.builder.node_scheduling import POOL
from pullsim.spec.selectors import requires, untolerated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullsim.importer.notes import Notes
    from pullsim.importer.pools import Pool
    from pullsim.importer.workloads import Workload

_FITS_NOWHERE: Final = "whose constraints fit no pool here, so that its pods wait for ever"
_ON_LOST_NODES: Final = "with pods on nodes that are left out: here they go where they fit"
_OWN: Final = "pullsim.io/daemon-set"
_REQUIRED: Final = "requiredDuringSchedulingIgnoredDuringExecution"


def fitting(pod: dict[str, Any], pools: Sequence[Pool]) -> list[Pool]:
    """Return the pools whose labels and taints let a pod on their nodes; resources are not looked at."""
    try:
        scheduling = scheduling_of(pod)
    except InputError:
        return [*pools]
    found = []
    for pool in pools:
        taints = [parse_taint(text) for text in pool.value("taints") or []]
        if requires(scheduling, "", pool.labels) and untolerated(taints, scheduling.tolerations) is None:
            found.append(pool)
    return found


def home(workload: Workload, pools: Sequence[Pool]) -> Pool | None:
    """Return the pool in which all pods of a workload are now, where its constraints would allow others too."""
    used = {pool.name: pool for pool in pools if not pool.node_names.isdisjoint(workload.nodes)}
    placed = [node for node in workload.nodes if node]
    if len(used) != 1 or not all(any(node in pool.node_names for pool in pools) for node in placed) or workload.daemon:
        return None
    allowed = fitting(workload.pod, pools)
    only = next(iter(used.values()))
    return only if len(allowed) > 1 and only in allowed else None


def settle_daemon_sets(workloads: list[Workload], pools: Sequence[Pool], notes: Notes) -> None:
    """Let pods of DaemonSets go to one node each: as many as there are nodes that they fit, where nobody says it."""
    for workload in [each for each in workloads if each.daemon]:
        room = sum(pool.count for pool in fitting(workload.pod, pools))
        workload.count = room if workload.count < 0 else min(workload.count, room)
        if workload.count == 0:
            notes.left_out["DaemonSets that fit no node"] += 1
            workloads.remove(workload)
            continue
        _keep_where_it_is(workload, pools)
        name = dns_name(workload.name, "daemon-set")[:63].strip("-.")
        workload.pod["labels"] = {**mapping(workload.pod, "labels"), _OWN: name}
        term = {"labelSelector": {"matchLabels": {_OWN: name}}, "topologyKey": "kubernetes.io/hostname"}
        affinity = mapping(workload.pod, "affinity")
        workload.pod["affinity"] = {
            **affinity,
            "podAntiAffinity": {_REQUIRED: [term]},
        }


def _keep_where_it_is(workload: Workload, pools: Sequence[Pool]) -> None:
    """Keep a DaemonSet in the pools that it is in, where its pods may go to others too.

    One that has more pods than these pools have nodes is for others too, where its pods wait for a node now.
    Its controller replaces the node affinity of its template, so that pods do not tell why they are on no other node
    (pkg/controller/daemon/util/daemonset_util.go ReplaceDaemonSetPodNodeNameNodeAffinity).
    """
    used = [pool for pool in pools if {*workload.nodes} & pool.node_names]
    if not used or len(used) == len(fitting(workload.pod, pools)) or workload.count > sum(each.count for each in used):
        return
    here = {"key": POOL, "operator": "In", "values": [pool.name for pool in used]}
    affinity = mapping(workload.pod, "affinity")
    node = mapping(affinity, "nodeAffinity")
    terms = entries(node, _REQUIRED, "nodeSelectorTerms") or [{}]
    kept = [{**term, "matchExpressions": [*entries(term, "matchExpressions"), here]} for term in terms]
    workload.pod["affinity"] = {**affinity, "nodeAffinity": {**node, _REQUIRED: {"nodeSelectorTerms": kept}}}
    workload.remarks.append(f"nodeAffinity: its pods are on nodes of {listed([pool.name for pool in used], 6)} only")


def anywhere(pod: dict[str, Any]) -> dict[str, Any]:
    """Return a pod without the pools in which it is kept, for nodes that join."""
    affinity, node = mapping(pod, "affinity"), mapping(pod, "affinity", "nodeAffinity")
    terms = [
        {**term, "matchExpressions": [each for each in entries(term, "matchExpressions") if each.get("key") != POOL]}
        for term in entries(node, _REQUIRED, "nodeSelectorTerms")
    ]
    others = {key: each for key, each in node.items() if key != _REQUIRED}
    if terms and all(term["matchExpressions"] for term in terms):
        others[_REQUIRED] = {"nodeSelectorTerms": terms}
    rest = {key: each for key, each in affinity.items() if key != "nodeAffinity"}
    return {**pod, "affinity": {**rest, **({"nodeAffinity": others} if others else {})}}


def tolerate_where_they_are(workloads: Sequence[Workload], pools: Sequence[Pool]) -> None:
    """Let workloads onto tainted nodes on which their pods are now: the taint came later, or nothing tolerates it."""
    for workload in workloads:
        for pool in (each for each in pools if each.value("taints") and {*workload.nodes} & each.node_names):
            for taint in (parse_taint(text) for text in pool.value("taints")):
                tolerations = scheduling_of(workload.pod).tolerations
                if untolerated([taint], tolerations) is not None:
                    new = {"key": taint.key, "operator": "Exists", "effect": taint.effect}
                    workload.pod["tolerations"] = [*workload.pod.get("tolerations", []), new]
                    workload.remarks.append(
                        f"tolerations: {taint.key} is added, as its pods are on nodes of {pool.name} now"
                    )


def keep_to_linux(workloads: Sequence[Workload], pools: Sequence[Pool]) -> None:
    """Keep workloads from Windows nodes that do not say their system and have no pod there now."""
    windows = [pool for pool in pools if pool.platform.os != "linux"]
    for workload in workloads:
        there = any(node in pool.node_names for pool in windows for node in workload.nodes)
        if windows and not there and any(pool in windows for pool in fitting(workload.pod, pools)):
            workload.pod["nodeSelector"] = {**mapping(workload.pod, "nodeSelector"), "kubernetes.io/os": "linux"}
            workload.remarks.append("nodeSelector: linux is added, as its pods are on no other system now")


def tell_of_left_out(workloads: Sequence[Workload], pools: Sequence[Pool], notes: Notes) -> None:
    """Warn of workloads that no pool fits, and of those whose nodes are left out."""
    known = {node for pool in pools for node in pool.node_names}
    for workload in workloads:
        if not fitting(workload.pod, pools):
            notes.tally("workload", _FITS_NOWHERE, str(workload.owner))
        elif known and (lost := sum(count for node, count in workload.nodes.items() if node and node not in known)):
            notes.tally("workload", _ON_LOST_NODES, f"{workload.owner}: {lost}")


def label_unknown(workloads: Sequence[Workload], pool: Pool, notes: Notes) -> None:
    """Give the pool of unknown nodes the labels that pods select, and take off what it cannot satisfy."""
    labels: dict[str, str] = {}
    for workload in workloads:
        for key, value in mapping(workload.pod, "nodeSelector").items():
            labels.setdefault(key, value)
    own = {key: value for key, value in labels.items() if key not in ("kubernetes.io/os", "kubernetes.io/arch")}
    if own:
        pool.keys["labels"] = default(own, "what pods select")
    for workload in workloads:
        if not fitting(workload.pod, [pool]):
            for key in ("nodeSelector", "affinity"):
                workload.pod.pop(key, None)
            notes.left_out["node selectors and affinities, as nothing is known of the nodes"] += 1


def make_room(workloads: Sequence[Workload], pool: Pool) -> None:
    """Give the pool of unknown nodes as many and as large ones as the pods need."""
    pods = sum(workload.count for workload in workloads if workload.count > 0)
    if pool.count * 30 < pods:
        pool.count = -(-pods // 30)
        pool.keys["count"] = default(pool.count, f"30 of the {pods} pods on each")
    devices = _devices(workloads)
    for resource, (most, total) in devices.items():
        if total > most * pool.count:
            pool.count = -(-total // most)
            pool.keys["count"] = default(pool.count, f"for {total} of {resource}, {most} on each")
    room = {"cpu": "unlimited", **{resource: most for resource, (most, _) in devices.items()}}
    pool.keys["allocatable"] = default(room, "what pods ask for")


def _devices(workloads: Sequence[Workload]) -> dict[str, tuple[int, int]]:
    """Return for each device what one pod asks for at the most, and what all ask for."""
    found: dict[str, tuple[int, int]] = {}
    for workload in workloads:
        for resource, amount in scheduling_of(workload.pod).requests:
            if "/" in resource and amount:
                most, total = found.get(resource, (0, 0))
                found[resource] = max(most, amount), total + amount * max(workload.count, 1)
    return found
