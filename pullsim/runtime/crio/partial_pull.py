"""Pulling what a node lacks of a zstd:chunked layer, and putting it together with the files that the node has."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pullsim.hardware.jobs import cancel_all
from pullsim.runtime.crio import failures
from pullsim.spec.partial import LINKERS, MOST_RANGES, TOC_RANGES, missing, toc_bytes
from pullsim.spec.unpack import COPY, SHA256

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.runtime.crio.ongoing_copy import OngoingCopy
    from pullsim.runtime.fetch_stages import BlobFetch, Unpacked
    from pullsim.spec.partial import Missing, PartialSpec


class PartialPull:
    """The partial pull of one layer: it is staged beside the store, and a rename commits it.

    One GET brings the table of contents. Files that another layer on the node has are linked, 32 at a time, then one
    GET of many ranges brings the rest, which is inflated and hashed by file as it comes. At last, from
    CRI-O 1.32.3 on, all of the layer is read and hashed, as its image names the digest of the whole. Only layers that
    were pulled so themselves have a table of contents in the store in which files are found.

    Models containers/storage pkg/chunked/storage_linux.go (NewDiffer, ApplyDiff, retrieveMissingFiles) and
    containers/image storage/storage_dest.go PutBlobPartial.
    """

    __slots__ = ("_copy", "_fetch", "_spec")

    def __init__(self, copy: OngoingCopy, fetch: BlobFetch, spec: PartialSpec) -> None:
        self._copy = copy
        self._fetch = fetch
        self._spec = spec

    def run(self) -> Generator[Any, Any, Unpacked | None]:
        """Stage the layer; return when it was put together, and what limited that. None: the host gives no such ranges.

        Most of it happens while the bytes come; the time that is returned begins when the last have come. Raises
        CopyFailed. The space that the layer takes is among the copy's temporary files until it is committed.
        """
        copy, fetch = self._copy, self._fetch
        env, layer = copy.env, fetch.layer
        fetch.requested = env.now
        size = toc_bytes(layer)
        if not (yield from self._parts(TOC_RANGES, size, failures.READING_TOC)):
            return None
        claimed = copy.store.claim(layer.unpacked)
        copy.temporary += claimed
        if claimed < layer.unpacked:
            raise failures.parts_no_space(layer.digest)
        lacks = missing(layer, copy.store.has, self._spec.together)
        limit = yield from self._link(lacks)
        if lacks.size and (yield from self._get(lacks)) == "disk":
            limit = "disk"
        if copy.node.release.digests_parts:
            fetch.enter("unpack_cpu", env.now)
            costs = copy.unpacker.spec
            yield from self._work(layer.unpacked / (costs.sha256 or SHA256 * costs.core))
        fetch.committed = fetch.ended
        return fetch.ended, env.now, limit

    def _parts(self, ranges: int, size: int, step: str) -> Generator[Any, Any, bool]:
        """Get ranges of the blob; return False if the host will not have so many."""
        fetch, answered = self._fetch, False
        try:
            answered = yield from self._copy.source.parts(fetch.layer, ranges, size, step, fetch)
        finally:
            fetch.ended = self._copy.env.now
        return answered

    def _link(self, lacks: Missing) -> Generator[Any, Any, str]:
        """Look for all files on the node, and link or copy those that are there; return what limited that."""
        copy, fetch, spec = self._copy, self._fetch, self._spec
        layer = fetch.layer
        fetch.enter("unpack_cpu", copy.env.now)
        copied = layer.unpacked - lacks.unpacked if spec.copies else 0
        seconds = layer.files * spec.link + copied / COPY
        jobs = [copy.node.cores.begin(seconds / LINKERS) for _ in range(LINKERS)]
        written = copy.node.disk.buffer(copied, seconds) if copied and copy.node.disk is not None else None
        try:
            for job in jobs:
                if (work := job.wait()) is not None:
                    yield work
            writing = None if written is None else written.wait()
            if writing is not None:
                fetch.enter("unpack_disk", copy.env.now)
                yield writing
        except BaseException:
            cancel_all(*jobs, written)
            raise
        return "cpu" if writing is None else "disk"

    def _get(self, lacks: Missing) -> Generator[Any, Any, str]:
        """Get what is missing, inflating and writing it at the same time; return what limited that.

        A host that refuses that many ranges is asked for half as many, with the gaps between them.
        """
        copy, fetch = self._copy, self._fetch
        env, node = copy.env, copy.node
        costs = copy.unpacker.spec
        part = replace(fetch.layer, size=lacks.size, unpacked=lacks.unpacked, files=lacks.files)
        seconds = costs.work(part) - costs.per_layer
        inflate = node.cores.begin(seconds)
        written = None if node.disk is None else node.disk.buffer(lacks.unpacked, seconds)
        limit = "cpu"
        try:
            ranges, size = lacks.requested(MOST_RANGES)
            while not (yield from self._parts(ranges, size, failures.STAGING)):
                ranges, size = lacks.requested(ranges // 2)
            for job, stage in ((inflate, "unpack_cpu"), (written, "unpack_disk")):
                if job is not None and (work := job.wait()) is not None:
                    fetch.enter(stage, env.now)
                    yield work
                    limit = "disk" if stage == "unpack_disk" else limit
        except BaseException:
            cancel_all(inflate, written)
            raise
        return limit

    def _work(self, seconds: float) -> Generator[Any, Any, None]:
        """Keep a core busy."""
        job = self._copy.node.cores.run(seconds)
        try:
            yield job
        except BaseException:
            job.cancel()
            raise
