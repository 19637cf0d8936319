"""Pods whose image never comes, many at once: a pod a node, so that none waits for another."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from typing import TYPE_CHECKING

import pullsim

if TYPE_CHECKING:
    from pullsim.records import KubeletEvent

PODS = 100
#: The model, and cadences that real kubelets were said to have or might have.
CADENCES = {
    "the model": {},
    "looks every 10 s, no jitter": {"retry": {"base": "10s", "jitter": 0}},
    "looks every 60 to 90 s": {"retry": {"base": "60s", "jitter": 0.5}},
    "no back-off": {"imageBackoff": {"initial": "1ms", "max": "1ms"}},
    "back-off up to 150 s": {"imageBackoff": {"max": "150s"}},
}


def result(
    images: tuple[str, ...], fails_after: float, horizon: float, cadence: str = "the model", pods: int = PODS
) -> pullsim.Result:
    """A run of pods with one container an image."""
    broken = {"pull": "1s", "fail": {"after": f"{fails_after}s", "error": "not found", "times": -1}}
    runtime = {"fixed": {"images": {image if ":" in image else f"{image}:latest": broken for image in images}}}
    node = {"name": "node", "count": pods, "runtime": runtime, "simulation": CADENCES[cadence]}
    containers = [{"name": f"c{number}", "image": image} for number, image in enumerate(images)]
    scenario = {
        "seed": 20,
        "horizon": f"{horizon}s",
        "nodes": [node],
        "workloads": [{"name": "pod", "count": pods, "pod": {"containers": containers}}],
    }
    return pullsim.run(pullsim.from_mapping(scenario), detail="pulls", status=True)


@cache
def histories(
    images: tuple[str, ...], fails_after: float, horizon: float, cadence: str, pods: int
) -> list[dict[tuple[str, str | None], list[float]]]:
    """For each pod the times of its events by kind and container."""
    events: defaultdict[str | None, list[KubeletEvent]] = defaultdict(list)
    for event in result(images, fails_after, horizon, cadence, pods).events:
        events[event.pod].append(event)
    found = []
    for own in events.values():
        times: defaultdict[tuple[str, str | None], list[float]] = defaultdict(list)
        for event in own:
            times[kind(event), event.container].append(event.t)
        found.append(dict(times))
    return found


def kind(event: KubeletEvent) -> str:
    """What a line is about, without the runtime's words."""
    if event.reason == "Failed":
        return event.message if event.message.startswith("Error: ") else "Failed to pull"
    return event.reason
