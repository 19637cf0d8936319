"""Why a pod of a cluster's dump is none that a controller wants there."""

from __future__ import annotations

from typing import Any

from pullsim.inputs.fields import at, entries, mapping, text


def why_not_wanted(pod: dict[str, Any]) -> str:
    """Return why a pod is none that a controller wants; empty for one that runs or waits."""
    references = entries(pod, "metadata", "ownerReferences")
    mirror = "kubernetes.io/config.mirror" in mapping(pod, "metadata", "annotations")
    if mirror or any(text(each, "kind") == "Node" for each in references):
        return "static pods, which a node's kubelet starts by itself"
    phase = text(pod, "status", "phase")
    if phase == "Succeeded":
        return "pods that have Succeeded"
    if phase == "Failed":
        return "pods that were evicted" if text(pod, "status", "reason") == "Evicted" else "pods that have Failed"
    return "pods that are terminating" if at(pod, "metadata", "deletionTimestamp") else ""
