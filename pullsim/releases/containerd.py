"""How pulls differ between releases of containerd, patch releases included.

The rules were read from the source of every tag from 1.6.3 to 2.3.4 and of 2.4.0-beta.0, and from the release notes of
later releases. The packages are core/remotes/docker (remotes/docker in 1.x), core/unpack (pkg/unpack), internal/cri
(pkg/cri), core/transfer and plugins.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from pullsim.frozen import dataclass
from pullsim.releases.release import Release, Releases

#: Newest known patch of each minor release. Releases before 1.6.3 are not modelled: there, nothing keeps two pulls from
#: unpacking the same layer.
CONTAINERD: Final = Releases(
    "containerd",
    {(1, 6): 39, (1, 7): 35, (2, 0): 12, (2, 1): 9, (2, 2): 8, (2, 3): 5, (2, 4): 0},
    first_patch=3,
)
DEFAULT_RELEASE: Final = (2, 1)
#: The first release that mounts images as volumes (containerd/containerd pull 10579).
MOUNTS_IMAGES: Final = (2, 1)
#: The first release that publishes an event for each blob that it commits (containerd/containerd pull 11006).
TELLS_OF_BLOBS: Final = (2, 1)
# The first release that has a rule. A rule that was backported has a pair: the first patch with the rule in each older
# minor release, and the first release that always had it.
_PROGRESS_5M: Final = (1, 7, 10)
_BLOBS_LIMITED: Final = ({(2, 0): 11, (2, 2): 6}, (2, 3))
_ASKS_WHY: Final = ({(2, 0): 12}, (2, 3, 3))
_LEASES_SNAPSHOTS: Final = ({(1, 6): 37, (1, 7): 23}, (2, 0))


@dataclass(frozen=True, slots=True)
class Behaviour:
    """The rules of pulls in which releases differ (core/remotes/docker, core/unpack, internal/cri/server/images)."""

    release: Release
    by_service: bool  # the transfer service performs the pull; else the CRI plugin does
    # All pulls of a node share one set of download slots, of which every GET takes one until its last byte. Else each
    # pull has its own, and a layer takes one from before it has the blob's lock until the blob is durable.
    node_wide_slots: bool
    leases_snapshots: bool  # a layer that is there costs a transaction, which adds it to the lease
    retries_server_errors: bool  # a status of 500, 503 or 504 is retried once, at once
    retries_timeouts: bool  # a request that timed out at the last host is retried after a short wait
    requests: int  # number that may be sent to one host for one answer; those that are answered 401 count as well
    header_timeout: float  # seconds to wait for a response to begin over an open connection; inf: no timeout
    ranks_errors: bool  # the error of the host that came furthest is reported; else the first one that is no 404
    limits_blobs: bool  # a digest is looked up as a blob only if each host answered 404 for the manifest, or not at all
    asks_why: bool  # a HEAD that is answered 403 is followed by a GET, which gives the registry's own error text
    honours_token_expiry: bool  # an expired token is renewed before it is used; else after a 401
    progress_timeout: float  # seconds without a received byte after which a pull is cancelled; 0: no timeout


@cache
def behaviour(release: Release, *, local_pull: bool = False) -> Behaviour:
    """Return the rules of a release. From 2.1 on the transfer service pulls, and download slots are per node.

    ``local_pull``: the CRI plugin performs the pull in these releases too, as with the option ``use_local_image_pull``.
    Slots are still per node and taken by each GET: internal/cri/server/images/service.go passes its limiter to every
    pull, client/pull.go hands it to the resolver, and none to the unpacker, as up to 2.0.
    """
    retries_timeouts = release >= (2, 3, 2)  # resolver.go doWithTransportRetries, containerd#13591
    return Behaviour(
        release=release,
        by_service=release >= (2, 1) and not local_pull,
        node_wide_slots=release >= (2, 1),
        # unpacker.go prepares a snapshot without a look whether it is there: the database's Prepare (metadata/
        # snapshot.go createSnapshot) then adds the one that is there to the lease (containerd#10723).
        leases_snapshots=_holds(release, *_LEASES_SNAPSHOTS),
        retries_server_errors=release >= (2, 1),  # resolver.go retryRequest, containerd#11484
        retries_timeouts=retries_timeouts,
        requests=5 if retries_timeouts else 6,  # maxAttempts; older releases count answers (retryRequest)
        header_timeout=30.0 if release >= (2, 3) else float("inf"),  # registry.go DefaultHTTPTransport
        ranks_errors=release >= (2, 0),  # resolver.go Resolve, firstErrPriority
        limits_blobs=_holds(release, *_BLOBS_LIMITED),  # resolver.go Resolve, containerd#13622
        asks_why=_holds(release, *_ASKS_WHY),  # resolver.go Resolve, pusher.go withGETErrorBody, containerd#13547
        honours_token_expiry=release >= (1, 7, 28),  # authorizer.go doBearerAuth, expirationTime
        progress_timeout=_progress_timeout(release),
    )


def _holds(release: Release, backports: dict[tuple[int, int], int], since: tuple[int, ...]) -> bool:
    """Whether a release has a rule that came with ``since`` and was backported to patches of older minor releases."""
    patch = backports.get((release.major, release.minor))
    return release >= since or (patch is not None and release.patch >= patch)


def _progress_timeout(release: Release) -> float:
    """Return the default image_pull_progress_timeout in seconds, 0 for none.

    Source: internal/cri/config, defaultImagePullProgressTimeoutDuration.
    """
    if release < (1, 7):
        return 0.0
    return 300.0 if release >= _PROGRESS_5M else 60.0
