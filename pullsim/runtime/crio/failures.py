"""Failed pulls of CRI-O, with its error texts as the kubelet gets them.

Sources: containers/image docker/docker_client.go, docker/docker_image_src.go, docker/errors.go, docker/body_reader.go,
storage/storage_dest.go, copy/copy.go; cri-o server/image_pull.go and internal/storage/image.go. The texts are those of
reported events: kubernetes/registry.k8s.io#333 (broken bodies), containers/podman#19377 and ublue-os/main#747 (full
disks), cri-o#5282 (429), texts of OpenShift 4.18 to 4.20 (artifacts, RegistryUnavailable).
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NamedTuple

from pullsim.cri import PullOutcome
from pullsim.registry.access import Denial
from pullsim.registry.authorizer import Authorizer
from pullsim.registry.request import CUT, NOT_FOUND, REFUSED, RESET, TIMED_OUT
from pullsim.runtime.containerd.failures import CAUSES, NO_CONNECTION, NO_SPACE, PHRASES
from pullsim.spec.hosts import HUB

if TYPE_CHECKING:
    from pullsim.oci.manifest import Layer
    from pullsim.oci.platform import Platform
    from pullsim.oci.reference import Reference
    from pullsim.releases.crio import CrioRelease

REGISTRY_UNAVAILABLE: Final = "RegistryUnavailable"  # k8s.io/cri-api/pkg/errors
TEMPORARY: Final = "/var/tmp/container_images_storage1"  # noqa: S108  # text: a random name, where the copy has its files
STORE: Final = "/var/lib/containers/storage/overlay"
#: The steps of a partial pull, as errors name them (containers/storage pkg/chunked, containers/image PutBlobPartial).
READING_TOC: Final = "read zstd:chunked manifest"
STAGING: Final = "staging a partially-pulled layer"
MANIFEST_LIST: Final = "copying system image from manifest list: "
PORTS: Final = {"http": 80, "https": 443}
#: The text for an answer in which the registry gives no message (error codes of distribution), by HTTP status.
WORDS: Final = {
    401: "unauthorized: authentication required",
    403: "denied: requested access to the resource is denied",
    404: "manifest unknown",
    429: "toomanyrequests: too many requests",
}


class CopyFailed(Exception):
    """A part of a copy failed, with containers/image's text."""

    def __init__(self, why: str, cause: str, status: int = 0) -> None:
        super().__init__(why)
        self.why = why
        self.cause = cause
        self.status = status  # the status of the request that failed; 0: no request did

    @property
    def unreachable(self) -> bool:
        """Whether the registry could not be reached."""
        return self.cause == "unavailable"


class Refusal(NamedTuple):
    """How a request of a registry failed."""

    status: int  # HTTP status, or one of those in `pullsim.registry.request`
    message: str  # the registry's own text
    denied: Authorizer | None  # whose credentials were refused; None: none were
    scheme: str  # http or https, as the client speaks to the registry


def ping_failure(host: str, refusal: Refusal) -> CopyFailed:
    """Return the failure of GET /v2/: no connection, or an error (docker_client.go detectPropertiesHelper, ping).

    Of a registry without TLS it is the failure of the ping by HTTP, which follows the one by HTTPS.
    """
    name, status = HUB[1] if host == HUB[0] else host, refusal.status
    why = _no_connection(refusal, name, "/v2/") if status in NO_CONNECTION else _response(status, refusal.message)
    return CopyFailed(f"pinging container registry {name}: {why}", cause_of(status), status)


def token_failure(status: int) -> CopyFailed:
    """Return the failure for credentials that the token server refused (docker_client.go getBearerToken)."""
    why = f"unable to retrieve auth token: invalid username/password: {WORDS[401]}"
    return CopyFailed(why, cause_of(status), status)


def manifest_failure(reference: Reference, tag: str, refusal: Refusal) -> CopyFailed:
    """Return the failure of the GET of a manifest (docker_image_src.go fetchManifest)."""
    status = refusal.status
    if _credentials_refused(refusal):
        return token_failure(status)
    why = f"reading manifest {tag} in {reference.repository}: {_answer(reference, 'manifests', tag, refusal)}"
    return CopyFailed(why, cause_of(status), status)


