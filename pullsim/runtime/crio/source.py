"""How CRI-O asks registries: one host for all of an image, pauses after 429, downloads that are resumed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pullsim.oci.manifest import Image, Index
from pullsim.registry.access import Presented
from pullsim.registry.authorizer import Authorizer
from pullsim.registry.client import Client
from pullsim.registry.request import CUT, NOT_FOUND, OK, RESET, Part, Request
from pullsim.runtime.crio import failures
from pullsim.runtime.crio.failures import CopyFailed

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.cri import Auth
    from pullsim.network.flows import Transfer
    from pullsim.oci.reference import Reference
    from pullsim.registry.host import Registry
    from pullsim.registry.request import Download
    from pullsim.runtime.crio.node import CrioNode
    from pullsim.runtime.sources.blob_source import Wanted
    from pullsim.time_line import TimeLine

TOO_MANY: Final = 429
BROKEN_OFF: Final = (CUT, RESET)
# containers/image docker/docker_client.go (backoff…) and docker/body_reader.go (bodyReader…), all releases.
ATTEMPTS: Final = 5  # that are made with a request which is answered 429
FIRST_PAUSE: Final = 2.0  # seconds between two of them, then twice as long each time
LONGEST_PAUSE: Final = 60.0  # seconds
PROGRESS: Final = 1 << 20  # bytes since a body broke off last, from which on another attempt is made
PATIENCE: Final = 60.0  # seconds since then, after which another attempt is made with fewer bytes too
RECONNECT: Final = 1.05  # seconds before such an attempt: the mean of 1 s and up to 0.1 s more, at random


class _Document:
    """A manifest on its way: part of the stage resolve."""

    __slots__ = ("_clock", "host", "received")

    def __init__(self, clock: TimeLine) -> None:
        self._clock = clock
        self.host: str | None = None
        self.received = 0

    def request(self, now: float) -> None:
        """See `Download`."""
        self._clock.enter("resolve", now)

    def begin(self, now: float, transfer: Transfer) -> None:  # noqa: ARG002 - the protocol's
        """See `Download`."""
        self._clock.enter("resolve", now)

    def stall(self, now: float, *, begun: bool) -> None:  # noqa: ARG002 - the protocol's
        """See `Download`."""
        self._clock.enter("stall", now)


class Opened(NamedTuple):
    """A host that has the image, and what its name means there."""

    client: Client
    image: Image


class ImageSource:
    """What one copy reads from: the first of the registry's mirrors, or the registry, that has the manifest.

    All that follows comes from there. Each source has a client of its own, which learns with its first request how to
    authenticate; its token serves the requests that follow. Models containers/image docker/docker_image_src.go
    (newImageSource), docker_client.go (makeRequestToResolvedURL) and body_reader.go.
    """

    def __init__(self, node: CrioNode, reference: Reference, auth: Auth | None, clock: TimeLine) -> None:
        self._node = node
        self._reference = reference
        self._auth = auth
        self._clock = clock
        self._opened: Opened | None = None
        self._clients: list[Client] = []
        self._files = 0

    @property
    def host(self) -> str:
        """The host that serves the image; the registry's own until one does."""
        return self._reference.domain if self._opened is None else self._opened.client.registry.spec.host

    @property
    def retryable(self) -> bool:
        """Whether what went wrong may go right later, though nothing in the world changes."""
        return any(client.retryable for client in self._clients)

    def open(self) -> Generator[Any, Any, Image]:
        """Ping, get the manifest that the reference names; raises CopyFailed with the failures of all hosts."""
        mirrors: list[tuple[str, CopyFailed]] = []
        *others, own = self._node.sources(self._reference.domain)
        for registry in (*others, own):
            try:
                opened: Opened = yield from self._open(registry)
            except CopyFailed as failed:
                if registry is own:
                    raise failures.initializing(self._reference, failed, mirrors) from None
                name = f"{registry.spec.host}/{self._reference.path}"
                mirrors.append((name, failed))
            else:
                self._opened = opened
                return opened.image
        raise AssertionError  # the registry itself is the last

    def manifest(self, digest: str, size: int) -> Generator[Any, Any, None]:
        """Get the manifest of a platform."""
        client = self._client_in_use()
        yield from self._manifest(client, digest, size)

    def config(self, digest: str, size: int) -> Generator[Any, Any, None]:
        """Get the config of an image."""
        client, reference = self._client_in_use(), self._reference
        request = Request(client.presented, reference, "blobs", digest, Part(size))
        status = yield from self._get(client, request, _Document(self._clock))
        if status != OK:
            why = failures.blob_failure(reference, digest, status, client.message, _denied(client))
            raise CopyFailed(f"parsing image configuration: {why.why.partition(': ')[2]}", why.cause, status)

    def get(self, wanted: Wanted, download: Download) -> Generator[Any, Any, None]:
        """Get what is missing of a blob; raises CopyFailed."""
        client, reference, env = self._client_in_use(), self._reference, self._node.env
        digest, size = wanted.digest, wanted.size
        self._files += 1
        number = self._files
        last_offset, last_time, broken = -1, -float("inf"), OK
        while True:
            offset = download.received
            request = Request(client.presented, reference, "blobs", digest, Part(size - offset, offset))
            status = yield from self._get(client, request, download)
            if status == OK:
                return
            if status not in BROKEN_OFF:
                if broken != OK:
                    again = failures.reconnecting(reference, digest, status, client.message)
                    raise failures.broken_off(broken, number, again)
                raise failures.blob_failure(reference, digest, status, client.message, _denied(client))
            broken, now = status, env.now
            first = last_offset < 0
            if not first and download.received - last_offset < PROGRESS and now - last_time < PATIENCE:
                raise failures.broken_off(broken, number)
            download.request(now)
            yield env.timeout(RECONNECT)
            last_offset, last_time = download.received, env.now

    def _open(self, registry: Registry) -> Generator[Any, Any, Opened]:
        node, reference = self._node, self._reference
        presented = Presented(self._auth, None, node.address, node.name)
        client = Client(node.env, registry, node.port, Authorizer(registry, presented, insists=False))
        self._clients.append(client)
        yield from self._ping(client)
        image, what = registry.content(reference, node.env.now), reference.digest or reference.tag or "latest"
        yield from self._manifest(client, what, 0 if image is None else image.size, index=isinstance(image, Index))
        if image is None:
            raise self._no_manifest(client, what, NOT_FOUND)
        return Opened(client, image)

    def _ping(self, client: Client) -> Generator[Any, Any, None]:
        request = Request(client.presented, self._reference, "ping")
        pause = FIRST_PAUSE
        for attempt in range(1, ATTEMPTS + 1):
            client.retry_after = None
            status = yield from client.ping(request)
            if status != TOO_MANY or attempt == ATTEMPTS:
                break
            pause = yield from self._pause(client, pause)
        if status != OK:
            raise failures.ping_failure(client.registry.spec.host, status, client.message)

    def _manifest(self, client: Client, what: str, size: int, *, index: bool = False) -> Generator[Any, Any, None]:
        digest = what if ":" in what else ""
        request = Request(client.presented, self._reference, "manifests", digest, Part(size), is_index=index)
        status = yield from self._get(client, request, _Document(self._clock))
        if status in BROKEN_OFF:
            why = f"reading manifest {what} in {self._reference.repository}: unexpected EOF"
            raise CopyFailed(why, "connectionLost")
        if status != OK:
            raise self._no_manifest(client, what, status)

    def _no_manifest(self, client: Client, what: str, status: int) -> CopyFailed:
        return failures.manifest_failure(self._reference, what, status, client.message, _denied(client))

    def _get(self, client: Client, request: Request, download: Download) -> Generator[Any, Any, int]:
        """GET; after an answer 429 again when a pause is over, for as long as attempts are left."""
        pause = FIRST_PAUSE
        for attempt in range(1, ATTEMPTS + 1):
            client.retry_after = None
            status = yield from client.get(request, download)
            if status != TOO_MANY or attempt == ATTEMPTS:
                break
            pause = yield from self._pause(client, pause)
        return status

    def _pause(self, client: Client, pause: float) -> Generator[Any, Any, float]:
        """Wait before the next attempt; return the pause that is to follow it."""
        pause = min(pause if client.retry_after is None else client.retry_after, LONGEST_PAUSE)
        yield self._node.env.timeout(pause)
        return 2.0 * pause

    def _client_in_use(self) -> Client:
        assert self._opened is not None
        return self._opened.client


def _denied(client: Client) -> Authorizer | None:
    return None if client.authorizer.denial is None else client.authorizer
