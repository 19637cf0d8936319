"""The question of a run and its answer in sentences that need no knowledge of kubelets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pullsim.results import metrics
from pullsim.results.assertions import parse_assertion
from pullsim.results.cost_text import amounts
from pullsim.results.guesses import guessed_figures
from pullsim.results.page.happenings import happenings
from pullsim.results.page.metric_words import limit_text, the
from pullsim.results.page.page import Check, Figure
from pullsim.results.summary.bottleneck import MENTION
from pullsim.results.summary.groups import slowest
from pullsim.results.wording import counted, duration, money, percentage, size

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pullsim.records import Guess
    from pullsim.results.model_error import ModelError
    from pullsim.results.summary.never_started import NeverStarted
    from pullsim.results.summary.pods import Pods
    from pullsim.results.summary.summary import Summary

#: Why pulls failed, by the cause in the tables.
CAUSES: Final = {
    "notFound": "the image does not exist in its registry",
    "unauthorized": "the registry did not accept the credentials",
    "forbidden": "the registry forbids it with these credentials",
    "tooManyRequests": "a quota of the registry was used up",
    "unavailable": "the registry could not be reached",
    "serverError": "the registry answered with errors",
    "connectionLost": "connections to the registry broke",
    "noProgress": "downloads had stopped for too long",
    "nodeLeft": "their node had left",
    "runtime": "the runtime said so",
    "qps": "the node refused them by its own limit (registryPullQPS)",
    "platform": "the image is not made for the node's platform",
    "noSpace": "a node's disk was full",
}
_SENTENCE: Final = re.compile(r"[^.!?]*(?:[.!?](?!\s|$)[^.!?]*)*[.!?](?=\s|$)|[^.!?]+$")
#: What pods waited for, by the key of the resource, for readers who do not know kubelets; see `pullsim.stages`.
PLAIN: Final = {
    "pullQueue": "a turn: a node pulls only so many images at a time, and the others stand in line (pull queue)",
    "registryPullQPS": "the node's own limit on how often it may ask for images (registryPullQPS)",
    "backOff": "the pauses after failed pulls, which grow up to five minutes (back-off)",
    "layerSlots": "a free download slot: a node fetches only so many layers at a time",
    "sharedLayers": "another pull on the same node that was fetching or unpacking the same layers",
    "registryEgress": "the registry, which could not send any faster (its egress)",
    "perConnection": "downloads that were as fast as a single connection to the registry allows",
    "stalledDownloads": "downloads that had stopped",
    "nic": "the nodes' network cards, which could not receive any faster",
    "unpackCpu": "images to be unpacked, as fast as processor cores do it",
    "disk": "the nodes' disks, which could not write any faster",
    "commit": "what was written to be saved for good (fsync and metadata)",
    "roundTrips": "answers of the registry to small requests (round trips)",
    "credentials": "credentials for the registry",
    "scheduling": "a node with room for the pod, or one that had not joined yet",
    "nodeBoot": "new nodes that were on their way",
    "sync": "the node's agent (the kubelet) to look at its pods again",
    "initContainers": "the pods' own preparations (init containers)",
    "fixedPull": "pulls whose duration was given",
    "containerStart": "containers to be created and started",
    "sandbox": "the pods' sandboxes to be created",
    "imageFiles": "files of images that came to the node only when programs read them",
    "readiness": "programs that ran to say that they are ready",
}
_HAPPENINGS: Final = 3  # that the answer begins with
_AT_ONCE: Final = 0.005  # seconds, which are shown as 0.00 s
_SEVERAL: Final = 2
_LATE: Final = 1.3  # times the median of all pods: a workload whose pods are later is named
_GROUPS: Final = 3  # of pods that never started, of which it is said why


def question(name: str, description: str) -> str:
    """Return the sentences of a scenario's description that ask; without any, what every run answers."""
    sentences = [match[0].strip() for match in _SENTENCE.finditer(" ".join(description.split()))]
    asked = [sentence for sentence in sentences if sentence.endswith("?")]
    return " ".join(asked) or f"How long until the pods{f' of {name}' if name else ''} run, and what do they wait for?"


