"""The tracks of a node: its pull queue, its pulls with their stages, the layers that it downloads and unpacks."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pullsim.kernel.clock import nanoseconds
from pullsim.results.exports.perfetto.lanes import lanes
from pullsim.stages import LABELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pullsim.records import LayerRecord, PullRecord, SpanRecord
    from pullsim.results.exports.perfetto.node_rows import NodeRows
    from pullsim.results.exports.perfetto.trace_events import Thread, TraceEvents

Interval = tuple[int, int]  # begin and end, nanoseconds
_LOCAL: Final = "local"  # the source of layers that nobody sent
_PARTS: Final = ("wait for the blob's lock", "request", "download", "commit")


class Placed(NamedTuple):
    """A slice that others may have waited for."""

    thread: Thread
    span: Interval


class LayerSlices(NamedTuple):
    """The slices of a layer: its download and its unpacking."""

    pod: tuple[str, str]
    image: str
    slices: list[Placed]


def download_span(layer: LayerRecord) -> Interval | None:
    """Return when a layer's download had a slot, until the blob was durable; None: it was not downloaded."""
    if layer.source == _LOCAL:
        return None
    times = _download_times(layer)
    return times[0], times[-1]


def unpack_span(layer: LayerRecord) -> Interval | None:
    """Return when a layer was unpacked; None: the pull did not do it."""
    if layer.unpack_started is None or layer.unpack_ended is None:
        return None
    return nanoseconds(layer.unpack_started), nanoseconds(layer.unpack_ended)


def write_tracks(trace: TraceEvents, process: int, rows: NodeRows) -> None:
    """Write the slices of a node, and arrows from each wait to what it waited for."""
    waits = _write_queue(trace, process, rows.pulls)
    stages = [*_pull_spans(rows)]
    running = _write_pulls(trace, process, rows.pulls, stages)
    layers = _write_layers(trace, process, rows.layers)
    _write_queue_flows(trace, waits, running)
    for pull, (thread, _), spans in zip(rows.pulls, running, stages, strict=True):
        _write_lock_flows(trace, pull, thread, spans, layers)


def _write_queue(trace: TraceEvents, process: int, pulls: Sequence[PullRecord]) -> list[Placed]:
    """Write the waits in the kubelet's pull queue."""
    waits = [(nanoseconds(pull.requested), nanoseconds(pull.started), pull) for pull in pulls]
    queued = sorted((each for each in waits if each[0] < each[1]), key=lambda wait: wait[2].requested)
    found = placed(trace, process, "queue", [wait[:2] for wait in queued])
    for (*_, pull), (thread, span) in zip(queued, found, strict=True):
        trace.slice(thread, "queue", pull.image, span, {"pod": _pod(pull), "container": pull.container})
    return found


def _write_pulls(
    trace: TraceEvents, process: int, pulls: Sequence[PullRecord], stages_of: Sequence[Sequence[SpanRecord]]
) -> list[Placed]:
    """Write the pulls in lanes, which are the slots of the kubelet's puller, and in each the stages of its time."""
    spans = [(nanoseconds(pull.started), nanoseconds(pull.ended)) for pull in pulls]
    found = placed(trace, process, "pulls", spans)
    for pull, (thread, span), stages in zip(pulls, found, stages_of, strict=True):
        trace.slice(thread, "pull", pull.image, span, _about_pull(pull))
        for each in stages:
            cause = {"on": each.cause} if each.cause else None
            trace.slice(thread, "stage", LABELS[each.stage], _span(each), cause)
        if stages and (rest := (_span(stages[-1])[1], span[1]))[0] < rest[1]:
            trace.slice(thread, "stage", "pod gone", rest)  # the runtime goes on, as nobody calls its pull off
    return found


def _pull_spans(rows: NodeRows) -> Iterable[Sequence[SpanRecord]]:
    """Yield the part of its pod's time line that each pull took: whole, or nothing if the run kept no time lines."""
    begins = {pod: [nanoseconds(span.begin) for span in spans] for pod, spans in rows.spans.items()}
    for pull in rows.pulls:
        pod = (pull.namespace, pull.pod)
        begin, end = nanoseconds(pull.started), nanoseconds(pull.ended)
        if pod not in begins or begin == end:
            yield ()
            continue
        first, last = bisect_left(begins[pod], begin), bisect_left(begins[pod], end)
        yield [span for span in rows.spans[pod][first:last] if span.image == pull.image]


