"""The pods of a trace: each object's as its manifest says, from when to when the trace says."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final

from pullsim.errors import InputError, InputErrors, Location
from pullsim.formats.kubernetes.cron import EPOCH, RecordedTimes, Schedule
from pullsim.formats.kubernetes.objects import objects_of
from pullsim.formats.kubernetes.pod import RUN_ANNOTATION
from pullsim.formats.simkube.timelines import timelines
from pullsim.formats.simkube.trace_file import read_trace
from pullsim.inputs.fields import entries, mapping, text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pullsim.formats.kubernetes.item import Item
    from pullsim.formats.kubernetes.objects import Objects
    from pullsim.formats.kubernetes.pod_group import PodGroup
    from pullsim.formats.simkube.timelines import Part
    from pullsim.formats.simkube.trace_file import Life, Trace
    from pullsim.inputs.document import Route

_MINUTE: Final = 60  # seconds
#: Where the kinds whose pods end by themselves have their pods' template.
_ENDING: Final[dict[str, tuple[str, ...]]] = {
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}


def read_trace_objects(path: Path, namespace: str = "default") -> Objects:
    """Read the objects of a trace file; `read_objects` says what ``namespace`` is. Raises InputErrors with all errors.

    Groups of pods that come after the first event, or end, have ``begins`` and ``lives``.
    """
    trace = read_trace(path)
    found = timelines(trace)
    by_route: dict[Route, list[Part]] = {}
    for part in (part for timeline in found for part in timeline.parts):
        by_route.setdefault(part.item.route, []).append(part)
    if not by_route:
        wrong = "nothing in the trace is there for longer than an instant"
        raise InputErrors([InputError(wrong, Location(str(path)))])
    objects = objects_of([_timed(trace, parts[0].item) for parts in by_route.values()], path.name, namespace)
    objects.groups = [_group(trace, group, part) for group in objects.groups for part in by_route[group.route]]
    for timeline in found:
        if timeline.replaced and timeline.parts:
            item = timeline.parts[0].item
            text = "the trace changes its template: all its pods are replaced at once"
            objects.told.about(f"{item.value['kind']} {item.name}", text)
    return objects


def _group(trace: Trace, group: PodGroup, part: Part) -> PodGroup:
    """Return a part of an object's pods."""
    lives = None if part.ends is None else float(part.ends - part.begins)
    group = replace(group, begins=float(part.begins), lives=lives)
    if group.pods is not None and part.count is not None:
        first = None if group.pods.first is None else group.pods.first + part.number
        group = replace(group, pods=replace(group.pods, count=part.count, first=first, offset=part.number))
    elif part.number:  # the object was there before: the pods of its name too
        name = f"{group.name}-{part.number + 1}"
        group = replace(group, name=name, pods=None if group.pods is None else replace(group.pods, name=name))
    if group.kind == "Pod" and (seconds := _running(trace, part.item)) is not None:
        containers = tuple(replace(each, run=seconds, completes=True) for each in group.spec.containers)
        group = replace(group, spec=replace(group.spec, containers=containers))
    if isinstance(group.schedule, Schedule):
        group = replace(group, schedule=_recorded(trace, group.schedule, part), lives=None)
    return group


def _timed(trace: Trace, item: Item) -> Item:
    """Return a Job or CronJob with the annotation that says how long its containers run, if the trace tells."""
    keys = _ENDING.get(item.value["kind"], ())
    template: dict[str, Any] = mapping(item.value, *keys) if keys else {}
    seconds = _running(trace, item)
    names = [name for each in entries(template, "spec", "containers") if (name := text(each, "name"))]
    if seconds is None or not names or RUN_ANNOTATION in mapping(template, "metadata", "annotations"):
        return item
    value = deepcopy(item.value)
    template = mapping(value, *keys)
    metadata = template["metadata"] = dict(mapping(template, "metadata"))
    runs = ",".join(f"{name}={seconds:.9g}s" for name in names)
    metadata["annotations"] = {**mapping(metadata, "annotations"), RUN_ANNOTATION: runs}
    return replace(item, value=value)


def _running(trace: Trace, item: Item) -> float | None:
    """Return the seconds that the pods of an object ran on average; None: the trace knows of none that ended."""
    durations = [end - start for start, end in _known(trace, item) if end is not None]
    return fmean(durations) if durations else None


def _known(trace: Trace, item: Item) -> list[Life]:
    """Return the lives of an object's pods; a bare pod owns itself (sk-core/src/k8s/gvk.rs, sk-tracer/src/store.rs)."""
    kind = f"{item.value['apiVersion']}.{item.value['kind']}"
    return trace.lives.get((kind, f"{item.value['metadata'].get('namespace', '')}/{item.name}"), [])


def _recorded(trace: Trace, schedule: Schedule, part: Part) -> RecordedTimes:
    """Return when a CronJob's pods came, or without any when its schedule makes Jobs until the end of the trace."""
    begin = trace.times[0] + part.begins
    end = trace.times[-1] if part.ends is None else trace.times[0] + part.ends
    seen = sorted({start - start % _MINUTE for start, _ in _known(trace, part.item) if begin <= start <= end})
    return RecordedTimes(tuple(float(max(at - begin, 0)) for at in seen or _scheduled(schedule, begin, end)))


def _scheduled(schedule: Schedule, begin: int, end: int) -> Iterator[int]:
    """Yield the times of a schedule between two times since 1970."""
    epoch = int(EPOCH.timestamp())
    return (epoch + int(at) for at in schedule.times(begin - epoch, end - epoch))
