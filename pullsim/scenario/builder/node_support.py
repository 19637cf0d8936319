"""Warnings about features that a pod uses and its nodes do not support, so that it does not start as intended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullsim.oci.reference import InvalidReference, cri_image, parse
from pullsim.releases.containerd import MOUNTS_IMAGES
from pullsim.releases.release import written_text
from pullsim.spec.feature_gates import IMAGE_VOLUMES
from pullsim.spec.runtime import has_handler

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pullsim.spec.cluster import Node, NodeSpec, PodSpec


def unsupported_by_nodes(spec: PodSpec, nodes: Sequence[Node], pools: frozenset[str] | None) -> Iterator[str]:
    """Yield a text for each feature that a pool lacks, for the pools where the pod can run (None: all)."""
    if not spec.image_volumes and not spec.runtime_handler:
        return
    for node in {node.spec.pool: node.spec for node in nodes if pools is None or node.spec.pool in pools}.values():
        if spec.image_volumes:
            yield from _image_volumes(node)
        if not has_handler(node.runtime_handlers, spec.runtime_handler):
            known = ", ".join(handler.name for handler in node.runtime_handlers) or "runc"
            yield (
                f"nodes of {node.pool} have no runtime handler {spec.runtime_handler} (runtimeHandlers: "
                f"{known}): its pods get no sandbox there"
            )


def _image_volumes(node: NodeSpec) -> Iterator[str]:
    if not node.kubelet.feature_gates.get(IMAGE_VOLUMES, False):
        release = written_text(node.kubelet_version[:2])
        yield (
            f"image volumes are dropped from its pods on nodes of {node.pool}: the feature gate "
            f"{IMAGE_VOLUMES} is off in {release} (there is one from 1.31, on from 1.35)"
        )
    elif not node.runtime.mounts_images:
        yield (
            f"{node.runtime.title} of {node.pool} pulls the images of volumes but cannot mount them, which is "
            f"not simulated: containerd {written_text(MOUNTS_IMAGES)} can"
        )


def never_matched(images: Iterable[str], nodes: Iterable[Node]) -> Iterator[str]:
    """Yield a warning for each image whose name in pods differs from its name in the status of nodes.

    The scheduler's ImageLocality score never counts such an image.
    Source: kubernetes issue 112699; pkg/scheduler/framework/plugins/imagelocality/image_locality.go
    normalizedImageName, which adds the default tag only, all releases.
    """
    if not any(node.spec.runtime.pulls for node in nodes):
        return
    for image in dict.fromkeys(images):
        try:
            written, listed = cri_image(image), str(parse(image))
        except InvalidReference:
            continue
        if written != listed:
            yield f"placement imageLocality never counts {image}, which is {listed} in the status of nodes: write that"
