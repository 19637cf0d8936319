"""The fetches of the layers of one pull."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullsim.kernel.event import URGENT, Call, Event
from pullsim.runtime.containerd.fetch import Fetch

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.cri import Caller, PullOutcome
    from pullsim.oci.manifest import Layer
    from pullsim.runtime.containerd.ongoing_pull import OngoingPull
    from pullsim.runtime.fetch_stages import Unpacked
    from pullsim.time_line import Fork


class Fetches:
    """The fetches of one pull. All begin together, when the first layer is needed that the node does not have.

    Models client/pull.go and pkg/unpack/unpacker.go (up to 2.0), core/unpack/unpacker.go (from 2.1): layers are fetched
    from the first one on that the snapshotter does not have, as many at a time as there are slots.
    """

    __slots__ = ("_caller", "_fetches", "_fork", "_pull")

    def __init__(self, pull: OngoingPull, caller: Caller) -> None:
        self._pull = pull
        self._caller = caller
        self._fetches: dict[int, Fetch] = {}  # by the position of the layer
        self._fork: Fork | None = None  # the pull's time line when the fetches began

    def of(self, layers: tuple[Layer, ...], position: int) -> Fetch:
        """Return the fetch of a layer. The first call begins the fetches of that layer and of all layers above it."""
        if not self._fetches:
            self._begin(layers, position)
        return self._fetches[position]

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
        fetches = [Fetch(pull, first + offset, layers[first + offset]) for offset in order]
        self._fetches = {fetch.position: fetch for fetch in fetches}
        ready = [fetch for fetch in fetches if not fetch.waits]

        def start(_: Event) -> None:
            for fetch in ready:
                fetch.start()

        Call(pull.env, start, priority=URGENT)  # as SimPy starts a process: when the pull yields next

    def wait(self, fetch: Fetch) -> Generator[Any, Any, None]:
        """Wait for a fetch that has not ended; the fetch's stages become those of the pull since the fetches began.

        A fetch that fails interrupts the process that waits here; the interrupt's cause is the PullOutcome.
        """
        assert self._fork is not None
        self._pull.clock.split_from(self._fork, fetch)
        yield fetch.process
        if not fetch.done:
            yield Event(self._pull.env)  # the interrupt of the failed fetch comes at this same time

    def wait_for_all(self) -> Generator[Any, Any, None]:
        """Wait for the fetches of layers that another pull has unpacked meanwhile."""
        for fetch in self._fetches.values():
            if fetch.process.is_alive:
                yield from self.wait(fetch)

    def abandon(self) -> Generator[Any, Any, None]:
        """Stop all fetches because the pull has failed, and wait until they have stopped."""
        if self._fetches:
            for fetch in self._fetches.values():
                fetch.abandon()
            yield self._pull.env.timeout(0)

    def end(self, outcome: PullOutcome) -> None:
        """Add what was fetched to the pull's outcome, and write the layer records that have not been written yet."""
        collected = self._pull.node.store.collected
        downloaded, layers, refetched = outcome.downloaded, outcome.layers_fetched, outcome.refetched
        for fetch in self._fetches.values():
            if fetch.fetched or fetch.downloaded:
                downloaded += fetch.downloaded
                layers += fetch.fetched
                if collected and fetch.layer.digest in collected:
                    refetched += fetch.downloaded
                if not fetch.recorded:
                    self.record(fetch, None)
        outcome.downloaded, outcome.layers_fetched, outcome.refetched = downloaded, layers, refetched
        # Fetches refer to this pull. With the references to them gone there is no cycle, so that they are freed at once
        # and not at the next, rare run of Python's cycle collector: that is two thirds of the memory of a rollout to
        # 100 nodes (W100 of `benchmarks.speed`).
        self._pull.slots.forget(self._fetches.values())
        self._fetches = {}

    def record(self, fetch: Fetch, unpacked: Unpacked | None) -> None:
        """Write the record of a layer; ``unpacked`` is None if this pull has not unpacked it."""
        pull = self._pull
        node = pull.node
        fetch.recorded = True
        if (write := node.recorder.layer) is not None:
            write(fetch.record(node.name, self._caller, pull.remote.resolved_by, fetch.downloaded, unpacked))

    def stalled(self) -> bool:
        """Whether a request for a layer is under way and gets no bytes."""
        return any(fetch.stage == "stall" for fetch in self._fetches.values() if fetch.process.is_alive)

    def received_since(self, since: float) -> bool:
        """Whether bytes of a layer are coming now, or have come since the time ``since``."""
        return any(
            (fetch.stage == "download" and fetch.process.is_alive) or (fetch.bytes_until > since)
            for fetch in self._fetches.values()
        )
