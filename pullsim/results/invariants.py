"""The invariants of a run's records: times are in order, stages sum to durations, and sums of bytes agree."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from itertools import chain, pairwise
from typing import TYPE_CHECKING

from pullsim.kubelet.pod_status import DELETED, EVICTED
from pullsim.stages import AFTER_START, STAGES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pullsim.records import LayerRecord, LinkSample, PodRecord, PullRecord, SpanRecord
    from pullsim.run import Result

_RELATIVE = 1e-9
_ABSOLUTE = 1e-6  # seconds


def check(result: Result) -> list[str]:
    """Return one sentence for each violation; an empty list is what is expected."""
    # A host that ignores ranges sends all of a layer for its table of contents, and for its parts again.
    times = 2 if "crio" in result.runtimes.values() else 1
    return [
        *(
            f"{_name(pod)}: {problem}"
            for pod in chain(result.pods, result.prepulls)
            for problem in _pod(pod, result.end)
        ),
        *(
            f"{_name(pull)} attempt {pull.attempt}: {problem}"
            for pull in result.pulls
            for problem in _pull(pull, times)
        ),
        *(
            f"{_name(layer)} layer {layer.position}: {problem}"
            for layer in result.layers
            for problem in _layer(layer, times)
        ),
        *_time_lines(result),
        *(_bytes(result) if result.keeps("layers") else ()),
        *_peers(result),
        *(f"{sample.link} from {sample.t0} s: {problem}" for sample in result.links for problem in _link(sample)),
    ]


def _pod(pod: PodRecord, end: float) -> Iterator[str]:
    yield from _in_order(
        {
            "created": pod.created,
            "scheduled": pod.scheduled,
            "started": pod.started,
            "ready": pod.ready,
            "the end of the run": end,
        }
    )
    until, what = (end, "end of the run") if pod.started is None else (pod.started, "started")
    if pod.started is None and pod.reason in (DELETED, EVICTED):
        until, what = min(end, pod.created + pod.start_seconds), "its end, in the run"
    if not _close(pod.start_seconds, until - pod.created):
        yield f"start_seconds is {pod.start_seconds}, {what} - created is {until - pod.created}"
    if pod.started is None and (pod.ready is not None or pod.ready_seconds != pod.start_seconds):
        yield f"it never started, but is ready at {pod.ready} s, after {pod.ready_seconds} s"
    if pod.ready is not None and not _close(pod.ready_seconds, pod.ready - pod.created):
        yield f"ready_seconds is {pod.ready_seconds}, ready - created is {pod.ready - pod.created}"
    if not _ordered(pod.created + pod.ready_seconds, end):
        yield f"ready_seconds is {pod.ready_seconds}, it was created at {pod.created} s, the run ended at {end} s"
    readiness = sum(pod.stages.get(stage, 0.0) for stage in AFTER_START)
    if not _close(readiness, pod.ready_seconds - pod.start_seconds):
        yield f"stages {' and '.join(AFTER_START)} have {readiness} s of {pod.ready_seconds - pod.start_seconds} s"
    yield from _stages(pod.stages, pod.ready_seconds)


def _pull(pull: PullRecord, times: int) -> Iterator[str]:
    yield from _in_order({"requested": pull.requested, "started": pull.started, "ended": pull.ended})
    yield from _stages(pull.stages, pull.ended - pull.started)
    if pull.ok is not (pull.cause is None):
        yield f"ok is {pull.ok}, its cause {pull.cause}"
    if not 0 <= pull.downloaded <= (pull.size * times if pull.ok else math.inf):
        yield f"downloaded {pull.downloaded} of {pull.size} bytes"
    if pull.ok and not 0 <= pull.layers_fetched <= pull.layers:
        yield f"fetched {pull.layers_fetched} of {pull.layers} layers"


def _layer(layer: LayerRecord, times: int) -> Iterator[str]:
    yield from _in_order(
        {
            "queued": layer.queued,
            "slot": layer.slot,
            "requested": layer.requested,
            "first_byte": layer.first_byte,
            "fetched": layer.fetched,
            "committed": layer.committed,
            "unpack_started": layer.unpack_started,
            "unpack_ended": layer.unpack_ended,
        }
    )
    if not 0 <= layer.downloaded <= layer.size * times or (layer.source == "local" and layer.downloaded):
        yield f"downloaded {layer.downloaded} of {layer.size} bytes from {layer.source}"
    limited = layer.egress + layer.connection + layer.nic
    if min(layer.egress, layer.connection, layer.nic) < 0:
        yield f"a negative part of the download: {layer.egress}, {layer.connection}, {layer.nic}"
    if not _ordered(limited, layer.fetched - layer.first_byte):
        yield f"limits explain {limited} s of a download of {layer.fetched - layer.first_byte} s"


def _link(sample: LinkSample) -> Iterator[str]:
    if not _ordered(sample.bytes_per_second, sample.capacity):
        yield f"carried {sample.bytes_per_second} bytes/s, its capacity is {sample.capacity}"


def _peers(result: Result) -> Iterator[str]:
    """Compare what nodes sent one another with what they received."""
    sent, received = sum(peer.sent for peer in result.peers), sum(peer.received for peer in result.peers)
    if sent != received:
        yield f"nodes sent one another {sent} bytes and received {received}"


def _time_lines(result: Result) -> Iterator[str]:
    """Compare each pod's time line with its row: no gap from its creation on, and the same seconds by stage."""
    if not result.spans:
        return
    lines: defaultdict[tuple[str | None, str, str], list[SpanRecord]] = defaultdict(list)
    for span in result.spans:
        lines[span.node, span.namespace, span.pod].append(span)
    pods = [*result.pods, *result.prepulls]
    names = Counter((pod.node, pod.namespace, pod.pod) for pod in pods)
    for pod in pods:
        spans = lines[pod.node, pod.namespace, pod.pod]
        if names[pod.node, pod.namespace, pod.pod] > 1:  # the pod was replaced by one with the same name
            continue
        if spans and not _close(spans[0].begin, pod.created):
            yield f"{_name(pod)}: its time line begins at {spans[0].begin}, it was created at {pod.created}"
        for before, after in pairwise(spans):
            if before.end != after.begin:
                yield f"{_name(pod)}: {after.stage} begins at {after.begin}, {before.stage} ends at {before.end}"
        sums: defaultdict[str, float] = defaultdict(float)
        for span in spans:
            sums[span.stage] += span.end - span.begin
        for stage in sums.keys() | pod.stages.keys():
            seconds = pod.stages.get(stage, 0.0)
            if not _close(sums[stage], seconds):
                yield f"{_name(pod)}: stage {stage} has {sums[stage]} s in its time line, {seconds} s in its row"


