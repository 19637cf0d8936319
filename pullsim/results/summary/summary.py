"""The figures of a run, as `summary.json` and the terminal show them.

A number that cannot be had (no pod, or rows that the run's detail left out) is None, never 0. A time of pods that falls
to those that never started is infinite, which is null in the JSON beside a count above 0 (see `statistics.Waits`).
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from dataclasses import field, fields, is_dataclass
from math import fsum
from typing import TYPE_CHECKING, Any, ClassVar, Final

from pullsim.drawn import Drawn
from pullsim.frozen import dataclass
from pullsim.garbage import rare_collections
from pullsim.oci.reference import parse
from pullsim.printable import printable
from pullsim.records import Guess
from pullsim.results.model_error import ModelError, model_error
from pullsim.results.statistics import PERCENTILE_METHOD, Distribution, Rate, distribution, flow_rate
from pullsim.results.summary.accelerators import IdleAccelerators, idle_accelerators
from pullsim.results.summary.api_status import time_in_status
from pullsim.results.summary.autoscaling import AutoscalingFigures, autoscaling
from pullsim.results.summary.bottleneck import Bottleneck, bottleneck
from pullsim.results.summary.byte_costs import by_class
from pullsim.results.summary.cache_use import CacheUse, cache_use
from pullsim.results.summary.cluster_changes import (
    Churn,
    PrepullFigures,
    RolloutFigures,
    churn,
    named_rollouts,
    prepulls,
    rollouts,
)
from pullsim.results.summary.costs import Costs, costs
from pullsim.results.summary.groups import GroupFigures, by_image, by_pool, by_workload, latest
from pullsim.results.summary.housekeeping import Housekeeping, housekeeping
from pullsim.results.summary.moved_tags import MovedTag, moved_tags
from pullsim.results.summary.never_started import NeverStarted, never_started
from pullsim.results.summary.outages import Outage, outages
from pullsim.results.summary.peer_use import PeerUse, peer_use
from pullsim.results.summary.pods import Pods, pods
from pullsim.results.summary.prediction import Prediction
from pullsim.results.summary.read_use import ReadUse, read_use
from pullsim.results.summary.registry_use import RegistryUse, registry_use
from pullsim.results.summary.splits import SplitEffect
from pullsim.results.summary.start_time import Time, time_until_ready
from pullsim.results.summary.unbound import unbound
from pullsim.results.summary.unused import UnusedImages, unused_images
from pullsim.results.summary.volume_use import VolumeUse, volume_use
from pullsim.results.wording import counted, duration
from pullsim.rows import values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullsim.records import LayerRecord
    from pullsim.run import Result

SCHEMA_VERSION: Final = 1
BYTE_WINDOW: Final = 10.0
DIGITS: Final = 12  # significant digits in summary.json; further ones depend on the order of sums
_ONLY_WHERE_THERE: Final = frozenset({"peers", "prediction", "reads", "volumes"})
_LAYERS: Final = ("layers", "layers_fetched")  # the fields of a pull's row


@dataclass(frozen=True, slots=True)
class Pulls:
    """Pulls by outcome. Times are those of the pulls that succeeded, seconds."""

    total: int
    ok: int
    failed: int
    failures_by_cause: dict[str, int]
    under_way: int  # pulls that were queued or running at the end of the run
    backoffs: int
    pull: Distribution  # time in the runtime
    queue: Distribution  # time in the kubelet's queue before it
    including_waiting: Distribution


@dataclass(frozen=True, slots=True)
class Bytes:
    """Compressed bytes of layers that pulls fetched, and the rest of the images that they had not to fetch."""

    downloaded: int
    by_source: dict[str, int]  # bytes by the host that served them; without rows of layers, by the host that was asked
    local: int  # bytes of successful pulls that were on the node already, or that another pull fetched
    per_second: Rate  # each layer counts evenly from request to last byte; without layers each pull over its time


@dataclass(frozen=True, slots=True)
class Layers:
    """Layers of successful pulls."""

    fetched: int
    reused: int


@dataclass(frozen=True, slots=True)
class AssertionOutcome:
    """A condition of the scenario or the command line, what the run had, and whether that fulfils it."""

    assertion: str
    value: float | None
    holds: bool
    within_model_error: bool  # the value is nearer to the limit than the model is to reality
    never: bool = False  # the value is infinite, and None in the JSON: too many pods never started


@dataclass(frozen=True, slots=True)
class Summary(Drawn):
    """Everything worth a line about one run."""

    drawn_by: ClassVar[str] = "pullsim.results.page.notebook:summary_html"

    name: str
    seed: int
    version: str
    detail: str
    end: float
    ended: str  # horizon | settled | limit | interrupted
    nodes: int
    pools: dict[str, int]
    percentiles: str  # which of the values they are, in the words of numpy.percentile
    pods: Pods | None
    workloads: dict[str, GroupFigures]  # by name, with the namespace where it is not default; empty without pods
    pods_by_pool: dict[str, GroupFigures]  # of the pods that were bound to a node; metrics call it pools.NAME
    images: dict[str, GroupFigures]  # of the pods that use an image, by its name as written
    pulls: Pulls | None
    bytes: Bytes | None
    layers: Layers | None
    housekeeping: Housekeeping | None
    registries: list[RegistryUse]
    outages: dict[str, Outage]  # by the host of the registry, with a number after it where a host has several
    rollouts: dict[str, RolloutFigures]  # updates by workload: its name, with its namespace where that is not default
    churn: Churn | None  # None where no node left
    prepulls: dict[str, PrepullFigures]  # prepull jobs by name; their pods are not among the pods
    time: Time | None
    time_in_status: dict[str, float] | None  # pods' seconds by what `kubectl get pods` showed, until all containers ran
    bottleneck: Bottleneck | None
    mixed_versions: list[MovedTag]
    warnings: list[str]
    assertions: list[AssertionOutcome] = field(default_factory=list)
    model_error: ModelError | None = None  # measured for the runtimes of this run; None: not measured
    autoscaling: dict[str, AutoscalingFigures] = field(default_factory=dict)  # pools of an autoscaler, by name
    caches: dict[str, CacheUse] = field(default_factory=dict)  # pull-through caches, by host
    peers: PeerUse | None = None  # None, and not in the JSON, where no node has peers
    volumes: dict[str, VolumeUse] = field(default_factory=dict)  # as peers: of snapshots with fast restore, by pool
    reads: dict[str, ReadUse] = field(default_factory=dict)  # as peers: of images that come as they are read, by pool
    splits: SplitEffect | None = None  # None where no layers are guessed from sizes, or no other splits were tried
    guesses: list[Guess] = field(default_factory=list)  # what changes the results most first
    never_started: list[NeverStarted] = field(default_factory=list)
    bytes_by_class: dict[str, int] = field(default_factory=dict)  # sent, by class of link; between zones: crossZone too
    idle_accelerator_minutes: float | None = None  # of pods that waited for images; None: no bound pod holds any
    idle_accelerators: dict[str, IdleAccelerators] = field(default_factory=dict)  # the same by extended resource
    cost: float | None = None  # of the run; None: nothing has a price
    costs: Costs | None = None  # what it consists of
    prediction: Prediction | None = None  # as peers: the key figures in other clusters, where they were asked for
    unused_images: UnusedImages | None = None  # brought ahead and not used; None: nothing is brought ahead

    def __repr__(self) -> str:
        """``Summary(shop: 84 of 86 pods started, half within 12.3 s; ended at 29.3 s)``."""
        told = "no pods kept"
        if self.pods is not None:
            half = f", half within {duration(self.pods.start.p50)}" if self.pods.total else ""
            told = f"{self.pods.started:,} of {counted(self.pods.total, 'pod')} started{half}"
        return f"Summary({printable(self.name)}: {told}; ended at {duration(self.end)})"

    def to_dict(self) -> dict[str, Any]:
        """Return the content of `summary.json`: camelCase keys, numbers of twelve digits, no NaN or infinity."""
        return {"schemaVersion": SCHEMA_VERSION, **without_absent(plain(self))}


@rare_collections()
def summarize(result: Result) -> Summary:
    """Summarize a run from its records."""
    has_pods = result.keeps("pods")
    has_pulls = result.keeps("pulls")
    moved = moved_tags(result)
    warnings = [*result.warnings, *unbound(result), *(str(tag) for tag in moved)]
    held = idle_accelerators(result) if has_pods else {}
    money = costs(result, named_rollouts(result))
    return Summary(
        name=result.name,
        seed=result.seed,
        version=result.version,
        detail=result.detail,
        end=result.end,
        ended=result.ended,
        nodes=len(result.nodes),
        pools=dict(sorted(Counter(result.pools[node] for node in result.nodes).items())),
        percentiles=PERCENTILE_METHOD,
        pods=pods(result) if has_pods else None,
        workloads=latest(by_workload(result), "workloads", warnings),
        pods_by_pool=latest(by_pool(result), "pools", warnings),
        images=latest(by_image(result), "images", warnings),
        pulls=_pulls(result) if has_pulls else None,
        bytes=_bytes(result) if has_pulls else None,
        layers=_layers(result) if has_pulls else None,
        housekeeping=housekeeping(result) if has_pulls else None,
        registries=[registry_use(record, result) for record in result.registries],
        outages=outages(result) if has_pulls else {},
        rollouts=rollouts(result),
        churn=churn(result) if has_pulls else None,
        prepulls=prepulls(result),
        time=time_until_ready(result.pods) if has_pods else None,
        time_in_status=time_in_status(result.statuses, result.end) if result.statuses else None,
        bottleneck=bottleneck(result) if has_pods else None,
        mixed_versions=moved,
        warnings=warnings,
        model_error=model_error(result.runtimes.values()),
        autoscaling=autoscaling(result),
        caches={record.host: cache_use(record) for record in result.caches},
        volumes=volume_use(result.volumes),
        reads=read_use(result),
        guesses=[*result.guesses],
        never_started=never_started(result) if has_pods else [],
        peers=peer_use(result),
        bytes_by_class=by_class(result.traffic),
        idle_accelerator_minutes=fsum(each.minutes for each in held.values()) if held else None,
        idle_accelerators=held,
        cost=None if money is None else money.total,
        costs=money,
        unused_images=unused_images(result) if has_pulls else None,
    )


def _pulls(result: Result) -> Pulls:
    pull, queue, both = array("d"), array("d"), array("d")
    failed: Counter[str] = Counter()
    for ok, cause, requested, started, ended in values(result.pulls, "ok", "cause", "requested", "started", "ended"):
        if ok:
            pull.append(ended - started)
            queue.append(started - requested)
            both.append(ended - requested)
        else:
            failed[cause or "unknown"] += 1
    return Pulls(
        total=len(result.pulls),
        ok=len(pull),
        failed=failed.total(),
        failures_by_cause=_ranked(failed),
        under_way=result.under_way,
        backoffs=sum(values(result.pods, "backoffs")),
        pull=distribution(pull),
        queue=distribution(queue),
        including_waiting=distribution(both),
    )


def _bytes(result: Result) -> Bytes:
    by_source: Counter[str] = Counter()
    local = 0
    for source, downloaded in values(_layers_of(result), "source", "downloaded"):
        if source != "local":
            by_source[source] += downloaded
    for registry, image, downloaded in values(result.pulls, "registry", "image", "downloaded"):
        if downloaded and (registry is None or not result.keeps("layers")):  # there are no rows of its layers
            by_source[registry or parse(image).domain] += downloaded
    for ok, size, downloaded, mounted, later, count, fetched in values(
        result.pulls, "ok", "size", "downloaded", "mounted", "layers_mounted", *_LAYERS
    ):
        # Where all layers were fetched the difference is the manifest and the config, which are no layers.
        if ok and fetched + later < count:
            local += size - downloaded - mounted
    return Bytes(
        downloaded=sum(by_source.values()),  # also by pulls that were under way at the end of the run
        by_source=_ranked(by_source),
        local=local,
        per_second=flow_rate(_arrivals(result), BYTE_WINDOW),
    )


def _arrivals(result: Result) -> array[float]:
    """Return start, end and amount of all that was downloaded, one after the other."""
    spans = array("d")
    for source, *span in values(_layers_of(result), "source", "requested", "fetched", "downloaded"):
        if source != "local":
            spans.extend(span)
    for registry, *span in values(result.pulls, "registry", "started", "ended", "downloaded"):
        if registry is None or not result.keeps("layers"):  # there are no rows of its layers
            spans.extend(span)
    return spans


def _layers_of(result: Result) -> Sequence[LayerRecord]:
    return result.layers if result.keeps("layers") else ()


def _layers(result: Result) -> Layers:
    whole = fetched = mounted = 0
    for ok, later, layers, here in values(result.pulls, "ok", "layers_mounted", *_LAYERS):
        if ok:
            whole += layers
            fetched += here
            mounted += later
    return Layers(fetched, reused=whole - fetched - mounted)


def _ranked(counts: Counter[str]) -> dict[str, int]:
    """Return the counts, largest first; equal ones are in the order of their names."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def without_absent(content: dict[str, Any]) -> dict[str, Any]:
    """Leave out of the content of `summary.json` what is written only where a run has it."""
    return {key: value for key, value in content.items() if value or key not in _ONLY_WHERE_THERE}


def plain(value: Any) -> Any:
    """Turn dataclasses into dictionaries with the keys of `summary.json`, and numbers into what JSON can hold."""
    if is_dataclass(value):
        return {camel(each.name): plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value


def camel(name: str) -> str:
    """Write a name as the keys of `summary.json` are: ``lastReadyAt``, ``p99.9`` for ``p99_9``."""
    head, *tail = name.split("_")
    if tail and tail[0].isdigit():
        return ".".join((head, *tail))
    return head + "".join(part.capitalize() for part in tail)
