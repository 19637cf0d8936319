"""What the kubelet does for one container, sync by sync: its calls of the CRI, its events, its answer.

A pod runs on a node of its own with the fixed runtime; the loop looks again exactly `every` seconds after a sync with
an error. A `Step` is one EnsureImageExists.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from pullsim.compiled import compiled
from pullsim.formats.kubernetes.kubelet_configuration import read_kubelet_configuration
from pullsim.kubelet.images.image_manager import ImageManager
from pullsim.kubelet.images.image_service import PullRequest
from pullsim.oci.platform import Platform
from pullsim.run import Result, simulate
from pullsim.runtime.fixed.server import FixedRuntime
from pullsim.spec.cadence import Interval, LoopSpec
from pullsim.spec.cluster import ClusterSpec, ContainerSpec, Node, NodeSpec, Pod, PodSpec
from pullsim.spec.runtime import FixedFailure, FixedImage, FixedSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SERIAL: Mapping[str, Any] = {"serializeImagePulls": True}
PARALLEL: Mapping[str, Any] = {"serializeImagePulls": False}
LIMITED: Mapping[str, Any] = {"serializeImagePulls": False, "maxParallelImagePulls": 1}
PULLERS = pytest.mark.parametrize("puller", [SERIAL, PARALLEL, LIMITED], ids=["serial", "parallel", "one token"])

ABSENT, PRESENT = FixedImage(1.0, 0.25, 7), FixedImage(1.0, 0.25, 7, present=True)
DOWN = "rpc error: code = Unavailable desc = down"

STATUS, PULL = "ImageStatus", "PullImage"
LOOK, FETCH, LOOK_AND_FETCH = [STATUS], [PULL, STATUS], [STATUS, PULL, STATUS]  # the last ImageStatus is for the size


@dataclass(slots=True)
class Step:
    """One EnsureImageExists: when, the CRI calls, the reason and message of the waiting state."""

    pod: str
    container: str
    at: float
    calls: list[str] = field(default_factory=list)
    image_ref: str | None = None
    reason: str | None = None
    message: str = ""
    ended: float = 0.0


def failing(
    error: str = "boom", *, after: float = 0.0, pattern: str | None = None, present: bool = False
) -> FixedImage:
    return FixedImage(1.0, fail=FixedFailure(after, error, -1, pattern), present=present, size=7)


def pod(
    name: str, *images: str, policy: str = "IfNotPresent", at: float = 0.0, init: Iterable[str] = (), run: float = 0.0
) -> Pod:
    """A pod with containers c0, c1, … and init containers i0, i1, … that run for `run` seconds."""
    spec = PodSpec(
        tuple(ContainerSpec(f"c{n}", image, policy) for n, image in enumerate(images)),
        tuple(ContainerSpec(f"i{n}", image, policy, run=run) for n, image in enumerate(init)),
    )
    return Pod(name, "default", "w", spec, created=at, node="n")


def watch(
    monkeypatch: pytest.MonkeyPatch,
    pods: Iterable[Pod],
    images: Mapping[str, FixedImage],
    *,
    kubelet: Mapping[str, Any] = SERIAL,
    version: tuple[int, int] = (1, 35),
    every: float = 10.0,
    initial: float = 10.0,
    cap: float = 300.0,
    horizon: float = 100.0,
) -> tuple[list[Step], Result]:
    """Run, and return the steps in the order in which they began."""
    found: list[Step] = []
    current: list[Step] = []
    queued: dict[int, Step] = {}  # steps that wait for their turn to pull, by the identity of what they wait with
    ask, pull = ImageManager.ask, ImageManager.pull

    def follow(step: Step, generator: Any, env: Any) -> Any:
        value = None
        while True:
            current[:] = [step]
            try:
                event = generator.send(value)
            except StopIteration as stop:
                answer = stop.value
                if isinstance(answer, PullRequest):
                    queued[id(answer)] = step
                else:
                    step.image_ref, step.reason, step.message = answer.image_ref, answer.reason, answer.message
                    step.ended = env.now
                return answer
            finally:
                current.clear()
            value = yield event

    def asked(self: Any, status: Any, wants: Any) -> Any:
        step = Step(status.name, wants.name, self._env.now)
        found.append(step)
        return follow(step, ask(self, status, wants), self._env)

    def pulled(self: Any, status: Any, asked: Any, clock: Any) -> Any:
        return follow(queued.pop(id(asked)), pull(self, status, asked, clock), self._env)

    def call(name: str, method: Any) -> Any:
        def called(self: Any, image: str, *args: Any, **given: Any) -> Any:
            current[0].calls.append(f"{name} {image}")
            return method(self, image, *args, **given)

        return called

    if compiled():
        pytest.skip("compiled modules do not look up the methods that are watched")
    with monkeypatch.context() as patch:
        patch.setattr(ImageManager, "ask", asked)
        patch.setattr(ImageManager, "pull", pulled)
        patch.setattr(FixedRuntime, "image_status", call("ImageStatus", FixedRuntime.image_status))
        patch.setattr(FixedRuntime, "pull_image", call("PullImage", FixedRuntime.pull_image))
        loop = LoopSpec(
            minimal=True,
            retry=Interval(every, 0.0),
            resync=Interval(60.0, 0.0),
            backoff_initial=initial,
            backoff_max=cap,
        )
        spec = NodeSpec(
            "n",
            Platform("linux", "amd64"),
            kubelet=read_kubelet_configuration(kubelet, version),
            kubelet_version=version,
            loop=loop,
            runtime=FixedSpec(images),
        )
        cluster = ClusterSpec((Node("n", spec),), tuple(sorted(pods, key=lambda p: p.created)), horizon=horizon)
        return found, simulate(cluster)


def events(result: Result, step: Step) -> list[str]:
    """The events of a step, those of the container's start among them: `Normal Pulling: Pulling image …`."""
    return [
        f"{event.type} {event.reason}: {event.message}"
        for event in result.events
        if (event.pod, event.container) == (step.pod, step.container) and step.at <= event.t <= step.ended
    ]
