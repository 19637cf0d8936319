"""Failed pulls of containerd, with its error texts as the kubelet gets them.

Sources: core/remotes/docker/{resolver,fetcher,httpreadseeker}.go, core/images, internal/cri/server/images
(1.6: remotes/docker, pkg/cri/server); each text has the form that events and reports of its release show.
"""

from __future__ import annotations

from enum import IntEnum
from hashlib import sha256
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from pullsim.cri import PullOutcome
from pullsim.registry.access import Denial
from pullsim.registry.request import NO_HEADER, NOT_FOUND, OK, REFUSED, RESET, TIMED_OUT
from pullsim.runtime.snapshotter.ranges import RETRIES, is_tried_again
from pullsim.spec.hosts import HUB, Address

if TYPE_CHECKING:
    from pullsim.oci.manifest import Layer
    from pullsim.oci.reference import Reference
    from pullsim.registry.authorizer import Authorizer
    from pullsim.releases.containerd import Behaviour
    from pullsim.releases.release import Release

NO_CONNECTION: Final = (REFUSED, TIMED_OUT, NO_HEADER)
PHRASES: Final = {status.value: status.phrase for status in HTTPStatus}
CONFIG: Final = "application/vnd.oci.image.config.v1+json"
MAY_NOT: Final = "pull access denied, repository does not exist or may require authorization"
ROOT: Final = "/var/lib/containerd"
NO_SPACE: Final = "no space left on device"
#: The first release whose error for an unexpected status names the URL of the request (remotes/errors/errors.go), and
#: the first one whose error for a failed GET has the registry's own text on a separate line
#: (core/remotes/docker/errcode.go unexpectedResponseErr).
STATUS_WITH_URL: Final = (1, 6, 25)
MESSAGE_ON_ITS_OWN: Final = (2, 1, 3)
#: `PullOutcome.cause` by HTTP status; other statuses are a serverError.
CAUSES: Final = {401: "unauthorized", 403: "forbidden", 404: "notFound", 429: "tooManyRequests"}


class Rank(IntEnum):
    """How far a failed request came (core/remotes/docker/resolver.go Resolve, firstErrPriority)."""

    NO_ANSWER = 1
    NOT_FOUND = 2
    STATUS = 3


class Answer:
    """How a request to a host ended."""

    __slots__ = ("address", "denied", "message", "method", "status")

    def __init__(
        self, address: Address, status: int, message: str = "", denied: Authorizer | None = None, method: str = "HEAD"
    ) -> None:
        self.address = address
        self.status = status  # HTTP status, or a status of `pullsim.registry.request` where there was no answer
        self.message = message  # the registry's own text
        self.denied = denied  # the authorizer of the client, if the registry denied access
        self.method = method

    @property
    def rank(self) -> Rank:
        """How far the request came; where the authorizer gave up, the request counts as one without an answer."""
        if self.status in NO_CONNECTION or (self.denied is not None and _gives_up(self.denied)):
            return Rank.NO_ANSWER
        return Rank.NOT_FOUND if self.status == NOT_FOUND else Rank.STATUS

    def says_more_than(self, other: Answer, *, ranked: bool) -> bool:
        """Whether this answer is reported instead of an ``other``, earlier one.

        ``ranked``: the release reports the answer of the highest rank, else the first answer that is not 404.
        """
        if ranked:
            return self.rank > other.rank
        return other.status == NOT_FOUND and self.status != NOT_FOUND


class PullFailed(Exception):
    """A pull failed; ``outcome`` is what the runtime answers to the kubelet."""

    def __init__(self, outcome: PullOutcome) -> None:
        super().__init__(outcome.error)
        self.outcome = outcome


def resolve_failure(reference: Reference, answer: Answer, behaviour: Behaviour) -> PullFailed:
    """Return the failure of a pull whose HEAD of the manifest got no connection or an error.

    Where the client was denied access, the text is that of core/remotes/docker/authorizer.go AddResponses and
    doBearerAuth, and of resolver.go Resolve.
    """
    status, release, address = answer.status, behaviour.release, answer.address
    tag = reference.digest or reference.tag or "latest"
    url = address.url(reference, "manifests", tag)
    if answer.denied is not None and _gives_up(answer.denied):
        why = _authorization(reference, answer.denied, release)
        why = why if answer.denied.denial in (Denial.INVALID, Denial.EXPIRED) else f"{MAY_NOT}: {why}"
    elif status in NO_CONNECTION:
        why = f'failed to do request: {answer.method.title()} "{url}": {_no_connection(answer)}'
    elif status == NOT_FOUND:
        why = f"{reference}: not found"
    elif release >= STATUS_WITH_URL:
        why = f"unexpected status from {answer.method} request to {url}: {_status(status)}"
        why += answer.message and f"\n{answer.message}"
    else:
        why = f"pulling from host {address.host} failed with status code [manifests {tag}]: {_status(status)}"
    return _request_failed(reference, _resolving(reference, why, behaviour), status)


