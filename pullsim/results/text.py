"""A summary for the terminal: key figures, where the time went, and the verdict, in 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.text import Text

from pullsim.printable import message
from pullsim.results import metrics
from pullsim.results.assertions import parse_assertion
from pullsim.results.cost_text import cost_notes
from pullsim.results.fitted_table import FittedTable
from pullsim.results.guesses import guessed_figures
from pullsim.results.notes import Notes
from pullsim.results.prediction_table import prediction_parts
from pullsim.results.start_table import start_table
from pullsim.results.summary.pods import POD_WINDOW
from pullsim.results.summary.summary import BYTE_WINDOW
from pullsim.results.wording import abridged, clock, counted, duration, money, size
from pullsim.stages import LABELS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rich.console import RenderableType

    from pullsim.results.statistics import Rate
    from pullsim.results.summary.autoscaling import AutoscalingFigures
    from pullsim.results.summary.cache_use import CacheUse
    from pullsim.results.summary.cluster_changes import Churn, PrepullFigures, RolloutFigures
    from pullsim.results.summary.housekeeping import Housekeeping
    from pullsim.results.summary.outages import Outage
    from pullsim.results.summary.peer_use import PeerUse
    from pullsim.results.summary.pods import Pods
    from pullsim.results.summary.registry_use import RegistryUse
    from pullsim.results.summary.splits import SplitEffect
    from pullsim.results.summary.start_time import Time
    from pullsim.results.summary.summary import Bytes, Layers, Pulls, Summary

_BAR: Final = 24  # length of the bar for a share of 100 %
_SMALL: Final = 0.005  # stages with a smaller share are combined in one line
#: Statuses of a pod that waits without trouble.
USUAL: Final = frozenset({"Pending", "ContainerCreating", "PodInitializing", "Init"})
_ENDED: Final = {
    "horizon": "horizon reached",
    "settled": "nothing was left to happen",
    "limit": "stopped at the limit of 24 h",
    "interrupted": "interrupted",
}


def render(summary: Summary, turn: Sequence[str] = (), warnings: Sequence[str] | None = None) -> Group:
    """Return what `pullsim run` prints; ``turn``: lines about what helps, see `pullsim.study.advice.hint`.

    ``warnings``: those of the summary as they are to be shown; None: with the first names of long lists.
    """
    parts: list[RenderableType] = [_heading(summary), Text()]
    parts.append(_figures(summary))
    if summary.pods:
        parts += [Text(), start_table(summary)]
    parts += prediction_parts(summary.prediction)
    if summary.time and summary.time.stages:
        parts += [Text(), _time(summary.time)]
    if summary.bottleneck:
        parts += [Text(), _labelled("Verdict", summary.bottleneck.sentence, "bold")]
        parts += [_labelled("" if index else "To turn", line) for index, line in enumerate(turn)]
    if summary.assertions:
        parts.append(Text())
        for each in summary.assertions:
            value = metrics.text(parse_assertion(each.assertion).metric, each.value)
            text = f"{each.assertion}: {'holds' if each.holds else 'FAILS'} ({value})"
            if each.within_model_error and summary.model_error is not None:
                error = summary.model_error
                text += f", nearer to the limit than the model's error ({error.median:.0%} median, {error.kind})"
            parts.append(_labelled("Assert", text, "" if each.holds else "red"))
    if summary.splits or summary.guesses:
        parts.append(Text())
    if summary.guesses:
        parts.append(_labelled("Guessed", guessed_figures(summary.guesses)))
    if summary.splits:
        parts.append(_labelled("Guessed", _split_effect(summary.splits)))
    if summary.warnings:
        parts.append(Text())
        shown = message([*map(abridged, summary.warnings)]) if warnings is None else warnings
        parts += [_labelled("Warning", warning, "yellow") for warning in shown]
    return Group(*parts)


def _split_effect(effect: SplitEffect) -> str:
    """Return how far the guess of layers moves the starts of pods."""
    shown = []
    for name in ("p50", "p99", "max"):
        interval = getattr(effect, name)
        ends = dict.fromkeys(_seconds(value) for value in (interval.low, interval.high))
        shown.append(f"{name} {' to '.join(ends)}")
    images = abridged(", ".join(effect.images))
    return f"layers of {images}. In {effect.runs} runs with typical layers pods start at {', '.join(shown)}"


def _seconds(value: float | None) -> str:
    return metrics.text("pods.start.p99", value)


def _heading(summary: Summary) -> Text:
    ended = _ENDED.get(summary.ended, summary.ended)
    nodes = counted(summary.nodes, "node") + (" at first" if summary.autoscaling else "")
    rest = f"  {nodes}, seed {summary.seed}; ended at {duration(summary.end)}: {ended}"
    return Text.assemble((summary.name, "bold"), rest)


def _figures(summary: Summary) -> Notes:
    notes = Notes()
    if summary.pods is None:
        notes.add("Pods", "not recorded (detail none)")
    else:
        _pods(notes, summary.pods)
    if summary.pulls:
        _pulls(notes, summary.pulls)
    if summary.time_in_status and not USUAL.issuperset(map(_kind, summary.time_in_status)):
        whole = sum(summary.time_in_status.values())
        shares = {status: seconds / whole for status, seconds in summary.time_in_status.items()}
        shown = [f"{status} {share:.0%}" for status, share in shares.items() if share >= _SMALL]
        notes.add("Shown as", f"{', '.join(shown)} of the time until Running")
    if summary.bytes and summary.layers:
        _bytes(notes, summary.bytes, summary.layers)
    if summary.housekeeping:
        _housekeeping(notes, summary.housekeeping)
    for outage in summary.outages.values():
        _outage(notes, outage)
    if summary.peers:
        _peers(notes, summary.peers)
    for registry in summary.registries:
        _registry(notes, registry)
    for name, cache in summary.caches.items():
        _cache(notes, name, cache)
    for name, volumes in summary.volumes.items():
        notes.add(
            "Volumes", f"{name}: {volumes.restored_fast:,} of {volumes.created:,} restored fast, as credits lasted"
        )
    for name, reads in summary.reads.items():
        failed = f", {counted(reads.failed, 'read')} failed" if reads.failed else ""
        notes.add("Reads", f"{name}: {size(reads.fetched_bytes)} fetched by {reads.requests:,} requests{failed}")
    for name, rollout in summary.rollouts.items():
        _rollout(notes, name, rollout)
    for name, prepull in summary.prepulls.items():
        _prepull(notes, name, prepull)
    if summary.churn:
        _churn(notes, summary.churn)
    for name, pool in summary.autoscaling.items():
        _autoscaled(notes, name, pool)
    for label, text in cost_notes(summary):
        notes.add(label, text)
    return notes


def _outage(notes: Notes, outage: Outage) -> None:
    what = outage.host if outage.image == "*" else f"{outage.image} of {outage.host}"
    text = f"{what} {clock(outage.began_at)}-{clock(outage.ended_at)}: "
    if outage.last_up_after is None:
        notes.add("Outage", f"{text}no pod hit")
    elif outage.never:
        notes.add("Outage", f"{text}{counted(outage.pods, 'pod')} hit, {outage.never:,} never up", "red")
    else:
        side = "after" if outage.last_up_after >= 0 else "before"
        last = f"last one up {duration(abs(outage.last_up_after))} {side} its end"
        notes.add("Outage", f"{text}{counted(outage.pods, 'pod')} hit, {last}")


def _rollout(notes: Notes, name: str, rollout: RolloutFigures) -> None:
    progress = f"{rollout.updated:,} of {rollout.replicas:,} pods are new and available"
    if rollout.seconds is not None:
        progress = f"{counted(rollout.replicas, 'pod')} in {duration(rollout.seconds)}"
    bounds = f"at most {rollout.peak:,} at a time, at least {rollout.lowest:,} available"
    notes.add("Rollout", f"{name}: {progress}; {bounds}", "" if rollout.seconds is not None else "red")


def _prepull(notes: Notes, name: str, prepull: PrepullFigures) -> None:
    text = f"{name}: images on {counted(prepull.done, 'node')}"
    if prepull.last_at is not None:
        text += f" at {duration(prepull.last_at)}"
    if prepull.given_up:
        text += f", {prepull.given_up:,} given up"
    if prepull.under_way:
        text += f", {prepull.under_way:,} under way"
    notes.add("Prepull", f"{text}; {size(prepull.downloaded_bytes)} downloaded for it")


def _autoscaled(notes: Notes, name: str, pool: AutoscalingFigures) -> None:
    text = f"{name}: {counted(pool.asked, 'node')} asked for"
    if pool.joined != pool.asked:
        text += f" ({pool.asked - pool.joined:,} still on the way)"
    text += f", {pool.removed:,} taken away, at most {pool.peak:,} at a time"
    if pool.cut_pulls:
        text += f", {counted(pool.cut_pulls, 'pull')} cut"
    notes.add("Autoscaler", f"{text}; {pool.node_seconds / 3600:,.1f} node hours")


def _churn(notes: Notes, churn: Churn) -> None:
    text = f"{counted(churn.departures, 'node')} left with {counted(churn.pods, 'pod')}"
    if churn.cut_pulls:
        text += f" and {counted(churn.cut_pulls, 'pull')} ({size(churn.cut_bytes)} for nothing)"
    day = churn.per_day
    text += f"; their successors fetched {size(churn.successors_bytes)}, all nodes {size(day.downloaded_bytes)} a day"
    if day.cost is not None:
        text += f", which costs {money(day.cost)}"
    notes.add("Churn", text)


def _pods(notes: Notes, pods: Pods) -> None:
    never = f", {pods.not_started:,} never ({_counts(pods.not_started_by_reason)})" if pods.not_started else ""
    style = "red" if pods.not_started else ""
    notes.add("Pods", f"{pods.started:,} of {pods.total:,} started{never}", style)
    if pods.deadlines:
        text = f"{pods.missed_deadlines:,} of {pods.deadlines:,} missed"
        notes.add("Deadlines", text, "red" if pods.missed_deadlines else "")
    if pods.last_ready_at is None:
        notes.add("Last ready", f"no pod {'was ready' if pods.started else 'started, so there are no start times'}")
    else:
        notes.add("Last ready", f"at {duration(pods.last_ready_at)}")
    rate = pods.per_minute
    if rate.mean is not None and rate.peak is not None:
        notes.add("Pods/min", _rate(rate, POD_WINDOW, "{:,.1f}".format))


def _pulls(notes: Notes, pulls: Pulls) -> None:
    text = f"{pulls.total:,}: {pulls.ok:,} ok"
    if pulls.failed:
        text += f", {pulls.failed:,} failed ({_counts(pulls.failures_by_cause)}), {pulls.backoffs:,} back-offs"
    if pulls.under_way:
        text += f", {pulls.under_way:,} still under way"
    notes.add("Pulls", text)


def _bytes(notes: Notes, fetched: Bytes, layers: Layers) -> None:
    sources = list(fetched.by_source.items())
    downloaded = f"{size(fetched.downloaded)} downloaded"
    if len(sources) == 1:
        downloaded += f" from {sources[0][0]}"
    elif sources:
        downloaded += f" ({', '.join(f'{source} {size(amount)}' for source, amount in sources)})"
    notes.add("Bytes", f"{downloaded}, {size(fetched.local)} already on nodes")
    rate = fetched.per_second
    if rate.mean is not None and rate.peak is not None:
        notes.add("Bytes/s", _rate(rate, BYTE_WINDOW, size))
    notes.add("Layers", f"{layers.fetched:,} fetched, {layers.reused:,} reused")


def _housekeeping(notes: Notes, kept: Housekeeping) -> None:
    removed = kept.removed
    if removed:
        images = _counts({reason: each.images for reason, each in removed.items()})
        claimed = sum(each.counted for each in removed.values())
        freed = sum(each.freed for each in removed.values())
        notes.add("Removed", f"images: {images}; {size(claimed)} counted, {size(freed)} of disk came back")
    if kept.refetched:
        share = f" ({kept.refetched_share:.0%} of the bytes)" if kept.refetched_share is not None else ""
        notes.add("Refetched", f"{size(kept.refetched)}{share}: nodes had it before")
    if kept.evicted_pods:
        notes.add("Evicted", counted(kept.evicted_pods, "pod"), "red")
    for pool, disk in kept.disks.items():
        notes.add("Disk", f"{pool}: {size(disk.peak)} at most, {disk.peak_share:.0%} of {size(disk.capacity)}")


def _peers(notes: Notes, use: PeerUse) -> None:
    share = f" ({use.share:.0%} of all)" if use.share is not None else ""
    text = f"{size(use.sent_bytes)} between nodes{share}"
    if use.cross_zone_bytes:
        text += f", {size(use.cross_zone_bytes)} across zones"
    if use.senders:
        text += f"; {size(use.busiest_bytes)} from the busiest of {use.senders:,} that sent"
    notes.add("Peers", f"{text}; {use.misses:,} of {use.requests:,} requests found nobody")


def _registry(notes: Notes, registry: RegistryUse) -> None:
    """Add rows about the quotas that ran out, and about the cost of the bytes."""
    if registry.exhausted_at is not None:
        text = f"{registry.host} first refused at {duration(registry.exhausted_at)}"
        if registry.served_nodes is not None:
            text += f", after the pulls of {counted(registry.served_nodes, 'node')}"
        if registry.refilled_at is not None and registry.refilled_at < float("inf"):
            text += f", room again at {duration(registry.refilled_at)}"
        asked = registry.heads + registry.manifests + registry.blobs
        text += f"; {registry.refused:,} of {asked:,} requests refused"
        if registry.exhausted > 1:
            text += f", {registry.exhausted:,} quotas ran out"
        notes.add("Quota", text, "red")
    if registry.cost is not None:
        notes.add("Cost", f"{money(registry.cost)} for {size(registry.sent)} from {registry.host}")


def _cache(notes: Notes, name: str, cache: CacheUse) -> None:
    text = f"{name}: {size(cache.received_bytes)} from upstream, {size(cache.sent_bytes)} to nodes"
    text += f"; {cache.hits:,} of {counted(cache.hits + cache.misses, 'GET')} from what it had"
    if cache.evictions:
        text += f", {counted(cache.evictions, 'content')} evicted"
    notes.add("Cache", text)


def _rate(rate: Rate, usual: float, written: Callable[[float], str]) -> str:
    """Write a rate, with its peak where that says something: not of a run that is not longer than the window.

    Nor where the mean is above it: a run of one and a half windows may have its bursts at both ends, in no one window.
    """
    assert rate.mean is not None
    text = f"{written(rate.mean)} on average"
    if rate.peak is None or rate.window != usual or rate.peak < rate.mean:
        return text
    return f"{text}, {written(rate.peak)} in the best {duration(rate.window)}"


def _time(time: Time) -> FittedTable:
    table = FittedTable()
    table.names("Where the time went", whole=True)
    table.names("", rank=9, whole=True)  # the bar is the first that goes
    table.figures("share")
    table.figures("seconds")
    slowest = f"slowest {time.slowest_pods:,}" if time.slowest_pods > 1 else "slowest pod"
    table.figures(slowest)
    shown = {stage: row for stage, row in time.stages.items() if row.share >= _SMALL}
    for stage, row in sorted(shown.items(), key=lambda item: -item[1].share):
        among = time.slowest_stages.get(stage)
        table.add_row(
            LABELS[stage],
            Text(f"{'█' * max(round(row.share * _BAR), 1):<{_BAR}}", "blue"),
            f"{row.share:.0%}",
            f"{row.seconds:,.1f}",
            f"{among.share:.0%}" if among else "-",
        )
    rest = [row for stage, row in time.stages.items() if stage not in shown]
    if rest:
        seconds = sum(row.seconds for row in rest)
        table.add_row(f"{len(rest)} more", "", f"{sum(row.share for row in rest):.1%}", f"{seconds:,.1f}", "")
    return table


def _labelled(label: str, text: str, style: str = "") -> Notes:
    notes = Notes()
    notes.add(label, text, style)
    return notes


def _kind(status: str) -> str:
    """Return a status without the number of finished init containers: ``Init`` for ``Init:0/2``."""
    return "Init" if status.startswith("Init:") and status[-1].isdigit() else status


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items())
