"""A summary for the terminal: key figures, where the time went, and the verdict, in 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.table import Table
from rich.text import Text

from pullsim.printable import message
from pullsim.results import metrics
from pullsim.results.assertions import parse_assertion
from pullsim.results.start_table import start_table
from pullsim.results.summary.pods import POD_WINDOW
from pullsim.results.summary.summary import BYTE_WINDOW
from pullsim.results.wording import clock, counted, duration, size
from pullsim.stages import LABELS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rich.console import RenderableType

    from pullsim.results.statistics import Rate
    from pullsim.results.summary.autoscaling import AutoscalingFigures
    from pullsim.results.summary.cluster_changes import Churn, PrepullFigures, RolloutFigures
    from pullsim.results.summary.housekeeping import Housekeeping
    from pullsim.results.summary.outages import Outage
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


def render(summary: Summary, turn: Sequence[str] = ()) -> Group:
    """Return what `pullsim run` prints; ``turn``: lines about what helps, see `pullsim.study.advice.hint`."""
    parts: list[RenderableType] = [_heading(summary), Text()]
    parts.append(_figures(summary))
    if summary.pods:
        parts += [Text(), start_table(summary)]
    if summary.time and summary.time.stages:
        parts += [Text(), _time(summary.time)]
    if summary.bottleneck:
        parts += [Text(), _labelled("Verdict", summary.bottleneck.sentence, "bold")]
        parts += [_labelled("" if index else "To turn", line) for index, line in enumerate(turn)]
    if summary.assertions:
        parts.append(Text())
        for each in summary.assertions:
            shown = metrics.text(parse_assertion(each.assertion).metric, each.value)
            text = f"{each.assertion}: {'holds' if each.holds else 'FAILS'} ({shown})"
            if each.within_model_error and summary.model_error is not None:
                error = summary.model_error
                text += f", nearer to the limit than the model's error ({error.median:.0%} median, {error.kind})"
            parts.append(_labelled("Assert", text, "" if each.holds else "red"))
    if summary.splits:
        parts += [Text(), _labelled("Guessed", _split_effect(summary.splits))]
    if summary.warnings:
        parts.append(Text())
        parts += [_labelled("Warning", warning, "yellow") for warning in message(summary.warnings)]
    return Group(*parts)


def _split_effect(effect: SplitEffect) -> str:
    """Return how far the guess of layers moves the starts of pods."""
    shown = []
    for name in ("p50", "p99", "max"):
        interval = getattr(effect, name)
        ends = dict.fromkeys(_seconds(value) for value in (interval.low, interval.high))
        shown.append(f"{name} {' to '.join(ends)}")
    images = ", ".join(effect.images)
    return f"layers of {images}. In {effect.runs} runs with typical layers pods start at {', '.join(shown)}"


def _seconds(value: float | None) -> str:
    return metrics.text("pods.start.p99", value)


def _heading(summary: Summary) -> Text:
    ended = _ENDED.get(summary.ended, summary.ended)
    nodes = counted(summary.nodes, "node") + (" at first" if summary.autoscaling else "")
    rest = f"  {nodes}, seed {summary.seed}; ended at {duration(summary.end)}: {ended}"
    return Text.assemble((summary.name, "bold"), rest)


def _figures(summary: Summary) -> Table:
    table = _grid()
    if summary.pods is None:
        table.add_row("Pods", "not recorded (detail none)")
    else:
        _pods(table, summary.pods)
    if summary.pulls:
        _pulls(table, summary.pulls)
    if summary.time_in_status and not USUAL.issuperset(map(_kind, summary.time_in_status)):
        whole = sum(summary.time_in_status.values())
        shares = {status: seconds / whole for status, seconds in summary.time_in_status.items()}
        shown = [f"{status} {share:.0%}" for status, share in shares.items() if share >= _SMALL]
        table.add_row("Shown as", f"{', '.join(shown)} of the time until Running")
    if summary.bytes and summary.layers:
        _bytes(table, summary.bytes, summary.layers)
    if summary.housekeeping:
        _housekeeping(table, summary.housekeeping)
    for outage in summary.outages.values():
        _outage(table, outage)
    for registry in summary.registries:
        _registry(table, registry)
    for name, rollout in summary.rollouts.items():
        _rollout(table, name, rollout)
    for name, prepull in summary.prepulls.items():
        _prepull(table, name, prepull)
    if summary.churn:
        _churn(table, summary.churn)
    for name, pool in summary.autoscaling.items():
        _autoscaled(table, name, pool)
    return table


def _outage(table: Table, outage: Outage) -> None:
    what = outage.host if outage.image == "*" else f"{outage.image} of {outage.host}"
    text = f"{what} {clock(outage.began_at)}-{clock(outage.ended_at)}: "
    if outage.last_up_after is None:
        table.add_row("Outage", f"{text}no pod hit")
    elif outage.never:
        table.add_row("Outage", Text(f"{text}{counted(outage.pods, 'pod')} hit, {outage.never:,} never up", "red"))
    else:
        side = "after" if outage.last_up_after >= 0 else "before"
        last = f"last one up {duration(abs(outage.last_up_after))} {side} its end"
        table.add_row("Outage", f"{text}{counted(outage.pods, 'pod')} hit, {last}")


def _rollout(table: Table, name: str, rollout: RolloutFigures) -> None:
    progress = f"{rollout.updated:,} of {rollout.replicas:,} pods are new and available"
    if rollout.seconds is not None:
        progress = f"{counted(rollout.replicas, 'pod')} in {duration(rollout.seconds)}"
    bounds = f"at most {rollout.peak:,} at a time, at least {rollout.lowest:,} available"
    table.add_row("Rollout", Text(f"{name}: {progress}; {bounds}", "" if rollout.seconds is not None else "red"))


def _prepull(table: Table, name: str, prepull: PrepullFigures) -> None:
    text = f"{name}: images on {counted(prepull.done, 'node')}"
    if prepull.last_at is not None:
        text += f" at {duration(prepull.last_at)}"
    if prepull.given_up:
        text += f", {prepull.given_up:,} given up"
    if prepull.under_way:
        text += f", {prepull.under_way:,} under way"
    table.add_row("Prepull", f"{text}; {size(prepull.downloaded_bytes)} downloaded for it")


def _autoscaled(table: Table, name: str, pool: AutoscalingFigures) -> None:
    text = f"{name}: {counted(pool.asked, 'node')} asked for"
    if pool.joined != pool.asked:
        text += f" ({pool.asked - pool.joined:,} still on the way)"
    text += f", {pool.removed:,} taken away, at most {pool.peak:,} at a time"
    if pool.cut_pulls:
        text += f", {counted(pool.cut_pulls, 'pull')} cut"
    table.add_row("Autoscaler", f"{text}; {pool.node_seconds / 3600:,.1f} node hours")


def _churn(table: Table, churn: Churn) -> None:
    text = f"{counted(churn.departures, 'node')} left with {counted(churn.pods, 'pod')}"
    if churn.cut_pulls:
        text += f" and {counted(churn.cut_pulls, 'pull')} ({size(churn.cut_bytes)} for nothing)"
    day = churn.per_day
    text += f"; their successors fetched {size(churn.successors_bytes)}, all nodes {size(day.downloaded_bytes)} a day"
    if day.cost is not None:
        text += f", which costs {day.cost:,.2f}"
    table.add_row("Churn", text)


def _pods(table: Table, pods: Pods) -> None:
    never = f", {pods.not_started:,} never ({_counts(pods.not_started_by_reason)})" if pods.not_started else ""
    style = "red" if pods.not_started else ""
    table.add_row("Pods", Text(f"{pods.started:,} of {pods.total:,} started{never}", style))
    if pods.deadlines:
        text = f"{pods.missed_deadlines:,} of {pods.deadlines:,} missed"
        table.add_row("Deadlines", Text(text, "red" if pods.missed_deadlines else ""))
    if pods.last_ready_at is None:
        table.add_row("Last ready", f"no pod {'was ready' if pods.started else 'started, so there are no start times'}")
    else:
        table.add_row("Last ready", f"at {duration(pods.last_ready_at)}")
    rate = pods.per_minute
    if rate.mean is not None and rate.peak is not None:
        table.add_row("Pods/min", _rate(rate, POD_WINDOW, "{:,.1f}".format))


def _pulls(table: Table, pulls: Pulls) -> None:
    text = f"{pulls.total:,}: {pulls.ok:,} ok"
    if pulls.failed:
        text += f", {pulls.failed:,} failed ({_counts(pulls.failures_by_cause)}), {pulls.backoffs:,} back-offs"
    if pulls.under_way:
        text += f", {pulls.under_way:,} still under way"
    table.add_row("Pulls", text)


def _bytes(table: Table, fetched: Bytes, layers: Layers) -> None:
    sources = list(fetched.by_source.items())
    downloaded = f"{size(fetched.downloaded)} downloaded"
    if len(sources) == 1:
        downloaded += f" from {sources[0][0]}"
    elif sources:
        downloaded += f" ({', '.join(f'{source} {size(amount)}' for source, amount in sources)})"
    table.add_row("Bytes", f"{downloaded}, {size(fetched.local)} already on nodes")
    rate = fetched.per_second
    if rate.mean is not None and rate.peak is not None:
        table.add_row("Bytes/s", _rate(rate, BYTE_WINDOW, size))
    table.add_row("Layers", f"{layers.fetched:,} fetched, {layers.reused:,} reused")


def _housekeeping(table: Table, kept: Housekeeping) -> None:
    removed = kept.removed
    if removed:
        images = _counts({reason: each.images for reason, each in removed.items()})
        claimed = sum(each.counted for each in removed.values())
        freed = sum(each.freed for each in removed.values())
        table.add_row("Removed", f"images: {images}; {size(claimed)} counted, {size(freed)} of disk came back")
    if kept.refetched:
        share = f" ({kept.refetched_share:.0%} of the bytes)" if kept.refetched_share is not None else ""
        table.add_row("Refetched", f"{size(kept.refetched)}{share}: nodes had it before")
    if kept.evicted_pods:
        table.add_row("Evicted", Text(counted(kept.evicted_pods, "pod"), "red"))
    for pool, disk in kept.disks.items():
        table.add_row("Disk", f"{pool}: {size(disk.peak)} at most, {disk.peak_share:.0%} of {size(disk.capacity)}")


def _registry(table: Table, registry: RegistryUse) -> None:
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
        table.add_row("Quota", Text(text, "red"))
    if registry.cost is not None:
        table.add_row("Cost", f"{registry.cost:,.2f} for {size(registry.sent)} from {registry.host}")


def _rate(rate: Rate, usual: float, written: Callable[[float], str]) -> str:
    """Write a rate, with its peak where that says something: not of a run that is not longer than the window.

    Nor where the mean is above it: a run of one and a half windows may have its bursts at both ends, in no one window.
    """
    assert rate.mean is not None
    text = f"{written(rate.mean)} on average"
    if rate.peak is None or rate.window != usual or rate.peak < rate.mean:
        return text
    return f"{text}, {written(rate.peak)} in the best {duration(rate.window)}"


def _time(time: Time) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("Where the time went", no_wrap=True)
    table.add_column("", width=_BAR, no_wrap=True)
    table.add_column("share", justify="right", no_wrap=True)
    table.add_column("seconds", justify="right", no_wrap=True)
    slowest = f"slowest {time.slowest_pods:,}" if time.slowest_pods > 1 else "slowest pod"
    table.add_column(slowest, justify="right", no_wrap=True)
    shown = {stage: row for stage, row in time.stages.items() if row.share >= _SMALL}
    for stage, row in sorted(shown.items(), key=lambda item: -item[1].share):
        among = time.slowest_stages.get(stage)
        table.add_row(
            LABELS[stage],
            Text("█" * max(round(row.share * _BAR), 1), "blue"),
            f"{row.share:.0%}",
            f"{row.seconds:,.1f}",
            f"{among.share:.0%}" if among else "-",
        )
    rest = [row for stage, row in time.stages.items() if stage not in shown]
    if rest:
        seconds = sum(row.seconds for row in rest)
        table.add_row(f"{len(rest)} more", "", f"{sum(row.share for row in rest):.1%}", f"{seconds:,.1f}", "")
    return table


def _labelled(label: str, text: str, style: str = "") -> Table:
    table = _grid()
    table.add_row(label, Text(text, style))
    return table


def _grid() -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True, min_width=10)
    table.add_column(overflow="fold")
    return table


def _kind(status: str) -> str:
    """Return a status without the number of finished init containers: ``Init`` for ``Init:0/2``."""
    return "Init" if status.startswith("Init:") and status[-1].isdigit() else status


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items())
