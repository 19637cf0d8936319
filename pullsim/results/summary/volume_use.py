"""How many volumes that nodes got from a snapshot were restored fast."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pullsim.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pullsim.records import VolumesRecord


@dataclass(frozen=True, slots=True)
class VolumeUse:
    """The volumes of a pool whose snapshot has fast restore."""

    created: int
    restored_fast: int  # with all blocks from the start; the others get theirs when they are read


def volume_use(records: Iterable[VolumesRecord]) -> dict[str, VolumeUse]:
    """Return the volumes of each pool, those of all zones together."""
    created: Counter[str] = Counter()
    restored: Counter[str] = Counter()
    for record in records:
        created[record.pool] += record.created
        restored[record.pool] += record.restored
    return {pool: VolumeUse(created[pool], restored[pool]) for pool in sorted(created)}
