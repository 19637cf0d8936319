"""Workloads of different kinds that have one name, as a Deployment and a DaemonSet may, are told apart in figures."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pullsim.scenario.builder.collector import Collector
    from pullsim.spec.cluster import Pod


def named_apart(made: Collector) -> list[Pod]:
    """Return the pods, those with another one's workload under a name of their own: ``web-deployment``.

    A DaemonSet keeps the name, as its pods are named after it on nodes that are yet to come; else the kind that comes
    first does.
    """
    kinds: dict[tuple[str, str], dict[str, None]] = {(each.namespace, each.name): {} for each in made.daemon_sets}
    daemons = set(kinds)
    for pod in made.pods:
        kinds.setdefault((pod.namespace, pod.workload), {}).setdefault(_kind(pod, made))
    names: dict[tuple[str, str, str], str] = {}
    for (namespace, workload), those in sorted(kinds.items()):
        for kind in [*those] if (namespace, workload) in daemons else [*those][1:]:
            name = f"{workload}-{kind.lower()}"
            while (namespace, name) in kinds:
                name += "-2"
            names[namespace, workload, kind] = name
    if not names:
        return made.pods
    return [
        replace(pod, workload=names.get((pod.namespace, pod.workload, _kind(pod, made)), pod.workload))
        for pod in made.pods
    ]


def _kind(pod: Pod, made: Collector) -> str:
    return "Pod" if pod.owner is None else made.owners[pod.owner].kind
