"""The time from the start of a pod's last container until the pod is ready."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullsim.kubelet.image_reads import read_image
from pullsim.stages import READ, READINESS

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pullsim.kubelet.cadence import Cadence
    from pullsim.kubelet.context import NodeContext
    from pullsim.kubelet.pod_status import PodStatus


def become_ready(
    context: NodeContext, pod: PodStatus, cadence: Cadence, show: Callable[[float], None] | None
) -> Generator[Any, Any, None]:
    """Note that all containers of a pod run and, when it is ready, that too.

    Between the two its process reads files of its image, where these come to the node as they are read, and then takes
    what it is said to take. ``show`` brings the pod's status in the API to what a sync finds; None: nobody looks.

    The kubelet tells the API that containers are ready as soon as its probes find it
    (pkg/kubelet/status/status_manager.go SetContainerReadiness), and that they run in the sync after the relist.
    """
    env, spec = context.env, pod.pod.spec
    reads, wait = spec.reads, spec.startup.ready
    reading = None
    if reads is not None:
        wait += reads.think
        wanted = (want.key for want in spec.wants if reads.image in (None, want.image))
        images = [pod.image_refs[key] for key in wanted if key in pod.image_refs]
        reading = read_image(context, pod, images, reads)
    pod.started = env.now
    if wait or reading is not None:
        pod.ready_later = True
        pod.clock.enter(READINESS if reading is None else READ, env.now)
    else:
        pod.ready = env.now
    pod.watcher.look(pod)
    shown = env.now
    if show is not None and not pod.has_ended():
        shown = cadence.next_sync(env.now, ok=True)
        show(shown)
    if pod.ready is not None or pod.has_ended():
        return
    if reading is not None:
        yield from reading
        if pod.has_ended():
            return
    if wait:
        pod.clock.enter(READINESS, env.now)
        yield env.timeout(wait)
        if pod.has_ended():
            return
    pod.ready = env.now
    pod.watcher.look(pod)
    if show is not None and not pod.has_ended():
        show(max(shown, env.now))
