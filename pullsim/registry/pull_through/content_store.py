"""What one replica of a pull-through cache has stored."""

from __future__ import annotations

from collections import OrderedDict


class ContentStore:
    """Manifests and blobs by digest, at most ``capacity`` bytes of them, each for ``ttl`` seconds at most.

    The least recently used goes first where room is needed. What is larger than the capacity is not kept.
    """

    __slots__ = ("_capacity", "_contents", "_ttl", "evictions", "used")

    def __init__(self, capacity: float, ttl: float) -> None:
        self._capacity = capacity
        self._ttl = ttl
        self._contents: OrderedDict[str, tuple[int, float]] = OrderedDict()  # size and time of the end, by digest
        self.used = 0  # bytes
        self.evictions = 0  # contents that went as room was needed

    def has(self, digest: str, now: float) -> bool:
        """Whether the content is there; if its time is over it is dropped."""
        found = self._contents.get(digest)
        if found is None:
            return False
        size, ends = found
        if now < ends:
            return True
        del self._contents[digest]
        self.used -= size
        return False

    def use(self, digest: str, now: float) -> bool:
        """Return whether the content is there, and make it the most recently used."""
        if not self.has(digest, now):
            return False
        self._contents.move_to_end(digest)
        return True

    def put(self, digest: str, size: int, now: float) -> None:
        """Keep a content, and evict others until there is room for it."""
        if size > self._capacity or self._ttl <= 0.0:
            return
        before = self._contents.pop(digest, None)
        if before is not None:
            self.used -= before[0]
        while self.used + size > self._capacity:
            _, (freed, ends) = self._contents.popitem(last=False)
            self.used -= freed
            self.evictions += now < ends
        self._contents[digest] = (size, now + self._ttl)
        self.used += size
