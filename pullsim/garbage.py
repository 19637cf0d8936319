"""How often Python looks for garbage in cycles."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_THRESHOLDS = (1_000_000, 50, 1000)  # objects made and not freed until a look at the young ones, then the older
_GROWTH = 2  # times as many objects as after the last look at all of them: it is worth another one
_FEW = 500_000  # objects; less are not worth a look


class _Objects:
    """Objects of the process that could be part of a cycle."""

    last = _FEW  # after the last look at all of them
    now = 0  # at the end of the last `rare_collections`


@contextmanager
def rare_collections() -> Iterator[None]:
    """Look rarely while many objects are made that stay, and not at the end: all objects count as old from then on.

    A run makes records and hardly any cycles but those of its world: looking for them at the usual rate, over and over
    through all records, is 25 % of the CPU time of W(300), and 90 % of that of its summary.
    """
    before = gc.get_threshold()
    gc.set_threshold(*_THRESHOLDS)
    try:
        yield
    finally:
        _Objects.now = _count()
        gc.set_threshold(*before)


def collect() -> None:
    """Look at all objects if they have become many, before more are made: worlds of earlier runs are among them."""
    if _Objects.now > _GROWTH * _Objects.last:
        gc.collect()
        _Objects.last = max(_FEW, _count())
        _Objects.now = 0


def _count() -> int:
    """Make all objects old, and count them."""
    gc.freeze()
    count = gc.get_freeze_count()
    gc.unfreeze()
    return count
