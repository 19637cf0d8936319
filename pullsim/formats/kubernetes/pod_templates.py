"""Pod templates of objects of any kind, found by their shape, and how many pods each has.

A pod template is a mapping ``template`` whose ``spec`` has containers; a mapping with containers itself is a pod's spec
(KServe has such). On the way down, ``replicas`` and ``parallelism`` multiply (JobSet). Of a LeaderWorkerSet each
replica is a group of ``size`` pods, one of which is its leader.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pullsim.frozen import dataclass
from pullsim.inputs.fields import entries, mapping, text, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pullsim.inputs.document import Route

_FACTORS: Final = ("replicas", "parallelism", "minReplicas")
_DEEPEST: Final = 13
_GROUP: Final = ("spec", "leaderWorkerTemplate")
_MOST: Final = 100_000


@dataclass(frozen=True, slots=True)
class FoundTemplate:
    """A pod template in an object; ``pods`` is None where nothing says how many."""

    template: dict[str, Any]
    pods: int | None
    part: str  # what it is called in the object: the name of a part, or the key above it
    route: Route  # of the pod's spec, from the top of the object


def pod_templates(value: dict[str, Any]) -> Iterator[FoundTemplate]:
    """Yield the pod templates of an object."""
    if text(value, "kind") == "LeaderWorkerSet":
        yield from _leader_worker_set(mapping(value, "spec"))
    else:
        yield from _below(mapping(value, "spec"), None, text(value, "kind"), ("spec",))


def _below(value: Any, pods: int | None, part: str, route: Route) -> Iterator[FoundTemplate]:
    if isinstance(value, list):
        for position, entry in enumerate(value):
            yield from _below(entry, pods, text(entry, "name") or part, (*route, position))
    elif isinstance(value, dict) and len(route) < _DEEPEST:
        for factor in _FACTORS:
            if (number := whole(value, factor)) is not None:
                pods = min((1 if pods is None else pods) * number, _MOST)
        template = mapping(value, "template")
        if _has_containers(mapping(template, "spec")):
            yield FoundTemplate(template, pods, part, (*route, "template", "spec"))
        elif _has_containers(value):
            yield FoundTemplate({"spec": value}, pods, part, route)
        else:
            for key in sorted(value):
                yield from _below(value[key], pods, part if key in ("template", "spec") else key, (*route, key))


def _has_containers(spec: dict[str, Any]) -> bool:
    return any(text(each, "image") for each in entries(spec, "containers"))


def _leader_worker_set(spec: dict[str, Any]) -> Iterator[FoundTemplate]:
    """Yield leaders and workers; without a template of their own leaders are made from the workers'."""
    groups, inner = whole(spec, "replicas"), mapping(spec, "leaderWorkerTemplate")
    size = whole(inner, "size") or 1
    leader, worker = mapping(inner, "leaderTemplate"), mapping(inner, "workerTemplate")
    count = 1 if groups is None else groups
    if _has_containers(mapping(leader, "spec")):
        yield FoundTemplate(leader, count, "leader", (*_GROUP, "leaderTemplate", "spec"))
        count *= size - 1
    else:
        count *= size
    if count and _has_containers(mapping(worker, "spec")):
        yield FoundTemplate(worker, min(count, _MOST), "worker", (*_GROUP, "workerTemplate", "spec"))
