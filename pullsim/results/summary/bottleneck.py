"""Which resource the pods waited for: one verdict, its figures and a sentence for a ticket."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import defaultdict
from typing import TYPE_CHECKING

from pullsim.frozen import dataclass
from pullsim.peer_record import PEER
from pullsim.results.stages import total
from pullsim.rows import values
from pullsim.stages import RESOURCES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pullsim.records import LayerRecord, PodRecord, PullRecord
    from pullsim.run import Result
    from pullsim.stages import Resource

#: A second resource with a smaller share is not mentioned.
MENTION = 0.10


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """The resource that took most of the pods' time until they were ready (or the run ended). `hint` is empty."""

    resource: str | None  # a key of RESOURCES; None: nobody waited
    seconds: float | None  # sum over all pods
    share: float | None  # share of the time of all pods
    sentence: str
    hint: str  # empty, for readers of older files: what helps is not read off a run but tried (`pullsim advise`)
    shares: dict[str, float]  # share of each resource, largest first
    shares_of_pulls: dict[str, float] | None  # the same within pulls, without their queue; None: no pulls were kept


def bottleneck(result: Result) -> Bottleneck:
    """Name the resource that bound the run. Needs pods; pulls make the sentence more precise."""
    shares = _shares(total(values(result.pods, "stages")))
    pulls = _shares(total(values(result.pulls, "stages"))) if result.pulls else None
    if not shares:
        sentence = "There are no pods to judge by."
        if result.pods:
            sentence = _never_started(result.pods, None) or "No pod waited for anything."
        return Bottleneck(None, None, None, sentence, "", {}, _keys(pulls))
    (first, share), *others = shares.items()
    names = first.stages
    seconds = sum(stages.get(stage, 0.0) for stages in values(result.pods, "stages") for stage in names)
    sentence = f"{_percent(share)} of the waiting was {_phrase(first, result)}"
    if others and others[0][1] >= MENTION:
        second, second_share = others[0]
        sentence += f"; {_percent(second_share)} was {_phrase(second, result)}"
    sentences = [
        sentence + ".",
        _inside(pulls) if first.key == "pullQueue" and pulls else "",
        _never_started(result.pods, first),
    ]
    return Bottleneck(
        resource=first.key,
        seconds=seconds,
        share=share,
        sentence=" ".join(filter(None, sentences)),
        hint="",
        shares=_keys(shares) or {},
        shares_of_pulls=_keys(pulls),
    )


def _in_flight(pulls: Sequence[PullRecord]) -> dict[str, int]:
    """Return the most pulls at a time by node, of nodes with pulls that took time."""
    starts: defaultdict[str, array[float]] = defaultdict(lambda: array("d"))
    ends: defaultdict[str, array[float]] = defaultdict(lambda: array("d"))
    for node, started, ended in values(pulls, "node", "started", "ended"):
        if ended > started:
            starts[node].append(started)
            ends[node].append(ended)
    most = {}
    for node, begun in starts.items():
        over = sorted(ends[node])
        # At one instant, ends come before starts.
        most[node] = max(count - bisect_right(over, start) for count, start in enumerate(sorted(begun), 1))
    return most


def queued_behind(pulls: Sequence[PullRecord]) -> int:
    """Return how many pulls at a time the nodes ran on which pulls queued the longest; 0 without pulls."""
    most = _in_flight(pulls)
    seconds: defaultdict[int, float] = defaultdict(float)
    for node, requested, started in values(pulls, "node", "requested", "started"):
        seconds[most.get(node, 0)] += started - requested
    return max(seconds, key=lambda number: (seconds[number], number), default=0)


def _shares(stages: Mapping[str, float]) -> dict[Resource, float]:
    """Return the share of each resource, largest first; equal shares are in the order of RESOURCES."""
    whole = sum(stages.values())
    if whole <= 0:
        return {}
    shares = {resource: sum(stages.get(stage, 0.0) for stage in resource.stages) / whole for resource in RESOURCES}
    ranked = sorted(shares.items(), key=lambda item: -item[1])
    return {resource: share for resource, share in ranked if share > 0}


def _keys(shares: Mapping[Resource, float] | None) -> dict[str, float] | None:
    return None if shares is None else {resource.key: share for resource, share in shares.items()}


def _phrase(resource: Resource, result: Result) -> str:
    """Return the phrase for the resource, with the figures that the records of this run have."""
    if resource.key == "pullQueue" and result.pulls:
        most = queued_behind(result.pulls)
        if most == 1:
            return "the kubelet's serial pull queue (one pull at a time on a node)"
        return f"the kubelet's limit of parallel pulls (at most {most} ran at a time on a node)"
    if resource.key == "registryEgress" and (host := _host(result.layers)):
        if host == PEER:
            return "the uplinks of peers"
        behind = " or of what is behind it" if any(cache.host == host for cache in result.caches) else ""
        return f"the egress of {host}{behind}"
    if resource.key in ("backOff", "registryPullQPS"):
        causes = _causes(result.pulls)
        return f"{resource.phrase} ({causes})" if causes else resource.phrase
    return resource.phrase


def _host(layers: Sequence[LayerRecord]) -> str | None:
    """Return the host whose egress or connections limited downloads the longest."""
    seconds: dict[str, float] = {}
    for source, egress, connection in values(layers, "source", "egress", "connection"):
        if source != "local":
            seconds[source] = seconds.get(source, 0.0) + egress + connection
    return max(seconds, key=seconds.__getitem__, default=None)


def _causes(pulls: Sequence[PullRecord]) -> str:
    """Return the causes of failed pulls, the most frequent first: ``120 unavailable, 3 notFound``."""
    counts: dict[str, int] = {}
    for ok, cause in values(pulls, "ok", "cause"):
        if not ok:
            counts[cause or "unknown"] = counts.get(cause or "unknown", 0) + 1
    return ", ".join(
        f"{count:,} {cause}" for cause, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )


def _inside(pulls: Mapping[Resource, float]) -> str:
    """Return a text about the resources that the pulls spent their time on, without the wait in the queue."""
    (resource, share), *_ = pulls.items()
    return f"Within the pulls, {_percent(share)} was {resource.phrase}."


def _never_started(pods: Sequence[PodRecord], first: Resource | None) -> str:
    """Return a text with the number of pods that never started, and the bottleneck of those that did."""
    never = sum(started is None for started in values(pods, "started"))
    if not never:
        return ""
    if never == len(pods):
        reasons = ", ".join(sorted({reason for reason in values(pods, "reason") if reason}))
        return f"No pod started{f' ({reasons})' if reasons else ''}; all count until the end of the run."
    text = f"{never:,} of {len(pods):,} pods never started and count until the end of the run"
    among = _shares(total(stages for at, stages in values(pods, "started", "stages") if at is not None))
    if among and next(iter(among)) is not first:
        (resource, share), *_ = among.items()
        text += f"; among those that started, {_percent(share)} was {resource.phrase}"
    return text + "."


def _percent(share: float) -> str:
    """Write a share as a percentage, with a decimal where it would round to 0 % or 100 %."""
    return (
        f"{share:.1%}".replace("%", " %") if 0 < share < 0.01 or 0.99 < share < 1 else f"{share:.0%}".replace("%", " %")
    )
