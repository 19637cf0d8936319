"""Levers of the images and the pods: images that are there, policies, and how layers are compressed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.oci.manifest import select
from pullsim.oci.reference import default_pull_policy as _default
from pullsim.oci.reference import parse
from pullsim.spec.runtime import CrioSpec
from pullsim.study.advice.setting import Setting, setting
from pullsim.study.advice.situation import flow
from pullsim.units import rate_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pullsim.oci.manifest import Layer
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


def partial_pulls(situation: Situation) -> list[Setting]:
    """Partial pulls by CRI-O, where images have zstd:chunked layers and nodes pull these whole."""
    if not any(layer.chunked is not None for layer in _layers(situation)):
        return []
    return setting(
        "the parts of zstd:chunked layers that a node lacks pulled alone",
        *situation.nodes(
            "runtime.partialImages",
            lambda _, spec: (
                "true"
                if isinstance(spec.runtime, CrioSpec) and spec.runtime.partial is None and spec.peers is None
                else None
            ),
        ),
    )


def policy(situation: Situation) -> list[Setting]:
    """IfNotPresent for all containers of the scenario's own workloads; policies in manifests stand in their files."""
    overrides = ["admission.alwaysPullImages=false"] if situation.scenario.admission.always_pull_images else []
    for index, workload in enumerate(situation.scenario.workloads):
        overrides += (f"{situation.workload(index)}.{key}={_WANTED}" for key in _always(workload))
    return setting("imagePullPolicy IfNotPresent", *overrides)


def _layers(situation: Situation) -> Iterator[Layer]:
    """Yield the layers of all images that pods ask for, for each platform of the nodes."""
    for name in situation.images:
        image = situation.cluster.catalog.lookup(parse(name), 0.0)
        for platform in {spec.platform for spec in situation.specs.values()}:
            manifest = None if image is None else select(image, platform)
            yield from () if manifest is None else manifest.layers


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
