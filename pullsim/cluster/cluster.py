"""The simulated cluster of one run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from pullsim.cluster.node import ClusterContext
from pullsim.cluster.node_lifecycle import NodeLifecycle
from pullsim.cluster.pod_lifecycle import PodLifecycle
from pullsim.cluster.quiescence import Quiescence
from pullsim.cluster.registries import Registries
from pullsim.cluster.scheduler.scheduler import Scheduler
from pullsim.kernel.clock import run_until
from pullsim.kernel.environment import Environment
from pullsim.kernel.event import Event
from pullsim.kubelet.credentials.pull_secrets import PullObjects
from pullsim.network.network import Network
from pullsim.network.traffic import Traffic
from pullsim.records import ClusterOutcome, VolumesRecord
from pullsim.runtime.node import RuntimeCluster
from pullsim.runtime.peers.peers import Peers
from pullsim.streams import Streams

if TYPE_CHECKING:
    from collections.abc import Callable

    from pullsim.records import Recorder
    from pullsim.spec.cluster import ClusterSpec

LIMIT = 24 * 3600.0  # seconds after which a run without a horizon is ended


class Ended(NamedTuple):
    """The end of the run."""

    at: float  # seconds
    #: horizon | settled (nothing could change any more) | limit (`LIMIT` was reached) | interrupted (by the user)
    why: str


class Cluster:
    """The nodes, registries and pods of one run; `run` may be called once."""

    def __init__(
        self,
        spec: ClusterSpec,
        recorder: Recorder,
        started: Callable[[float, int], None] = lambda _now, _count: None,
    ) -> None:
        """``started`` is called at each start of a pod with the time and the number of started pods."""
        self.env = env = Environment()
        self.network = Network(env)
        streams = Streams(spec.seed)
        self._horizon = spec.horizon
        self._pools = {node.name: node.spec.pool for node in spec.nodes}
        self._traffic = Traffic() if spec.classed else None
        self._registries = Registries(env, self.network, spec, streams, self._traffic)
        self._scheduler = scheduler = Scheduler(env, spec)
        self._quiescence = quiescence = Quiescence(env, spec, scheduler.pressure_may_end)
        self._pods = pods = PodLifecycle(env, spec, recorder, scheduler, quiescence, started)
        objects = PullObjects(spec.secrets, spec.service_accounts)
        self._peers = peers = Peers(env, self.network, streams, self._traffic)
        runtimes = RuntimeCluster(env, self.network, self._registries.get, recorder, peers, self._traffic)
        self._restores = runtimes.restores
        context = ClusterContext(env, runtimes, streams, recorder, objects)
        self._nodes = NodeLifecycle(context, spec, scheduler, pods, quiescence)
        env.process(self._nodes.run())
        if spec.daemon_sets:
            env.process(self._nodes.daemon_sets.run())
        env.process(pods.run())

    def run(self) -> Ended:
        """Run to the end, write the rows of the pods that have not started, and return when and why it ended."""
        ended = self._run()
        self._pods.close(ended.at, never=ended.why == "settled")
        return ended

    def _run(self) -> Ended:
        horizon = self._horizon
        try:
            if horizon is not None:
                run_until(self.env, horizon, Event(self.env))
                return Ended(horizon, "horizon")
            at = run_until(self.env, LIMIT, self._quiescence.over)
        except KeyboardInterrupt:
            return Ended(self.env.now, "interrupted")
        return Ended(at, "limit" if at >= LIMIT else "settled")

    def dissolve(self) -> None:
        """Drop the references to the nodes after the results are read, so that Python frees their memory at once.

        Otherwise its cycle collector would have to search all objects of the process; this takes 0.5 % of the CPU time
        of W(1000). Nothing is done while processes still run, because their generators would execute their ``finally``
        blocks on nodes that have lost their parts.
        """
        if self.env.peek() < math.inf or self._under_way():
            return
        self._nodes.dissolve()
        self._pods.dissolve()
        self._scheduler.dissolve()

    @property
    def pods(self) -> int:
        """The number of pods of the run, with those that have ended or are not created yet."""
        return self._pods.total

    @property
    def to_come(self) -> int:
        """The number of pods that are not created yet."""
        return self._quiescence.to_come

    def outcome(self) -> ClusterOutcome:
        """Return the results of the run other than rows of pods; to be called before `dissolve`."""
        self._peers.close()
        return ClusterOutcome(
            pools=self._pools | self._nodes.pools,
            links=self._registries.links(),
            disks=self._nodes.disks(),
            registries=self._registries.records(),
            caches=self._registries.caches(),
            volumes=[
                VolumesRecord(pool, zone, restore.created, restore.restored)
                for (pool, zone), restore in self._restores.items()
            ],
            faults=self._registries.faults(self.env.now),
            traffic=[] if self._traffic is None else self._traffic.records(),
            rollouts=self._pods.controllers.rollouts(),
            departures=self._nodes.departures(),
            joins=self._nodes.joins(),
            prepulls=self._pods.prepull_rows,
            under_way=self._under_way(),
            peers=self._peers.records(),
        )

    def _under_way(self) -> int:
        """Return how many pulls are queued or running."""
        return sum(pod.pulling for pod in self._quiescence.unfinished)