def answer(summary: Summary, advice: str = "") -> list[str]:
    """Return the sentences of the answer, the most important first; ``advice``: the command that tries what helps."""
    pods = summary.pods
    if pods is None:
        return ["The run kept no pods: there is nothing to answer with."]
    if not pods.total:
        return ["No pod was created."]
    sentences = [*happenings(summary)[:_HAPPENINGS], _outcome(pods), *_latest(summary, pods)]
    if pods.start.never:
        sentences.append(_never(summary.never_started, pods.start.never))
    if summary.bottleneck is not None and summary.bottleneck.shares:
        hint = f" `{advice}` tries what would shorten it." if advice else ""
        sentences.append(_waited(summary.bottleneck.shares) + hint)
    if summary.ended in ("limit", "interrupted") or (summary.ended == "horizon" and pods.not_ready > pods.withdrawn):
        sentences.append(f"The run was stopped after {duration(summary.end)} of its time; more might have happened.")
    return sentences


def certainty(error: ModelError | None, guesses: Sequence[Guess], seed: int) -> str:
    """Say how far the answer is to be trusted."""
    if error is None:
        text = "How far off the times are was not measured for this runtime."
    elif not error.p90:
        text = "Durations of pulls were given, not predicted; the rest follows the kubelet's rules exactly."
    else:
        text = (
            f"Half of the predicted pull times are within {percentage(error.median)} of measured ones, nine in ten "
            f"within {percentage(error.p90)} ({error.kind}), where the figures of the cluster are right."
        )
    if guesses:
        text += f" {guessed_figures(guesses)}"
    return f"{text} This is one run, with seed {seed}; with another seed, chance falls differently."


def checks(summary: Summary) -> list[Check]:
    """Return the conditions that were set, in words, each with what the run came to."""
    found = []
    for each in summary.assertions:
        limit = parse_assertion(each.assertion)
        value = "never" if each.never else metrics.text(limit.metric, each.value)
        close = "; that is nearer to the limit than the model's error" if each.within_model_error else ""
        text = f"{the(limit.metric)} is {value}; asked was {limit_text(limit)}{close}"
        found.append(Check(text, each.holds))
    return found


def key_figures(summary: Summary) -> list[Figure]:
    """Return the figures at the top of the page."""
    found: list[Figure] = []
    pods = summary.pods
    if pods is not None and pods.total:
        missing = ", ".join(f"{count:,} {reason}" for reason, count in pods.not_started_by_reason.items())
        found.append(Figure("pods started", f"{pods.started:,} of {pods.total:,}", missing, bad=bool(pods.start.never)))
        remark = "of those that started" if pods.start.never else "of all pods"
        started = pods.start_of_started if pods.start.never else pods.start
        if started.p50 is not None:
            found.append(Figure("half started within", duration(started.p50), remark))
            found.append(Figure("99 of 100 within", duration(started.p99), remark))
        if pods.last_ready_at is not None:
            found.append(Figure("last pod ready at", duration(pods.last_ready_at), "after the run began"))
        if pods.deadlines:
            text = f"{pods.missed_deadlines:,} of {pods.deadlines:,}"
            found.append(Figure("deadlines missed", text, bad=bool(pods.missed_deadlines)))
    if summary.bytes is not None:
        peak = summary.bytes.per_second.peak
        remark = f"at most {size(peak)} a second" if peak else ""
        found.append(Figure("downloaded", size(summary.bytes.downloaded), remark))
    if summary.pulls is not None and summary.pulls.failed:
        causes = ", ".join(f"{count:,} {cause}" for cause, count in summary.pulls.failures_by_cause.items())
        found.append(Figure("failed pulls", f"{summary.pulls.failed:,} of {summary.pulls.total:,}", causes, bad=True))
    for use in summary.registries:
        if use.refused:
            found.append(Figure(f"requests refused by {use.host}", f"{use.refused:,}", "by its quotas", bad=True))
        if use.cost:
            found.append(Figure(f"cost of bytes from {use.host}", money(use.cost)))
    if summary.idle_accelerator_minutes:
        found.append(
            Figure("idle accelerators", f"{summary.idle_accelerator_minutes:,.1f} min", "that waited for images")
        )
    if summary.costs is not None and summary.costs.total and (summary.costs.currency or summary.costs.by_class):
        unit = f"{summary.costs.currency} " if summary.costs.currency else ""
        day = summary.costs.per_day
        a_day = "" if day is None else f"{unit}{amounts([day])[0]} a day"
        found.append(Figure("cost", f"{unit}{amounts([summary.costs.total])[0]}", a_day))
    nodes = counted(summary.nodes, "node") + (" at first" if summary.autoscaling else "")
    found.append(Figure("simulated", nodes, f"{duration(summary.end)} of their time"))
    return found


