"""How long a pull takes that is alone on its node, without simulating it: `runtime`'s pipeline as a recursion.

Layer i is fetched at F_i and unpacked at ``E_i = max(F_i, E_{i-1}) + A_i``. Downloads share the node's rate fairly
among the slots; the registry's egress is shared by the nodes that download beside it. Dirty bytes go to memory until
``disk.pageCache.limit``; from a part of it on, the disk drains them.
It leaves out slow start and the queue for the database. A test holds it to 6 % of the simulator, or 30 % for images of
many tiny layers, which spend their time in that queue.
"""

from __future__ import annotations

import heapq
from math import inf
from typing import TYPE_CHECKING, Final

from pullsim.releases.containerd import behaviour
from pullsim.runtime.metadata import (
    BLOB_COMMIT,
    BLOB_OPEN,
    DOCUMENT_COMMIT,
    DOCUMENT_OPEN,
    IMAGE_RECORDS,
    PREPARE,
    SNAPSHOT_COMMIT,
)
from pullsim.spec.registry import RegistrySpec
from pullsim.spec.runtime import ContainerdSpec
from pullsim.spec.unpack import INCOMPRESSIBLE
from pullsim.study.fit.parameters import BACKGROUND

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pullsim.oci.manifest import Layer
    from pullsim.releases.release import Release
    from pullsim.study.fit.parameters import Values

_REGISTRY: Final = RegistrySpec("")
_CONTAINERD: Final = ContainerdSpec()
_SLOTS: Final = _CONTAINERD.max_concurrent_downloads


def pull_seconds(
    layers: Sequence[Layer], sharers: float, values: Values, version: Release = _CONTAINERD.version
) -> float:
    """Give the seconds of a pull that fetches and unpacks these layers, with a release of containerd."""
    write = values.get("metadata.write", _CONTAINERD.metadata_write)
    answer = _REGISTRY.round_trip + values["registry.firstByte"]
    connect = 2 * _REGISTRY.round_trip
    # HEAD; then a connection of its own for manifest and config, each committed.
    now = 2 * (connect + answer) + answer + 2 * (DOCUMENT_OPEN + DOCUMENT_COMMIT) * write
    if layers:
        rate = min(values["nic"], values.get("registry.egress", inf) / sharers) * _REGISTRY.goodput
        arrivals = _arrivals(layers, rate, now, answer, write, node_wide=behaviour(version).node_wide_slots)
        now = _unpacked(layers, arrivals, values, write, now)
    return now + IMAGE_RECORDS * write


def _arrivals(
    layers: Sequence[Layer], rate: float, begin: float, answer: float, write: float, *, node_wide: bool
) -> list[float]:
    """Give the time at which each layer is committed: a few at a time in fair shares, last one of the wave first.

    ``node_wide``: the database is opened for all before they take slots, which they give back before the commit.
    """
    count = len(layers)
    wave = count if node_wide else min(count, _SLOTS)
    waiting = [wave - 1, *range(wave - 1), *range(wave, count)]
    ready = {layer: begin + (place + 1) * BLOB_OPEN * write for place, layer in enumerate(waiting[:wave])}
    waiting.reverse()
    arrivals = [0.0] * count
    asked: list[tuple[float, int]] = []  # (first byte, layer)
    flowing: list[tuple[float, int]] = []  # (service at which it ends, layer)
    now, service, written = begin, 0.0, begin
    for _ in range(min(count, _SLOTS)):
        layer = waiting.pop()
        heapq.heappush(asked, (ready[layer] + answer, layer))
    while asked or flowing:
        end = now + (flowing[0][0] - service) * len(flowing) / rate if flowing else inf
        if asked and asked[0][0] < end:
            at, layer = heapq.heappop(asked)
            if flowing:
                service += (at - now) * rate / len(flowing)
            now = max(now, at)
            heapq.heappush(flowing, (service + layers[layer].size, layer))
            continue
        service, layer = heapq.heappop(flowing)
        now = end
        arrivals[layer] = written = max(written, now) + BLOB_COMMIT * write
        if waiting:
            layer = waiting.pop()
            free = max(now, ready[layer]) if node_wide else written + BLOB_OPEN * write
            heapq.heappush(asked, (free + answer, layer))
    return arrivals


def _unpacked(
    layers: Sequence[Layer], arrivals: Sequence[float], values: Mapping[str, float], write: float, now: float
) -> float:
    """Give the time at which the last layer is unpacked."""
    slower = values.get("unpack.whileDownloading", _CONTAINERD.unpack.while_downloading)
    last = max(arrivals)
    disk = _Disk(values.get("disk.write", inf), values.get("disk.pageCache.limit", 0.0), now)
    for layer, arrival in zip(layers, arrivals, strict=True):
        now = max(now + PREPARE * write, arrival)
        work = _work(layer, values)
        if now < last:
            beside = min(work * slower, last - now)
            work = beside + (work - beside / slower)
        now = disk.write(layer.size + layer.unpacked, now, work) + SNAPSHOT_COMMIT * write
    return now


def _work(layer: Layer, values: Mapping[str, float]) -> float:
    """As `UnpackSpec.work`, with these values."""
    spec = _CONTAINERD.unpack
    if layer.unpacked < INCOMPRESSIBLE * layer.size or layer.compression == "stored":
        rate = values.get("unpack.stored", spec.stored)
    else:
        rate = values["unpack.gzip"] if layer.compression == "gzip" else spec.zstd
    files = layer.files * values.get("unpack.perFile", spec.per_file)
    return values["unpack.perLayer"] + files + layer.unpacked / rate


class _Disk:
    """Memory that fills at the rate of unpacking and drains at the rate of the disk."""

    def __init__(self, rate: float, limit: float, now: float) -> None:
        self._rate = rate
        self._limit = limit
        self._dirty = 0.0
        self._now = now

    def write(self, size: float, begin: float, work: float) -> float:
        """Write bytes evenly over ``work`` seconds from ``begin`` on, or as long as it takes; return the end."""
        rate = self._rate
        if rate == inf or size <= 0:
            return begin + work
        background = BACKGROUND * self._limit
        idle = max(begin - self._now, 0.0)
        self._dirty = max(min(self._dirty, background), self._dirty - rate * idle)
        fill, now, left = size / work, begin, float(size)
        if self._dirty < background:  # nothing drains yet
            free = min(left, background - self._dirty)
            now, left = now + free / fill, left - free
            self._dirty += free
        if left > 0 and fill > rate:
            room = max(self._limit - self._dirty, 0.0)
            part = min(left, room * fill / (fill - rate))
            now, left = now + part / fill, left - part
            self._dirty += part * (1 - rate / fill)
            now += left / rate
        elif left > 0:
            now += left / fill
            self._dirty = max(background, self._dirty - left * (rate / fill - 1))
        self._now = now
        return now
