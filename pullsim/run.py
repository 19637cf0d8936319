"""Run a scenario."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from pullsim.drawn import Drawn
from pullsim.errors import InputError
from pullsim.garbage import collect, rare_collections
from pullsim.printable import printable
from pullsim.rows import Rows, values
from pullsim.span_rows import SpanRows
from pullsim.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pullsim.peer_record import PeerRecord
    from pullsim.reads import ReadRecord
    from pullsim.records import (
        CacheRecord,
        Departure,
        DiskUse,
        FaultRecord,
        Guess,
        ImageRemoval,
        ImageRequest,
        Join,
        KubeletEvent,
        LayerRecord,
        LinkSample,
        PluginRun,
        PodRecord,
        PullRecord,
        RegistryRecord,
        Rollout,
        Span,
        StatusRecord,
        TrafficRecord,
        VolumesRecord,
    )
    from pullsim.scenario import Scenario
    from pullsim.spec.cluster import ClusterSpec, NodeSpec
    from pullsim.spec.prices import Prices

DETAILS = ("none", "pods", "pulls", "layers")  # each keeps more rows than the one before it


class Progress(NamedTuple):
    """How far a run has come: the simulated time, the horizon if there is one, and how many pods have started."""

    t: float
    horizon: float | None
    pods_started: int
    pods_total: int


@dataclass(slots=True)
class Result(Drawn):
    """What happened in a run. Times are simulated seconds, sizes bytes.

    Rows of which there are many are kept in `Rows`: used like a list, stored as columns. `SpanRows` can only be read.
    """

    drawn_by: ClassVar[str] = "pullsim.results.page.notebook:result_html"

    name: str
    seed: int
    version: str  # version of pullsim
    end: float  # when the run ended
    ended: str  # horizon | settled | limit (24 h) | interrupted
    nodes: tuple[str, ...]  # names of the scenario's nodes
    pools: dict[str, str]  # pool by node, also of nodes that joined in place of others
    detail: str  # what was kept: none | pods | pulls (with events) | layers
    events: Rows[KubeletEvent] = field(default_factory=Rows)
    pulls: Rows[PullRecord] = field(default_factory=Rows)
    layers: Rows[LayerRecord] = field(default_factory=Rows)
    pods: Rows[PodRecord] = field(default_factory=Rows)
    links: list[LinkSample] = field(default_factory=list)  # mean use of the registries' egress over time
    removals: list[ImageRemoval] = field(default_factory=list)  # kept with the pulls
    disks: list[DiskUse] = field(default_factory=list)  # one for each node whose disk has a size
    registries: list[RegistryRecord] = field(default_factory=list)  # requests and quotas by host, mirrors included
    under_way: int = 0  # pulls queued or running at the end
    warnings: list[str] = field(default_factory=list)
    statuses: Rows[StatusRecord] = field(default_factory=Rows)  # in the order of time; kept with ``status``
    requests: Rows[ImageRequest] = field(default_factory=Rows)  # in the order in which they ended; kept with ``status``
    plugin_runs: list[PluginRun] = field(default_factory=list)  # runs of credential providers; kept with ``status``
    platforms: dict[str, str] = field(default_factory=dict)  # the platform of the nodes by pool
    runtimes: dict[str, str] = field(default_factory=dict)  # the runtime of the nodes by pool: containerd, fixed, …
    rollouts: list[Rollout] = field(default_factory=list)  # in the order in which the updates began
    departures: list[Departure] = field(default_factory=list)  # nodes that left, in the order of time
    joins: list[Join] = field(default_factory=list)  # nodes that an autoscaler asked for, in the order of time
    autoscaled: tuple[str, ...] = ()  # pools of an autoscaler
    prepulls: list[PodRecord] = field(default_factory=list)  # pods of prepull jobs, which are not among the pods
    spans: SpanRows = field(default_factory=SpanRows)  # the pods' time lines, kept with the layers
    absent: int = 0  # nodes that would have joined after the end
    faults: list[FaultRecord] = field(default_factory=list)  # of registries and mirrors, in order of hosts
    cached: dict[str, tuple[str, ...]] = field(default_factory=dict)  # images on the nodes beforehand, by pool
    controllers: dict[tuple[str, str], str] = field(default_factory=dict)  # kind by namespace and workload, if any
    traffic: list[TrafficRecord] = field(default_factory=list)  # bytes by class of link, where the scenario has classes
    guesses: tuple[Guess, ...] = ()  # figures that the scenario says nobody gave
    reads: Rows[ReadRecord] = field(default_factory=Rows)  # of layers that come as they are read, kept with the pods
    caches: list[CacheRecord] = field(default_factory=list)  # pull-through caches, in order of hosts
    peers: list[PeerRecord] = field(default_factory=list)  # bytes between nodes, by node; empty: no node has peers
    prices: Prices | None = None  # None: the scenario has none
    cached_sizes: dict[str, dict[str, int]] = field(default_factory=dict)  # compressed bytes of `cached`, by pool
    volumes: list[VolumesRecord] = field(default_factory=list)  # of snapshots with fast restore, by pool and zone

    def check_complete(self) -> None:
        """Raise KeyboardInterrupt if the run was interrupted: what it came to is not what the scenario comes to."""
        if self.ended == "interrupted":
            raise KeyboardInterrupt

    def __repr__(self) -> str:
        """``Result(shop: 84 of 86 pods started, 128 pulls, 20 nodes; settled at 29.3 s)``."""
        kept = "" if self.detail == "layers" else f", detail {self.detail}"
        pods, pulls, nodes = len(self.pods), len(self.pulls), len(self.nodes)
        started = sum(at is not None for at in values(self.pods, "started"))
        name = printable(self.name)
        return (
            f"Result({name}: {started:,} of {pods:,} pods started, {pulls:,} pull{'s' * (pulls != 1)}, "
            f"{nodes:,} node{'s' * (nodes != 1)}; "
            f"{self.ended} at {self.end:.1f} s{kept})"
        )

    def keeps(self, detail: str) -> bool:
        """Whether the run kept what ``detail`` keeps, which is one of `DETAILS`."""
        return DETAILS.index(self.detail) >= DETAILS.index(detail)


class ResultRecorder:
    """The recorder that adds the rows to a result which the result's detail keeps, and drops the others.

    ``status`` keeps what the API shows of pods, the requests for images and the runs of credential provider plugins;
    ``watch`` is called with each status.
    """

    def __init__(
        self, result: Result, *, status: bool = False, watch: Callable[[StatusRecord], None] | None = None
    ) -> None:
        def drop(_row: object) -> None:
            pass

        from pullsim import records  # noqa: PLC0415  `import pullsim` must stay fast

        pods, pulls, layers = map(result.keeps, ("pods", "pulls", "layers"))
        self.pod: Callable[[tuple[Any, ...]], None] = result.pods.appender(records.PodRecord) if pods else drop
        self.pull: Callable[[tuple[Any, ...]], None] = result.pulls.appender(records.PullRecord) if pulls else drop
        self.event: Callable[[tuple[Any, ...]], None] = result.events.appender(records.KubeletEvent) if pulls else drop
        self.removal: Callable[[ImageRemoval], None] = result.removals.append if pulls else drop
        self.layer: Callable[[tuple[Any, ...]], None] | None = None
        if layers:
            self.layer = result.layers.appender(records.LayerRecord)
        self.spans: Callable[[str | None, str, str, Sequence[Span]], None] | None = result.spans.add if layers else None
        self.read: Callable[[ReadRecord], None] = result.reads.append if pods else drop
        self.plugin: Callable[[PluginRun], None] = result.plugin_runs.append if status else drop
        self.request: Callable[[ImageRequest], None] | None = result.requests.append if status else None
        self.status: Callable[[StatusRecord], None] | None = watch
        if status:
            self.status = result.statuses.append if watch is None else _both(result.statuses.append, watch)


def _both(
    first: Callable[[StatusRecord], None], second: Callable[[StatusRecord], None]
) -> Callable[[StatusRecord], None]:
    def take(row: StatusRecord) -> None:
        first(row)
        second(row)

    return take


def run(
    scenario: Scenario,
    *,
    seed: int | None = None,
    detail: str = "layers",
    progress: Callable[[Progress], None] | None = None,
    status: bool = False,
    watch: Callable[[StatusRecord], None] | None = None,
    force: bool = False,
    announce: Callable[[str], None] | None = None,
    scratch: Path | None = None,
) -> Result:
    """Run a scenario that `pullsim.load` returned.

    ``seed`` replaces the scenario's; ``detail`` is one of none, pods, pulls, layers; ``progress`` is called at each
    pod's start. ``status`` keeps what the API showed of the pods and what the kubelets asked their image managers;
    ``watch`` is called with each change of a pod's status as it comes, at most a second early. ``announce`` is told
    what a run of more than 10 s or 2 GB is about to take, and which registries are assumed to be public ones. Raises
    InputError if the scenario cannot be built, or would take more than the machine's memory or a day, unless ``force``
    is given. Ctrl-C ends the run and keeps what is done. ``scratch`` is a directory on whose disk the rows of a large
    run are kept, in a file without a name, so that the memory of the process does not grow with them.
    """
    if seed is not None:
        from pullsim.scenario import override  # noqa: PLC0415  # pydantic, which `simulate` does not need

        scenario = override(scenario, [f"seed={seed}"])
    built = scenario.assemble(force=force)
    if announce is not None and built.estimate.costly:
        announce(f"this takes {built.estimate}")
    if announce is not None and built.assumption:
        announce(built.assumption)
    result = simulate(
        built.cluster,
        name=scenario.name,
        detail=detail,
        progress=progress,
        status=status,
        watch=watch,
        scratch=scratch,
    )
    result.warnings += built.warnings
    result.guesses = built.guesses
    return result


def simulate(
    spec: ClusterSpec,
    *,
    name: str = "",
    detail: str = "layers",
    progress: Callable[[Progress], None] | None = None,
    status: bool = False,
    watch: Callable[[StatusRecord], None] | None = None,
    scratch: Path | None = None,
) -> Result:
    """Run a cluster that was put together by hand; see `run`."""
    from pullsim.cluster.cluster import Cluster  # noqa: PLC0415  simpy and numpy, which `import pullsim` must not load

    if detail not in DETAILS:
        raise InputError(f"detail {detail!r} is not one of {', '.join(DETAILS)}")
    collect()
    result = _empty_result(spec, name, detail, scratch)

    def started(now: float, count: int) -> None:
        if progress is not None:
            progress(Progress(now, spec.horizon, count, cluster.pods))

    cluster = Cluster(spec, ResultRecorder(result, status=status, watch=watch), started)
    with rare_collections():
        end, ended = cluster.run()
        absent = sum(node.joins > end for node in spec.nodes)
        result = replace(result, end=end, ended=ended, absent=absent, **cluster.outcome()._asdict())
        if cluster.to_come:
            result.warnings.append(
                f"pods that are created after the end of the run, and are in no figure: {cluster.to_come}"
            )
        if absent:
            result.warnings.append(f"nodes that join after the end of the run, and took no pods: {absent:,}")
        cluster.dissolve()
        result.statuses.sort(key=attrgetter("t"))
        if result.ended == "horizon":
            # The API learns of the last starts at the kubelets' next relists, which may be after the horizon.
            while result.statuses and result.statuses[-1].t > result.end:
                result.statuses.pop()
    return result


def _empty_result(spec: ClusterSpec, name: str, detail: str, scratch: Path | None) -> Result:
    """Return the result of a run that has not begun; ``scratch``: where its rows are kept, None: in memory."""
    pools = {node.name: node.spec.pool for node in spec.nodes}
    kinds = spec.pools.items()
    result = Result(
        name,
        spec.seed,
        __version__,
        0.0,
        "settled",
        tuple(pools),
        pools,
        detail,
        platforms={pool: str(node.platform) for pool, node in kinds},
        runtimes={pool: node.runtime.kind for pool, node in kinds},
        cached={pool: node.cached for pool, node in kinds},
        autoscaled=tuple(pool.spec.pool for pool in spec.autoscaled),
        controllers=_controllers(spec),
        prices=spec.prices,
        cached_sizes={pool: _cached_sizes(spec, node) for pool, node in kinds if node.cached},
    )
    if scratch is not None:
        from pullsim.scratch import Scratch  # noqa: PLC0415  `import pullsim` must stay fast

        disk = Scratch(scratch)
        for kept in fields(result):
            kind = type(getattr(result, kept.name))
            if kind in (Rows, SpanRows):
                setattr(result, kept.name, kind(scratch=disk))
    return result


def _controllers(spec: ClusterSpec) -> dict[tuple[str, str], str]:
    """Return the kind of what makes the pods of each workload; that of a CronJob's Jobs is CronJob."""
    made = [(pods.owner, pods.namespace, pods.name) for pods in spec.daemon_sets]
    made += ((pod.owner, pod.namespace, pod.workload) for pod in spec.pods)
    found = {}
    for owner, namespace, workload in dict.fromkeys(made):
        if owner is not None:
            by = spec.owners[owner]
            found[namespace, workload] = by.kind if by.name == workload else "CronJob"
    return found


def _cached_sizes(spec: ClusterSpec, node: NodeSpec) -> dict[str, int]:
    """Return the compressed bytes of the images that are on a pool's nodes beforehand, of those that are known."""
    from pullsim.oci.manifest import select  # noqa: PLC0415  `import pullsim` must stay fast
    from pullsim.oci.reference import parse  # noqa: PLC0415

    found = {}
    for name in node.cached:
        image = spec.catalog.lookup(parse(name), 0.0)
        manifest = None if image is None else select(image, node.platform)
        if manifest is not None:
            found[name] = sum(layer.size for layer in manifest.layers)
    return found
