"""The rows of requests for images, which containers and image volumes make."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pullsim.kubelet.images.image_manager import Ensured
from pullsim.records import ImageRequest
from pullsim.spec.pod import ContainerSpec, ImageVolume

if TYPE_CHECKING:
    from pullsim.kubelet.pod_status import PodStatus


class Asked(NamedTuple):
    """A request of a container or of an image volume, and its answer. Times are seconds."""

    subject: ContainerSpec | ImageVolume
    requested: float
    ended: float
    ensured: Ensured
    volumes: int = 0  # image volumes that the container mounts
    called: bool = True  # False: there was no call, because an image volume that the container mounts has no image


def image_request(pod: PodStatus, asked: Asked, sizes: tuple[int, int] | None) -> ImageRequest:
    """Return the row of a request; ``sizes``: how many pull intents and pulled records the kubelet has."""
    subject, requested, ended, ensured, volumes, called = asked
    init = any(subject is container for container in pod.pod.spec.init_containers)
    kind = "init_container" if init else "container" if subject.key == subject.name else "image_volume"
    return ImageRequest(
        node=pod.node or "",
        namespace=pod.namespace,
        pod=pod.name,
        container=subject.name,
        kind=kind,
        image=subject.image,
        policy=subject.policy if called else None,
        requested=requested,
        ended=ended,
        present=ensured.present if called else None,
        pull_required=ensured.pull_required if called else None,
        reason=ensured.reason,
        volumes=volumes,
        check=ensured.check if sizes is not None else None,
        pull_intents=None if sizes is None else sizes[0],
        pulled_records=None if sizes is None else sizes[1],
    )