def _write_layers(trace: TraceEvents, process: int, layers: Sequence[LayerRecord]) -> dict[str, list[LayerSlices]]:
    """Write downloads in lanes, which are the runtime's download slots, and what is unpacked; return them by digest."""
    slices: dict[str, list[LayerSlices]] = {}
    of_layer = []
    for layer in layers:
        each = LayerSlices((layer.namespace, layer.pod), layer.image, [])
        slices.setdefault(layer.digest, []).append(each)
        of_layer.append(each.slices)
    downloaded = [
        (layer, span, found)
        for layer, found in zip(layers, of_layer, strict=True)
        if (span := download_span(layer)) is not None
    ]
    for (layer, _, found), slot in zip(
        downloaded, placed(trace, process, "downloads", [span for _, span, _ in downloaded]), strict=True
    ):
        found.append(slot)
        trace.slice(slot.thread, "layer", _short(layer.digest), slot.span, _about_layer(layer))
        for part, span in zip(_PARTS, pairwise(_download_times(layer)), strict=True):
            if span[0] < span[1]:
                trace.slice(slot.thread, "layer stage", part, span)
    unpacked = sorted(((span, place) for place, layer in enumerate(layers) if (span := unpack_span(layer)) is not None))
    for (_, place), slot in zip(
        unpacked, placed(trace, process, "unpacking", [span for span, _ in unpacked]), strict=True
    ):
        layer = layers[place]
        of_layer[place].append(slot)
        limit = {"limit": layer.unpack_limit} if layer.unpack_limit else {}
        about = {"pod": _pod(layer), "image": layer.image, "digest": layer.digest, "bytes": layer.unpacked, **limit}
        trace.slice(slot.thread, "unpacking", _short(layer.digest), slot.span, about)
    return slices


def placed(trace: TraceEvents, process: int, track: str, spans: Sequence[Interval]) -> list[Placed]:
    """Return a thread for each interval, ordered by their begin, of a process; as few as do."""
    found = lanes(spans)
    threads = [trace.thread(process, f"{track} {lane + 1}") for lane in range(max(found, default=-1) + 1)]
    return [Placed(threads[lane], span) for lane, span in zip(found, spans, strict=True)]


def _write_queue_flows(trace: TraceEvents, waits: Sequence[Placed], running: Sequence[Placed]) -> None:
    """Draw from each wait in the queue to the pull whose end let it start."""
    by_end: dict[int, Placed] = {}
    for pull in running:
        if pull.span[0] < pull.span[1]:
            by_end.setdefault(pull.span[1], pull)
    for thread, (begin, end) in waits:
        if (before := by_end.get(end)) is not None:
            trace.flow("queued behind", (thread, begin), (before.thread, max(begin, before.span[0])))


def _write_lock_flows(
    trace: TraceEvents,
    pull: PullRecord,
    thread: Thread,
    spans: Iterable[SpanRecord],
    layers: dict[str, list[LayerSlices]],
) -> None:
    """Draw from each wait for a layer to the slice of another pull that brought it."""
    for each in spans:
        if each.stage != "lock" or each.cause is None:
            continue
        begin, end = _span(each)
        others = [
            (min(end, part.span[1]) - max(begin, part.span[0]), part)
            for layer in layers.get(each.cause, ())
            if (layer.pod, layer.image) != ((pull.namespace, pull.pod), pull.image)
            for part in layer.slices
        ]
        longest, other = max(others, key=lambda item: item[0], default=(0, None))
        if other is not None and longest > 0:
            trace.flow("waits for the layer", (thread, begin), (other.thread, max(begin, other.span[0])))


def _span(each: SpanRecord) -> Interval:
    return nanoseconds(each.begin), nanoseconds(each.end)


def _download_times(layer: LayerRecord) -> list[int]:
    """Return when the parts of a download begin, and its end; a cut one has parts that took no time."""
    ended = layer.fetched if layer.committed is None else layer.committed
    times = map(nanoseconds, (layer.slot, layer.requested, layer.first_byte, layer.fetched, ended))
    last = nanoseconds(ended)
    return [*accumulate((min(time, last) for time in times), max)]


def _about_pull(pull: PullRecord) -> dict[str, Any]:
    about = {
        "pod": _pod(pull),
        "container": pull.container,
        "attempt": pull.attempt,
        "registry": pull.registry,
        "size": pull.size,
        "downloaded": pull.downloaded,
        "layers": f"{pull.layers_fetched} of {pull.layers} fetched",
        "failed": pull.cause,
        "error": pull.error,
    }
    return {key: value for key, value in about.items() if value is not None}


def _about_layer(layer: LayerRecord) -> dict[str, Any]:
    return {
        "pod": _pod(layer),
        "image": layer.image,
        "position": layer.position,
        "digest": layer.digest,
        "source": layer.source,
        "size": layer.size,
        "downloaded": layer.downloaded,
        "waited for a slot (s)": (nanoseconds(layer.slot) - nanoseconds(layer.queued)) / 1e9,
    }


def _pod(row: PullRecord | LayerRecord) -> str:
    return f"{row.namespace}/{row.pod}"


def _short(digest: str) -> str:
    """Shorten a digest to what `docker images` shows of it, 12 figures."""
    return digest[: digest.find(":") + 13]
