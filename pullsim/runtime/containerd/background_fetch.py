"""The background fetch of a lazy snapshotter: what nobody has read yet comes too, as fast as that does it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import simpy

from pullsim.kernel.event import Timeout
from pullsim.runtime.snapshotter.lazy_layer import ABSENT

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.runtime.containerd.lazy_node import LazyNode
    from pullsim.runtime.snapshotter.lazy_layer import LazyLayer
    from pullsim.spec.lazy import BackgroundSpec


class BackgroundFetch:
    """Fetches the layers of one node in turn, some units of each.

    Models soci-snapshotter fs/backgroundfetcher (one unit a period for the whole node, a pause after each mount),
    stargz-snapshotter task/task.go (not before some quiet, and two at a time), and nydus's prefetch threads.
    """

    __slots__ = ("_layers", "_node", "_not_before", "_spec", "_workers")

    def __init__(self, node: LazyNode, spec: BackgroundSpec) -> None:
        self._node = node
        self._spec = spec
        self._layers: deque[LazyLayer] = deque()
        self._not_before = 0.0
        self._workers: list[simpy.Process] = []

    def add(self, layer: LazyLayer) -> None:
        """Fetch a layer that has just been mounted."""
        spec, env = self._spec, self._node.env
        self._layers.append(layer)
        self._not_before = env.now + spec.pause
        self._workers = [worker for worker in self._workers if worker.is_alive]
        while len(self._workers) < spec.workers:
            self._workers.append(env.process(self._work()))

    def stop(self) -> None:
        """Fetch nothing any more."""
        self._layers.clear()
        for worker in self._workers:
            if worker.is_alive:
                worker.interrupt()

    def _work(self) -> Generator[Any, Any, None]:
        """Fetch until everything is there, or until it is stopped."""
        try:
            yield from self._fetch_all()
        except simpy.Interrupt:
            return

    def _fetch_all(self) -> Generator[Any, Any, None]:
        """Fetch batches until everything is there; a layer that cannot be had, or not be kept, is given up."""
        node, spec, env = self._node, self._spec, self._node.env
        while self._layers:
            if (wait := self._wait(env.now)) > 0.0:
                yield Timeout(env, wait)
                continue
            layer = self._layers.popleft()
            if node.layer(layer.chain_id) is not layer:
                continue
            left = layer.left() // layer.together
            units = layer.absent(layer.together * max(1, min(layer.batch, left // (2 * spec.workers))))
            if not units:
                continue
            self._layers.append(layer)
            began = env.now
            requests = layer.requests(units)
            yield from node.fetch(layer, units, requests, reading=False)
            if layer.state(units[0]) == ABSENT and layer in self._layers:
                self._layers.remove(layer)
            if (rest := began + spec.period * requests - env.now) > 0.0:
                yield Timeout(env, rest)

    def _wait(self, now: float) -> float:
        """Return the seconds after which it may go on, or look again."""
        spec, since = self._spec, self._node.quiet_since()
        if now < self._not_before:
            return self._not_before - now
        if not spec.quiet:
            return 0.0
        return spec.quiet if since is None else since + spec.quiet - now
