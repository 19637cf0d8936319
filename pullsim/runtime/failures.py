"""Pulls that fail in containerd, with its texts as they reach the kubelet.

Sources: core/remotes/docker/{resolver,fetcher,httpreadseeker}.go, core/images, internal/cri/server/images
(1.6: remotes/docker, pkg/cri/server); the forms are those of events and reports of each release.
"""

from __future__ import annotations

from hashlib import sha256
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from pullsim.cri import PullOutcome
from pullsim.registry.auth import Denial
from pullsim.registry.registry import NOT_FOUND, REFUSED

if TYPE_CHECKING:
    from pullsim.oci.manifest import Layer
    from pullsim.oci.reference import Reference
    from pullsim.registry.authorizer import Authorizer

HUB: Final = ("docker.io", "registry-1.docker.io")
PHRASES: Final = {status.value: status.phrase for status in HTTPStatus}
MAY_NOT: Final = "pull access denied, repository does not exist or may require authorization"
ROOT: Final = "/var/lib/containerd"
NO_SPACE: Final = "no space left on device"
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


def denied(reference: Reference, authorizer: Authorizer, version: tuple[int, int]) -> PullFailed | None:
    """The registry denied the HEAD of the manifest, with a text of its own; None: the text of any such status.

    Source: core/remotes/docker/authorizer.go AddResponses and doBearerAuth, resolver.go Resolve.
    """
    why = _authorization(reference, authorizer, version)
    if why is None:
        return None
    why = why if authorizer.denial in (Denial.INVALID, Denial.EXPIRED) else f"{MAY_NOT}: {why}"
    return _failure(reference, f'failed to resolve reference "{reference}": {why}', authorizer.status)


def fetch_denied(reference: Reference, authorizer: Authorizer, version: tuple[int, int]) -> PullFailed | None:
    """The registry denied the GET of a manifest or blob; None: the text of any such status."""
    why = _authorization(reference, authorizer, version)
    if why is None:
        return None
    return _failure(reference, f"failed to copy: httpReadSeeker: failed open: {why}", authorizer.status)


def _authorization(reference: Reference, authorizer: Authorizer, version: tuple[int, int]) -> str | None:
    """Say what the authorizer says."""
    if authorizer.scheme == "bearer":
        if authorizer.denial not in (Denial.INVALID, Denial.EXPIRED):
            return "server message: insufficient_scope: authorization failed"
        status = _status(authorizer.status)
        request = f" from GET request to {_token_url(reference)}" if version >= (1, 7) else ""
        return f"failed to authorize: failed to fetch oauth token: unexpected status{request}: {status}"
    if authorizer.scheme == "basic" and authorizer.denial is Denial.ANONYMOUS:
        return "authorization failed: no basic auth credentials"
    return None


def _token_url(reference: Reference) -> str:
    """Return where the token server is asked: Docker Hub's own, else a path that many registries have."""
    realm, service = f"https://{reference.domain}/v2/token", reference.domain
    if reference.domain in HUB:
        realm, service = "https://auth.docker.io/token", "registry.docker.io"
    return f"{realm}?{urlencode({'scope': f'repository:{reference.path}:pull', 'service': service})}"


def no_platform(reference: Reference) -> PullFailed:
    """The index has nothing for the node's platform (core/images/image.go Manifest)."""
    return _failed(reference, "no match for platform in manifest: not found", "NotFound", "platform")


def blob_no_space(reference: Reference, digest: str) -> PullFailed:
    """The disk was full before the blob was complete (core/content/helpers.go Copy), the same in all releases."""
    ingest = sha256(f"k8s.io/1/layer-{digest}".encode()).hexdigest()  # plugins/content/local/store.go ingestRoot
    why = f"failed to copy: write {ROOT}/io.containerd.content.v1.content/ingest/{ingest}/data: {NO_SPACE}"
    return _failed(reference, why, "Unknown", "noSpace")


def snapshot_no_space(
    reference: Reference, layer: Layer, chain_id: str, snapshot: int, version: tuple[int, int]
) -> PullFailed:
    """The disk was full before the layer was unpacked into the snapshot number ``snapshot``.

    Sources: pkg/unpack/unpacker.go, core/unpack/unpacker.go; events and reports of each form. To 2.0 the error passes
    the diff service, which adds its code; from 2.2 the media type, the blob and the snapshot's key are named. Which
    file could not be written is not known here.
    """
    error = f"write {ROOT}/io.containerd.snapshotter.v1.overlayfs/snapshots/{snapshot}/fs: {NO_SPACE}"
    if version >= (2, 2):
        suffix = "" if layer.compression == "stored" else f"+{layer.compression}"
        blob = f"application/vnd.oci.image.layer.v1.tar{suffix} {layer.digest}"
        unique = int(sha256(chain_id.encode()).hexdigest()[:7], 16)  # nanoseconds and random letters in containerd
        why = f'failed to extract layer ({blob}) to overlayfs as "extract-{unique}-AAAA {chain_id}": {error}'
    else:
        why = f"failed to extract layer {layer.diff_id}: {error}" + (": unknown" if version < (2, 1) else "")
    return _failed(reference, why, "Unknown", "noSpace")


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
