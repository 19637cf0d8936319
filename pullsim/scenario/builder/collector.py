"""Collecting what the workloads of a scenario start: pods, daemon sets, owners, and the images that they need."""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING, Final

from pydantic.alias_generators import to_camel

from pullsim.errors import InputError, shown
from pullsim.frozen import dataclass
from pullsim.inputs.suggestion import did_you_mean
from pullsim.inputs.told import Told
from pullsim.scenario.builder.fitting import Fitting, preferences
from pullsim.scenario.builder.images import ImageUse
from pullsim.scenario.builder.node_support import unsupported_by_nodes
from pullsim.scenario.builder.pods import images_of
from pullsim.scenario.builder.updates import UpdateError, rolling_update
from pullsim.spec.cluster import DaemonSet, Owner, Pod, PodSpec, Prepull

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullsim.formats.kubernetes.classes import ClassNames
    from pullsim.formats.kubernetes.strategy import Strategy
    from pullsim.inputs.document import Route
    from pullsim.inputs.findings import Findings
    from pullsim.oci.platform import Platform
    from pullsim.scenario.builder.admission import Admission
    from pullsim.scenario.model.workloads import On, Workload
    from pullsim.spec.cluster import Node
    from pullsim.spec.credentials import Secret, ServiceAccount
    from pullsim.spec.scheduling import Scheduling


GIVEN: Final = "given"
#: Placements that do not rank nodes by the scheduler's scores.
UNSCORED: Final = ("spread", "pack", GIVEN)


@dataclass(frozen=True, slots=True)
class PodKind:
    """What the pods of one workload have in common."""

    workload: str
    namespace: str
    spec: PodSpec
    deadline: float | None  # seconds after a pod's creation
    lives: float | None  # seconds from a pod's creation to its deletion; None: it is never deleted
    owner: int | None = None  # index in `Collector.owners`
    ordered: bool = False  # whether each pod is created only when the previous one has started


@dataclass(frozen=True, slots=True)
class Place:
    """The node or the pool to which the pods of a Kubernetes object are restricted; both None: any node."""

    node: str | None = None
    pool: str | None = None


