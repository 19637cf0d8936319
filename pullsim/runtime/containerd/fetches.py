"""The fetches of the layers of one pull."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullsim.kernel.event import URGENT, Call, Event
from pullsim.runtime.containerd.fetch import Fetch

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.cri import Caller, PullOutcome
    from pullsim.kernel.process import Process
    from pullsim.oci.manifest import Layer
    from pullsim.runtime.containerd.ongoing_pull import OngoingPull
    from pullsim.runtime.fetch_stages import Unpacked
    from pullsim.time_line import Fork


class Fetches:
    """The fetches of one pull. All begin together, when the first layer is needed that the node does not have.

    Models client/pull.go and pkg/unpack/unpacker.go (up to 2.0), core/unpack/unpacker.go (from 2.1): layers are fetched
    from the first one on that the snapshotter does not have, as many at a time as there are slots.
    """

    __slots__ = ("_caller", "_downloaded", "_fetched", "_fetches", "_fork", "_last_bytes", "_pull", "_refetched")

    def __init__(self, pull: OngoingPull, caller: Caller) -> None:
        self._pull = pull
        self._caller = caller
        self._fetches: list[Fetch] = []  # those whose layers have not been unpacked; others are forgotten
        self._fork: Fork | None = None  # the pull's time line when the fetches began; None: they have not begun
        # Of the fetches that are forgotten:
        self._downloaded = self._refetched = 0  # bytes that came, and those of them that the node had before
        self._fetched = 0  # their number, without those whose blobs were there
        self._last_bytes = -1.0  # the last `LayerStages.bytes_until`

    def of(self, layers: tuple[Layer, ...], position: int) -> Fetch:
        """Return the fetch of a layer. The first call begins the fetches of that layer and of all layers above it."""
        if self._fork is None:
            self._begin(layers, position)
        for fetch in self._fetches:
            if fetch.position == position:
                return fetch
        raise KeyError(position)

    def _begin(self, layers: tuple[Layer, ...], first: int) -> None:
        """Start to fetch the layers from ``first`` on, in the order in which containerd's requests go out.

        The order is as measured on 1.6.20 and 2.3.4. Up to 2.0 slots are granted by layer index, but among the fetches
        that get one at once the request of the last one goes out first. From 2.1 all layers compete for the slots: the
        last layer goes first, the others follow roughly by index.
        """
        pull, node = self._pull, self._pull.node
        self._fork = pull.clock.fork(pull.env.now)
        count = len(layers) - first
        at_once = count if node.behaviour.node_wide_slots else min(count, node.spec.max_concurrent_downloads)
        order = [at_once - 1, *range(at_once - 1), *range(at_once, count)]
        self._fetches = [Fetch(pull, first + offset, layers[first + offset]) for offset in order]
        ready = [fetch for fetch in self._fetches if not fetch.waits]

        def start(_: Event) -> None:
            for fetch in ready:
                fetch.start()

        Call(pull.env, start, priority=URGENT)  # as SimPy starts a process: when the pull yields next

    def waited(self, fetch: Fetch) -> Process:
        """Return the process of a fetch that the pull waits for; its stages are the pull's since the fetches began.

        A fetch that fails interrupts the process that waits; the interrupt's cause is the PullOutcome.
        """
        assert self._fork is not None
        self._pull.clock.split_from(self._fork, fetch, self._pull.env.now)
        return fetch.process

    def wait_for_all(self) -> Generator[Any, Any, None]:
        """Wait for the fetches of layers that another pull has unpacked meanwhile."""
        for fetch in self._fetches:
            if fetch.alive:
                yield self.waited(fetch)
                if not fetch.done:
                    yield Event(self._pull.env)  # the interrupt of the failed fetch comes at this same time

    def abandon(self) -> Generator[Any, Any, None]:
        """Stop all fetches because the pull has failed, and wait until they have stopped."""
        if self._fetches:
            for fetch in self._fetches:
                fetch.abandon()
            yield self._pull.env.timeout(0)

    def end(self, outcome: PullOutcome) -> None:
        """Add what was fetched to the pull's outcome, and write the layer records that have not been written yet."""
        for fetch in self._fetches:
            if fetch.fetched or fetch.downloaded:
                self._record(fetch, None)
        # Fetches refer to this pull. With the references to them gone there is no cycle, so that they are freed at once
        # and not at the next, rare run of Python's cycle collector: that is two thirds of the memory of a rollout to
        # 100 nodes (W100 of `benchmarks.speed`).
        self._fetches = []
        slots = self._pull.slots
        before = slots.given_back_by
        if isinstance(before, Fetch) and before.pull is self._pull:
            slots.given_back_by = None
        outcome.downloaded += self._downloaded
        outcome.layers_fetched += self._fetched
        outcome.refetched += self._refetched

    def unpacked(self, fetch: Fetch, unpacked: Unpacked) -> None:
        """Write the record of a layer that this pull has unpacked, and forget its fetch."""
        self._fetches.remove(fetch)
        self._record(fetch, unpacked)

    def _record(self, fetch: Fetch, unpacked: Unpacked | None) -> None:
        """Count what was fetched of a layer, and write its record; ``unpacked``: None if this pull has not."""
        pull, downloaded = self._pull, fetch.downloaded
        node = pull.node
        self._downloaded += downloaded
        self._fetched += fetch.fetched
        if fetch.layer.digest in node.store.collected:
            self._refetched += downloaded
        self._last_bytes = max(self._last_bytes, fetch.bytes_until)
        if (write := node.recorder.layer) is not None:
            write(fetch.record(node.name, self._caller, pull.remote.resolved_by, downloaded, unpacked))

    def stalled(self) -> bool:
        """Whether a request for a layer is under way and gets no bytes."""
        return any(fetch.stage == "stall" for fetch in self._fetches if fetch.alive)

    def received_since(self, since: float) -> bool:
        """Whether bytes of a layer are coming now, or have come since the time ``since``."""
        return self._last_bytes > since or any(
            (fetch.stage == "download" and fetch.alive) or (fetch.bytes_until > since) for fetch in self._fetches
        )
