"""Downloading one layer over several connections, as containerd's concurrent_layer_fetch_buffer asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import simpy

from pullsim.registry.request import Download
from pullsim.runtime.containerd.failures import PullFailed
from pullsim.runtime.sources.blob_source import Wanted

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.network.flows import Transfer
    from pullsim.runtime.containerd.ongoing_pull import OngoingPull
    from pullsim.runtime.fetch_stages import DownloadSlots, LayerStages


class Chunk(Download):
    """A part of a blob, and the `Download` that its GET reports to."""

    __slots__ = ("_get", "offset", "size", "transfers")

    def __init__(self, get: ChunkedGet, offset: int, size: int) -> None:
        super().__init__()
        self._get = get
        self.offset = offset  # byte of the blob at which the chunk begins
        self.size = size  # bytes
        self.transfers: list[Transfer] = []

    def request(self, now: float) -> None:
        """See `Download`."""
        if not self._get.begun:
            self._get.fetch.request(now)

    def begin(self, now: float, transfer: Transfer) -> None:
        """See `Download`."""
        self.transfers.append(transfer)
        self._get.begin(now, transfer, self.host)

    def stall(self, now: float, *, begun: bool) -> None:
        """See `Download`."""
        self._get.fetch.stall(now, begun=begun)


class ChunkedGet:
    """The GET of a blob in chunks, in order, with max_concurrent_downloads chunks of the layer at a time.

    Where a slot is held for each GET (``slots``), each chunk takes a slot. Each chunk also takes a connection of its
    own: the Range header of its request has no end, so that the client closes the connection when it has the bytes of
    the chunk. The other chunks are requested once the answer to the first one is there. Chunks are written in order, so
    that after a failure only the bytes before the first missing one count as received. Models
    core/remotes/docker/fetcher.go open (from 2.1).
    """

    __slots__ = ("_chunks", "_next", "_offset", "_pull", "_slots", "_workers", "begun", "fetch", "holds")

    def __init__(
        self, fetch: LayerStages, pull: OngoingPull, offset: int, size: int, slots: DownloadSlots | None
    ) -> None:
        """``offset``: bytes of the blob that an earlier pull has left; ``size``: bytes to download after them."""
        self.fetch = fetch
        self.begun = False  # the answer to the first chunk is there
        self.holds = slots is not None  # whether the process in `run` holds a slot; it begins with the fetch's
        self._pull = pull
        self._slots = slots
        self._offset = offset
        length, end = pull.node.chunk, offset + size
        self._chunks = [Chunk(self, at, min(length, end - at)) for at in range(offset, end, length)]
        self._next = 1  # index of the first chunk that no process has taken
        self._workers: list[simpy.Process] = []

    @property
    def downloaded(self) -> int:
        """Bytes of the chunks that are complete."""
        return sum(chunk.received for chunk in self._chunks)

    def run(self) -> Generator[Any, Any, None]:
        """Download all chunks. Raises PullFailed if the first chunk, or one that this process gets, cannot be had."""
        try:
            yield from self._request(self._chunks[0])
            while self._next < len(self._chunks):
                chunk = self._next_chunk()
                if self._slots is not None:
                    self._slots.give_back(self.fetch)
                    self.holds = False
                    yield from self._wait_for_slot(self._slots)
                    self.holds = True
                yield from self._request(chunk)
            if self._slots is not None:
                self._slots.give_back(self.fetch)
                self.holds = False
            for worker in self._workers:
                if worker.is_alive:
                    yield worker
        finally:
            for worker in self._workers:
                if worker.is_alive and worker is not self._pull.env.active_process:
                    worker.interrupt()
            self._settle()

    def begin(self, now: float, transfer: Transfer, host: str | None) -> None:
        """Note that the first bytes of a chunk have come; at the first chunk start workers for the others."""
        fetch, pull = self.fetch, self._pull
        if self.begun:
            return
        self.begun = True
        fetch.host = host
        fetch.begin(now, transfer)
        count = min(pull.node.spec.max_concurrent_downloads, len(self._chunks)) - 1
        self._workers = [pull.env.process(self._work()) for _ in range(count)]

    def _work(self) -> Generator[Any, Any, None]:
        """Run one of the workers that get the chunks after the first one beside the process in `run`."""
        try:
            while self._next < len(self._chunks):
                chunk = self._next_chunk()
                if self._slots is None:
                    yield from self._request(chunk)
                    continue
                yield from self._wait_for_slot(self._slots)
                try:
                    yield from self._request(chunk)
                finally:
                    self._slots.give_back(self.fetch)
        except simpy.Interrupt:  # the fetch or its pull has failed
            return
        except PullFailed as failed:
            self._pull.fail(failed.outcome)

    def _next_chunk(self) -> Chunk:
        """Take the next chunk, so that no other process requests it."""
        chunk = self._chunks[self._next]
        self._next += 1
        return chunk

    def _wait_for_slot(self, slots: DownloadSlots) -> Generator[Any, Any, None]:
        if (turn := slots.acquire()) is not None:
            yield from slots.wait(turn)

    def _request(self, chunk: Chunk) -> Generator[Any, Any, None]:
        wanted = Wanted.chunk(self.fetch.layer, chunk.offset, chunk.size, final=chunk is self._chunks[-1])
        yield from self._pull.blobs.get(wanted, chunk)
        chunk.received = chunk.size

    def _settle(self) -> None:
        """Tell the fetch how many bytes came, and how long each limit held the download back.

        The times of chunks overlap: if they sum to more than the time since the first byte, they are scaled down to it.
        """
        fetch, now = self.fetch, self._pull.env.now
        got = self._offset
        for chunk in self._chunks:
            got += chunk.received
            if chunk.received < chunk.size:
                break
        fetch.received = got
        limits = [transfer.limited for chunk in self._chunks for transfer in chunk.transfers]
        egress, connection, nic = (sum(each) for each in zip(*limits, strict=True)) if limits else (0.0, 0.0, 0.0)
        seconds = egress + connection + nic
        part = min(1.0, (now - fetch.first_byte) / seconds) if seconds > 0 else 0.0
        fetch.settle((egress * part, connection * part, nic * part))
