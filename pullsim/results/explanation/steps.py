"""The steps of one pod's time line: what it did or waited for, one after the other, and which pulls were in its way."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import field
from itertools import groupby
from typing import TYPE_CHECKING, Final, TypeVar

from pullsim.frozen import dataclass
from pullsim.rows import values

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pullsim.records import PodRecord, PullRecord, SpanRecord, Stages
    from pullsim.run import Result

#: Stages that are a step by themselves. All others are parts of a pull.
ALONE: Final = frozenset(
    {"scheduling", "node_boot", "sync", "sandbox", "init", "queue", "qps", "backoff", "start", "read", "readiness"}
)
PULL: Final = "pull"
_LOCK: Final = "lock"
_SAME: Final = 1e-9  # seconds: the same instant, computed in two ways

_LAYER: Final = ("namespace", "pod", "image", "digest", "position", "size")

Key = TypeVar("Key")
#: Position (0 is the bottom) and compressed bytes of a pod's layers, by image and digest.
Layers = dict[tuple[str | None, str | None], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another pull on the node, and for how many seconds of a step it ran."""

    namespace: str
    pod: str
    image: str
    seconds: float


@dataclass(frozen=True, slots=True)
class HeaviestLayer:
    """The layer on which a pull spent most of its time."""

    digest: str
    position: int  # 1 is the bottom
    size: int  # compressed bytes
    seconds: float


@dataclass(frozen=True, slots=True)
class PathPart:
    """A part of a pull's critical path: the time in which one layer, or what is of no layer, held the pull up."""

    at: float
    seconds: float
    digest: str | None  # None: of no layer, or of one that the pull never asked for
    position: int | None  # of the layer; 1 is the bottom
    size: int | None  # compressed bytes of the layer
    stages: Stages  # seconds by stage, the largest first


@dataclass(frozen=True, slots=True)
class Step:
    """A time in which a pod waited for one thing, or one pull for it ran. Times are simulated seconds."""

    what: str  # a stage; ``pull`` for all stages inside of a pull
    at: float
    seconds: float
    image: str | None  # of the pull, or of the pull that waits in the queue
    cause: str | None  # why the pull failed, or the failure that a back-off follows
    stages: Stages = field(default_factory=dict)  # of a pull, the largest first
    downloaded: int | None = None  # bytes that the pull fetched
    size: int | None = None  # compressed bytes of the image
    layers: int | None = None
    heaviest: HeaviestLayer | None = None
    path: list[PathPart] = field(default_factory=list)  # of a pull: its seconds by what held it up, in order of time
    waited_for: list[Neighbour] = field(default_factory=list)  # pulls that ran in the meantime, the longest first


def steps(result: Result, pod: PodRecord) -> list[Step]:
    """Return the steps of a pod in the order of time; their seconds sum to the time until it was ready, or the end."""
    name = (pod.namespace, pod.pod)
    until = pod.created + pod.ready_seconds
    spans = [
        span
        for _, *of, place in result.spans.pods()
        if tuple(of) == name
        for span in result.spans[place]
        if span.begin >= pod.created - _SAME and span.end <= until + _SAME
    ]
    places = [place for place, node in enumerate(values(result.pulls, "node")) if node == pod.node]
    node = [result.pulls[place] for place in places]
    own = [pull for pull in node if (pull.namespace, pull.pod) == name]
    layers = {
        (image, digest): (position, size)
        for *of, image, digest, position, size in values(result.layers, *_LAYER)
        if tuple(of) == name
    }
    others = [pull for pull in node if (pull.namespace, pull.pod) != name]
    found = []
    for (what, *_), group in groupby(spans, key=_kind):
        part = list(group)
        if what == PULL:
            found.append(_pull(result, pod, part, own, layers))
        else:
            found.append(_alone(what, part, own, others))
    return found


def _kind(span: SpanRecord) -> tuple[str, str | None]:
    """Return what makes neighbouring spans one step: the stage, and the image of a pull or the failure behind it."""
    alone = span.stage in ALONE or span.image is None  # credentials are looked up before a pull begins
    return (span.stage, span.cause) if alone else (PULL, span.image)