def _bytes(result: Result) -> Iterator[str]:
    """Compare the bytes of pulls with those of the layers that they fetched, by node, pod and image."""
    layers: defaultdict[tuple[str, ...], int] = defaultdict(int)
    for layer in result.layers:
        if layer.source != "local":
            layers[layer.node, layer.namespace, layer.pod, layer.image] += layer.downloaded
    pulls: defaultdict[tuple[str, ...], int] = defaultdict(int)
    for pull in result.pulls:
        if pull.registry is None:  # the fixed runtime has no layers
            continue
        pulls[pull.node, pull.namespace, pull.pod, pull.image] += pull.downloaded
    cut = {
        (pod.namespace, pod.pod) for pod in chain(result.pods, result.prepulls) if pod.started is None
    }  # a last pull without a row
    for key in sorted(pulls.keys() | layers.keys()):
        if pulls[key] != layers[key] and not (key[1:3] in cut and pulls[key] < layers[key]):
            yield f"{'/'.join(key)}: pulls downloaded {pulls[key]} bytes, their layers have {layers[key]}"


def _stages(stages: Mapping[str, float], whole: float) -> Iterator[str]:
    for stage, seconds in stages.items():
        if stage not in STAGES:
            yield f"unknown stage {stage}"
        if not seconds >= 0:
            yield f"stage {stage} has {seconds} s"
    if not _close(math.fsum(stages.values()), whole):
        yield f"stages sum to {math.fsum(stages.values())} s of {whole} s"


def _in_order(times: Mapping[str, float | None]) -> Iterator[str]:
    known = [(what, time) for what, time in times.items() if time is not None]
    for (before, first), (after, second) in pairwise(known):
        if not _ordered(first, second):
            yield f"{after} at {second} s, {before} at {first} s"


def _close(first: float, second: float) -> bool:
    return math.isclose(first, second, rel_tol=_RELATIVE, abs_tol=_ABSOLUTE)


def _ordered(first: float, second: float) -> bool:
    return first <= second or _close(first, second)


def _name(row: PodRecord | PullRecord | LayerRecord) -> str:
    return f"{row.node}: {row.namespace}/{row.pod}"
