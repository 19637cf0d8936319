"""The images of one pod, requested together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import simpy

from pullsim.kernel.process import Process
from pullsim.time_line import TimeLine

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.cri import PullOutcome
    from pullsim.kernel.environment import Environment
    from pullsim.kubelet.images.image_manager import Ensured, ImageManager
    from pullsim.kubelet.pod_status import PodStatus
    from pullsim.records import Span, Stages
    from pullsim.spec.pod import ContainerSpec, ImageVolume


class Request:
    """A request for one image that runs beside others of its pod, with a time line of its own.

    What the pod waits for it is the part of that line from then on.
    """

    __slots__ = ("_line", "outcome", "process")

    def __init__(self, line: TimeLine, process: Process) -> None:
        self._line = line
        self.outcome: Ensured | None = None  # None: it is under way
        self.process = process

    def divide(self, begin: float, end: float, spans: list[Span] | None, image: str | None) -> Stages:  # noqa: ARG002 - the line knows its image
        """See `Division.divide`."""
        self._line.close(end)
        stages: Stages = {}
        for stage, since, until, of, cause in self._line.spans or ():
            first, last = max(since, begin), min(until, end)
            if last > first:
                stages[stage] = stages.get(stage, 0.0) + (last - first)
                if spans is not None:
                    spans.append((stage, first, last, of, cause))
        return stages


class PodPulls:
    """Requests all images of a pod when its worker asks for the first one, and gives each when the worker asks for it.

    Containers are started in the kubelet's order all the same, init containers one after the other: only their images
    come earlier. An image that several containers want is requested once, for the first of them. What failed is
    requested again, together, in the worker's next sync. Pulls of a pod that was deleted go on, as a kubelet's pulls
    do. Asked for in kubernetes enhancement 5435 and pulls 82282 and 88984; no release does it.
    """

    def __init__(self, env: Environment, images: ImageManager, pod: PodStatus, *, volumes: bool) -> None:
        """``volumes``: whether the node's kubelet knows image volumes."""
        self._env = env
        self._images = images
        self._pod = pod
        spec = pod.pod.spec
        self._wants: tuple[ContainerSpec | ImageVolume, ...] = (*spec.init_containers, *spec.containers)
        if volumes:
            self._wants = (*spec.image_volumes, *self._wants)
        self._inits = frozenset(container.key for container in spec.init_containers)
        self._requests: dict[str, Request] = {}  # those whose outcome was not taken, by the key of what wants the image
        self._asked: set[str] = set()  # what the worker has asked for since the images were last requested
        self._there: set[str] = set()  # what has its image

    @property
    def record_sizes(self) -> tuple[int, int] | None:
        """See `ImageManager.record_sizes`."""
        return self._images.record_sizes

    def ask(self, pod: PodStatus, container: ContainerSpec | ImageVolume) -> Generator[Any, Any, Ensured]:
        """See `ImageManager.ask`; the caller waits for the whole pull, which has a process of its own."""
        return self.ensure_image_exists(pod, container)

    def ensure_image_exists(
        self, pod: PodStatus, container: ContainerSpec | ImageVolume
    ) -> Generator[Any, Any, Ensured]:
        """See `ImageManager.ensure_image_exists`."""
        key = container.key
        # A sync asks for nothing after an init container, and for nothing twice.
        if not self._asked or key in self._asked or not self._asked.isdisjoint(self._inits):
            self._asked.clear()
            self._there.discard(key)
            self._begin()
        self._asked.add(key)
        request = self._requests.get(key)
        if request is None:
            outcome = yield from self._images.ensure_image_exists(pod, container)
        else:
            if request.outcome is None:
                pod.clock.split(request, self._env.now)
                yield request.process
            assert request.outcome is not None
            outcome = request.outcome
            del self._requests[key]
        if outcome.image_ref is not None:
            self._there.add(key)
        return outcome

    def watched(self, worker: Generator[Any, Any, None]) -> Generator[Any, Any, None]:
        """Run the pod's worker; when the node leaves, the requests under way end with it."""
        try:
            yield from worker
            for request in list(self._requests.values()):
                if request.outcome is None:
                    yield request.process
        except simpy.Interrupt as interrupt:
            for request in self._requests.values():
                if request.process.is_alive:
                    # Each pull writes into its own outcome.
                    request.process.interrupt(replace(cast("PullOutcome", interrupt.cause)))
            raise

    def _begin(self) -> None:
        """Request the images of all that has none, is not being requested, and is the first to want it."""
        seen: set[str] = set()
        for want in self._wants:
            first, under_way = want.image not in seen, self._requests.get(want.key)
            seen.add(want.image)
            if not first or want.key in self._there:
                continue
            if under_way is None or (under_way.outcome is not None and under_way.outcome.image_ref is None):
                self._requests[want.key] = self._request(want)

    def _request(self, want: ContainerSpec | ImageVolume) -> Request:
        line = TimeLine(self._env.now, "sync", spans=True, image=want.image)
        request = Request(line, Process(self._env))

        def run() -> Generator[Any, Any, None]:
            try:
                request.outcome = yield from self._images.ensure_image_exists(self._pod, want, line)
            except simpy.Interrupt:  # the node has left while the pull was waiting
                return
            line.close(self._env.now)
            if request.outcome.image_ref is not None:
                self._pod.recover(want.key)  # it waits for others, and this one keeps no run from its end

        request.process.start(run())
        return request