def _alone(what: str, spans: Sequence[SpanRecord], own: Sequence[PullRecord], others: Sequence[PullRecord]) -> Step:
    begin, end = spans[0].begin, spans[-1].end
    if what == _LOCK:  # outside of a pull: an equal one is waited for (`CoalescingImageManager`)
        equal = [pull for pull in others if pull.image == spans[0].cause]
        merged = (
            ((pull.namespace, pull.pod, pull.image), min(pull.ended, end) - max(pull.requested, begin))
            for pull in equal
        )
        return Step(what, begin, end - begin, spans[0].cause, None, waited_for=_neighbours(merged))
    if what != "queue":
        return Step(what, begin, end - begin, None, spans[0].cause)
    queued = next((pull for pull in own if pull.requested <= begin + _SAME and pull.started >= end - _SAME), None)
    behind = (
        ((pull.namespace, pull.pod, pull.image), min(pull.ended, end) - max(pull.started, begin)) for pull in others
    )
    image = None if queued is None else queued.image
    return Step(what, begin, end - begin, image, None, waited_for=_neighbours(behind))


def _pull(
    result: Result, pod: PodRecord, spans: Sequence[SpanRecord], own: Sequence[PullRecord], layers: Layers
) -> Step:
    begin, end = spans[0].begin, spans[-1].end
    record = next((each for each in own if each.started - _SAME <= begin and end <= each.ended + _SAME), None)
    path = _path(spans, layers)
    return Step(
        PULL,
        begin,
        end - begin,
        spans[0].image,
        None if record is None else record.cause,
        stages=ranked((span.stage, span.end - span.begin) for span in spans),
        downloaded=None if record is None else record.downloaded,
        size=None if record is None else record.size,
        layers=None if record is None else record.layers,
        heaviest=_heaviest(path),
        path=path,
        waited_for=_fetchers(result, pod, [span for span in spans if span.stage == _LOCK]),
    )


def _path(spans: Sequence[SpanRecord], layers: Layers) -> list[PathPart]:
    """Return what held a pull up from its first span to its last; neighbouring spans of one layer are one part."""
    found = []
    for cause, group in groupby(spans, key=lambda span: span.cause):
        part = list(group)
        position, size = layers.get((spans[0].image, cause), (None, None))
        found.append(
            PathPart(
                part[0].begin,
                part[-1].end - part[0].begin,
                None if position is None else cause,
                None if position is None else position + 1,
                size,
                ranked((span.stage, span.end - span.begin) for span in part),
            )
        )
    return found


def _heaviest(path: Sequence[PathPart]) -> HeaviestLayer | None:
    """Return the layer with most of the time that was not spent waiting for other pulls, if there is any."""
    layers = {part.digest: part for part in path if part.digest is not None}
    seconds = ranked(
        (part.digest, part.seconds - part.stages.get(_LOCK, 0.0)) for part in path if part.digest is not None
    )
    for digest, longest in [*seconds.items()][:1]:
        layer = layers[digest]
        if layer.position is not None and layer.size is not None:
            return HeaviestLayer(digest, layer.position, layer.size, longest)
    return None


def ranked(parts: Iterable[tuple[Key, float]]) -> dict[Key, float]:
    """Return the sums of the seconds by key, the largest first; parts that are not positive count as none."""
    sums: dict[Key, float] = {}
    for key, seconds in parts:
        if seconds > 0:
            sums[key] = sums.get(key, 0.0) + seconds
    return dict(sorted(sums.items(), key=lambda item: -item[1]))


def _fetchers(result: Result, pod: PodRecord, locks: Sequence[SpanRecord]) -> list[Neighbour]:
    """Return the pulls that fetched or unpacked the layers that the pod's pull waited for at these times."""
    waits: defaultdict[str | None, list[SpanRecord]] = defaultdict(list)
    for span in locks:
        waits[span.cause].append(span)
    if not waits:
        return []
    columns = ("node", "namespace", "pod", "image", "digest", "requested", "fetched", "unpack_ended", "source")
    holders = []
    for node, namespace, name, image, digest, requested, fetched, unpacked, source in values(result.layers, *columns):
        if node != pod.node or digest not in waits or (namespace, name) == (pod.namespace, pod.pod):
            continue
        if source == "local" and unpacked is None:
            continue  # it waited as well
        until = fetched if unpacked is None else unpacked
        holders += [
            ((namespace, name, image), min(until, span.end) - max(requested, span.begin)) for span in waits[digest]
        ]
    return _neighbours(holders)


def _neighbours(parts: Iterable[tuple[tuple[str, str, str], float]]) -> list[Neighbour]:
    return [Neighbour(*name, seconds) for name, seconds in ranked(parts).items()]
