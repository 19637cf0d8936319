"""What the scheduler reads in the spec of a pod, as fields of a Kubernetes object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.errors import shown
from pullsim.formats.kubernetes.resources import pod_requests, written
from pullsim.formats.kubernetes.selectors import (
    known_fields,
    preferred_nodes,
    read_affinity,
    read_labels,
    read_topology_key,
    required_nodes,
    with_label_keys,
)
from pullsim.formats.kubernetes.tolerations import read_tolerations
from pullsim.spec.scheduling import ANY_IP, CPU, LITTLE, MEMORY, Scheduling, SpreadConstraint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pullsim.formats.kubernetes.item import Item
    from pullsim.spec.scheduling import Labels

#: The fields of a pod's spec that say where it goes.
FIELDS: Final = (
    "nodeSelector",
    "affinity",
    "tolerations",
    "topologySpreadConstraints",
    "priority",
    "priorityClassName",
    "preemptionPolicy",
    "schedulerName",
    "schedulingGates",
    "resources",
    "overhead",
    "hostNetwork",
)
_SPREAD_FIELDS: Final = (
    "maxSkew",
    "topologyKey",
    "whenUnsatisfiable",
    "labelSelector",
    "minDomains",
    "nodeAffinityPolicy",
    "nodeTaintsPolicy",
    "matchLabelKeys",
)
_UNSATISFIABLE: Final = ("DoNotSchedule", "ScheduleAnyway")
_POLICIES: Final = ("Honor", "Ignore")
_PROTOCOLS: Final = ("TCP", "UDP", "SCTP")
DEFAULT_SCHEDULER: Final = "default-scheduler"


def read_scheduling(pod: Item, labels: Labels, warn: Callable[[str], None]) -> Scheduling:
    """Read what a pod's spec says of where it goes, but its priority. ``labels`` are those of the pod.

    ``warn`` is called with a text for each field that is not simulated. Raises InputError for what the API server
    refuses.
    """
    affinity = pod.mapping("affinity")
    known_fields(affinity, ("nodeAffinity", "podAffinity", "podAntiAffinity"))
    required = required_nodes(affinity)
    if gates := [gate.text("name") or "" for gate in pod.items("schedulingGates")]:
        warn(f"schedulingGates ({', '.join(gates)}): nothing opens them here, so its pods wait for ever")
        required = ()
    scheduler = pod.text("schedulerName") or DEFAULT_SCHEDULER
    if scheduler != DEFAULT_SCHEDULER:
        warn(f"schedulerName {scheduler}: its pods are placed as the default scheduler would")
    if pod.value.get("resourceClaims"):
        warn("resourceClaims are not simulated: devices of claims do not restrict where its pods go")
    return Scheduling(
        labels=labels,
        requests=written(pod_requests(pod)),
        nonzero=_nonzero(pod),
        node_selector=read_labels(pod, "nodeSelector"),
        required_nodes=required,
        preferred_nodes=preferred_nodes(affinity),
        tolerations=read_tolerations(pod, warn),
        affinity=read_affinity(affinity, "podAffinity", labels, warn),
        anti_affinity=read_affinity(affinity, "podAntiAffinity", labels, warn),
        spread=tuple(_spread(item, labels) for item in pod.items("topologySpreadConstraints")),
        host_ports=_host_ports(pod),
    )


def _nonzero(pod: Item) -> tuple[int, int]:
    """Return cpu and memory where containers that request none count as if they requested a little."""
    requests = pod_requests(pod, LITTLE)
    return requests.get(CPU, 0), requests.get(MEMORY, 0)


def _spread(item: Item, labels: Labels) -> SpreadConstraint:
    """Read a topology spread constraint (pkg/apis/core/validation validateTopologySpreadConstraints)."""
    known_fields(item, _SPREAD_FIELDS)
    skew, least = item.value.get("maxSkew"), item.value.get("minDomains")
    if type(skew) is not int or skew < 1:
        item.fail(f"maxSkew must be a whole number above 0, not {shown(skew)}", "maxSkew")
    when = item.text("whenUnsatisfiable")
    if when not in _UNSATISFIABLE:
        item.fail(
            f"whenUnsatisfiable {shown(when)} is not one of {', '.join(_UNSATISFIABLE)}",
            "whenUnsatisfiable",
        )
    if least is not None and (type(least) is not int or least < 1):
        item.fail(f"minDomains must be a whole number above 0, not {shown(least)}", "minDomains")
    if least is not None and when != "DoNotSchedule":
        item.fail("minDomains can only be given with whenUnsatisfiable DoNotSchedule", "minDomains")
    return SpreadConstraint(
        topology_key=read_topology_key(item),
        max_skew=skew,
        hard=when == "DoNotSchedule",
        selector=with_label_keys(item, labels, "matchLabelKeys"),
        min_domains=least or 1,
        honor_affinity=_policy(item, "nodeAffinityPolicy", "Honor"),
        honor_taints=_policy(item, "nodeTaintsPolicy", "Ignore"),
    )


def _policy(item: Item, key: str, default: str) -> bool:
    policy = item.text(key) or default
    if policy not in _POLICIES:
        item.fail(f"{key} {shown(policy)} is not one of {', '.join(_POLICIES)}", key)
    return policy == "Honor"


def _host_ports(pod: Item) -> tuple[tuple[str, str, int], ...]:
    """Return the ports of the node that a pod takes, as (protocol, host IP, port), those of sidecars included.

    With hostNetwork every port of a container is one of the node. Source: component-helpers, scheduling, and
    pkg/scheduler/util/utils.go GetHostPorts; pkg/apis/core/v1/defaults.go defaultHostNetworkPorts.
    """
    sidecars = (each for each in pod.items("initContainers") if each.value.get("restartPolicy") == "Always")
    network = pod.value.get("hostNetwork") is True
    ports = (port for container in (*pod.items("containers"), *sidecars) for port in container.items("ports"))
    return tuple(dict.fromkeys(_taken(ports, network=network)))


def _taken(ports: Iterator[Item], *, network: bool) -> Iterator[tuple[str, str, int]]:
    for item in ports:
        port = item.value.get("hostPort") or (item.value.get("containerPort") if network else None)
        if port is None:
            continue
        if type(port) is not int or not 1 <= port <= 65535:
            item.fail(f"hostPort must be a whole number from 1 to 65535, not {shown(port)}", "hostPort")
        protocol = item.text("protocol") or _PROTOCOLS[0]
        if protocol not in _PROTOCOLS:
            item.fail(f"protocol {shown(protocol)} is not one of {', '.join(_PROTOCOLS)}", "protocol")
        yield protocol, item.text("hostIP") or ANY_IP, port
