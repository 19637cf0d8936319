"""Pulls that fail in containerd, with its texts as they reach the kubelet.

Sources: core/remotes/docker/{resolver,fetcher,httpreadseeker}.go, core/images, internal/cri/server/images
(1.6: remotes/docker, pkg/cri/server); the forms are those of events and reports of each release.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from pullsim.cri import PullOutcome
from pullsim.registry.registry import NOT_FOUND, REFUSED

if TYPE_CHECKING:
    from pullsim.oci.reference import Reference

HUB: Final = ("docker.io", "registry-1.docker.io")
PHRASES: Final = {status.value: status.phrase for status in HTTPStatus}
CAUSES: Final = {401: "unauthorized", 403: "forbidden", 404: "notFound", 429: "tooManyRequests"}


class PullFailed(Exception):
    """Ends a pull with this outcome."""

    def __init__(self, outcome: PullOutcome) -> None:
        super().__init__(outcome.error)
        self.outcome = outcome


def resolve_failure(reference: Reference, status: int, version: tuple[int, int]) -> PullFailed:
    """The HEAD of the manifest was refused or answered with an error."""
    name, url = str(reference), _url(reference, "manifests", reference.digest or reference.tag or "latest")
    if status == REFUSED:
        why = f'failed to do request: Head "{url}": {_refused(reference)}'
    elif status == NOT_FOUND:
        why = f"{name}: not found"
    elif version >= (1, 7):
        why = f"unexpected status from HEAD request to {url}: {_status(status)}"
    else:
        tag = reference.digest or reference.tag
        why = f"pulling from host {_host(reference)} failed with status code [manifests {tag}]: {_status(status)}"
    return _failure(reference, f'failed to resolve reference "{name}": {why}', status)


def fetch_failure(reference: Reference, kind: str, digest: str, status: int, version: tuple[int, int]) -> PullFailed:
    """The GET of a manifest or blob (``kind``: manifests, blobs) was refused or answered with an error."""
    url = _url(reference, kind, digest)
    if status == REFUSED:
        why = f'failed to do request: Get "{url}": {_refused(reference)}'
    elif status == NOT_FOUND:
        why = f"content at {url} not found: not found"
    elif version >= (2, 0):
        why = f"unexpected status from GET request to {url}: {_status(status)}"
    else:
        why = f"unexpected status code {url}: {_status(status)}"
    return _failure(reference, f"failed to copy: httpReadSeeker: failed open: {why}", status)


def no_platform(reference: Reference) -> PullFailed:
    """The index has nothing for the node's platform (core/images/image.go Manifest)."""
    return _failed(reference, "no match for platform in manifest: not found", "NotFound", "platform")


def _failure(reference: Reference, why: str, status: int) -> PullFailed:
    cause = "unavailable" if status == REFUSED else CAUSES.get(status, "serverError")
    return _failed(reference, why, "NotFound" if status == NOT_FOUND else "Unknown", cause)


def _failed(reference: Reference, why: str, code: str, cause: str) -> PullFailed:
    error = f'failed to pull and unpack image "{reference}": {why}'
    return PullFailed(PullOutcome(None, code=code, error=error, cause=cause, registry=reference.domain))


def _host(reference: Reference) -> str:
    return reference.domain.replace(*HUB) if reference.domain == HUB[0] else reference.domain


def _url(reference: Reference, kind: str, what: str) -> str:
    return f"https://{_host(reference)}/v2/{reference.path}/{kind}/{what}"


def _refused(reference: Reference) -> str:
    host = _host(reference)
    return f"dial tcp {host if ':' in host else host + ':443'}: connect: connection refused"


def _status(status: int) -> str:
    return f"{status} {PHRASES.get(status, '')}".rstrip()
