"""Spegel on one node: it gets blobs from the content stores of other nodes, and makes those of its own known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullsim.kernel.event import Timeout
from pullsim.registry.request import CUT, NOT_FOUND, OK
from pullsim.runtime.peers.lookup import HEDGES, Hedger, Lookup
from pullsim.runtime.peers.node import PeerNode, Stream

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from pullsim.kernel.environment import Environment
    from pullsim.oci.reference import Reference
    from pullsim.peer_record import PeerRecord
    from pullsim.registry.host import Registry
    from pullsim.registry.request import Download
    from pullsim.runtime.peers.adverts import Adverts
    from pullsim.runtime.sources.blob_source import Wanted
    from pullsim.spec.peers import SpegelSpec
    from pullsim.streams import Stream as RandomStream


class Spegel:
    """The Spegel of one node, which containerd asks before any other host; it is also the watcher of its content.

    It stores nothing: what it fetches goes to containerd, and what it serves lies in containerd's content store. Models
    pkg/registry/registry.go (mirrorHandler, raceFetch), pkg/routing/libp2p/libp2p.go (Lookup) and
    pkg/oci/containerd/containerd.go (Watch, handleEvent), as of b8c715a. Reading a blob takes the serving node no time:
    what it has fetched of late is in its page cache.
    """

    __slots__ = (
        "_advertises_blobs",
        "_adverts",
        "_env",
        "_hedger",
        "_lookups",
        "_node",
        "_random",
        "_spec",
        "_stream",
    )

    def __init__(
        self,
        env: Environment,
        spec: SpegelSpec,
        node: PeerNode,
        adverts: Adverts,
        random: RandomStream,
        *,
        advertises_blobs: bool,
    ) -> None:
        """``advertises_blobs``: containerd tells of each blob that it commits (from 2.1 on), not only of images."""
        self._env = env
        self._spec = spec
        self._node = node
        self._adverts = adverts
        self._advertises_blobs = advertises_blobs
        self._random = random
        self._stream = Stream(spec.per_connection, spec.goodput)
        self._lookups: dict[str, Lookup] = {}  # by key
        self._hedger = Hedger()

    def resolve(self, reference: Reference) -> Generator[Any, Any, str | None]:
        """See `Agent`. What a peer answers for a tag may be older than what the registry has."""
        key = reference.digest or str(reference)
        if not (reference.digest or self._spec.resolve_tags):
            return None
        self._node.requests += 1
        peer = yield from self._race(self._lookup(key), key, tag=not reference.digest)
        if peer is not None and reference.digest:
            return reference.digest
        found = None if peer is None else peer.content.images.get(key)  # it may have been removed while it was asked
        if found is None:
            self._node.misses += 1
            return None
        return found.target

    def get(self, wanted: Wanted, download: Download, registry: Registry) -> Generator[Any, Any, int]:  # noqa: ARG002
        """See `Agent`. Peers that go away are followed by others, as long as some are known."""
        key, env = wanted.digest, self._env
        self._node.requests += 1
        download.request(env.now)
        lookup, opened = self._lookup(key), False
        while True:
            peer = yield from self._race(lookup, key)
            if peer is None:
                if opened:
                    return CUT
                self._node.misses += 1
                return NOT_FOUND
            opened = True
            rest = wanted.size - download.received
            if (yield from self._node.receive(peer, rest, self._stream, download)):
                return OK
            download.request(env.now)

    def leave(self) -> None:
        """See `Agent`."""
        self._node.leave()

    def close(self) -> None:
        """See `Agent`: bodies are counted as they end."""

    def record(self) -> PeerRecord:
        """See `Agent`."""
        return self._node.record()

    # The methods of `ContentWatcher`.

    def listed(self, name: str, blobs: Iterable[tuple[str, int]]) -> None:
        """Advertise an image that the node has from the start, and all that it consists of."""
        self._advertise(name)
        for digest, _ in blobs:
            self._advertise(digest)

    def committed(self, digest: str) -> None:
        """Advertise a blob, if containerd tells of it."""
        if self._advertises_blobs:
            self._advertise(digest)

    def named(self, name: str, blobs: Iterable[tuple[str, int]]) -> None:
        """Advertise an image, and its blobs if they are not advertised yet."""
        self._advertise(name)
        if not self._advertises_blobs:
            for digest, _ in blobs:
                self._advertise(digest)

    def removed(self, names: Iterable[str], lost: Iterable[str]) -> None:
        """Withdraw what is gone with an image. What containerd collects without an image is not withdrawn."""
        for key in (*names, *lost):
            self._adverts.withdraw(key, self._node)

    def _advertise(self, key: str) -> None:
        self._adverts.advertise(key, self._node, self._env.now + self._spec.advertise_delay)

    def _lookup(self, key: str) -> Lookup:
        """Return the peers for a key: those found of late, or what the distributed hash table will answer.

        It is asked anew after half the time for which a lookup is kept, unless enough peers are known.
        """
        now, spec = self._env.now, self._spec
        lookup = self._lookups.get(key)
        if lookup is not None and now - lookup.made < spec.cache_ttl:
            if now - lookup.updated < spec.cache_ttl / 2.0 or len(lookup) >= spec.retries:
                return lookup
            lookup.updated, lookup.ready = now, now if len(lookup) else now + spec.lookup
        else:
            lookup = self._lookups[key] = Lookup(now, now + spec.lookup)
        for peer in self._adverts.find(key, now, spec.retries):
            if peer is not self._node:
                lookup.add(peer)
        return lookup

    def _race(self, lookup: Lookup, key: str, *, tag: bool = False) -> Generator[Any, Any, PeerNode | None]:
        """Ask peers until one of them answers; return it, or None after the time that finding none takes.

        A peer that has the content no more says so at once, and is forgotten. One that has left says nothing: the next
        one is asked as soon as the hedger says, and all together get the time of the race.
        """
        spec, hedger = self._spec, self._hedger
        wait = max(0.0, lookup.ready - self._env.now)
        if wait > spec.resolve_timeout or not len(lookup):
            yield Timeout(self._env, min(wait, spec.resolve_timeout))
            return None
        limit = max(2.0 * hedger.percentile(HEDGES[-1]), spec.race_timeout)
        hedges = [hedger.percentile(percent) for percent in HEDGES]
        silent: list[PeerNode] = []
        elapsed, found = 0.0, None
        while found is None and elapsed < limit and (peer := lookup.acquire(self._random)) is not None:
            if peer.left <= self._env.now:
                silent.append(peer)
                elapsed = max(elapsed, hedges.pop(0)) if hedges else limit
                continue
            elapsed += spec.round_trip
            if key in peer.content.images if tag else peer.has(key):
                hedger.observe(spec.round_trip)
                lookup.release(peer)
                found = peer
            else:
                lookup.remove(peer)
        for peer in silent:
            lookup.release(peer)
        if found is None and silent:
            elapsed = limit
        yield Timeout(self._env, wait + elapsed)
        return found
