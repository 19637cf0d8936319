"""Dragonfly's seed peers, and the tasks that peers register for."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from pullsim.kernel.event import Timeout
from pullsim.runtime.peers.swarm.dragonfly import DragonflyTask
from pullsim.runtime.peers.swarm.network import Membership, Newcomer, SwarmNetwork
from pullsim.runtime.peers.swarm.source import SourceFetch

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.kernel.environment import Environment
    from pullsim.network.network import Network
    from pullsim.network.traffic import Traffic
    from pullsim.oci.manifest import Layer
    from pullsim.registry.host import Registry
    from pullsim.spec.peers import DragonflySpec
    from pullsim.streams import Streams

REGISTER: Final = 0.03  # seconds, doubled for each registration of the host that is under way, at the most
LONGEST_REGISTER: Final = 1.0  # seconds


class DragonflyNetwork(SwarmNetwork):
    """The swarm of Dragonfly's peers.

    The first peer that registers for a blob triggers one of the seeds, which fetches it from the source in ranges of a
    piece; without seeds it goes there itself. Registering takes the longer the more registrations of the host are under
    way (service_v2.go, pkg/time/delay.go). A peer streams a blob to its runtime from the front, as pieces come.
    """

    def __init__(
        self, env: Environment, network: Network, spec: DragonflySpec, streams: Streams, traffic: Traffic | None
    ) -> None:
        super().__init__(env, network, spec, streams, traffic)
        self._dragonfly = spec
        self._registering: dict[int, int] = {}  # registrations under way, by host

    def enter(self, newcomer: Newcomer, layer: Layer, registry: Registry) -> Membership:
        """See `SwarmNetwork`."""
        task = self._policies.get(layer.digest)
        if not isinstance(task, DragonflyTask):
            task = DragonflyTask(self.swarm, layer.size, self.random, self._dragonfly.loopback)
            self._policies[layer.digest] = task
        membership = Membership(self.env, self.swarm, task, newcomer.host)
        self.env.process(self._register(task, membership, newcomer, layer, registry))
        return membership

    def serving(self, size: int, membership: Membership) -> float:
        """See `SwarmNetwork`."""
        task = membership.policy
        assert isinstance(task, DragonflyTask)
        return min(float(size), task.left_to_stream(membership.member)) / self._dragonfly.loopback

    def _register(
        self, task: DragonflyTask, membership: Membership, newcomer: Newcomer, layer: Layer, registry: Registry
    ) -> Generator[Any, Any, None]:
        host = newcomer.host
        under_way = self._registering.get(host, 0)
        self._registering[host] = under_way + 1
        delay = min(REGISTER * 2.0 ** min(under_way, 10), LONGEST_REGISTER)
        yield Timeout(self.env, delay * float(self.random.uniform(0.5, 1.5)))
        self._registering[host] -= 1
        if membership.left:
            return

        def source(fetcher: Newcomer, member: int) -> SourceFetch:
            return SourceFetch(self.env, registry, fetcher, task.torrent, member, lambda: self.swarm.changed(task))

        if not task.torrent.conns and self.seeds:
            seed = self._seeds_of(layer.digest, 1)[0]
            port = self.network.port(f"seed {seed}", self.spec.seed_download / registry.blob_site.goodput)
            task.seed(seed, partial(source, Newcomer(seed, port, self._inbound.get(seed))))
        membership.member = task.join(host, self.env.now, membership.done, partial(source, newcomer))
        self.swarm.changed(task)