@dataclass(slots=True)
class Collector:
    """Collects what is to be started. Errors are added to the findings, or raised as InputErrors."""

    nodes: Sequence[Node]
    findings: Findings
    admission: Admission
    placement: str
    told: Told = field(default_factory=Told)  # warnings about workloads and objects
    pods: list[Pod] = field(default_factory=list)
    daemon_sets: list[DaemonSet] = field(default_factory=list)
    uses: list[ImageUse] = field(default_factory=list)
    secrets: list[Secret] = field(default_factory=list)
    service_accounts: list[ServiceAccount] = field(default_factory=list)
    owners: list[Owner] = field(default_factory=list)
    prepulls: list[Prepull] = field(default_factory=list)
    pools: dict[str, Platform] = field(init=False)
    node_pools: dict[str, str] = field(init=False)
    fitting: Fitting = field(init=False)
    _makers: dict[tuple[str, str], str] = field(default_factory=dict)  # the workload of each (namespace, pod)

    def __post_init__(self) -> None:
        self.pools = {node.spec.pool: node.spec.platform for node in self.nodes}
        self.node_pools = {node.name: node.spec.pool for node in self.nodes}
        self.fitting = Fitting(self.nodes)

    def own(
        self, owner: Owner, spec: PodSpec, workload: Workload, route: Route, strategy: Strategy | None = None
    ) -> int:
        """Add an owner of pods, with the workload's update if it has one; return its index in ``owners``."""
        update = workload.update
        if update is not None:
            try:
                rolling = rolling_update(update, owner.kind, owner.name, spec, workload.at, strategy)
            except UpdateError as error:
                key = () if error.key is None else (to_camel(error.key),)
                self.findings.error(str(error), *route, "update", *key)
            else:
                owner = replace(owner, update=rolling)
                if update.image is not None:
                    pools = self.pools_of(workload.on)
                    self.uses.append(ImageUse(update.image, pools, (*route, "update", "image")))
        self.owners.append(owner)
        return len(self.owners) - 1

    def admit(self, name: str, spec: PodSpec, classes: ClassNames, route: Route) -> PodSpec:
        """Return a pod as the API server stores it; add an error for each reason for which it would refuse the pod."""
        spec = self.admission.admit(spec, classes)
        if unknown := self.admission.unknown_priority(classes):
            self.told.about(name, unknown)
        volumes = range(len(spec.image_volumes))
        for wrong, text in self.admission.violations(name, spec, classes, volumes):
            # A workload with `pods` has the fields of its only container itself, not in a list of containers.
            below = wrong[2:] if route[-1] == "pods" and wrong[0] == "containers" else wrong
            self.findings.error(text, *route, *below)
        return spec

    def add_pods(
        self, names: Sequence[str], times: Sequence[float], kind: PodKind, place: On | Place | None, route: Route
    ) -> None:
        """Add pods of one kind, each with its name and the time of its creation in seconds."""
        node, pool = (place.node, place.pool) if place else (None, None)
        if self.placement == GIVEN and node is None and pool is None:
            if len(self.nodes) > 1:
                self.findings.error("placement is given, so the workload must say where: on: {pool: …}", *route)
                return
            pool = self.nodes[0].spec.pool  # its node may be one that an autoscaler is to bring
        self.claim(names, kind.namespace, f"workload {kind.workload}", route)
        before = [None, *names[:-1]] if kind.ordered else [None] * len(names)
        self.pods += (
            Pod(
                name,
                kind.namespace,
                kind.workload,
                kind.spec,
                time,
                node,
                pool,
                kind.deadline,
                kind.lives,
                follows,
                kind.owner,
            )
            for name, time, follows in zip(names, times, before, strict=True)
        )

    def claim(self, pods: Sequence[str], namespace: str, maker: str, route: Route) -> None:
        """Reserve the names of pods. Raises InputError for a name that another workload has."""
        here = f"{self.findings.document.name(route)} ({maker})"
        for pod in pods:
            first = self._makers.setdefault((namespace, pod), here)
            if first is not here:
                message = f"{here} makes the pod {namespace}/{pod}, which {first} makes too: name one differently"
                raise InputError(message)

    def check_place(self, on: On | None, route: Route) -> None:
        """Add an error if the pool or node of ``on`` does not exist."""
        if on is not None and on.pool is not None and on.pool not in self.pools:
            self.findings.error(
                f"there is no pool {shown(on.pool)}{did_you_mean(on.pool, self.pools, 3)}", *route, "on", "pool"
            )
        if on is not None and on.node is not None and on.node not in self.node_pools:
            hint = did_you_mean(on.node, self.node_pools, 3)
            self.findings.error(f"there is no node {shown(on.node)}{hint}", *route, "on", "node")

    def place(self, scheduling: Scheduling, given: On | Place) -> On | Place:
        """Return the node or the pool to which pods are restricted, besides their constraints.

        ``given`` is what the workload or the pod's nodeName says. Where places must be given, labels that only one node
        or one pool has are a place too.
        """
        if self.placement != GIVEN or given.node is not None or given.pool is not None:
            return given
        nodes = self.fitting.nodes(scheduling) or []
        if len(nodes) == 1 and self.fitting.names_nodes(scheduling):
            return Place(node=nodes[0].name)
        pools = {node.spec.pool for node in nodes}
        return Place(pool=pools.pop()) if len(pools) == 1 else given

    def warn_of_places(self, title: str, scheduling: Scheduling, given: On | Place, *, each: bool = False) -> None:
        """Warn of constraints that no node satisfies, and of wishes that the placement does not know.

        ``each``: whether there is a pod on each node that its labels and taints leave, as of a DaemonSet.
        """
        obstacle = self.fitting.obstacle(scheduling, self.pools_of(given), each=each)
        if obstacle is not None and given.node is None:
            self.told.about(title, f"its pods start nowhere: {obstacle}")
        if self.placement in UNSCORED and (wishes := preferences(scheduling)):
            text = f"placement {self.placement} takes no notice of {', '.join(wishes)}; placement: scheduler does"
            self.told.about(title, text)

    def uses_of(self, scheduling: Scheduling, place: On | Place) -> frozenset[str] | None:
        """Return the pools on whose nodes pods can run, by their labels or the place that is given; None: all."""
        given = self.pools_of(place)
        return self.fitting.pools(scheduling) if given is None else given

    def pools_of(self, on: On | Place | None) -> frozenset[str] | None:
        """Return the pools that a place leaves; None: all of them."""
        if on is None or (on.pool is None and on.node is None):
            return None
        return frozenset({on.pool or self.node_pools.get(on.node or "", "")})

    def use(self, name: str, spec: PodSpec, on: On | None, routes: dict[str, Route], route: Route) -> None:
        """Record the images of a pod, and warn of features that the pod needs and its nodes do not have.

        ``routes`` has the place of each image in the scenario; the place of an image that is not there is ``route``.
        """
        pools = self.uses_of(spec.scheduling, on or Place())
        self.uses += (ImageUse(image, pools, routes.get(image, route)) for image in images_of(spec) if image)
        for text in unsupported_by_nodes(spec, self.nodes, pools):
            self.told.about(name, text)