def fetch_failure(
    reference: Reference, kind: str, digest: str, answer: Answer, behaviour: Behaviour, layer: Layer | None = None
) -> PullFailed:
    """Return the failure of a pull whose GET of a manifest or blob got no connection or an error.

    ``kind``: manifests | blobs; ``layer``: the layer of the blob, or None if the blob is a config.
    """
    status, release, message = answer.status, behaviour.release, answer.message
    url = answer.address.url(reference, kind, digest)
    if answer.denied is not None and _gives_up(answer.denied):
        why = _authorization(reference, answer.denied, release)
    elif status in NO_CONNECTION:
        why = f'failed to do request: Get "{url}": {_no_connection(answer)}'
    elif status == NOT_FOUND:
        why = f"content at {url} not found: not found"
        if kind == "blobs":
            media = CONFIG if layer is None else media_type(layer)
            why = f"could not fetch content descriptor {digest} ({media}) from remote: not found"
    elif release >= MESSAGE_ON_ITS_OWN:
        why = f"unexpected status from GET request to {url}: {_status(status)}" + (message and f"\n{message}")
    else:
        why = f"unexpected status code {url}: {_status(status)}" + (message and f" - Server message: {message}")
    return _request_failed(reference, f"failed to copy: httpReadSeeker: failed open: {why}", status)


def media_type(layer: Layer) -> str:
    """Return the OCI media type of a layer's blob; Docker's media types are not modelled."""
    suffix = "" if layer.compression == "stored" else f"+{layer.compression}"
    return f"application/vnd.oci.image.layer.v1.tar{suffix}"


def broken_off(reference: Reference, address: Address, status: int) -> PullFailed:
    """Return the failure of a pull whose download broke off and could not be resumed (texts as measured on 1.6.20).

    ``status``: RESET if the connection was reset, else CUT: it was closed before the end.
    """
    if status == RESET:
        why = f"failed to copy: read tcp {address.dialled}: read: connection reset by peer"
    else:
        why = "failed to read expected number of bytes: unexpected EOF"
    return _failed(reference, why, "Unknown", "connectionLost")


def no_progress(reference: Reference) -> PullFailed:
    """Return the failure of a pull that got no byte for image_pull_progress_timeout.

    The text is as in kubernetes/kubernetes#131521 and containerd/containerd#12802.
    """
    return _failed(reference, "context canceled", "Canceled", "noProgress")


def no_hosts(reference: Reference, what: str, behaviour: Behaviour) -> PullFailed:
    """Return the failure of a pull for which hosts.toml has no host with the needed capability.

    ``what``: the capability, resolve | pull. Source: resolver.go Resolve, fetcher.go Fetch.
    """
    why = f"no {what} hosts: not found"
    text = _resolving(reference, why, behaviour) if what == "resolve" else f"failed to copy: {why}"
    return _failed(reference, text, "NotFound", "notFound")


def _resolving(reference: Reference, why: str, behaviour: Behaviour) -> str:
    """Return the text for a name that cannot be resolved (core/transfer/local/pull.go pull; client/pull.go fetch)."""
    what = "image" if behaviour.by_service else f'reference "{reference}"'
    return f"failed to resolve {what}: {why}"


def _gives_up(authorizer: Authorizer) -> bool:
    """Whether the authorizer ends the request with its own error, so that the registry's last answer is not shown."""
    return authorizer.scheme == "bearer" or (authorizer.scheme == "basic" and authorizer.denial is Denial.ANONYMOUS)


def _authorization(reference: Reference, authorizer: Authorizer, release: Release) -> str:
    """Return the error text of an authorizer that has given up."""
    if authorizer.scheme == "basic":
        return "authorization failed: no basic auth credentials"
    if authorizer.denial not in (Denial.INVALID, Denial.EXPIRED):
        return "server message: insufficient_scope: authorization failed"
    status = _status(authorizer.status)
    request = f" from GET request to {_token_url(reference)}" if release >= STATUS_WITH_URL else ""
    return f"failed to authorize: failed to fetch oauth token: unexpected status{request}: {status}"


def _token_url(reference: Reference) -> str:
    """Return the URL of the token server: Docker Hub's, or for other registries a path that many of them use."""
    realm, service = f"https://{reference.domain}/v2/token", reference.domain
    if reference.domain in HUB:
        realm, service = "https://auth.docker.io/token", "registry.docker.io"
    return f"{realm}?{urlencode({'scope': f'repository:{reference.path}:pull', 'service': service})}"


