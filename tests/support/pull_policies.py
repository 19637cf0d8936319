"""Runs of pull policies on one node with the fixed runtime, where each instant can be computed by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pullsim.spec.runtime import FixedImage
from tests.support.world import MINIMAL, UNLIMITED, fixed, node, pod, run

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pullsim.run import Result
    from pullsim.spec.cadence import LoopSpec
    from pullsim.spec.cluster import Pod


def run_policies(
    wanted: Iterable[Pod],
    images: Mapping[str, FixedImage | float],
    *policies: Any,
    kubelet: Mapping[str, Any] = UNLIMITED,
    loop: LoopSpec = MINIMAL,
    version: tuple[int, int] = (1, 35),
    **cluster: Any,
) -> Result:
    spec = node(fixed(images), kubelet=kubelet, loop=loop, version=version)
    return run(wanted, replace(spec, pull_policies=policies), **cluster)


def sized(seconds: float, size: int = 0, **given: Any) -> FixedImage:
    """An image that takes these seconds, and of which the registry says that it has this size."""
    return FixedImage(seconds, size=size, **given)


def of_priority(name: str, image: str, priority: int, *, at: float = 0.0, **given: Any) -> Pod:
    made = pod(name, image, at=at, **given)
    return replace(made, spec=replace(made.spec, scheduling=replace(made.spec.scheduling, priority=priority)))
