"""What the process of a pod reads of its image before the pod is ready, and its restarts if it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pullsim.kernel.event import Timeout
from pullsim.kubelet.events import WARNING
from pullsim.kubelet.pod_status import Failure
from pullsim.reads import ReadFailed

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from pullsim.kubelet.context import NodeContext
    from pullsim.kubelet.pod_status import PodStatus
    from pullsim.reads import Reads

CRASH_LOOP: Final = "CrashLoopBackOff"
READ_FAILED: Final = "imageRead"  # the cause of a failure: a file of the image could not be read
_KEY: Final = "read of the image"  # no container and no volume has this name
FIRST_WAIT, MOST_WAIT = 10.0, 300.0  # seconds of the back-off of a container that crashes, doubled each time


def read_image(
    context: NodeContext, pod: PodStatus, image_ids: Sequence[str], reads: Reads
) -> Generator[Any, Any, None] | None:
    """Read as `ImageService.read_image` does, again and again until it succeeds or the pod has ended.

    A process whose read fails exits, and its container is started again after the kubelet's back-off for crashes
    (pkg/kubelet/kubelet.go, containerBackOffPeriod). What has come of its image meanwhile stays on the node.
    """
    reading = context.service.read_image(image_ids, reads)
    return None if reading is None else _until_read(context, pod, image_ids, reads, reading)


def _until_read(
    context: NodeContext,
    pod: PodStatus,
    image_ids: Sequence[str],
    reads: Reads,
    reading: Generator[Any, Any, None] | None,
) -> Generator[Any, Any, None]:
    env, wait, container = context.env, FIRST_WAIT, pod.pod.spec.containers[0]
    while not pod.has_ended():
        began = env.now
        try:
            if reading is not None:
                yield from reading
        except ReadFailed as failed:
            failure = Failure(began, retryable=failed.retryable)
        else:
            pod.recover(_KEY)
            return
        if pod.has_ended():
            return
        pod.fail(_KEY, CRASH_LOOP, READ_FAILED, failure)
        message = f"Back-off restarting failed container {container.name} in pod {pod.name}"
        context.emit(pod, container, WARNING, "BackOff", message)
        pod.watcher.stuck(pod)
        yield Timeout(env, wait)
        wait = min(MOST_WAIT, 2 * wait)
        reading = context.service.read_image(image_ids, reads)
