"""How often Python looks for garbage in cycles."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_THRESHOLDS = (1_000_000, 50, 1000)  # objects made and not freed until a look at the young ones, then the older
_FEW = 500_000  # objects; less are not worth a look


class _Objects:
    """Objects of the process that could be part of a cycle."""

    last = _FEW  # after the last look at all of them
    made = 0  # since then, in `rare_collections`, and not freed


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
        young, middle, _ = gc.get_count()
        _Objects.made += young + middle * _THRESHOLDS[0]
        gc.freeze()
        gc.unfreeze()  # all are old now, which takes no look at them
        gc.set_threshold(*before)


def collect() -> None:
    """Look at all objects if they may have doubled, before more are made: worlds of earlier runs are among them."""
    if _Objects.made > _Objects.last:
        gc.collect()
        _Objects.last = max(_FEW, len(gc.get_objects()))
        _Objects.made = 0
