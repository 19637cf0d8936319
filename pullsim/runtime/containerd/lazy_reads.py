"""The reads of a process from layers that are mounted lazily."""

from __future__ import annotations

from functools import lru_cache
from itertools import islice
from random import Random
from typing import TYPE_CHECKING, Any

import simpy

from pullsim.reads import ReadFailed, ReadRecord
from pullsim.runtime.snapshotter.lazy_layer import ABSENT, COMING, PACKED

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from pullsim.reads import Part, Reads
    from pullsim.runtime.containerd.lazy_node import LazyNode
    from pullsim.runtime.snapshotter.lazy_layer import LazyLayer


class LazyLayers:
    """The lazily mounted layers of one node, as a place that files are read from; see `LazyFiles`."""

    __slots__ = ("_node",)

    def __init__(self, node: LazyNode) -> None:
        self._node = node

    def read(self, part: Part, reads: Reads) -> Generator[Any, Any, None]:
        """See `LazyFiles`. Raises ReadFailed."""
        layer = self._node.layer(part.key)
        if layer is not None:
            yield from _LayerReads(self._node, layer, part, reads).run()


class _LayerReads:
    """Reads a part of one layer, by several readers at a time; what is not there is fetched.

    A reader asks for what one request brings, waits for it and inflates it before it asks for more: a read of a file
    through FUSE does no more (stargz-snapshotter fs/reader/reader.go ReadAt, soci-snapshotter fs/span-manager). Where
    nothing looks at single requests, all readers are simulated together, each with many reads that follow each other:
    see `RangeClient.get_ranges`.
    """

    __slots__ = (
        "_done",
        "_failed",
        "_fetched",
        "_flows",
        "_layer",
        "_node",
        "_part",
        "_readers",
        "_reads",
        "_requests",
    )

    def __init__(self, node: LazyNode, layer: LazyLayer, part: Part, reads: Reads) -> None:
        front = reads.order == "sequential" or bool(node.spec.prefetch)
        self._node = node
        self._layer = layer
        self._part = part
        self._flows = 1 if layer.ranges.bulk is None else reads.concurrency
        self._readers = reads.concurrency // self._flows
        self._reads = _in_order(layer, part) if front else _scattered(layer, part, reads.size)
        self._done = self._fetched = self._requests = 0
        self._failed = False

    def run(self) -> Generator[Any, Any, None]:
        """Read everything, until a read fails."""
        env, layer, part = self._node.env, self._layer, self._part
        began, total = env.now, len(self._reads)
        reads = iter(self._reads)
        readers = [env.process(self._read(reads)) for _ in range(min(self._readers, total))]
        try:
            for reader in readers:
                if reader.is_alive:
                    yield reader
        except simpy.Interrupt:  # the node has left
            for reader in readers:
                if reader.is_alive:
                    reader.interrupt()
            raise
        read = part.amount if self._done == total else part.amount * self._done // total
        row = ReadRecord(
            self._node.name,
            layer.layer.digest,
            began,
            env.now,
            not self._failed,
            read,
            self._fetched,
            self._requests,
        )
        self._node.recorder.read(row)
        if self._failed:
            raise ReadFailed(retryable=layer.ranges.retryable)

    def _read(self, reads: Iterator[range]) -> Generator[Any, Any, None]:
        """Take reads that no other reader has taken, until there are none left."""
        try:
            while not self._failed and (batch := list(islice(reads, self._most()))):
                if not (yield from self._have(batch)):
                    self._failed = True
                    return
                self._done += len(batch)
        except simpy.Interrupt:
            return

    def _most(self) -> int:
        """Return how many reads are taken together.

        They get fewer towards the end, where what is fetched in the background takes some of the last ones.
        """
        flows, background = self._flows, self._node.spec.background
        crowd = flows + (background.workers if background is not None else 0)
        return flows * max(1, min(self._layer.batch, (len(self._reads) - self._done) // crowd))

    def _have(self, batch: list[range]) -> Generator[Any, Any, bool]:
        """Have units fetched or inflated where they are not there; return False if they cannot be had."""
        layer = self._layer
        missing: dict[int, None] = {}
        requests = 0
        for read in batch:
            before = -2
            for unit in layer.lacks(read):
                if unit not in missing:
                    missing[unit] = None
                    requests += unit != before + 1
                    before = unit
        if missing and not (yield from self._fetch(list(missing), requests)):
            return False
        packed: dict[int, None] = {}
        for read in batch:
            for unit in () if layer.has(read) else read:
                while layer.state(unit) == COMING:
                    yield layer.coming(unit)
                    lost = layer.state(unit) == ABSENT  # whoever fetched it has failed, or could not keep it
                    if lost and not (yield from self._fetch([unit], 1)):
                        return False
                if layer.state(unit) == PACKED:
                    packed[unit] = None
        if to_inflate := [unit for unit in packed if layer.state(unit) == PACKED]:
            yield from self._node.inflate(layer, to_inflate, self._flows)
        for unit in packed:
            if layer.state(unit) == COMING:  # another reader inflates it
                yield layer.coming(unit)
        return True

    def _fetch(self, units: list[int], requests: int) -> Generator[Any, Any, bool]:
        """Fetch absent units, and count what came."""
        if not (yield from self._node.fetch(self._layer, units, requests, reading=True, flows=self._flows)):
            return False
        self._fetched += self._layer.blob_bytes(units)
        self._requests += requests
        return True


def _in_order(layer: LazyLayer, part: Part) -> list[range]:
    """Return the units of a part that lies in front of a layer, by request."""
    wanted = -(-part.amount // layer.unit)
    return [range(first, min(first + layer.together, wanted)) for first in range(0, wanted, layer.together)]


def _scattered(layer: LazyLayer, part: Part, size: int) -> list[range]:
    """Return the units of reads that lie anywhere in a layer, by read; no two reads have a byte in common."""
    unit, places = layer.unit, -(-part.unpacked // size)
    found: dict[range, None] = {}
    for place in islice(_places(layer.layer.digest, places), -(-part.amount // size)):
        begin, end = place * size // unit, -(-min((place + 1) * size, part.unpacked) // unit)
        for first in range(begin, end, layer.together):
            found[range(first, min(first + layer.together, end))] = None
    return list(found)


@lru_cache(maxsize=256)
def _places(digest: str, count: int) -> tuple[int, ...]:
    """Return the places of a layer in an order that is the same for all processes, of which some read less."""
    places = list(range(count))
    Random(digest).shuffle(places)
    return tuple(places)
