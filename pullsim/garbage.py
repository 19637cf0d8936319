"""How often Python looks for garbage in cycles."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_NEXT = 3_000_000  # objects made and not freed until the next look at the young ones
_OLDER = (50, 1000)  # looks until the older ones are looked at too
_MORE = 20  # times as many, if the last has found next to none
_FEW = 500_000  # objects; less are not worth a look


class _Objects:
    """Objects of the process that could be part of a cycle."""

    last = _FEW  # after the last look at all of them
    made = 0  # since then, in `rare_collections`, and not freed


class _Looks:
    """What looks at the young objects find: how rare the next is hangs on it."""

    def __init__(self) -> None:
        self.until = _NEXT  # objects made and not freed until the next
        self.made = 0  # before the last
        gc.set_threshold(self.until, *_OLDER)

    def __call__(self, phase: str, info: dict[str, int]) -> None:
        """Take note of a look (`gc.callbacks`)."""
        if phase == "stop" and info["generation"] == 0:
            self.made += self.until
            found_none = info["collected"] < self.until / _MORE
            self.until = _MORE * self.until if found_none else _NEXT
            gc.set_threshold(self.until, *_OLDER)


@contextmanager
def rare_collections() -> Iterator[None]:
    """Look rarely while many objects are made that stay, and not at the end: all objects count as old from then on.

    A run makes records and, but for failures, no cycles other than those of its world: looking for them at the usual
    rate, over and over through all records, is 25 % of the CPU time of W(300), and 90 % of that of its summary; each
    million objects, half a second of W(1000).
    """
    before = gc.get_threshold()
    looks = _Looks()
    gc.callbacks.append(looks)
    try:
        yield
    finally:
        gc.callbacks.remove(looks)
        _Objects.made += looks.made + gc.get_count()[0]
        gc.freeze()
        gc.unfreeze()  # all are old now, which takes no look at them
        gc.set_threshold(*before)


def collect() -> None:
    """Look at all objects if they may have doubled, before more are made: worlds of earlier runs are among them."""
    if _Objects.made > _Objects.last:
        gc.collect()
        _Objects.last = max(_FEW, len(gc.get_objects()))
        _Objects.made = 0
