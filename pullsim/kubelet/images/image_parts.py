"""A node's image manager with its puller and its back-off, as the kubelet's settings and its pull policies ask for."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, NamedTuple

from pullsim.errors import InputError
from pullsim.kernel.clock import nanoseconds
from pullsim.kubelet.images.backoff import Backoff
from pullsim.kubelet.images.coalescing import CoalescingImageManager
from pullsim.kubelet.images.image_manager import ImageManager
from pullsim.kubelet.images.image_service import RuntimeImageService
from pullsim.kubelet.images.policy import LimitByRegistry, PriorityFirst, RetryWhenOver, ShortestMissingFirst
from pullsim.kubelet.images.policy_queue import PolicyQueue
from pullsim.kubelet.images.puller import ImagePuller, pull_queue
from pullsim.kubelet.images.retries import AdjustableBackoff, Retries
from pullsim.kubelet.images.throttle import TokenBucket, throttle
from pullsim.spec.pull_policies import (
    Coalesce,
    InPodParallel,
    MaxBackOff,
    Priority,
    QueueQps,
    Registered,
    RegistryLimit,
    ResetOnRecovery,
    RetryAtExpiry,
    ShortestMissing,
    contradiction,
)

if TYPE_CHECKING:
    from pullsim.kubelet.context import NodeContext
    from pullsim.kubelet.credentials.pull_credentials import PullCredentials
    from pullsim.kubelet.housekeeping import Housekeeping
    from pullsim.kubelet.images.pull_records import ImagePullManager


class ImageParts(NamedTuple):
    """What a kubelet has for images."""

    images: ImageManager
    retries: Retries | None  # None: pods look at failed pulls in the kubelet's own cadence
    in_pod: bool  # whether the images of a pod are requested together


def image_parts(
    context: NodeContext, pulls: ImagePullManager, credentials: PullCredentials, housekeeping: Housekeeping
) -> ImageParts:
    """Put a node's image manager together; without pull policies it is the kubelet's own.

    Raises InputError for pull policies that contradict each other.
    """
    config, loop, policies = context.config, context.spec.loop, context.spec.pull_policies
    service = RuntimeImageService(context.env, context.service)
    if policies:
        return _with_policies(context, service, pulls, credentials, housekeeping)
    throttled = throttle(context.env, service, config.registry_pull_qps, config.registry_burst)
    puller = ImagePuller(context.env, throttled, pull_queue(context))
    backoff = Backoff(nanoseconds(loop.backoff_initial), nanoseconds(loop.backoff_max))
    return ImageParts(ImageManager(context, puller, backoff, pulls, credentials, housekeeping), None, in_pod=False)


def _with_policies(
    context: NodeContext,
    service: RuntimeImageService,
    pulls: ImagePullManager,
    credentials: PullCredentials,
    housekeeping: Housekeeping,
) -> ImageParts:
    env, config, loop, policies = context.env, context.config, context.spec.loop, context.spec.pull_policies
    if wrong := contradiction([name_of(policy) for policy in policies]):
        raise InputError(f"pull policies of {context.spec.pool}: {wrong}")
    objects = [(name_of(policy), _object(policy)) for policy in policies]
    keys = [(name, policy.key) for name, policy in objects if callable(getattr(policy, "key", None))]
    afters = [(name, policy.after) for name, policy in objects if callable(getattr(policy, "after", None))]
    limit = 1 if config.serialize_image_pulls else config.max_parallel_image_pulls
    qps, bucket = config.registry_pull_qps, None
    if qps and any(isinstance(policy, QueueQps) for policy in policies):
        qps, bucket = 0, TokenBucket(config.registry_pull_qps, config.registry_burst)
    queue = PolicyQueue(env, limit, keys, bucket, context.service.missing_bytes)
    initial, longest = loop.backoff_initial, loop.backoff_max
    jitter, retries = None, None
    for policy in policies:
        if isinstance(policy, MaxBackOff):
            initial, longest = min(initial, policy.longest), policy.longest
        elif isinstance(policy, ResetOnRecovery):
            jitter = policy.jitter
    backoff = AdjustableBackoff(nanoseconds(initial), nanoseconds(longest))
    if afters or jitter is not None:
        retries = Retries(context, backoff, queue, afters, jitter)
    kind = CoalescingImageManager if any(isinstance(policy, Coalesce) for policy in policies) else ImageManager
    puller = ImagePuller(env, throttle(env, service, qps, config.registry_burst), queue)
    images = kind(context, puller, backoff, pulls, credentials, housekeeping, retries)
    return ImageParts(images, retries, any(isinstance(policy, InPodParallel) for policy in policies))


def name_of(policy: Any) -> str:
    """Return the name of a policy; an object that gives itself none has that of its class."""
    return str(getattr(policy, "name", type(policy).__name__))


def _object(policy: Any) -> Any:
    """Return what is asked about pulls for a policy: an object of this node alone."""
    if isinstance(policy, Priority):
        return PriorityFirst(policy.ageing)
    if isinstance(policy, ShortestMissing):
        return ShortestMissingFirst(policy.ageing)
    if isinstance(policy, RegistryLimit):
        return LimitByRegistry(policy.limit, policy.limits)
    if isinstance(policy, RetryAtExpiry):
        return RetryWhenOver()
    return deepcopy(policy.policy if isinstance(policy, Registered) else policy)
