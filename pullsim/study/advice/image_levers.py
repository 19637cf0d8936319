"""Levers of the images and the pods: images that are there, policies, and how layers are compressed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.oci.reference import default_pull_policy as _default
from pullsim.study.advice.setting import Setting, setting
from pullsim.study.advice.situation import flow
from pullsim.units import rate_text

if TYPE_CHECKING:
    from pullsim.scenario.model.workloads import Container, Workload
    from pullsim.study.advice.situation import Situation

_ALWAYS: Final = "Always"
_WANTED: Final = "IfNotPresent"


def present(situation: Situation) -> list[Setting]:
    """All images on the nodes beforehand: pulled ahead of the pods, or part of the nodes' own image."""
    return setting(
        "all images on the nodes beforehand, by a prepull or in the node image",
        *situation.nodes(
            "cached",
            lambda pool, spec: (
                flow([*pool.cached, *missing])
                if spec.runtime.pulls and (missing := [image for image in situation.images if image not in pool.cached])
                else None
            ),
        ),
    )


def zstd(situation: Situation) -> list[Setting]:
    """Images rebuilt with zstd: their gzip layers unpack at the rate of zstd, at the same sizes."""
    return setting(
        "images rebuilt with zstd layers, taken as of the same sizes",
        *situation.nodes(
            "unpack.gzip",
            lambda pool, spec: (
                rate_text(pool.unpack.zstd) if spec.runtime.pulls and pool.unpack.zstd > pool.unpack.gzip else None
            ),
        ),
    )


def policy(situation: Situation) -> list[Setting]:
    """IfNotPresent for all containers of the scenario's own workloads; policies in manifests stand in their files."""
    overrides = ["admission.alwaysPullImages=false"] if situation.scenario.admission.always_pull_images else []
    for index, workload in enumerate(situation.scenario.workloads):
        overrides += (f"{situation.workload(index)}.{key}={_WANTED}" for key in _always(workload))
    return setting("imagePullPolicy IfNotPresent", *overrides)


def _always(workload: Workload) -> list[str]:
    """Return the keys of a workload's policies that are Always, by default or because they say so."""
    if workload.pods is not None:
        pulls = workload.pods.image_pull_policy or _default(workload.pods.image)
        return ["pods.imagePullPolicy"] if pulls == _ALWAYS else []
    if workload.pod is None:
        return []
    parts: list[tuple[str, Container]] = [("initContainers", each) for each in workload.pod.init_containers]
    parts += [("containers", each) for each in workload.pod.containers]
    return [
        f"pod.{key}[{each.name}].imagePullPolicy"
        for key, each in parts
        if (each.image_pull_policy or _default(each.image)) == _ALWAYS
    ]