def blob_failure(reference: Reference, digest: str, refusal: Refusal) -> CopyFailed:
    """Return the failure of the GET of a blob (docker_image_src.go getBlob)."""
    status = refusal.status
    if _credentials_refused(refusal):
        why = token_failure(status).why
    else:
        why = f"fetching blob: {_answer(reference, 'blobs', digest, refusal)}"
    return CopyFailed(f"reading blob {digest}: {why}", cause_of(status), status)


def parts_failure(reference: Reference, digest: str, step: str, refusal: Refusal) -> CopyFailed:
    """Return the failure of a GET of parts of a blob, at a ``step`` of its partial pull (copy/single.go copyLayer)."""
    status = refusal.status
    if status in (CUT, RESET):
        why = "unexpected EOF"
    elif _credentials_refused(refusal):
        why = token_failure(status).why
    else:
        why = _answer(reference, "blobs", digest, refusal)
        if status not in NO_CONNECTION:
            why = f"fetching partial blob: {why}"
    return CopyFailed(f"partial pull of blob {digest}: {step}: {why}", cause_of(status), status)


def parts_no_space(digest: str) -> CopyFailed:
    """Return the failure of a disk that has no room for a layer that is pulled in parts."""
    why = f"{STAGING}: write {STORE}/staging: {NO_SPACE}"
    return CopyFailed(f"partial pull of blob {digest}: {why}", "noSpace")


def broken_off(status: int, number: int, again: str = "") -> CopyFailed:
    """Return the failure of a download that broke off.

    ``number`` names the temporary file; ``again`` is the text about the attempt to resume, if there was one.
    """
    error = "read: connection reset by peer" if status == RESET else "unexpected EOF"
    why = f'writing blob: storing blob to file "{TEMPORARY}/{number}": happened during read: {error}{again}'
    return CopyFailed(why, "connectionLost", status)


def reconnecting(reference: Reference, digest: str, refusal: Refusal) -> str:
    """Return the text about a failed attempt to resume a download that broke off (body_reader.go Read)."""
    answer = _answer(reference, "blobs", digest, refusal)
    if refusal.status in NO_CONNECTION:
        return f" (while reconnecting: {answer})"
    return f" (after reconnecting, fetching blob: {answer})"


def temporary_no_space(number: int) -> CopyFailed:
    """Return the failure of a disk that was full before a blob was complete (storage_dest.go putBlobToPendingFile)."""
    path = f"{TEMPORARY}/{number}"
    return CopyFailed(f'writing blob: storing blob to file "{path}": write {path}: {NO_SPACE}', "noSpace")


def layer_no_space(layer: Layer) -> CopyFailed:
    """Return the failure of a disk that was full before a layer was unpacked (storage_dest.go createNewLayer).

    The real text also names the file that could not be written, which the simulation does not know.
    """
    why = f'writing blob: adding layer with blob "{layer.digest}": processing tar file(write {STORE}: {NO_SPACE}): '
    return CopyFailed(f"{why}exit status 1", "noSpace")


def no_platform(reference: Reference, platform: Platform) -> CopyFailed:
    """Return the failure of an index without an image for the node's platform.

    Source: copy/copy.go Image, manifest/oci_index.go ChooseInstance.
    """
    variant = platform.variant or ("v8" if platform.architecture == "arm64" else "")
    wanted = f'architecture "{platform.architecture}", variant "{variant}", OS "{platform.os}"'
    why = f"choosing an image from manifest list docker://{reference}: no image found in image index for {wanted}"
    return CopyFailed(why, "platform")


def initializing(reference: Reference, failed: CopyFailed, mirrors: list[tuple[str, CopyFailed]]) -> CopyFailed:
    """Return the failure of the registry and all mirrors (docker_image_src.go newImageSource; copy/copy.go Image).

    ``failed`` is the registry's failure, ``mirrors`` has the name and failure of each mirror.
    """
    why = failed.why
    if mirrors:
        others = "; ".join(f"{name}: {each.why}" for name, each in mirrors)
        why = f"(Mirrors also failed: [{others}]): {why}"
    return CopyFailed(f"{_source(reference)}{why}", failed.cause, failed.status)


