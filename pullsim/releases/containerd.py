"""How releases of containerd differ, patches too, in what their pulls do.

Read at every tag from 1.6.3 to 2.3.4 and 2.4.0-beta.0, and in the release notes of the later ones: core/remotes/docker
(1.x: remotes/docker), core/unpack (pkg/unpack), internal/cri (pkg/cri), core/transfer, plugins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pullsim.releases.release import Release, Releases

#: Before 1.6.3 nothing keeps two pulls from unpacking the same layer.
CONTAINERD: Final = Releases(
    "containerd",
    {(1, 6): 39, (1, 7): 35, (2, 0): 12, (2, 1): 9, (2, 2): 8, (2, 3): 5, (2, 4): 0},
    first_patch=3,
)
DEFAULT_RELEASE: Final = (2, 1)
#: The first release that mounts images as volumes (containerd/containerd pull 10579).
MOUNTS_IMAGES: Final = (2, 1)
#: From which release on a rule holds; where it was backported, after the first patch of each older minor release.
_PROGRESS_5M: Final = (1, 7, 10)
_BLOBS_LIMITED: Final = ({(2, 0): 11, (2, 2): 6}, (2, 3))
_ASKS_WHY: Final = ({(2, 0): 12}, (2, 3, 3))


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What differs between releases (core/remotes/docker, core/unpack, internal/cri/server/images)."""

    release: Release
    by_service: bool  # the transfer service pulls; else the CRI plugin does by itself
    node_wide_slots: bool  # all pulls of a node share one set of download slots, else each pull has its own
    retries_server_errors: bool  # one immediate retry of 500, 503 and 504
    retries_timeouts: bool  # at the last host, what timed out is tried again after a moment
    requests: int  # that may be sent to one host for one answer; a request that is answered 401 counts as well
    header_timeout: float  # seconds without an answer's header over an open connection; inf: none
    ranks_errors: bool  # reports the error of the host where the request came furthest, else the first that is no 404
    limits_blobs: bool  # a digest is looked for among blobs only if every host answered 404 or not at all
    asks_why: bool  # a HEAD that is answered 403 is followed by a GET, for the registry's own text
    honours_token_expiry: bool  # renews a token before it is used; else after a 401
    progress_timeout: float  # seconds without a byte after which a pull is given up; 0: none


def behaviour(release: Release, *, local_pull: bool = False) -> Behaviour:
    """Return how a release behaves: the transfer service came with 2.1, and so did one limit for the node.

    ``local_pull``: the CRI plugin pulls by itself all the same (internal/cri/server/images/service.go hands its own
    limit to every pull).
    """
    retries_timeouts = release >= (2, 3, 2)  # resolver.go doWithTransportRetries, containerd#13591
    return Behaviour(
        release=release,
        # The transfer service holds a slot for every GET, until its body ends. The CRI plugin holds slots for layers
        # alone: a slot is taken before the lock of the blob, and held until the blob is durable.
        by_service=release >= (2, 1) and not local_pull,
        node_wide_slots=release >= (2, 1),
        retries_server_errors=release >= (2, 1),  # resolver.go retryRequest, containerd#11484
        retries_timeouts=retries_timeouts,
        requests=5 if retries_timeouts else 6,  # maxAttempts; before, retryRequest counted answers
        header_timeout=30.0 if release >= (2, 3) else float("inf"),  # registry.go DefaultHTTPTransport
        ranks_errors=release >= (2, 0),  # resolver.go Resolve, firstErrPriority
        limits_blobs=_holds(release, *_BLOBS_LIMITED),  # resolver.go Resolve, containerd#13622
        asks_why=_holds(release, *_ASKS_WHY),  # resolver.go Resolve, pusher.go withGETErrorBody, containerd#13547
        honours_token_expiry=release >= (1, 7, 28),  # authorizer.go doBearerAuth, expirationTime
        progress_timeout=_progress_timeout(release),
    )


def _holds(release: Release, backports: dict[tuple[int, int], int], since: tuple[int, ...]) -> bool:
    patch = backports.get((release.major, release.minor))
    return release >= since or (patch is not None and release.patch >= patch)


def _progress_timeout(release: Release) -> float:
    """Return image_pull_progress_timeout (internal/cri/config, defaultImagePullProgressTimeoutDuration)."""
    if release < (1, 7):
        return 0.0
    return 300.0 if release >= _PROGRESS_5M else 60.0
