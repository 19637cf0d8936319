"""The whole simulated world of one run."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from pullsim.cluster.churn import Churn
from pullsim.cluster.controllers.controller_manager import Controllers, controlled
from pullsim.cluster.controllers.prepull import PrepullJobs
from pullsim.cluster.node import ClusterContext, ClusterNode
from pullsim.cluster.quiescence import Quiescence
from pullsim.cluster.scheduler.image_locality import ImageLocality, placement
from pullsim.kernel.clock import run_until
from pullsim.kernel.environment import Environment
from pullsim.kernel.event import Call, Event
from pullsim.kubelet.api_status import record_end, record_pending
from pullsim.kubelet.credentials.pull_secrets import PullObjects
from pullsim.kubelet.pod_status import DELETED, PodStatus
from pullsim.network.network import Network
from pullsim.records import LinkSample, RegistryRecord
from pullsim.registry.host import Registry
from pullsim.spec.registry import RegistrySpec, spellings
from pullsim.streams import Streams

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pullsim.records import Departure, DiskUse, PodRecord, Recorder, Rollout
    from pullsim.spec.cluster import ClusterSpec, DaemonSet, Node
    from pullsim.spec.pod import Pod

NOT_CREATED = "NotCreated"  # reason of a pod that waited for another to start
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
        self._spec = spec
        self._recorder = recorder
        self._streams = Streams(spec.seed)
        objects = PullObjects(spec.secrets, spec.service_accounts)
        self._context = ClusterContext(env, self.network, self._registry, self._streams, recorder, objects)
        self._registries: dict[str, Registry] = {}
        self._specs = {registry.host: registry for registry in spec.registries}
        self._placement = placement(env, spec)
        self._pending: deque[PodStatus] = deque()  # no node has room for them
        self._started = started
        self._quiescence = Quiescence(env, spec, recorder, self._follow, self._pressure_may_end)
        if isinstance(self._placement, ImageLocality):
            self._quiescence.images_changed = self._placement.images_changed
        self._nodes: dict[str, ClusterNode] = {}  # that have joined
        self._followers: dict[tuple[str, str], list[Pod]] = {}  # by the pod that they wait for
        for pod in spec.pods:
            if pod.follows is not None:
                self._followers.setdefault((pod.namespace, pod.follows), []).append(pod)
        daemons = sum(
            runs_on(daemon_set, node.spec.pool, node.name) for daemon_set in spec.daemon_sets for node in spec.nodes
        )
        self.pods = len(spec.pods) + daemons  # in all
        self._quiescence.to_come = sum(pod.follows is None for pod in spec.pods) + daemons
        self._daemon_sets: list[DaemonSet] = []  # created ones
        self._left: list[DiskUse] = []  # of nodes that have left
        self._lost: set[PodStatus] = set()  # pods that go with the node that leaves just now
        self.pools: dict[str, str] = {}  # of the nodes that have joined in place of others
        self._churn = Churn(env, spec, self._streams, self) if any(node.spec.leave for node in spec.nodes) else None
        self._prepulls = PrepullJobs(env, spec, self) if spec.prepulls else None
        self._controllers = Controllers(env, spec, self) if controlled(spec) else None
        self._names = {(pod.namespace, pod.name) for pod in spec.pods} if self._controllers else set()
        env.process(self._join())
        if spec.daemon_sets:
            env.process(self._create_daemon_sets())
        env.process(self._create_pods())

    def run(self) -> Ended:
        """Run to the end, write the rows of the pods that have not started, and return when and why it ended."""
        horizon = self._spec.horizon
        over = self._quiescence.over if horizon is None else Event(self.env)
        try:
            at = run_until(self.env, LIMIT if horizon is None else horizon, over)
        except KeyboardInterrupt:
            at, why = self.env.now, "interrupted"
        else:
            if horizon is not None:
                at, why = horizon, "horizon"
            else:
                why = "limit" if at >= LIMIT else "settled"
        for waiting in self._followers.values():  # their predecessors have not started
            for follower in waiting:
                self._status(follower).reason = NOT_CREATED
        for pod in self._quiescence.unfinished:
            self._quiescence.write(pod, pod.record(at, never=why == "settled"))
        return Ended(at, why)

    def dissolve(self) -> None:
        """Let go of the nodes once all is read, so that their memory is free without a search for cycles.

        That search would go through all objects of the process; this is 0.5 % of the CPU time of W(1000). Nothing is
        done while something goes on: generators that are not at their end would run their last lines on a broken node.
        """
        if self.env.peek() < math.inf or self.under_way:
            return
        for node in self._nodes.values():
            node.dissolve()
        vars(self).clear()

    @property
    def to_come(self) -> int:
        """Pods that have not been created."""
        return self._quiescence.to_come

    @property
    def under_way(self) -> int:
        """Pulls queued or running."""
        return sum(pod.pulling for pod in self._quiescence.unfinished)

    def links(self) -> list[LinkSample]:
        """Return the use of the registries' egress over time."""
        return [
            LinkSample(site.name, t0, t1, rate, site.link.capacity)
            for _, registry in sorted(self._registries.items())
            for site in dict.fromkeys((registry.site, registry.blob_site))
            for t0, t1, rate in site.link.meter.samples()
        ]

    def registries(self) -> list[RegistryRecord]:
        """Return what registries and mirrors were asked for, by host."""
        return [registry.record() for _, registry in sorted(self._registries.items())]

    def disks(self) -> list[DiskUse]:
        """Return how full the disks were, of the nodes whose disk has a size."""
        there = (node.disk_use() for node in self._nodes.values())
        return [*self._left, *(use for use in there if use is not None)]

    def rollouts(self) -> list[Rollout]:
        """Return how the updates that have begun went."""
        return [] if self._controllers is None else self._controllers.rollouts()

    def prepulls(self) -> list[PodRecord]:
        """Return the rows of the pods of prepull jobs."""
        return self._quiescence.prepulls

    def departures(self) -> list[Departure]:
        """Return the nodes that have left."""
        return [] if self._churn is None else self._churn.departures

    def terminated(self, pod: PodStatus) -> None:
        """Give the place of a pod that is gone to one that waits."""
        assert pod.node is not None
        self._placement.leave(pod.node, pod.pod)
        self._place_pending()
        self._gone(pod, lost=pod in self._lost)
        self._quiescence.terminated(pod)

    def disk_pressure(self, node: str, under_pressure: bool) -> None:
        """Taint a node, or take the taint away (node lifecycle controller)."""
        self._placement.taint(node, tainted=under_pressure)
        if not under_pressure:
            self._place_pending()

    def images_changed(self, node: str) -> None:
        """Take note that the images of a node are not what its status tells."""
        if isinstance(self._placement, ImageLocality):
            self._placement.images_changed(node)

    def check_end(self) -> None:
        """See whether the run is over."""
        self._quiescence.check()

    def _pressure_may_end(self) -> bool:
        """Whether a node that takes no pods for its disk pressure may yet take some."""
        return any(node.kubelet.housekeeping.pressure_may_end for node in self._nodes.values())

    def hold(self) -> None:
        """Keep the run from being over."""
        self._quiescence.held += 1

    def release(self) -> None:
        """Take one `hold` back."""
        self._quiescence.held -= 1
        self._quiescence.check()

    def free_name(self, namespace: str, prefix: str, first: int) -> tuple[str, int]:
        """Return the first name ``<prefix>-NNNNN`` from number ``first`` on that no pod has had, and its number."""
        number = first
        while (namespace, name := f"{prefix}-{number:05d}") in self._names:
            number += 1
        self._names.add((namespace, name))
        return name, number

    def add_node(self, node: Node) -> None:
        """Let a node join now that was not in the scenario."""
        self.pools[node.name] = node.spec.pool
        daemons = sum(runs_on(each, node.spec.pool, node.name) for each in self._spec.daemon_sets)
        self.pods += daemons
        self._quiescence.to_come += daemons
        self._join_now(node)

    def remove_node(self, name: str) -> tuple[int, int]:
        """Take a node away with everything on it; return the numbers of its pods and of their pulls under way."""
        self.hold()
        node = self._nodes.pop(name)
        self._placement.remove(name)
        pods = node.kubelet.pods
        self._lost = {pod for pod in pods if not pod.has_ended()}
        pulls = sum(pod.pulling for pod in pods)
        if self._prepulls is not None:
            self._prepulls.left(name)
        node.leave()
        self._lost = set()
        for pod in [pod for pod in self._pending if pod.pod.node == name and self._daemon(pod)]:
            self._delete(pod)
        if (use := node.disk_use()) is not None:
            self._left.append(use)
        created = len(self._daemon_sets)
        to_come = sorted(self._spec.daemon_sets, key=lambda each: each.created)[created:]
        daemons = sum(runs_on(each, node.pool, name) for each in to_come)
        self.pods -= daemons
        self._quiescence.to_come -= daemons
        self.release()
        return len(pods), pulls

    def _gone(self, pod: PodStatus, *, lost: bool) -> None:
        if self._controllers is not None:
            self._controllers.gone(pod, lost=lost)
        if self._prepulls is not None:
            self._prepulls.gone(pod)

    def _daemon(self, pod: PodStatus) -> bool:
        """Whether a pod is a DaemonSet's, or a prepull job's."""
        owner = pod.pod.owner
        return pod.pod.prepull or (owner is not None and self._spec.owners[owner].kind == "DaemonSet")

    def create(self, pod: Pod) -> PodStatus:
        """Create a pod that was not in the scenario, and try to place it."""
        self.pods += 1
        return self._create(pod)

    def delete(self, pod: PodStatus) -> None:
        """Delete a pod."""
        self._delete(pod)

    def _delete(self, pod: PodStatus) -> None:
        """Delete a pod whose time has come."""
        if pod.ended is not None:
            return
        if pod.node is None:
            self._pending.remove(pod)
            pod.end(DELETED)
            record_end(pod, self._recorder, self.env.now)
            self._gone(pod, lost=False)
        else:
            self._nodes[pod.node].kubelet.end(pod, DELETED)

    def _complete(self, pod: PodStatus) -> None:
        """See that a pod has completed, unless it ended before: when the last container to start has run."""
        if pod.ended is None and pod.node is not None:
            self._nodes[pod.node].kubelet.complete(pod)
        self.release()

    def _registry(self, host: str) -> Registry:
        host = next((each for each in spellings(host) if each in self._specs), host)
        registry = self._registries.get(host)
        if registry is None:
            spec = self._specs.get(host) or RegistrySpec(host)
            made = Registry(self.env, self.network, spec, self._spec.catalog, self._streams)
            registry = self._registries[host] = made
        return registry

    def _join(self) -> Generator[Any, Any, None]:
        """Let the nodes join at their times."""
        env = self.env
        for node in sorted(self._spec.nodes, key=lambda node: node.joins):
            if node.joins > env.now:
                yield env.timeout(node.joins - env.now)
            self._join_now(node)

    def _join_now(self, node: Node) -> None:
        joined = ClusterNode(self._context, node, self)
        self._nodes[node.name] = joined
        self._placement.join(joined)
        if self._churn is not None:
            self._churn.joined(node)
        for daemon_set in self._daemon_sets:
            self._create_daemon_pod(daemon_set, joined)
        if self._prepulls is not None:
            self._prepulls.joined(joined)
        self._place_pending()

    def _create_pods(self) -> Generator[Any, Any, None]:
        env = self.env
        for pod in self._spec.pods:
            if pod.follows is not None:
                continue
            if pod.created > env.now:
                yield env.timeout(pod.created - env.now)
            self._quiescence.to_come -= 1
            self._add(pod)

    def _add(self, pod: Pod) -> None:
        """Create a pod of the scenario."""
        if self._controllers is None:
            self._create(pod)
        else:
            self._controllers.adopt(self._create(self._controllers.revise(pod)))

    def _create(self, pod: Pod) -> PodStatus:
        status = self._status(pod)
        record_pending(status, self._recorder)
        self._live(status)
        if not self._place(status):
            self._pending.append(status)
        return status

    def _follow(self, pod: PodStatus, count: int) -> None:
        """Create the pods that waited for one that has started."""
        self._started(self.env.now, count)
        for follower in self._followers.pop((pod.namespace, pod.name), ()):
            self._add(replace(follower, created=self.env.now))
        if pod.pod.spec.completes and not pod.pod.prepull:
            self.hold()
            Call(self.env, lambda _: self._complete(pod), max(each.run for each in pod.pod.spec.containers))
        if self._controllers is not None:
            self._controllers.started(pod)
        if self._prepulls is not None:
            self._prepulls.started(pod)

    def _create_daemon_sets(self) -> Generator[Any, Any, None]:
        env = self.env
        for daemon_set in sorted(self._spec.daemon_sets, key=lambda each: each.created):
            if daemon_set.created > env.now:
                yield env.timeout(daemon_set.created - env.now)
            self._daemon_sets.append(daemon_set)
            for node in self._placement.nodes():
                self._create_daemon_pod(daemon_set, node)

    def _create_daemon_pod(self, of: DaemonSet, node: ClusterNode) -> None:
        """Make a node's pod of a DaemonSet: it is there before pods that wait for room."""
        if not runs_on(of, node.pool, node.name):
            return
        self._quiescence.to_come -= 1
        self._add(of.pod(node.name, self.env.now))

    def _status(self, pod: Pod) -> PodStatus:
        status = PodStatus(pod, pod.created, self._quiescence, spans=self._recorder.span is not None)
        self._quiescence.create(status)
        return status

    def _live(self, pod: PodStatus) -> None:
        """Have the pod deleted when its time has come."""
        if pod.pod.lives is not None:
            Call(self.env, lambda _: self._delete(pod), pod.pod.lives)

    def _place(self, pod: PodStatus) -> bool:
        node = self._placement.choose(pod.pod)
        if node is None:
            return False
        self._bind(pod, node)
        return True

    def _bind(self, pod: PodStatus, node: ClusterNode) -> None:
        self._quiescence.expect(pod)
        node.bind(pod)

    def _place_pending(self) -> None:
        """Try the pods that wait for room, in order of creation."""
        full = False  # for pods that may go anywhere
        for _ in range(len(self._pending)):
            pod = self._pending.popleft()
            anywhere = pod.pod.node is None and pod.pod.pool is None
            if (full and anywhere) or not self._place(pod):
                self._pending.append(pod)
                full = full or anywhere


def runs_on(daemon_set: DaemonSet, pool: str, node: str) -> bool:
    """Whether the set has a pod on a node of that pool and name."""
    return daemon_set.pool in (None, pool) and daemon_set.node in (None, node)
