"""The stage that a pod is in between two syncs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.kubelet.credentials.pull_credentials import UNREADABLE
from pullsim.kubelet.images.image_manager import ERR_IMAGE_PULL, IMAGE_PULL_BACK_OFF, UNCOUNTED

if TYPE_CHECKING:
    from pullsim.kubelet.pod_status import PodStatus

CONTAINER_CREATING: Final = "ContainerCreating"  # the waiting reason of containers whose pod has no sandbox yet


def retry_stage(pod: PodStatus) -> str:
    """Return ``sync``, ``backoff`` or ``qps``: what the pod waits for until its next sync."""
    trouble = pod.trouble
    if not trouble.failing or trouble.reason in UNCOUNTED or trouble.reason == CONTAINER_CREATING:
        return "sync"
    if trouble.cause == UNREADABLE and trouble.reason not in (ERR_IMAGE_PULL, IMAGE_PULL_BACK_OFF):
        return "sync"  # the Secret was found unreadable before any pull, so that there is no back-off
    return "qps" if trouble.cause == "qps" else "backoff"
