"""One replica of a pull-through cache: what it has, what it gets from upstream, and what it answers meanwhile.

How the caches that there are differ is in `pullsim.scenario.presets.caches`, with the sources.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pullsim.kernel.event import Event, Timeout
from pullsim.kernel.process import Process
from pullsim.oci.manifest import Image, Index, Manifest
from pullsim.registry.pull_through.content_store import ContentStore
from pullsim.registry.pull_through.contents import Known, documents
from pullsim.registry.pull_through.failures import answered, failure
from pullsim.registry.pull_through.relay import Filling, Relay
from pullsim.registry.pull_through.upstream import Content, Upstream
from pullsim.registry.request import NOT_FOUND, OK
from pullsim.registry.stream import Refusal, Stream

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.kernel.environment import Environment
    from pullsim.network.flows import Link
    from pullsim.oci.catalog import Catalog
    from pullsim.registry.host import Registry, Site
    from pullsim.registry.pull_through.upstream import Connect
    from pullsim.registry.request import Request
    from pullsim.spec.pull_through import CacheSpec

POLLS: Final = 10  # how often Harbor looks whether the blobs of a manifest are there (maxManifestWait)


class Tag(NamedTuple):
    """What a tag stood for when it was looked up."""

    image: Image
    checked: float


class Replica:
    """A host with content of its own, behind the name of the cache."""

    def __init__(
        self, env: Environment, host: Registry, spec: CacheSpec, site: Site, catalog: Catalog, connect: Connect
    ) -> None:
        """``host`` is the cache's own, ``site`` the replica's; ``connect`` makes a client of another host."""
        network, name = host.network, site.name
        self.upstream = Upstream(env, host, spec, connect, name)
        self.store = ContentStore(spec.size, spec.ttl)
        self.hits = self.misses = 0  # GETs
        self.links = [(name, site.link), *self.upstream.links]
        self._env = env
        self._host = host
        self._spec = spec
        self._site = site
        self._known = Known(catalog)
        self._written: tuple[Link, ...] = ()  # what is stored crosses this link, where the disk has a rate
        if spec.disk.write < math.inf:
            write = network.link(f"{name} disk writes", spec.disk.write)
            self._written = (write,)
            self.links.append((write.name, write))
        self._local = site  # where what is stored comes from
        if spec.disk.read < math.inf:
            read = network.link(f"{name} disk reads", spec.disk.read)
            self._local = Relay(site, (read,), site)
            self.links.append((read.name, read))
        self._tags: dict[str, Tag] = {}
        self._fillings: dict[str, Filling] = {}  # by digest, or by name for a whole image

    def hold(self, name: str, image: Image) -> None:
        """Store an image before the run, under a name with a tag."""
        for digest, size in [*self._known.blobs(image), *((each.digest, each.size) for each in documents(image))]:
            self.store.put(digest, size, 0.0)
        self._tags[name] = Tag(image, 0.0)

    def open(self, request: Request) -> Generator[Any, Any, Stream | Refusal]:
        """Answer a GET up to the header of the response; it may wait for what comes from upstream."""
        if request.kind == "manifests":
            return (yield from self._open_manifest(request))
        opened = yield from self._open_blob(request)
        if request.ranges and not isinstance(opened, Refusal) and (status := self._host.ranged(request)) != OK:
            return Refusal(status)
        return opened

    def resolve(self, request: Request) -> Generator[Any, Any, Image | Refusal]:
        """Return the image that a tag or digest stands for, as it was looked up last, or is now."""
        spec, now = self._spec, self._env.now
        name = str(request.reference)
        if request.what:
            image = self._known.image(request.reference, request.what, now)
            if image is not None and self.store.has(request.what, now):
                return image
        tag = None if request.what else self._tags.get(name)
        if tag is not None and now < tag.checked + spec.recheck and self.store.has(tag.image.digest, now):
            return tag.image
        if spec.coalesce == "image":
            answer = yield from self._sync(request)
        else:
            answer = yield from self.upstream.ask(request)
        if not isinstance(answer, Refusal):
            if not request.what:
                self._tags[name] = Tag(answer, self._env.now)
            return answer
        if tag is not None and failure(answer) in spec.stale and self.store.has(tag.image.digest, self._env.now):
            return tag.image
        return self._refused(answer, own=spec.tag_failure)

    def _open_manifest(self, request: Request) -> Generator[Any, Any, Stream | Refusal]:
        """Answer a GET of a manifest. It is fetched whole before it is sent on, as it is small."""
        image: Image | None = None
        if not request.what or self._spec.coalesce == "image":
            found = yield from self.resolve(request)
            if isinstance(found, Refusal):
                return found
            image = found
            request.size = image.size - request.offset
        digest = request.what if image is None else image.digest
        if self.store.use(digest, self._env.now):
            self.hits += 1
        else:
            self.misses += 1
            is_index = request.is_index or isinstance(image, Index)
            refusal = yield from self._fetch(Content(request, "manifests", digest, _whole(request), is_index))
            if refusal is not None:
                return self._refused(refusal)
            self._keep_manifest(digest, request)
        stream = Stream(self._host, request, self._local)
        stream.image = image
        return stream

    def _open_blob(self, request: Request) -> Generator[Any, Any, Stream | Refusal]:
        """Answer a GET of a blob."""
        spec, env, digest = self._spec, self._env, request.what
        deadline = env.now + spec.coalesce_timeout
        while not self.store.use(digest, env.now):
            if spec.coalesce == "image":  # what is not stored with its manifest is not there
                self.misses += 1
                return Refusal(NOT_FOUND, retryable=bool(self._fillings))
            filling = self._fillings.get(digest) if spec.coalesce == "blob" else None
            if filling is None or env.now >= deadline:
                self.misses += 1
                return (yield from self._miss(request))
            yield filling.ended if deadline == math.inf else filling.ended | Timeout(env, deadline - env.now)
            if filling.refusal is not None:
                self.misses += 1
                return self._refused(filling.refusal)
            if filling.stored and not self.store.has(digest, env.now):
                break  # it was not kept, but those who wait get it
        self.hits += 1
        return Stream(self._host, request, self._local)

    def _miss(self, request: Request) -> Generator[Any, Any, Stream | Refusal]:
        """Answer a GET of a blob that is not stored, and that the request does not wait for."""
        spec, digest = self._spec, request.what
        by_itself = spec.parts == "fill" and digest in self._fillings  # nginx stores nothing of what waited too long
        if request.ranges > 1 and spec.fill != "storeThenServe" and not by_itself:
            request.take_all()  # what flows through is the whole blob
        size = self._known.sizes.get(digest, _whole(request))
        if spec.fill == "storeThenServe":
            filling = self._fill(Content(request, "blobs", digest, size))
            yield from filling.wait()
            if filling.refusal is not None:
                return self._refused(filling.refusal)
            return Stream(self._host, request, self._local)
        whole = not request.offset and not request.cut_short and request.size == size
        if spec.fill == "streamThrough" and whole and digest not in self._fillings:
            return (yield from self._lead(request))
        if spec.parts == "fill" and not whole and digest in self._known.sizes and digest not in self._fillings:
            return (yield from self._fill_past(request, size))
        copies, at_once = spec.fill == "backgroundCopy", spec.coalesce == "blob"
        if copies and at_once:
            self._fill(Content(request, "blobs", digest, size))  # before others ask, which wait for it
        stream = yield from self.upstream.relay(request, self._site, ())
        if isinstance(stream, Refusal):
            return self._refused(stream)
        stream.on_end = self._relayed
        if copies and not at_once:
            self._fill(Content(request, "blobs", digest, size))
        return stream

    def _lead(self, request: Request) -> Generator[Any, Any, Stream | Refusal]:
        """Stream a blob through to a node and store it on the way.

        If the node goes away before its end, the rest is fetched by itself, or nothing is kept.
        """
        digest = request.what
        filling = self._fillings[digest] = Filling(self._env)
        answer: Stream | Refusal | None = None
        try:
            answer = yield from self.upstream.relay(request, self._site, self._written)
        finally:
            if not isinstance(answer, Stream):
                self._end(digest, filling, stored=False, refusal=answer)
        if not isinstance(answer, Stream):
            return self._refused(answer)

        through = answer

        def ended(got: int, whole: bool) -> None:
            self.upstream.relayed(got)
            if not whole and self._spec.finishes and not through.broken:
                rest = Content(request, "blobs", digest, request.size - got, offset=got)
                Process(self._env, self._store(rest, filling))
                return
            if whole:
                self.store.put(digest, got, self._env.now)
            self._end(digest, filling, stored=whole)

        through.on_end = ended
        return through

    def _fill_past(self, request: Request, size: int) -> Generator[Any, Any, Stream | Refusal]:
        """Store a blob from its beginning on, and answer for a part of it when that has come."""
        digest, end = request.what, request.offset + request.size
        filling = self._fillings[digest] = Filling(self._env)
        passed = Event(self._env)
        rest = Content(request, "blobs", digest, size - end, offset=end)
        Process(self._env, self._store(Content(request, "blobs", digest, end), filling, rest, passed))
        yield passed | filling.ended
        if filling.refusal is not None:
            return self._refused(filling.refusal)
        return Stream(self._host, request, self._local)

    def _fill(self, wanted: Content) -> Filling:
        """Begin to store a blob, whatever becomes of the request that it is for; return the one under way, if it is.

        A cache whose requests do not wait for one another fetches it for each that is to be stored first.
        """
        alone = self._spec.coalesce == "none" and self._spec.fill == "storeThenServe"
        filling = None if alone else self._fillings.get(wanted.digest)
        if filling is None:
            filling = Filling(self._env)
            if not alone:
                self._fillings[wanted.digest] = filling
            Process(self._env, self._store(wanted, filling))
        return filling

    def _store(
        self, wanted: Content, filling: Filling, rest: Content | None = None, passed: Event | None = None
    ) -> Generator[Any, Any, None]:
        """Fetch a blob and keep it; ``passed`` is told when it has come but for the ``rest``."""
        refusal = yield from self._fetch(wanted)
        if refusal is None and rest is not None and passed is not None:
            passed.succeed()
            wanted = rest
            refusal = (yield from self._fetch(rest)) if rest.size else None
        if refusal is None:
            self.store.put(wanted.digest, wanted.offset + wanted.size, self._env.now)
        self._end(wanted.digest, filling, stored=refusal is None, refusal=refusal)

    def _fetch(self, wanted: Content) -> Generator[Any, Any, Refusal | None]:
        return (yield from self.upstream.fetch(wanted, self._written))

    def _end(self, key: str, filling: Filling, *, stored: bool, refusal: Refusal | None = None) -> None:
        """Forget a filling, and tell those who wait for it."""
        if self._fillings.get(key) is filling:
            self._fillings.pop(key)
        filling.end(stored=stored, refusal=refusal)

    def _relayed(self, got: int, whole: bool) -> None:  # noqa: ARG002 - see `Stream.on_end`
        self.upstream.relayed(got)

    def _sync(self, request: Request) -> Generator[Any, Any, Image | Refusal]:
        """Store a whole image, or wait for the request that does, and return it."""
        key = request.what or str(request.reference)
        filling = self._fillings.get(key)
        if filling is None:
            filling = self._fillings[key] = Filling(self._env)
            Process(self._env, self._store_image(request, key, filling))
        yield filling.ended
        if filling.refusal is not None:
            return filling.refusal
        assert filling.image is not None
        return filling.image

    def _store_image(self, request: Request, key: str, filling: Filling) -> Generator[Any, Any, None]:
        """Look an image up, and store what is missing of it, for all its platforms; the manifests come last."""
        refusal: Refusal | None = None
        answer = yield from self.upstream.ask(request)
        if isinstance(answer, Refusal):
            refusal = answer
        else:
            filling.image = answer
            fillings = [
                self._fill(Content(request, "blobs", digest, size))
                for digest, size in self._known.blobs(answer)
                if not self.store.use(digest, self._env.now)
            ]
            missing = [each for each in documents(answer) if not self.store.use(each.digest, self._env.now)]
            self.misses += len(fillings) + len(missing)
            for each in missing:
                if refusal is None:
                    wanted = Content(request, "manifests", each.digest, each.size, isinstance(each, Index))
                    refusal = yield from self._fetch(wanted)
            for blob in fillings:
                yield from blob.wait()
                refusal = refusal or blob.refusal
            if refusal is None:
                for each in missing:
                    self.store.put(each.digest, each.size, self._env.now)
        self._end(key, filling, stored=refusal is None, refusal=refusal)

    def _keep_manifest(self, digest: str, request: Request) -> None:
        """Store a manifest that was fetched: at once, or once its blobs are there."""
        image = self._known.image(request.reference, digest, self._env.now)
        if image is not None:
            self._known.blobs(image)
        if self._spec.manifest_poll is None or not isinstance(image, Manifest):
            self.store.put(digest, _whole(request), self._env.now)
        elif digest not in self._fillings:
            filling = self._fillings[digest] = Filling(self._env)
            Process(self._env, self._await_blobs(request, image, filling))

    def _await_blobs(self, request: Request, manifest: Manifest, filling: Filling) -> Generator[Any, Any, None]:
        """Store a manifest when its blobs are there; in the end fetch those that no node has asked for.

        Models Harbor's src/controller/proxy/manifestcache.go ManifestCache.CacheContent.
        """
        step = self._spec.manifest_poll
        assert step is not None
        refusal: Refusal | None = None
        digest, missing = manifest.digest, self._known.blobs(manifest)
        for _ in range(POLLS):
            yield Timeout(self._env, step)
            missing = [(blob, size) for blob, size in missing if not self.store.has(blob, self._env.now)]
            if not missing:
                break
        for blob, size in missing:
            if refusal is None:
                under_way = self._fill(Content(request, "blobs", blob, size))
                yield from under_way.wait()
                refusal = under_way.refusal
        if refusal is None:
            self.store.put(digest, manifest.size, self._env.now)
        self._end(digest, filling, stored=refusal is None, refusal=refusal)

    def _refused(self, refusal: Refusal, own: int | None = None) -> Refusal:
        """Return what a node is answered where the upstream registry failed; ``own``: the cache's own status for it."""
        status = answered(refusal) if own is None else own
        return Refusal(status, refusal.retryable or bool(self._fillings), refusal.message)


def _whole(request: Request) -> int:
    """Return the bytes of all that a request asks for the rest of, where a body has broken off."""
    return request.whole or request.offset + request.size