def _outcome(pods: Pods) -> str:
    if not pods.started:
        return "No pod started." if pods.total > 1 else "The pod did not start."
    started = pods.start_of_started
    if pods.total == 1:
        text = f"The pod started {_after(started.max)}"
    else:
        who = f"All {pods.total:,} pods" if pods.started == pods.total else f"{pods.started:,} of {pods.total:,} pods"
        half, last = _after(started.p50), _after(started.max)
        text = f"{who} started: half of them {half}, the slowest {last}"
        if half == last:
            text = f"{who} started {last}"
    ready = pods.ready_of_ready
    if ready.max is not None and started.max is not None and ready.max > started.max:
        text += f"; they were ready for work after up to {duration(ready.max)}"
    return f"{text}."


def _after(seconds: float | None) -> str:
    """``at once``, or ``within 12.3 s`` of its creation."""
    return "at once" if seconds is not None and seconds < _AT_ONCE else f"within {duration(seconds)}"


def _latest(summary: Summary, pods: Pods) -> list[str]:
    """Say of which workload half of the pods were the latest, where the figures of all pods do not say that."""
    whole = pods.start_of_started.p50
    halves = {
        name: group.start.p50 for name, group in summary.workloads.items() if not group.start.never and group.start.p50
    }
    if len(halves) < _SEVERAL or whole is None:
        return []
    name = max(slowest(summary.workloads), key=lambda name: halves.get(name, 0.0))
    group, half = summary.workloads[name], halves[name]
    if half < _LATE * whole:
        return []
    never = any(each.start.never for each in summary.workloads.values())
    latest = f"Of the workloads whose pods all started the latest was {name}" if never else f"The latest was {name}"
    if group.total == 1:
        return [f"{latest}, which started within {duration(half)}."]
    return [f"{latest}: half of its {group.total:,} pods started within {duration(half)}."]


def _never(groups: Sequence[NeverStarted], never: int) -> str:
    """Say which pods never started, though somebody waits for them, and why."""
    told = [_why(group) for group in groups[:_GROUPS]]
    rest = never - sum(group.pods for group in groups[:_GROUPS])
    if not rest and len(told) == 1:
        return f"{counted(never, 'pod')} of {groups[0].workload} never started: {told[0]}."
    sentences = [f"{group.pods:,} of {group.workload}: {why}." for group, why in zip(groups, told, strict=False)]
    return " ".join([f"{counted(never, 'pod')} never started.", *sentences, *([f"{rest:,} others."] if rest else [])])


def _why(group: NeverStarted) -> str:
    if group.message is not None:
        return f"no node took {'it' if group.pods == 1 else 'them'} ({group.message.rstrip('.')})"
    if group.cause is not None:
        return CAUSES.get(group.cause, group.cause) + (f" ({group.image})" if group.image else "")
    return f"{group.status} when the run ended"


def _waited(shares: Mapping[str, float]) -> str:
    """Say what pods waited for: what took most of the time, and what took a good part of the rest."""
    first, *others = ((PLAIN.get(resource, resource), share) for resource, share in shares.items())
    text = f"{percentage(first[1])} of the waiting was for {first[0]}"
    if others and others[0][1] >= MENTION:
        text += f"; {percentage(others[0][1])} was for {others[0][0]}"
    return f"{text}."
