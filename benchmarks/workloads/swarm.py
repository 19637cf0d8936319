"""A swarm without nodes around it: hosts that begin to fetch an image at once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pullsim.kernel.environment import Environment
from pullsim.runtime.peers.swarm.kraken import KrakenTorrent
from pullsim.runtime.peers.swarm.swarm import Swarm

if TYPE_CHECKING:
    from pullsim.spec.peers import KrakenSpec


class Swarmed(NamedTuple):
    """When each host had the image, the steps that the swarm took, and their CPU seconds."""

    seconds: list[float]
    steps: int
    cpu: float


def kraken(hosts: int, spec: KrakenSpec, size: int, blobs: int, *, seed: int = 1) -> Swarmed:
    """Let hosts fetch an image of ``size`` bytes in so many equal blobs from warm origins."""
    env, random = Environment(), np.random.default_rng(seed)
    swarm = Swarm(env, spec.tick, spec.per_connection)
    origins = [swarm.host(spec.seed_upload, spec.seed_download, -1) for _ in range(spec.seeds)]
    torrents = [KrakenTorrent(spec, size // blobs, random) for _ in range(blobs)]
    for number, torrent in enumerate(torrents):
        torrent.busy = lambda host: sum(each.fetches(host) for each in torrents)
        for copy in range(spec.replicas):
            torrent.join(origins[(spec.replicas * number + copy) % len(origins)], 0.0, None, origin=True)
    ends: list[float] = []
    for _ in range(hosts):
        host = swarm.host(spec.upload, spec.download, -1)
        left = [blobs]

        def done(left: list[int] = left) -> None:
            left[0] -= 1
            if not left[0]:
                ends.append(env.now)

        for torrent in torrents:
            torrent.join(host, 0.0, done)
            swarm.changed(torrent)
    start = time.process_time()
    env.run()
    return Swarmed(sorted(ends), swarm.steps, time.process_time() - start)
