"""When Python's garbage collector runs: rarely during a run, which makes many objects that stay, and before it."""

from __future__ import annotations

import atexit
import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOADED = 200_000  # threshold of the youngest generation in a command: more than it imports, reads and builds
_NEXT = 3_000_000  # threshold of the youngest generation: objects made and not freed between two collections of it
_OLDER = (50, 1000)  # thresholds of the two older generations, as in `gc.set_threshold`
_MORE = 20  # factor by which the threshold grows after a collection that found almost nothing
_FEW = 500_000  # objects of the process; with fewer a full collection is not worth its time


class _Objects:
    """Numbers of the objects of the process that the garbage collector tracks."""

    last = _FEW  # after the last full collection
    made = 0  # within `rare_collections` since then, and not freed


class _YoungCollections:
    """Sets the threshold of the youngest generation by how much its last collection found."""

    def __init__(self) -> None:
        self.until = _NEXT  # the present threshold
        self.made = 0  # objects made and not freed up to the last collection
        gc.set_threshold(self.until, *_OLDER)

    def __call__(self, phase: str, info: dict[str, int]) -> None:
        """Adapt the threshold after a collection of the youngest generation: one of `gc.callbacks`."""
        if phase == "stop" and info["generation"] == 0:
            self.made += self.until
            found_none = info["collected"] < self.until / _MORE
            self.until = _MORE * self.until if found_none else _NEXT
            gc.set_threshold(self.until, *_OLDER)


@contextmanager
def rare_collections() -> Iterator[None]:
    """Collect garbage rarely in the body of the ``with``; afterwards all objects are in the oldest generation.

    A run makes many records that stay and, other than by failures, no cycles apart from those of its simulated cluster.
    Collections at Python's usual rate visit all records again and again. They take 25 % of the CPU time of a rollout to
    300 nodes, W(300), and 90 % of that of its summary; one after each million objects takes half a second of W(1000).
    """
    before = gc.get_threshold()
    collections = _YoungCollections()
    gc.callbacks.append(collections)
    try:
        yield
    finally:
        gc.callbacks.remove(collections)
        _Objects.made += collections.made + gc.get_count()[0]
        gc.freeze()
        gc.unfreeze()  # together these move all objects to the oldest generation, without a collection
        gc.set_threshold(*before)


def of_command() -> None:
    """Collect garbage rarely for the rest of the process, and not when it ends: what is imported, read and built stays.

    At Python's usual rate collections take a twentieth of the instructions of `pullsim validate`, and find nothing. So
    does the last one, which frees objects one by one that end with the process.
    """
    gc.set_threshold(_LOADED)
    atexit.register(gc.freeze)


def collect() -> None:
    """Run a full collection if the number of objects may have doubled: it frees the clusters of earlier runs."""
    if _Objects.made > _Objects.last:
        gc.collect()
        _Objects.last = max(_FEW, len(gc.get_objects()))
        _Objects.made = 0