def no_first_artifact(reference: Reference, failed: CopyFailed) -> CopyFailed:
    """Return the failure to read the manifest in releases that first look for an artifact (1.33.0 to 1.33.3)."""
    choice = f"choosing an image from manifest list docker://{reference}: "
    if failed.why.startswith(choice):
        why = f"choose instance: {failed.why.removeprefix(choice)}"
    else:
        why = f"get manifest: build image source: {failed.why.removeprefix(_source(reference))}"
    return CopyFailed(f"unable to try pulling possible OCI artifact: {why}", failed.cause, failed.status)


def no_manifest(reference: Reference, failed: CopyFailed, release: CrioRelease) -> str:
    """Return the text for a name that could be pulled neither as an image nor as an artifact: it has no manifest."""
    if release.copies_artifacts:
        return f"{release.no_manifest}{failed.why}"
    return f"{release.no_manifest}{failed.why.removeprefix(_source(reference))}"


def outcome_of(reference: Reference, failed: CopyFailed, artifact: str | None, release: CrioRelease) -> PullOutcome:
    """Return the answer to the kubelet.

    ``artifact`` is the error of the attempt to pull the name as an artifact; None: there was no such attempt.
    Source: server/image_pull.go PullImage, internal/storage/image.go pullImageImplementation (from 1.33).
    """
    error = failed.why
    if artifact is not None:
        error = f"unable to pull image or OCI artifact: pull image err: {error}; artifact err: {artifact}"
    elif release.tries_artifacts and not release.tries_artifacts_without_network:
        error = f"unable to pull image: {error}"
    if failed.status == REFUSED and failed.unreachable:
        error = f"{REGISTRY_UNAVAILABLE}: {error}"
    return PullOutcome(None, code="Unknown", error=error, cause=failed.cause, registry=reference.domain)


def tries_artifact(failed: CopyFailed, release: CrioRelease) -> bool:
    """Whether the release tries to pull the name as an artifact after this failure."""
    if not release.tries_artifacts or release.tries_artifacts_first:
        return False
    return release.tries_artifacts_without_network or not failed.unreachable


def cause_of(status: int) -> str:
    """Return the cause, as `PullOutcome.cause` names it, of a request that ended with this status."""
    if status in NO_CONNECTION:
        return "unavailable"
    return "connectionLost" if status in (CUT, RESET) else CAUSES.get(status, "serverError")


def _source(reference: Reference) -> str:
    """Return the prefix of the errors of opening a source (copy/copy.go Image)."""
    return f"initializing source docker://{reference}: "


def _credentials_refused(refusal: Refusal) -> bool:
    """Whether the token server has refused the client's credentials."""
    denied = refusal.denied
    return denied is not None and denied.scheme == "bearer" and denied.denial in (Denial.INVALID, Denial.EXPIRED)


def _answer(reference: Reference, kind: str, what: str, refusal: Refusal) -> str:
    """Return the text of how a GET of a manifest or blob failed: no connection, or an answer that is an error."""
    if refusal.status in NO_CONNECTION:
        name = HUB[1] if reference.domain == HUB[0] else reference.domain
        return _no_connection(refusal, name, f"/v2/{reference.path}/{kind}/{what}")
    if refusal.status == NOT_FOUND and kind == "blobs":
        return "blob unknown to registry"
    return _response(refusal.status, refusal.message)


def _no_connection(refusal: Refusal, name: str, path: str) -> str:
    """Return the text of a GET for which there was no connection to a host (net/url Error, net OpError)."""
    address = name if ":" in name else f"{name}:{PORTS[refusal.scheme]}"
    problem = "i/o timeout" if refusal.status == TIMED_OUT else "connect: connection refused"
    return f'Get "{refusal.scheme}://{name}{path}": dial tcp {address}: {problem}'


def _response(status: int, message: str) -> str:
    """Return the text of a response that is an error (docker/errors.go registryHTTPResponseToError)."""
    if message:
        return message
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return f"received unexpected HTTP status: {status} {PHRASES.get(status, '')}".rstrip()
    return WORDS.get(status, f'StatusCode: {status}, ""')
