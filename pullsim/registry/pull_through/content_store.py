"""What one replica of a pull-through cache has stored."""

from __future__ import annotations

import itertools
from collections import OrderedDict


class ContentStore:
    """Manifests and blobs by digest, at most ``capacity`` bytes of them, each for ``ttl`` seconds at most.

    What has ended, and else the least recently used, goes first where room is needed. What is larger than the capacity
    is not kept.
    """

    __slots__ = ("_capacity", "_contents", "_ends", "_ttl", "evictions", "used")

    def __init__(self, capacity: float, ttl: float) -> None:
        self._capacity = capacity
        self._ttl = ttl
        self._contents: OrderedDict[str, int] = OrderedDict()  # sizes by digest, the least recently used first
        self._ends: dict[str, float] = {}  # when the time of each is over, in that order, as all have as much
        self.used = 0  # bytes
        self.evictions = 0  # contents that went as room was needed

    def has(self, digest: str, now: float) -> bool:
        """Whether the content is there."""
        return now < self._ends.get(digest, now)

    def use(self, digest: str, now: float) -> bool:
        """Return whether the content is there, and make it the most recently used."""
        if not self.has(digest, now):
            return False
        self._contents.move_to_end(digest)
        return True

    def put(self, digest: str, size: int, now: float) -> None:
        """Keep a content, and evict others until there is room for it."""
        self.expire(now)
        if size > self._capacity or self._ttl <= 0.0:
            return
        self.used -= self._contents.pop(digest, 0)
        self._ends.pop(digest, None)
        while self.used + size > self._capacity:
            evicted, freed = self._contents.popitem(last=False)
            self._ends.pop(evicted)
            self.used -= freed
            self.evictions += 1
        self._contents[digest] = size
        self._ends[digest] = now + self._ttl
        self.used += size

    def expire(self, now: float) -> None:
        """Drop the contents whose time is over."""
        over = list(itertools.takewhile(lambda digest: self._ends[digest] <= now, self._ends))
        for digest in over:
            self._ends.pop(digest)
            self.used -= self._contents.pop(digest)
