"""The type IntOrString of maxSurge and maxUnavailable: a number, or a percentage of the replicas."""

from __future__ import annotations


def scaled(value: str, replicas: int, *, up: bool) -> int:
    """Return a number of pods: ``value`` itself, or that percentage of ``replicas`` rounded up or down.

    Source: k8s.io/apimachinery/pkg/util/intstr GetScaledValueFromIntOrPercent, all releases.
    """
    if not value.endswith("%"):
        return int(value)
    hundredths = int(value[:-1]) * replicas
    return -(-hundredths // 100) if up else hundredths // 100


def deployment_limits(surge: str, unavailable: str, replicas: int) -> tuple[int, int]:
    """Return how many pods a Deployment may have above its replicas, and how many of the replicas may be unavailable.

    A percentage of surge is rounded up, one of unavailable pods down; if both result in 0, one may be unavailable.
    Source: pkg/controller/deployment/util/deployment_util.go ResolveFenceposts, all releases.
    """
    above, below = scaled(surge, replicas, up=True), scaled(unavailable, replicas, up=False)
    return above, 1 if above == below == 0 else below


def daemon_set_limits(surge: str, unavailable: str, nodes: int) -> tuple[int, int]:
    """Return the number of nodes on which a DaemonSet may have two pods, and on which it may have no available pod.

    Both are rounded up. Source: pkg/controller/daemon/update.go updatedDesiredNodeCounts, from 1.22.
    """
    above, below = scaled(surge, nodes, up=True), scaled(unavailable, nodes, up=True)
    return above, 1 if above == below == 0 else below


def stateful_set_limit(unavailable: str, replicas: int) -> int:
    """Return how many pods of a StatefulSet may be unavailable: rounded down, one at least.

    Source: pkg/controller/statefulset/stateful_set_utils.go getStatefulSetMaxUnavailable, from 1.24.
    """
    return max(scaled(unavailable, replicas, up=False), 1)
