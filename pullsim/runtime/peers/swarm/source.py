"""Fetching the pieces of a blob from the registry, for who has nobody else to get them from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import simpy

from pullsim.kernel.event import Timeout
from pullsim.kernel.process import Process

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pullsim.kernel.environment import Environment
    from pullsim.network.flows import Transfer
    from pullsim.registry.host import Registry
    from pullsim.runtime.peers.swarm.network import Newcomer
    from pullsim.runtime.peers.swarm.torrent import Torrent

AT_ONCE: Final = 8  # ranged GETs under way (dfdaemon.rs of Dragonfly's client)


class SourceFetch:
    """The ranged GETs of one member, each for a piece, several at a time.

    They are as those of a client that is authenticated already. The registry's faults and quotas do not meet them.
    """

    __slots__ = ("_changed", "_env", "_inbound", "_member", "_port", "_registry", "_torrent", "_workers")

    def __init__(
        self,
        env: Environment,
        registry: Registry,
        newcomer: Newcomer,
        torrent: Torrent,
        member: int,
        changed: Callable[[], None],
    ) -> None:
        """``changed`` is called with each piece that has come."""
        self._env = env
        self._registry = registry
        self._port = newcomer.port
        self._torrent = torrent
        self._member = member
        self._changed = changed
        self._inbound = newcomer.inbound
        self._workers = [Process(env, self._run()) for _ in range(AT_ONCE)]

    def stop(self) -> None:
        """End what is under way."""
        for worker in self._workers:
            if worker.is_alive:
                worker.interrupt()

    def _run(self) -> Generator[Any, Any, None]:
        registry, torrent = self._registry, self._torrent
        site = registry.blob_site
        while (piece := torrent.claim(self._member)) >= 0:
            size = float(torrent.sizes[piece])
            registry.blobs += 1
            transfer: Transfer | None = None
            try:
                yield Timeout(self._env, site.round_trip + site.first_byte)
                transfer = registry.network.transfer(site.path, self._port, size / site.goodput, site.connection_cap)
                yield transfer
            except simpy.Interrupt:
                if transfer is not None:
                    registry.delivered(site, round(size - transfer.cancel() * site.goodput), self._inbound)
                torrent.disclaim(self._member, piece)
                return
            registry.delivered(site, round(size), self._inbound)
            torrent.give(self._member, piece)
            self._changed()