def no_platform(reference: Reference) -> PullFailed:
    """Return the failure of a pull whose index has no image for the node's platform (core/images/image.go Manifest)."""
    return _failed(reference, "no match for platform in manifest: not found", "NotFound", "platform")


def blob_no_space(reference: Reference, digest: str) -> PullFailed:
    """Return the failure of a pull whose disk was full before a blob was complete (core/content/helpers.go Copy)."""
    ingest = sha256(f"k8s.io/1/layer-{digest}".encode()).hexdigest()  # plugins/content/local/store.go ingestRoot
    why = f"failed to copy: write {ROOT}/io.containerd.content.v1.content/ingest/{ingest}/data: {NO_SPACE}"
    return _failed(reference, why, "Unknown", "noSpace")


def snapshot_no_space(reference: Reference, layer: Layer, chain_id: str, snapshot: int, release: Release) -> PullFailed:
    """Return the failure of a pull whose disk was full before a layer was unpacked into snapshot number ``snapshot``.

    Sources: pkg/unpack/unpacker.go, core/unpack/unpacker.go, and reported events of each form. Up to 2.0 the error
    comes from the diff service, which adds its error code; from 2.1.2 it names the media type, the blob and the
    snapshot's key. The real text also names the file that could not be written, which the simulation does not know.
    """
    error = f"write {ROOT}/io.containerd.snapshotter.v1.overlayfs/snapshots/{snapshot}/fs: {NO_SPACE}"
    if release >= (2, 1, 2):
        blob = f"{media_type(layer)} {layer.digest}"
        unique = int(sha256(chain_id.encode()).hexdigest()[:7], 16)  # nanoseconds and random letters in containerd
        why = f'failed to extract layer ({blob}) to overlayfs as "extract-{unique}-AAAA {chain_id}": {error}'
    else:
        why = f"failed to extract layer {layer.diff_id}: {error}" + (": unknown" if release < (2, 1) else "")
    return _failed(reference, why, "Unknown", "noSpace")


def soci_failed(reference: Reference, layer: Layer, chain_id: str, status: int) -> PullFailed:
    """Return the failure of a layer that the SOCI snapshotter could not have; ``status``: of its last request.

    Sources: core/unpack/unpacker.go; soci-snapshotter fs/fs.go (MountParallel) and service/resolver/client.go.
    """
    broken = status < OK and status not in NO_CONNECTION
    if broken:
        why = "unexpected EOF"
    elif is_tried_again(status):
        why = f"giving up request after {1 + RETRIES} attempt(s)"
    else:
        why = f"unexpected status code: {_status(status)}"
    why = _rebase(layer, chain_id, f"cannot fetch layer: {why}")
    return _failed(reference, why, "Unknown", "connectionLost") if broken else _request_failed(reference, why, status)


def soci_no_space(reference: Reference, layer: Layer, chain_id: str) -> PullFailed:
    """Return the failure of a layer for whose file or directory the SOCI snapshotter found no space."""
    return _failed(reference, _rebase(layer, chain_id, f"cannot apply layer: write: {NO_SPACE}"), "Unknown", "noSpace")


def _rebase(layer: Layer, chain_id: str, why: str) -> str:
    unique = int(sha256(chain_id.encode()).hexdigest()[:7], 16)  # nanoseconds and random letters in containerd
    name = f"extract-{unique}-AAAA {chain_id}"
    return f'failed to prepare extraction snapshot "{name}": failed to rebase layer {layer.digest}: {why}'


def _request_failed(reference: Reference, why: str, status: int) -> PullFailed:
    """Return the failure of a pull of which one request failed with ``status`` and the error text ``why``."""
    cause = "unavailable" if status in NO_CONNECTION else CAUSES.get(status, "serverError")
    return _failed(reference, why, "NotFound" if status == NOT_FOUND else "Unknown", cause)


def _failed(reference: Reference, why: str, code: str, cause: str) -> PullFailed:
    error = f'failed to pull and unpack image "{reference}": {why}'
    return PullFailed(PullOutcome(None, code=code, error=error, cause=cause, registry=reference.domain))


def _no_connection(answer: Answer) -> str:
    """Return Go's text for a request that got no response."""
    if answer.status == NO_HEADER:
        return "net/http: timeout awaiting response headers"
    problem = "i/o timeout" if answer.status == TIMED_OUT else "connect: connection refused"
    return f"dial tcp {answer.address.dialled}: {problem}"


def _status(status: int) -> str:
    """Return an HTTP status as Go's Response.Status has it: ``404 Not Found``."""
    return f"{status} {PHRASES.get(status, '')}".rstrip()
