"""``kubectl get events -o json``: the kubelet's Pulling and Pulled, in every wording since 1.20.

The texts (pkg/kubelet/images/image_manager.go EnsureImageExists, pkg/kubelet/images/puller.go)::

    Successfully pulled image "nginx"                                              no time: between Pulling and Pulled
    Successfully pulled image "nginx" in 10.7s                                     with the wait, to 1.26
    Successfully pulled image "nginx" in 10.7s (12.1s including waiting)           1.27 to 1.29
    … in 10.7s (12.1s including waiting). Image size: 63422407 bytes.              from 1.30
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pullsim.study.fit.observed import Observed, ObservedPull
from pullsim.units import parse_duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PULLED: Final = re.compile(
    r'Successfully pulled image "(?P<image>[^"]*)"(?: in (?P<pull>[0-9.a-zµμ]+))?'
    r"(?: \((?P<waiting>[0-9.a-zµμ]+) including waiting\))?(?:\. Image size: (?P<size>\d+) bytes\.?)?"
)
_PULLING: Final = re.compile(r'[Pp]ulling image "(?P<image>[^"]*)"')
CLOCK: Final = 1.0  # seconds: what times of events are rounded to

UNREADABLE = "events with a text that no kubelet since 1.20 writes"
NO_PULLING = "pulls without a duration whose Pulling event is missing"
SKEWED = "pulls with Pulled before Pulling (clock skew)"


class _Event(NamedTuple):
    reason: str
    message: str
    container: tuple[str, ...]  # namespace, pod, container
    node: str
    first: float | None
    last: float | None


def read_events(items: Iterable[Any], file: str) -> Observed:
    """Collect the pulls of events of ``v1`` or ``events.k8s.io/v1``; other items are passed over."""
    events = [_event(item) for item in items if isinstance(item, dict)]
    observed = Observed(files=[file])
    pulling: dict[tuple[str, ...], list[float]] = {}
    for event in events:
        match = _PULLING.match(event.message)
        if event.reason == "Pulling" and match and event.last is not None:
            times = [event.last] if event.first is None else [event.first, event.last]
            pulling.setdefault((*event.container, match["image"]), []).extend(times)
    for event in events:
        if event.reason != "Pulled" or "already present" in event.message:
            continue
        match = _PULLED.match(event.message)
        if match is None:
            observed.left_out[UNREADABLE] += 1
            continue
        _take(observed, event, match, pulling.get((*event.container, match["image"]), []))
    return observed


def _take(observed: Observed, event: _Event, match: re.Match[str], pulling: list[float]) -> None:
    size = None if match["size"] is None else int(match["size"])
    ended = event.last
    asked = [at for at in pulling if ended is not None and at <= ended + CLOCK]
    if pulling and not asked:
        observed.left_out[SKEWED] += 1
        return
    if match["pull"] is not None:
        pull = ObservedPull(match["image"], parse_duration(match["pull"]), size, event.node)
        waiting = None if match["waiting"] is None else parse_duration(match["waiting"])
        began = None if ended is None else ended - pull.seconds
        observed.pulls.append(_replace(pull, waits=waiting is None, began=began, ended=ended))
    elif not asked or ended is None:
        observed.left_out[NO_PULLING] += 1
    else:
        seconds = max(ended - max(asked), 0.0)
        if seconds < CLOCK:
            observed.left_out["pulls without a duration that took less than the clock's second"] += 1
            return
        pull = ObservedPull(match["image"], seconds, size, event.node, resolution=CLOCK, waits=True)
        observed.pulls.append(pull.measured_from(ended - seconds, ended))


def _replace(pull: ObservedPull, *, waits: bool, began: float | None, ended: float | None) -> ObservedPull:
    return ObservedPull(pull.image, pull.seconds, pull.size, pull.node, began, ended, waits=waits)


def _event(item: Mapping[str, Any]) -> _Event:
    about = item.get("involvedObject") or item.get("regarding") or {}
    source = item.get("source") or item.get("deprecatedSource") or {}
    first = _time(item.get("firstTimestamp") or item.get("deprecatedFirstTimestamp") or item.get("eventTime"))
    last = _time(item.get("lastTimestamp") or item.get("deprecatedLastTimestamp") or item.get("eventTime"))
    return _Event(
        str(item.get("reason", "")),
        str(item.get("message") or item.get("note") or ""),
        tuple(str(about.get(key, "")) for key in ("namespace", "name", "fieldPath")),
        str(source.get("host") or item.get("reportingInstance") or ""),
        first,
        first if last is None else last,
    )


def _time(text: Any) -> float | None:
    try:
        return datetime.fromisoformat(str(text)).timestamp() if text else None
    except ValueError:
        return None
