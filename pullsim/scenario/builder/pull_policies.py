"""Building the pull policies of a pool, and warnings about those that change nothing there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullsim.errors import shown
from pullsim.scenario.builder.spec_of import spec_of
from pullsim.spec import pull_policies as spec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from pullsim.scenario.model.pull_policies import PullPolicy
    from pullsim.spec.cluster import NodeSpec
    from pullsim.spec.kubelet import KubeletConfig


def pull_policies(policies: Sequence[PullPolicy]) -> tuple[Any, ...]:
    """Return the policies in the order of the scenario; those of Python as they were registered."""
    return tuple(_policy(policy) for policy in policies)


def _policy(policy: PullPolicy) -> Any:
    if policy.registered is not None:
        return spec.Registered(policy.registered, spec.registered(policy.registered))
    if policy.priority is not None:
        return spec_of(policy.priority, spec.Priority)
    if policy.shortest_missing is not None:
        return spec_of(policy.shortest_missing, spec.ShortestMissing)
    if policy.registry_limit is not None:
        limit = policy.registry_limit
        return spec.RegistryLimit(limit) if isinstance(limit, int) else spec.RegistryLimit(None, limit)
    if policy.reset_on_recovery is not None:
        return spec_of(policy.reset_on_recovery, spec.ResetOnRecovery)
    if policy.max_back_off is not None:
        return spec.MaxBackOff(policy.max_back_off)
    plain = {
        "coalesce": spec.Coalesce,
        "queueQPS": spec.QueueQps,
        "retryAtExpiry": spec.RetryAtExpiry,
        "inPodParallel": spec.InPodParallel,
    }
    return plain[policy.name]()


def unused_limits(nodes: Iterable[NodeSpec], hosts: AbstractSet[str]) -> Iterator[str]:
    """Yield a warning for each limit of a registry from which no image comes; ``hosts``: those from which some do."""
    for node in nodes:
        for policy in node.pull_policies:
            if isinstance(policy, spec.RegistryLimit):
                for host in sorted(policy.limits.keys() - hosts):
                    yield f"nodes[{node.pool}].pullPolicies: registryLimit: no image comes from {shown(host)}"


def policy_warnings(pool: str, policies: Sequence[Any], kubelet: KubeletConfig) -> Iterator[str]:
    """Yield warnings: that these are no policies of a kubelet, and which have no effect with the kubelet's settings."""
    if policies:
        names = ", ".join(policy.name for policy in policies)
        yield f"nodes[{pool}].pullPolicies: no kubelet has {names}: this is a cluster that does not exist yet"
    limit = 1 if kubelet.serialize_image_pulls else kubelet.max_parallel_image_pulls
    held = any(isinstance(each, spec.RegistryLimit | spec.QueueQps | spec.Registered) for each in policies)
    for policy in policies:
        why = None
        if isinstance(policy, spec.Priority | spec.ShortestMissing) and limit is None and not held:
            why = "no pull waits, as the kubelet pulls any number of images at a time: give maxParallelImagePulls"
        elif isinstance(policy, spec.RegistryLimit) and limit is not None:
            least = min([*policy.limits.values(), *([] if policy.limit is None else [policy.limit])])
            if least >= limit:
                why = f"the kubelet pulls at most {limit} image{'s' * (limit > 1)} at a time anyway"
        elif isinstance(policy, spec.QueueQps) and not kubelet.registry_pull_qps:
            why = "registryPullQPS: 0 refuses no pull"
        elif isinstance(policy, spec.InPodParallel) and limit == 1:
            yield (
                f"nodes[{pool}].pullPolicies: inPodParallel requests a pod's images together, but the kubelet pulls "
                "one image at a time: they come one after the other all the same"
            )
        if why is not None:
            yield f"nodes[{pool}].pullPolicies: {policy.name} has no effect: {why}"
