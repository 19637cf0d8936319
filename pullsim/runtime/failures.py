"""Pulls that fail in containerd, with its texts as they reach the kubelet.

Sources: core/remotes/docker/{resolver,fetcher,httpreadseeker}.go, core/images, internal/cri/server/images
(1.6: remotes/docker, pkg/cri/server); the forms are those of events and reports of each release.
"""

from __future__ import annotations

from hashlib import sha256
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlencode

from pullsim.cri import PullOutcome
from pullsim.registry.auth import Denial
from pullsim.registry.authorizer import Authorizer
from pullsim.registry.request import NOT_FOUND, REFUSED, RESET, TIMED_OUT

if TYPE_CHECKING:
    from pullsim.oci.manifest import Layer
    from pullsim.oci.reference import Reference

HUB: Final = ("docker.io", "registry-1.docker.io")
NO_CONNECTION: Final = (REFUSED, TIMED_OUT)
PHRASES: Final = {status.value: status.phrase for status in HTTPStatus}
MAY_NOT: Final = "pull access denied, repository does not exist or may require authorization"
ROOT: Final = "/var/lib/containerd"
NO_SPACE: Final = "no space left on device"
CAUSES: Final = {401: "unauthorized", 403: "forbidden", 404: "notFound", 429: "tooManyRequests"}


class Answer(NamedTuple):
    """How a request to a host ended; ``message`` is the registry's own text, ``denied`` who found the client denied."""

    host: str
    status: int
    message: str = ""
    denied: Authorizer | None = None


class PullFailed(Exception):
    """Ends a pull with this outcome."""

    def __init__(self, outcome: PullOutcome) -> None:
        super().__init__(outcome.error)
        self.outcome = outcome


def resolve_failure(reference: Reference, answer: Answer, version: tuple[int, int]) -> PullFailed:
    """The HEAD of the manifest was refused or answered with an error.

    A client that is denied: core/remotes/docker/authorizer.go AddResponses and doBearerAuth, resolver.go Resolve.
    """
    if answer.denied is not None and (why := _authorization(reference, answer.denied, version)) is not None:
        why = why if answer.denied.denial in (Denial.INVALID, Denial.EXPIRED) else f"{MAY_NOT}: {why}"
        return _failure(reference, f'failed to resolve reference "{reference}": {why}', answer.status)
    name, status = str(reference), answer.status
    tag = reference.digest or reference.tag or "latest"
    url = _url(reference, answer.host, "manifests", tag)
    if status in NO_CONNECTION:
        why = f'failed to do request: Head "{url}": {_dial(answer)}'
    elif status == NOT_FOUND:
        why = f"{name}: not found"
    elif version >= (1, 7):
        why = f"unexpected status from HEAD request to {url}: {_status(status)}"
    else:
        why = f"pulling from host {_host(answer.host)} failed with status code [manifests {tag}]: {_status(status)}"
    return _failure(reference, f'failed to resolve reference "{name}": {why}', status)


def fetch_failure(reference: Reference, kind: str, digest: str, answer: Answer, version: tuple[int, int]) -> PullFailed:
    """The GET of a manifest or blob (``kind``: manifests, blobs) was refused or answered with an error."""
    if answer.denied is not None and (why := _authorization(reference, answer.denied, version)) is not None:
        return _failure(reference, f"failed to copy: httpReadSeeker: failed open: {why}", answer.status)
    url, status, message = _url(reference, answer.host, kind, digest), answer.status, answer.message
    if status in NO_CONNECTION:
        why = f'failed to do request: Get "{url}": {_dial(answer)}'
    elif status == NOT_FOUND:
        why = f"content at {url} not found: not found"
    elif version >= (2, 0):
        why = f"unexpected status from GET request to {url}: {_status(status)}" + (message and f"\n{message}")
    else:
        why = f"unexpected status code {url}: {_status(status)}" + (message and f" - Server message: {message}")
    return _failure(reference, f"failed to copy: httpReadSeeker: failed open: {why}", status)


def broken_off(reference: Reference, host: str, status: int) -> PullFailed:
    """A body broke off: the connection was reset, or closed and no more could be had (texts of 1.6.20, measured)."""
    if status == RESET:
        why = f"failed to copy: read tcp {_address(host)}: read: connection reset by peer"
    else:
        why = "failed to read expected number of bytes: unexpected EOF"
    return _failed(reference, why, "Unknown", "connectionLost")


def no_progress(reference: Reference) -> PullFailed:
    """No byte came for image_pull_progress_timeout (kubernetes/kubernetes#131521, containerd/containerd#12802)."""
    return _failed(reference, "context canceled", "Canceled", "noProgress")


def no_hosts(reference: Reference, what: str) -> PullFailed:
    """No host of the registry's list may be asked (resolver.go Resolve, fetcher.go Fetch)."""
    why = f"no {what} hosts: not found"
    text = f'failed to resolve reference "{reference}": {why}' if what == "resolve" else f"failed to copy: {why}"
    return _failed(reference, text, "NotFound", "notFound")


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
    cause = "unavailable" if status in NO_CONNECTION else CAUSES.get(status, "serverError")
    return _failed(reference, why, "NotFound" if status == NOT_FOUND else "Unknown", cause)


def _failed(reference: Reference, why: str, code: str, cause: str) -> PullFailed:
    error = f'failed to pull and unpack image "{reference}": {why}'
    return PullFailed(PullOutcome(None, code=code, error=error, cause=cause, registry=reference.domain))


def _host(host: str) -> str:
    return HUB[1] if host == HUB[0] else host


def _address(host: str) -> str:
    host = _host(host)
    return host if ":" in host else f"{host}:443"


def _url(reference: Reference, host: str, kind: str, what: str) -> str:
    """Return the URL; a mirror is told the registry that it stands for (docs/hosts.md)."""
    namespace = "" if host == reference.domain else f"?ns={reference.domain}"
    return f"https://{_host(host)}/v2/{reference.path}/{kind}/{what}{namespace}"


def _dial(answer: Answer) -> str:
    problem = "i/o timeout" if answer.status == TIMED_OUT else "connect: connection refused"
    return f"dial tcp {_address(answer.host)}: {problem}"


def _status(status: int) -> str:
    return f"{status} {PHRASES.get(status, '')}".rstrip()
