"""The units of a layer that is mounted by its metadata: which are on the node, and which are on their way."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from pullsim.kernel.event import Event
from pullsim.spec.lazy import BATCH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullsim.kernel.environment import Environment
    from pullsim.oci.manifest import Layer
    from pullsim.runtime.snapshotter.ranges import Ranges
    from pullsim.spec.lazy import LazySpec

ABSENT: Final = 0
COMING: Final = 1  # requested, or being inflated
PACKED: Final = 2  # on the node, and not inflated yet
PRESENT: Final = 3


class LazyLayer:
    """One layer of an image on one node, in units of equal size, of which a request brings several that lie together.

    The last unit is as large as the others here.

    Whoever wants a unit that is on its way waits for it, so that no unit is requested twice at a time.
    """

    __slots__ = (
        "_coming",
        "_env",
        "_first",
        "_state",
        "batch",
        "cached",
        "chain_id",
        "count",
        "layer",
        "ranges",
        "seconds",
        "together",
        "unit",
    )

    def __init__(self, env: Environment, layer: Layer, ranges: Ranges, spec: LazySpec, seconds: float) -> None:
        """``seconds``: of a core to inflate and hash the whole layer."""
        unit = spec.grain or spec.unit
        self.layer = layer
        self.chain_id = ""  # key of the snapshot, with which the units are gone; "" until it is mounted
        self.ranges = ranges
        self.cached = 0  # bytes of the disk that its units take before it is mounted
        self.unit = unit  # bytes of one unit when inflated
        self.together = max(1, spec.unit // unit)  # units that one request brings at the most
        self.batch = 1 if ranges.bulk is None else max(1, BATCH // spec.unit)  # requests that are taken together
        self.count = math.ceil(layer.unpacked / unit)
        self.seconds = seconds / self.count if self.count else 0.0  # of one unit
        self._env = env
        self._state = bytearray(self.count)
        self._coming: dict[int, Event] = {}
        self._first = 0  # no unit before this one is absent

    def state(self, unit: int) -> int:
        """Return the state of a unit: ABSENT, COMING, PACKED or PRESENT."""
        return self._state[unit]

    def has(self, read: range) -> bool:
        """Whether all of some units are there, and inflated."""
        return self._state.count(PRESENT, read.start, read.stop) == len(read)

    def lacks(self, read: range) -> Sequence[int]:
        """Return those of some units that are ABSENT."""
        state = self._state
        absent = state.count(ABSENT, read.start, read.stop)
        if not absent or absent == len(read):
            return read if absent else ()
        return [unit for unit in read if state[unit] == ABSENT]

    def coming(self, unit: int) -> Event:
        """Return the event of the end of the request that brings a unit, or of its inflating."""
        return self._coming[unit]

    def expect(self, units: Sequence[int]) -> Event:
        """Note that units are requested, or inflated; return the event that `arrive` lets happen."""
        event = Event(self._env)
        for unit in units:
            self._state[unit] = COMING
            self._coming[unit] = event
        return event

    def arrive(self, units: Sequence[int], event: Event, state: int) -> None:
        """Note that units are there, or ABSENT again since they could not be had or kept."""
        for unit in units:
            self._state[unit] = state
            del self._coming[unit]
        if state == ABSENT:
            self._first = min(self._first, min(units, default=0))
        event.succeed()

    def left(self) -> int:
        """Return how many units are neither there nor on their way."""
        return self._state.count(ABSENT)

    def absent(self, most: int) -> list[int]:
        """Return the first units that are neither there nor on their way, at the most so many."""
        found: list[int] = []
        state, count, unit = self._state, self.count, self._first
        while unit < count and len(found) < most:
            if state[unit] == ABSENT:
                found.append(unit)
            unit += 1
        self._first = found[0] if found else unit
        return found

    def requests(self, units: Sequence[int]) -> int:
        """Return by how many requests units come, which are in ascending order."""
        found, length, before = 0, 0, -2
        for unit in units:
            length = length + 1 if unit == before + 1 and length < self.together else 1
            found += length == 1
            before = unit
        return found

    def place(self, unit: int) -> int:
        """Return the byte of the blob at which a unit begins."""
        return self.layer.size * unit // self.count

    def blob_bytes(self, units: Sequence[int]) -> int:
        """Return the compressed bytes of units."""
        return _share(self.layer.size, self.count, units)

    def unpacked_bytes(self, units: Sequence[int]) -> int:
        """Return the inflated bytes of units."""
        return _share(self.layer.unpacked, self.count, units)


def _share(size: int, count: int, units: Sequence[int]) -> int:
    """Return the bytes of units of something that consists of ``count`` of them."""
    if units and units[-1] == units[0] + len(units) - 1 and list(units) == list(range(units[0], units[-1] + 1)):
        return size * (units[-1] + 1) // count - size * units[0] // count
    return sum(size * (unit + 1) // count - size * unit // count for unit in units)
