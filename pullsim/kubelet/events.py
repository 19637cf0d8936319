"""The texts of the kubelet's events, by release (pkg/kubelet/images, pkg/kubelet/kuberuntime, pkg/kubelet/events)."""

from __future__ import annotations

import re
from functools import cache, partial
from typing import TYPE_CHECKING

from pullsim.units import format_duration_go

if TYPE_CHECKING:
    from collections.abc import Callable

    from pullsim.releases.kubelet import Version

NORMAL, WARNING = "Normal", "Warning"
MILLISECOND = 1_000_000  # nanoseconds
LOWER_CASE = re.compile(r"repository name \(.*\) must be lowercase", re.DOTALL)


class Messages:
    """The event texts of one release. ``image`` is the image as written in the pod; durations are nanoseconds."""

    def __init__(self, version: Version, *, verified: bool) -> None:
        """``verified``: image pull credentials are verified (gate KubeletEnsureSecretPulledImages)."""
        present = 'Container image "{}" already present on machine'
        self.already_present: Callable[[str], str] = (
            present + " and can be accessed by the pod" if verified else present
        ).format
        self.created: Callable[[str], str] = (
            "Container created"
            if version >= (1, 35)
            else "Created container: {}"
            if version >= (1, 32)
            else "Created container {}"
        ).format
        self.started: Callable[[str], str] = (
            "Container started" if version >= (1, 35) else "Started container {}"
        ).format
        # A missing Secret gets an event from 1.28; before that only a line in the kubelet's log. Up to 1.36 every sync
        # emits the event; from 1.37 a sync emits it at its end, if a pull failed in it (kubernetes pulls 117927,
        # 138432; kubelet.go SyncPod).
        self.tells_missing_secrets = (1, 28) <= version < (1, 37)
        self.tells_secrets_of_failures = version >= (1, 37)
        self.pulled: Callable[[str, int, int, int], str] = partial(_pulled, version)
        self.pulling: Callable[[str], str] = 'Pulling image "{}"'.format
        self.back_off: Callable[[str], str] = 'Back-off pulling image "{}"'.format
        self.failed: Callable[[str, str], str] = 'Failed to pull image "{}": {}'.format
        self.killing: Callable[[str], str] = "Stopping container {}".format
        self.error: Callable[[str], str] = "Error: {}".format
        self.no_sandbox: Callable[[str], str] = "Failed to create pod sandbox: {}".format
        self.never: Callable[[str], str] = 'Container image "{}" is not present with pull policy of Never'.format
        self._explain_back_off = version >= (1, 32)
        self._names_inspected = version < (1, 32)
        self._parse_error = "couldn't parse image name" if version >= (1, 28) else "couldn't parse image reference"
        self._names_upper_case = version >= (1, 29)

    def back_off_status(self, image: str, previous: str) -> str:
        """Return the waiting state's message in back-off.

        ``previous`` is the reason and message of the last failed pull, which releases from 1.32 append.
        """
        text = self.back_off(image)
        return f"{text}: {previous}" if previous and self._explain_back_off else text

    def inspect_failed(self, image: str, error: str) -> str:
        """Return the text for a failed ImageStatus call; from 1.32 it has no image name (imagePullPrecheck)."""
        return f'Failed to inspect image "{image if self._names_inspected else ""}": {error}'

    def missing_secrets(self, names: tuple[str, ...]) -> str:
        """Return the text for imagePullSecrets that do not exist."""
        found = f"Unable to retrieve some image pull secrets ({', '.join(names)})"
        return f"{found}; attempting to pull the image may not succeed."

    def invalid_name(self, image: str, why: str) -> str:
        """Return the text for an image name that does not parse.

        Up to 1.27 the text says "image reference", from 1.28 "image name" (PR 116231). From 1.29, which uses
        distribution/reference v0.5.0 instead of docker/distribution v2.8.2, it also gives the repository name that has
        upper-case letters.
        """
        if not self._names_upper_case:
            why = LOWER_CASE.sub("repository name must be lowercase", why)
        return f'Failed to apply default image tag "{image}": {self._parse_error} "{image}": {why}'


@cache
def messages(version: Version, *, verified: bool) -> Messages:
    """Return the texts of a release: the same object for all its nodes."""
    return Messages(version, verified=verified)


def _pulled(version: Version, image: str, pull: int, waiting: int, size: int) -> str:
    """Return the text of the event Pulled; ``pull`` and ``waiting`` are nanoseconds without and with the queue.

    Up to 1.25 the text has only the duration with the wait (except for the last patch releases, which have both). From
    1.26 it has both (PR 111772), from 1.28 truncated to milliseconds (PR 117276), and from 1.30 the image's size in
    bytes (PR 121719).
    """
    cut = MILLISECOND if version >= (1, 28) else 1
    including = format_duration_go(waiting - waiting % cut)
    if version < (1, 26):
        return f'Successfully pulled image "{image}" in {including}'
    duration = format_duration_go(pull - pull % cut)
    text = f'Successfully pulled image "{image}" in {duration} ({including} including waiting)'
    return f"{text}. Image size: {size} bytes." if version >= (1, 30) else text
