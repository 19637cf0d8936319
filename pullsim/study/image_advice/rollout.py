"""The pods whose start is measured: those of the scenario that pull the images, or one pod of each on each node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pullsim.errors import InputError, Location
from pullsim.oci.reference import InvalidReference, parse
from pullsim.printable import json_text
from pullsim.study.advice.situation import pod_specs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pullsim.scenario import Scenario
    from pullsim.spec.cluster import ClusterSpec, NodeSpec

_LABEL: Final = "rollout"


def pulled(cluster: ClusterSpec) -> set[str]:
    """Return the normalised names of the images that pods ask for."""
    names = set()
    for image in {want.image for spec in pod_specs(cluster) for want in spec.wants}:
        try:
            names.add(str(parse(image)))
        except InvalidReference:
            continue
    return names


def rollout(scenario: Scenario, images: Sequence[str], pools: Mapping[str, NodeSpec]) -> list[str]:
    """Return overrides that replace a scenario's workloads by one pod of each image on each node of these pools.

    Nodes take as many pods as there are images. Raises InputError where the pools have no nodes of their own.
    """
    counts = {pool.name: pool.count for pool in scenario.nodes if pool.name in pools and pool.count}
    if not counts:
        raise InputError(
            "its pools have no nodes of their own, only those that an autoscaler adds for pods that wait; give pods "
            "that pull the images",
            Location("--scenario"),
        )
    several = len(images) * len(counts) > 1
    workloads: list[dict[str, Any]] = []
    for number, image in enumerate(images):
        for pool, count in counts.items():
            name = f"image-{number}-{len(workloads)}" if several else "image"
            workloads.append({"name": name, "on": {"pool": pool}, "pods": _pods(name, image, count)})
    room = [
        f"nodes[{name}].maxPods={len(images)}"
        for name, spec in pools.items()
        if counts.get(name) and spec.max_pods < len(images)
    ]
    return [f"workloads={json_text(workloads)}", "placement=scheduler", "assert=[]", *room]


def _pods(name: str, image: str, count: int) -> dict[str, Any]:
    """Return pods of which a node gets one, whatever its taints are."""
    apart = {"labelSelector": {"matchLabels": {_LABEL: name}}, "topologyKey": "kubernetes.io/hostname"}
    return {
        "image": image,
        "count": count,
        "labels": {_LABEL: name},
        "tolerations": [{"operator": "Exists"}],
        "affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [apart]}},
    }
