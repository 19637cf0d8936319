"""What processes waited for of images that were mounted before they were there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullsim.frozen import dataclass

if TYPE_CHECKING:
    from pullsim.run import Result


@dataclass(frozen=True, slots=True)
class ReadUse:
    """The reads of the nodes of one pool."""

    requests: int
    fetched_bytes: int  # compressed bytes that these brought; what came in the background is not among them
    read_bytes: int  # unpacked bytes that processes read
    failed: int  # how often a process could not read on


def read_use(result: Result) -> dict[str, ReadUse]:
    """Return the reads of each pool that has any."""
    found: dict[str, ReadUse] = {}
    for row in result.reads:
        pool = result.pools[row.node]
        before = found.get(pool, ReadUse(0, 0, 0, 0))
        found[pool] = ReadUse(
            before.requests + row.requests,
            before.fetched_bytes + row.fetched,
            before.read_bytes + row.read,
            before.failed + (not row.ok),
        )
    return dict(sorted(found.items()))
