"""The whole simulated world of one run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from pullsim.cluster.node import ClusterContext
from pullsim.cluster.node_lifecycle import NodeLifecycle
from pullsim.cluster.pod_lifecycle import PodLifecycle
from pullsim.cluster.quiescence import Quiescence
from pullsim.cluster.registries import Registries
from pullsim.cluster.scheduler.image_locality import placement
from pullsim.cluster.scheduler.scheduler import Scheduler
from pullsim.kernel.clock import run_until
from pullsim.kernel.environment import Environment
from pullsim.kernel.event import Event
from pullsim.kubelet.credentials.pull_secrets import PullObjects
from pullsim.network.network import Network
from pullsim.records import ClusterOutcome
from pullsim.runtime.node import RuntimeCluster
from pullsim.streams import Streams

if TYPE_CHECKING:
    from collections.abc import Callable

    from pullsim.records import Recorder
    from pullsim.spec.cluster import ClusterSpec

LIMIT = 24 * 3600.0  # seconds simulated at the most when there is no horizon


class Ended(NamedTuple):
    """When the run ended, and why: horizon | settled | limit | interrupted."""

    at: float
    why: str


class Cluster:
    """Nodes, registries and the pods on their way; `run` it once."""

    def __init__(
        self,
        spec: ClusterSpec,
        recorder: Recorder,
        started: Callable[[float, int], None] = lambda _now, _count: None,
    ) -> None:
        """``started`` is told the time and the number of started pods at each start."""
        self.env = env = Environment()
        self.network = Network(env)
        streams = Streams(spec.seed)
        self._horizon = spec.horizon
        self._pools = {node.name: node.spec.pool for node in spec.nodes}
        self._registries = Registries(env, self.network, spec, streams)
        self._scheduler = scheduler = Scheduler(placement(env, spec))
        self._quiescence = quiescence = Quiescence(env, spec, scheduler.pressure_may_end)
        self._pods = pods = PodLifecycle(env, spec, recorder, scheduler, quiescence, started)
        objects = PullObjects(spec.secrets, spec.service_accounts)
        runtimes = RuntimeCluster(env, self.network, self._registries.get, recorder)
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
        """Let go of the nodes once all is read, so that their memory is free without a search for cycles.

        That search would go through all objects of the process; this is 0.5 % of the CPU time of W(1000). Nothing is
        done while something goes on: generators that are not at their end would run their last lines on a broken node.
        """
        if self.env.peek() < math.inf or self._under_way():
            return
        self._nodes.dissolve()
        self._pods.dissolve()
        self._scheduler.dissolve()

    @property
    def pods(self) -> int:
        """Pods that there are, were or will be."""
        return self._pods.total

    @property
    def to_come(self) -> int:
        """Pods that have not been created."""
        return self._quiescence.to_come

    def outcome(self) -> ClusterOutcome:
        """Return what the cluster has come to; to be asked for before `dissolve`."""
        return ClusterOutcome(
            pools=self._pools | self._nodes.pools,
            links=self._registries.links(),
            disks=self._nodes.disks(),
            registries=self._registries.records(),
            rollouts=self._pods.controllers.rollouts(),
            departures=self._nodes.departures(),
            prepulls=self._pods.prepull_rows,
            under_way=self._under_way(),
        )

    def _under_way(self) -> int:
        """Return how many pulls are queued or running."""
        return sum(pod.pulling for pod in self._quiescence.unfinished)
