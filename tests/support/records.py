"""Small runs made by hand: a closed calculation of queues and stages, so that every sum is known.

Each node pulls with `parallel` at a time, first come first served. A pull of an image that the node has takes 0.1 s.
"""

from __future__ import annotations

import heapq
import math

from pullsim.records import KubeletEvent, LayerRecord, LinkSample, PodRecord, PullRecord
from pullsim.run import Result

HOST = "registry.example.com"


def empty(nodes=(), pools=None, detail="layers") -> Result:
    """A run in which nothing happened."""
    return Result("by hand", 7, "0.1.0", 0.0, "settled", tuple(nodes), pools or {}, detail)


def make(
    *, pods=12, nodes=2, images=3, parallel=1, fail_first=0, never=0, every=0.5, pools=1, size=40_000_000
) -> Result:
    """A run of `pods` pods; the first attempt of every `fail_first`-th fails; the last `never` pods never start."""
    names = tuple(f"node-{index:04d}" for index in range(nodes))
    result = empty(names, {name: f"pool-{index % pools}" for index, name in enumerate(names)})
    tokens = {name: [0.0] * parallel for name in names}
    present: set[tuple[str, str]] = set()
    for index in range(pods):
        node, image = names[index % nodes], f"{HOST}/team/app-{index % images}:v1"
        stuck = index >= pods - never
        fails = stuck or bool(fail_first and index % fail_first == 0)
        _pod(result, index, node, image, index * every, tokens[node], present, fails=fails, stuck=stuck, size=size)
    result.end = max((row.ended for row in result.pulls), default=0.0) + 1.0
    for index, pod in enumerate(result.pods):
        if pod.started is None:
            whole = result.end - pod.created
            stages = pod.stages | {"backoff": pod.stages["backoff"] + whole - sum(pod.stages.values())}
            result.pods[index] = pod._replace(start_seconds=whole, ready_seconds=whole, stages=stages)
    result.links = _links(result)
    result.events.sort(key=lambda event: event.t)
    return result


def _pod(result, index, node, image, created, tokens, present, *, fails, stuck, size):
    name = f"app-{index:05d}"
    scheduled, now = created + 0.05, created + 0.25
    stages = {"scheduling": 0.05, "sync": 0.2}

    def event(t, kind, reason, message):
        result.events.append(KubeletEvent(t, node, name, "app", kind, reason, message, image, "default"))

    attempt = 0
    while True:
        attempt += 1
        started = max(now, heapq.heappop(tokens))
        event(now, "Normal", "Pulling", f'Pulling image "{image}"')
        fetch = (node, image) not in present and not fails
        parts = _parts(index, fetch=fetch, fails=fails)
        ended = started + sum(parts.values())
        heapq.heappush(tokens, ended)
        layers = _layers(result, node, name, image, started + parts["resolve"], parts, size) if fetch else 0
        result.pulls.append(
            PullRecord(
                node=node,
                namespace="default",
                pod=name,
                container="app",
                image=image,
                attempt=attempt,
                ok=not fails,
                cause="unavailable" if fails else None,
                error="503 Service Unavailable" if fails else None,
                image_ref=None if fails else f"sha256:{image[-4:]}",
                registry=HOST,
                requested=now,
                started=started,
                ended=ended,
                size=0 if fails else size,
                downloaded=layers,
                layers=0 if fails else 3,
                layers_fetched=2 if fetch else 0,
                stages=parts,
            )
        )
        _add(stages, {"queue": started - now, **parts})
        if not fails:
            present.add((node, image))
            event(ended, "Normal", "Pulled", f'Successfully pulled image "{image}"')
            break
        event(ended, "Warning", "Failed", f'Failed to pull image "{image}": 503 Service Unavailable')
        if stuck:
            _add(stages, {"backoff": 0.0})
            break
        _add(stages, {"backoff": 10.0})
        now, fails = ended + 10.0, False
    started_at = None if stuck else ended + 0.3
    if not stuck:
        _add(stages, {"start": 0.3})
    failures = attempt - (not stuck)
    result.pods.append(
        PodRecord(
            namespace="default",
            pod=name,
            workload="app",
            node=node,
            created=created,
            scheduled=scheduled,
            started=started_at,
            start_seconds=0.0 if stuck else started_at - created,
            ready=started_at,
            ready_seconds=0.0 if stuck else started_at - created,
            pulls=attempt,
            failures=failures,
            backoffs=failures,
            reason="ImagePullBackOff" if stuck else None,
            cause="unavailable" if failures else None,
            message=None,
            images=(image,),
            image_refs=(None if stuck else f"sha256:{image[-4:]}",),
            deadline=15.0,
            withdrawn=False,
            missed=stuck or started_at - created > 15.0,
            stages=stages,
        )
    )


def _parts(index, *, fetch, fails):
    """Stages of a pull; they differ between pods so that percentiles do."""
    if fails:
        return {"resolve": 1.0}
    if not fetch:
        return {"resolve": 0.1}
    scale = 1 + (index * 7 % 5) / 4
    return {
        "resolve": 0.12, "request": 0.05, "slot": 0.1 * scale, "download_egress": 0.8 * scale, "download_nic": 0.4,
        "unpack_cpu": 1.5 * scale, "unpack_disk": 0.3, "commit": 0.08,
    }  # fmt: skip


def _layers(result, node, pod, image, begin, parts, size):
    """Three layers; the last is on the node already. Returns the bytes fetched."""
    slot, request = begin + parts["slot"], begin + parts["slot"] + parts["request"]
    fetched = request + parts["download_egress"] + parts["download_nic"]
    fetch_sizes = (size // 2, size // 4)
    for index, bytes_ in enumerate((*fetch_sizes, size - sum(fetch_sizes))):
        source = "local" if index == 2 else HOST
        times = (begin, slot, slot, request, fetched) if source == HOST else (begin,) * 5
        committed = times[-1] + 0.04
        unpack = fetched + 0.04
        limits = (parts["download_egress"], 0.0, parts["download_nic"]) if source == HOST else (0.0, 0.0, 0.0)
        result.layers.append(
            LayerRecord(
                node=node,
                namespace="default",
                pod=pod,
                image=image,
                position=index,
                digest=f"sha256:{image[-4:]}{index}",
                size=bytes_,
                unpacked=3 * bytes_,
                source=source,
                downloaded=bytes_ if source == HOST else 0,
                queued=times[0],
                slot=times[1],
                requested=times[2],
                first_byte=times[3],
                fetched=times[4],
                committed=committed,
                unpack_started=unpack,
                unpack_ended=unpack + parts["unpack_cpu"],
                egress=limits[0],
                connection=limits[1],
                nic=limits[2],
                unpack_limit="cpu",
            )
        )
    return sum(fetch_sizes)


def _links(result, step=1.0, capacity=125e6):
    """Mean use of the registry's egress by layers that arrive evenly."""
    carried = [0.0] * math.ceil(result.end / step)
    for row in result.layers:
        if row.source != "local":
            for index in range(int(row.first_byte // step), min(int(row.fetched // step) + 1, len(carried))):
                seconds = min((index + 1) * step, row.fetched) - max(index * step, row.first_byte)
                carried[index] += row.size * max(0.0, seconds) / (row.fetched - row.first_byte)
    samples = []
    for index, amount in enumerate(carried):
        begin, end = index * step, min((index + 1) * step, result.end)
        samples.append(LinkSample(f"{HOST} egress", begin, end, amount / (end - begin), capacity))
    return samples


def _add(stages, more):
    for stage, seconds in more.items():
        stages[stage] = stages.get(stage, 0.0) + seconds
