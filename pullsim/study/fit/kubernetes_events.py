"""``kubectl get events -o json``: the kubelet's Pulling and Pulled, in every wording since 1.20.

The texts (pkg/kubelet/images/image_manager.go EnsureImageExists, pkg/kubelet/images/puller.go)::

    Successfully pulled image "nginx"                                              no time: between Pulling and Pulled
    Successfully pulled image "nginx" in 10.7s                                     with the wait, to 1.26
    Successfully pulled image "nginx" in 10.7s (12.1s including waiting)           1.27 to 1.29
    … in 10.7s (12.1s including waiting). Image size: 63422407 bytes.              from 1.30
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, TypeAdapter
from pydantic.alias_generators import to_camel

from pullsim.errors import InputError, Location, shown
from pullsim.inputs.validation import path_text, validated
from pullsim.study.fit.observed import MOST_BYTES, MOST_SECONDS, Observed, ObservedPull
from pullsim.units import parse_duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_PULLED: Final = re.compile(
    r'Successfully pulled image "(?P<image>[^"]*)"(?: in (?P<pull>[0-9.a-zµμ]{1,60}))?'
    r"(?: \((?P<waiting>[0-9.a-zµμ]{1,60}) including waiting\))?(?:\. Image size: (?P<size>[0-9]{1,30}) bytes\.?)?"
)
_PULLING: Final = re.compile(r'[Pp]ulling image "(?P<image>[^"]*)"')
#: What the text of an event begins with that stands for many similar ones: it is that of the last, and count is of all
#: (client-go, tools/record/events_cache.go EventAggregate). So it tells one duration.
COMBINED: Final = "(combined from similar events): "
CLOCK: Final = 1.0  # seconds: what times of events are rounded to

UNREADABLE = "events with a text that no kubelet since 1.20 writes"
NO_PULLING = "pulls without a duration whose Pulling event is missing"
SKEWED = "pulls with Pulled before Pulling (clock skew)"


class _Part(BaseModel):
    """A part of an event; what else it has is passed over."""

    model_config = ConfigDict(strict=True, frozen=True, alias_generator=to_camel)


class _About(_Part):
    namespace: str | None = None
    name: str | None = None
    field_path: str | None = None


class _Source(_Part):
    host: str | None = None


class _Event(_Part):
    """An event of ``v1`` or ``events.k8s.io/v1``, which has another name for what ``v1`` calls otherwise."""

    reason: str
    message: str | None = None
    note: str | None = None
    involved_object: _About | None = None
    regarding: _About | None = None
    source: _Source | None = None
    deprecated_source: _Source | None = None
    reporting_instance: str | None = None
    first_timestamp: str | None = None
    deprecated_first_timestamp: str | None = None
    last_timestamp: str | None = None
    deprecated_last_timestamp: str | None = None
    event_time: str | None = None


_EVENT: Final = TypeAdapter(_Event)


class _Told(NamedTuple):
    """What an event tells of a pull."""

    reason: str
    message: str
    container: tuple[str, ...]  # namespace, pod, container
    node: str
    first: float | None
    last: float | None


def read_events(items: Iterable[Any], file: str, lines: Sequence[int] | None = None) -> Observed:
    """Collect the pulls of events of ``v1`` or ``events.k8s.io/v1``; other items are counted as left out.

    ``lines``: those of the items, where each has one. Times without a zone are UTC. Raises InputError for an event
    about a pull that is not as the API has it.
    """
    items = list(items)
    events = [
        _read_event(item, *((file, ("items", number)) if lines is None else (f"{file}:{lines[number]}", ())))
        for number, item in enumerate(items)
        if isinstance(item, dict) and item.get("reason") in ("Pulling", "Pulled")
    ]
    observed = Observed(files=[file])
    if others := sum(not (isinstance(item, dict) and "reason" in item) for item in items):
        observed.left_out["items that are no events"] += others
    pulling: dict[tuple[str, ...], list[float]] = {}
    for event in events:
        match = _PULLING.match(event.message)
        if event.reason == "Pulling" and match and event.last is not None:
            times = [event.last] if event.first is None else [event.first, event.last]
            pulling.setdefault((*event.container, match["image"]), []).extend(times)
    for event in events:
        if event.reason != "Pulled" or "already present" in event.message:
            continue
        found = _read_text(event.message)
        if found is None:
            observed.left_out[UNREADABLE] += 1
        else:
            _take(observed, event, found, pulling.get((*event.container, found.image), []))
    return observed


class _Pulled(NamedTuple):
    """What the text of a Pulled says: seconds and bytes."""

    image: str
    seconds: float | None
    waiting: float | None
    size: int | None


def _read_text(message: str) -> _Pulled | None:
    """Read the text of a Pulled; None: no kubelet writes it."""
    match = _PULLED.match(message)
    if match is None:
        return None
    try:
        seconds, waiting = (None if match[key] is None else parse_duration(match[key]) for key in ("pull", "waiting"))
    except ValueError:
        return None
    size = None if match["size"] is None else int(match["size"])
    if max(seconds or 0.0, waiting or 0.0) > MOST_SECONDS or (size or 0) > MOST_BYTES:
        return None
    return _Pulled(match["image"], seconds, waiting, size)


def _take(observed: Observed, event: _Told, found: _Pulled, pulling: list[float]) -> None:
    ended = event.last
    asked = [at for at in pulling if ended is not None and at <= ended + CLOCK]
    if pulling and not asked:
        observed.left_out[SKEWED] += 1
        return
    if found.seconds is not None:
        began = None if ended is None else ended - found.seconds
        waits = found.waiting is None
        observed.pulls.append(
            ObservedPull(found.image, found.seconds, found.size, event.node, began, ended, waits=waits)
        )
    elif not asked or ended is None:
        observed.left_out[NO_PULLING] += 1
    else:
        seconds = max(ended - max(asked), 0.0)
        if seconds < CLOCK:
            observed.left_out["pulls without a duration that took less than the clock's second"] += 1
            return
        pull = ObservedPull(found.image, seconds, found.size, event.node, resolution=CLOCK, waits=True)
        observed.pulls.append(pull.measured_from(ended - seconds, ended))


def _read_event(item: Any, file: str, route: tuple[str | int, ...]) -> _Told:
    event = validated(_EVENT, item, file, route)
    about = event.involved_object or event.regarding or _About()
    source = event.source or event.deprecated_source or _Source()

    def time(*fields: str) -> float | None:
        for field in fields:
            if text := getattr(event, field):
                try:
                    return _seconds(text)
                except ValueError:
                    path = path_text((*route, to_camel(field)))
                    rule = f"{shown(text)} is no time, as 2026-05-01T10:00:00Z is"
                    raise InputError(f"{path}: {rule}", Location(file)) from None
        return None

    first = time("first_timestamp", "deprecated_first_timestamp", "event_time")
    last = time("last_timestamp", "deprecated_last_timestamp", "event_time")
    return _Told(
        event.reason,
        (event.message or event.note or "").removeprefix(COMBINED),
        (about.namespace or "", about.name or "", about.field_path or ""),
        source.host or event.reporting_instance or "",
        first,
        first if last is None else last,
    )


def _seconds(text: str) -> float | None:
    """Read a time as seconds since 1970; None for Go's zero time. Raises ValueError."""
    at = datetime.fromisoformat(text)
    if at.year == 1:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
