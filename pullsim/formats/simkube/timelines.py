"""What the events of a trace make of each object: which of its pods there are from when to when.

SimKube's driver applies and deletes the objects, and their controllers do the rest. Here an object that is scaled gets
pods or loses its youngest, one whose template changes gets new pods in place of all at once, and one that is deleted
loses all.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pullsim.formats.kubernetes.item import Item
from pullsim.frozen import dataclass
from pullsim.inputs.fields import mapping

if TYPE_CHECKING:
    from pullsim.formats.simkube.trace_file import Trace

SCALED: Final = ("Deployment", "ReplicaSet", "StatefulSet")
#: The fields of a spec that a change of which begins anew; None: no change does. Of other kinds every field is one.
_DECISIVE: Final = {
    **dict.fromkeys((*SCALED, "DaemonSet"), ("template",)),
    "Job": ("template", "suspend"),
    "CronJob": ("jobTemplate", "schedule", "suspend"),
    "Pod": (),
}


@dataclass(frozen=True, slots=True)
class Part:
    """Pods of an object, from their creation to their end; times are seconds from the first event of the trace."""

    item: Item  # the object as it was applied
    number: int  # of scaled kinds how many pods there were before, of others how many appearances
    count: int | None  # None: as many as the object has
    begins: int
    ends: int | None = None  # None: not by the end of the trace


class Timeline(NamedTuple):
    """The pods of one object over time."""

    parts: list[Part]  # in the order of their begin
    replaced: bool  # whether a change of the object replaced pods


def timelines(trace: Trace) -> list[Timeline]:
    """Return what became of each object, in the order in which objects came first. Raises InputError."""
    found: dict[tuple[str, str, str], _Object] = {}
    for number, event in enumerate(trace.document.tree["events"]):
        at = trace.times[number] - trace.times[0]
        for key in ("applied_objs", "deleted_objs"):
            for place, value in enumerate(event[key]):
                name = value["kind"], value["metadata"].get("namespace", ""), value["metadata"]["name"]
                timeline = found.setdefault(name, _Object(value["kind"]))
                if key == "applied_objs":
                    timeline.apply(Item(value, trace.document, ("events", number, key, place)), at)
                else:
                    timeline.end(at)
    return [timeline.result() for timeline in found.values()]


class _Object:
    """One object, as the events change it."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._scaled = kind in SCALED
        self._decisive: Any = None
        self._made = 0
        self._replaced = False
        self._open: list[Part] = []  # the oldest first
        self._ended: list[Part] = []

    def apply(self, item: Item, at: int) -> None:
        """Take a new state of the object."""
        spec = mapping(item.value, "spec")
        fields = _DECISIVE.get(self._kind, tuple(spec))
        decisive = {field: spec.get(field) for field in fields}
        if self._open and decisive != self._decisive:
            self.end(at)
            self._replaced = True
        self._decisive = decisive
        if not self._scaled:
            if not self._open:
                self._open.append(Part(item, self._made, None, at))
                self._made += 1
            return
        wanted = item.mapping("spec").count("replicas", 1)
        surplus = sum(part.count or 0 for part in self._open) - wanted
        if surplus < 0:
            self._open.append(Part(item, self._made, -surplus, at))
            self._made -= surplus
        self._shrink(surplus, at)

    def end(self, at: int) -> None:
        """End all that there is."""
        self._ended += (replace(part, ends=at) for part in self._open)
        self._open.clear()

    def result(self) -> Timeline:
        """Return the parts that lasted."""
        lasting = (part for part in (*self._ended, *self._open) if part.ends is None or part.ends > part.begins)
        return Timeline(sorted(lasting, key=lambda part: (part.begins, part.number)), self._replaced)

    def _shrink(self, surplus: int, at: int) -> None:
        """End the youngest pods (pkg/controller/controller_utils.go, ActivePodsWithRanks; StatefulSets too)."""
        while surplus > 0:
            youngest = self._open.pop()
            assert youngest.count is not None
            gone = min(surplus, youngest.count)
            kept = youngest.count - gone
            if kept:
                self._open.append(replace(youngest, count=kept))
            self._ended.append(replace(youngest, number=youngest.number + kept, count=gone, ends=at))
            surplus -= gone
