"""What happened in a run beside pulls, in sentences: outages, quotas, updates, deadlines, nodes that came and went.

A scenario that has such a thing asks about it, so these sentences come before those about all pods.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pullsim.results.wording import counted, duration, money, percentage, size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pullsim.results.summary.autoscaling import AutoscalingFigures
    from pullsim.results.summary.cluster_changes import Churn, PrepullFigures, RolloutFigures
    from pullsim.results.summary.outages import Outage
    from pullsim.results.summary.registry_use import RegistryUse
    from pullsim.results.summary.summary import Summary


def happenings(summary: Summary) -> list[str]:
    """Return a sentence about each thing that happened, the rarest kind first."""
    return [*_sentences(summary)]


def _sentences(summary: Summary) -> Iterator[str]:
    yield from (_outage(outage) for outage in summary.outages.values() if outage.pods)
    yield from (_quota(use) for use in summary.registries if use.exhausted_at is not None)
    yield from (_rollout(name, rollout) for name, rollout in summary.rollouts.items())
    if summary.churn is not None:
        yield _churn(summary.churn)
    yield from (_autoscaling(name, pool) for name, pool in summary.autoscaling.items() if pool.asked)
    yield from (_prepull(name, job) for name, job in summary.prepulls.items())
    pods = summary.pods
    if pods is not None and pods.missed_deadlines:
        yield f"{pods.missed_deadlines:,} of {counted(pods.deadlines, 'pod')} with a deadline missed it."
    kept = summary.housekeeping
    if kept is not None and kept.refetched:
        share = f" ({percentage(kept.refetched_share)} of all)" if kept.refetched_share else ""
        yield f"{size(kept.refetched)}{share} were fetched again, because nodes had removed them to make room."
    if kept is not None and kept.evicted_pods:
        yield f"{counted(kept.evicted_pods, 'pod')} had to leave nodes whose disks were full."


def _outage(outage: Outage) -> str:
    what = outage.host if outage.image == "*" else f"{outage.image} at {outage.host}"
    text = f"The fault of {what} from {duration(outage.began_at)} to {duration(outage.ended_at)} "
    text += f"hit {counted(outage.pods, 'pod')}"
    after = outage.last_up_after
    if outage.never or after is None or math.isinf(after):
        return f"{text}, of which {outage.never:,} never came up."
    side = "after" if after >= 0 else "before"
    return f"{text}; the last of them was up {duration(abs(after))} {side} its end."


def _quota(use: RegistryUse) -> str:
    text = f"The quota of {use.host} ran out after {duration(use.exhausted_at)}"
    if use.served_nodes is not None:
        text += f", with the pulls of {counted(use.served_nodes, 'node')}"
    asked = use.heads + use.manifests + use.blobs
    return f"{text}; it refused {use.refused:,} of {asked:,} requests."


def _rollout(name: str, rollout: RolloutFigures) -> str:
    bounds = f"at most {rollout.peak:,} pods at a time, and at least {rollout.lowest:,} available"
    if rollout.seconds is None:
        done = f"{rollout.updated:,} of {rollout.replicas:,} pods are new"
        return f"The update of {name} was not complete: {done} ({bounds})."
    return f"The update of {name} took {duration(rollout.seconds)}, with {bounds}."


def _churn(churn: Churn) -> str:
    day = churn.per_day
    text = f"{counted(churn.departures, 'node')} left with {counted(churn.pods, 'pod')}; "
    text += f"in a day all nodes download {size(day.downloaded_bytes)}"
    return f"{text}, which costs {money(day.cost)}." if day.cost is not None else f"{text}."


def _autoscaling(name: str, pool: AutoscalingFigures) -> str:
    text = f"The autoscaler asked for {counted(pool.asked, 'node')} of {name} and took {pool.removed:,} away"
    if pool.cut_pulls:
        text += f", which cut {counted(pool.cut_pulls, 'pull')}"
    return f"{text}: {pool.node_seconds / 3600:,.1f} hours of nodes in all."


def _prepull(name: str, job: PrepullFigures) -> str:
    text = f"The prepull {name} brought {size(job.downloaded_bytes)} to {counted(job.done, 'node')}"
    if job.last_at is not None:
        text += f", the last at {duration(job.last_at)}"
    return f"{text}{f'; {job.given_up:,} were given up' if job.given_up else ''}."
