"""How CRI-O asks registries: one host for a whole image, pauses after 429, and resumed downloads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pullsim.oci.manifest import Image, Index, Layer
from pullsim.registry.access import Presented
from pullsim.registry.authorizer import Authorizer
from pullsim.registry.client import Client, Transport
from pullsim.registry.pull_through.client import connect
from pullsim.registry.request import CUT, NOT_FOUND, OK, RESET, Download, Request
from pullsim.runtime.crio import failures
from pullsim.runtime.crio.failures import CopyFailed

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.cri import Auth
    from pullsim.network.flows import Transfer
    from pullsim.oci.reference import Reference
    from pullsim.registry.host import Registry
    from pullsim.runtime.crio.node import CrioNode
    from pullsim.runtime.sources.blob_source import Wanted
    from pullsim.time_line import TimeLine

BAD_REQUEST: Final = 400
TOO_MANY: Final = 429
BROKEN_OFF: Final = (CUT, RESET)
# containers/image docker/docker_client.go (backoff…) and docker/body_reader.go (bodyReader…), all releases.
ATTEMPTS: Final = 5  # how often a request is sent that is always answered 429
FIRST_PAUSE: Final = 2.0  # seconds before the second attempt; each later pause is twice as long as the one before
LONGEST_PAUSE: Final = 60.0  # seconds
PROGRESS: Final = 1 << 20  # bytes that must have come since the last resumption for a download to be resumed again
PATIENCE: Final = 60.0  # seconds since the last resumption after which a download is resumed with fewer bytes too
RECONNECT: Final = 1.05  # seconds until a resumption: the mean of the 1.0 to 1.1 s that CRI-O draws at random
#: A registry without TLS is asked only if it is configured as insecure, and even then the ping tries TLS first; one in
#: plain text follows whatever it failed by, a timeout too (docker/docker_client.go detectPropertiesHelper).
TRANSPORT: Final = Transport(tries_tls=True, pings_again=True)


class _Document(Download):
    """The `Download` of a manifest or config, whose time is in the stage ``resolve``."""

    __slots__ = ("_clock",)

    def __init__(self, clock: TimeLine) -> None:
        super().__init__()
        self._clock = clock

    def request(self, now: float) -> None:
        """See `Download`."""
        self._clock.enter("resolve", now)

    def begin(self, now: float, transfer: Transfer) -> None:  # noqa: ARG002 - the protocol has it
        """See `Download`."""
        self._clock.enter("resolve", now)

    def stall(self, now: float, *, begun: bool) -> None:  # noqa: ARG002 - the protocol has it
        """See `Download`."""
        self._clock.enter("stall", now)


class Opened(NamedTuple):
    """A host that has the image, and the manifest or index that the name stands for there."""

    client: Client
    image: Image


class ImageSource:
    """The host that one copy reads from: the first mirror that has the manifest, or else the registry.

    Config and layers come from the same host. Each source has a client of its own, which learns with its first request
    how to authenticate and uses its token for the later ones. Models containers/image docker/docker_image_src.go
    (newImageSource), docker_client.go (makeRequestToResolvedURL) and body_reader.go.
    """

    def __init__(self, node: CrioNode, reference: Reference, auth: Auth | None, clock: TimeLine) -> None:
        self._node = node
        self._reference = reference
        self._auth = auth
        self._clock = clock
        self._opened: Opened | None = None
        self._clients: list[Client] = []
        self._files = 0  # number of the temporary files so far, which errors name

    @property
    def host(self) -> str:
        """The host that serves the image; before `open` has found it, the registry's."""
        return self._reference.domain if self._opened is None else self._opened.client.registry.spec.host

    @property
    def retryable(self) -> bool:
        """Whether the next copy may succeed although no fault, tag, node or pod changes until then."""
        return any(client.retryable for client in self._clients)

    def open(self) -> Generator[Any, Any, Image]:
        """Ping the hosts in turn and get the manifest of the reference. Raises CopyFailed with all their failures."""
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
        raise AssertionError  # the loop returns or raises at the registry, which is the last host

    def manifest(self, digest: str, size: int) -> Generator[Any, Any, None]:
        """Get the manifest of the node's platform; ``size`` in bytes. Raises CopyFailed."""
        client = self._client_in_use()
        yield from self._manifest(client, digest, size)

    def config(self, digest: str, size: int) -> Generator[Any, Any, None]:
        """Get the config of an image; ``size`` in bytes. Raises CopyFailed."""
        client, reference = self._client_in_use(), self._reference
        request = Request(client.presented, reference, "blobs", digest, size)
        status = yield from self._get(client, request, _Document(self._clock))
        if status != OK:
            why = failures.blob_failure(reference, digest, _refusal(client, status))
            raise CopyFailed(f"parsing image configuration: {why.why.partition(': ')[2]}", why.cause, status)

    def get(self, wanted: Wanted, download: Download) -> Generator[Any, Any, None]:
        """Get the missing bytes of a blob. Raises CopyFailed."""
        client, reference, env = self._client_in_use(), self._reference, self._node.env
        if (agent := self._node.agent) is not None:
            registry = self._node.sources(reference.domain)[-1]
            if (yield from agent.get(wanted, download, registry)) == OK:
                return
        digest, size = wanted.digest, wanted.size
        self._files += 1
        number = self._files
        last_offset, last_time, broken = -1, -float("inf"), OK
        while True:
            offset = download.received
            request = Request(client.presented, reference, "blobs", digest, size - offset)
            request.offset = offset
            status = yield from self._get(client, request, download)
            if status == OK:
                return
            if status not in BROKEN_OFF:
                if broken != OK:
                    again = failures.reconnecting(reference, digest, _refusal(client, status))
                    raise failures.broken_off(broken, number, again)
                raise failures.blob_failure(reference, digest, _refusal(client, status))
            broken, now = status, env.now
            first = last_offset < 0
            if not first and download.received - last_offset < PROGRESS and now - last_time < PATIENCE:
                raise failures.broken_off(broken, number)
            download.request(now)
            yield env.timeout(RECONNECT)
            last_offset, last_time = download.received, env.now

    def parts(self, layer: Layer, ranges: int, size: int, step: str, download: Download) -> Generator[Any, Any, bool]:
        """GET ranges of ``size`` bytes in all of a layer's blob; return False if several are too many (400).

        ``download.received`` grows by the bytes of the answer, which may be all of the blob. An answer that breaks off
        is not resumed. Raises CopyFailed.
        """
        client, digest = self._client_in_use(), layer.digest
        request = Request(client.presented, self._reference, "blobs", digest, size)
        request.ranges, request.whole = ranges, layer.size
        status = yield from self._get(client, request, download)
        if status == OK:
            download.received += request.size
        elif status != BAD_REQUEST or ranges == 1:
            raise failures.parts_failure(self._reference, digest, step, _refusal(client, status))
        return status == OK

    def _open(self, registry: Registry) -> Generator[Any, Any, Opened]:
        """Ping one host and get the manifest of the reference from it. Raises CopyFailed."""
        node, reference = self._node, self._reference
        presented = Presented(self._auth, None, node.address, node.name)
        authorizer = Authorizer(registry, presented, insists=False)
        client = connect(node.env, registry, node.port, authorizer, TRANSPORT, inbound=node.inbound)
        self._clients.append(client)
        yield from self._ping(client)
        image, what = registry.content(reference, node.env.now), reference.digest or reference.tag or "latest"
        yield from self._manifest(client, what, 0 if image is None else image.size, index=isinstance(image, Index))
        image = client.found or image  # what a cache knows of a tag may be older
        if image is None:
            raise self._no_manifest(client, what, NOT_FOUND)
        return Opened(client, image)

    def _ping(self, client: Client) -> Generator[Any, Any, None]:
        """Ask how to authenticate, again after each 429 and a pause. Raises CopyFailed.

        Nobody reads the body of the answer, so that its connection is closed, and the next request opens another one.
        """
        request = Request(client.presented, self._reference, "ping")
        pause = FIRST_PAUSE
        for attempt in range(1, ATTEMPTS + 1):
            client.retry_after = None
            status = yield from client.ping(request)
            client.close_idle()
            if status != TOO_MANY or attempt == ATTEMPTS:
                break
            pause = yield from self._pause(client, pause)
        if status != OK:
            raise failures.ping_failure(client.registry.spec.host, _refusal(client, status))

    def _manifest(self, client: Client, what: str, size: int, *, index: bool = False) -> Generator[Any, Any, None]:
        """GET a manifest or index by the tag or digest ``what``. Raises CopyFailed."""
        digest = what if ":" in what else ""
        request = Request(client.presented, self._reference, "manifests", digest, size, is_index=index)
        status = yield from self._get(client, request, _Document(self._clock))
        if status in BROKEN_OFF:
            why = f"reading manifest {what} in {self._reference.repository}: unexpected EOF"
            raise CopyFailed(why, "connectionLost")
        if status != OK:
            raise self._no_manifest(client, what, status)

    def _no_manifest(self, client: Client, what: str, status: int) -> CopyFailed:
        """Return the failure of a GET of the manifest ``what``."""
        return failures.manifest_failure(self._reference, what, _refusal(client, status))

    def _get(self, client: Client, request: Request, download: Download) -> Generator[Any, Any, int]:
        """Send a GET, and after each 429 and a pause again, `ATTEMPTS` times at most; return the last status."""
        pause = FIRST_PAUSE
        for attempt in range(1, ATTEMPTS + 1):
            client.retry_after = None
            status = yield from client.get(request, download)
            if status != TOO_MANY or attempt == ATTEMPTS:
                break
            pause = yield from self._pause(client, pause)
        return status

    def _pause(self, client: Client, pause: float) -> Generator[Any, Any, float]:
        """Wait before the next attempt; return the seconds to wait before the attempt after it."""
        pause = min(pause if client.retry_after is None else client.retry_after, LONGEST_PAUSE)
        yield self._node.env.timeout(pause)
        return 2.0 * pause

    def _client_in_use(self) -> Client:
        assert self._opened is not None
        return self._opened.client


def _refusal(client: Client, status: int) -> failures.Refusal:
    """Return how a client's last request failed."""
    authorizer, tls = client.authorizer, client.registry.spec.tls
    denied = None if authorizer.denial is None else authorizer
    return failures.Refusal(status, client.message, denied, "https" if tls else "http")
