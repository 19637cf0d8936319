"""A node's volume that was made of a snapshot, and the credits by which some volumes have all blocks at once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pullsim.kernel.event import Timeout
from pullsim.kernel.locks import KeyedLocks
from pullsim.spec.snapshot import credits_an_hour

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.kernel.environment import Environment
    from pullsim.reads import Part, Reads
    from pullsim.spec.snapshot import SnapshotSpec

_HOUR = 3600.0


class FastRestore:
    """The bucket of volume creation credits of one snapshot in one zone.

    It is empty when fast restore is enabled, fills at the rate of `credits_an_hour` and holds an hour's credits, at
    least one. A volume takes one credit; where there is less than one it is an ordinary volume, and takes none.
    """

    def __init__(self, size: int, since: float) -> None:
        """``size``: bytes of the volume; ``since``: time in seconds at which fast restore was enabled."""
        self._rate = credits_an_hour(size) / _HOUR
        self._most = max(1.0, credits_an_hour(size))
        self._credits = 0.0
        self._at = since
        self.created = 0  # volumes so far
        self.restored = 0  # those of them that took a credit

    def take(self, now: float) -> bool:
        """Create a volume; return whether it is restored fast."""
        if now > self._at:
            self._credits = min(self._most, self._credits + (now - self._at) * self._rate)
            self._at = now
        self.created += 1
        # A bucket that is full to rounding gives its last credit.
        if self._credits < 1.0 - 1e-9:
            return False
        self._credits = max(self._credits - 1.0, 0.0)
        self.restored += 1
        return True


class SnapshotVolume:
    """Reads of a volume: cold blocks come one round trip after the other, as many at a time as a process has reads.

    A block that was read once is there. Of the same layer one process at a time reads on: others wait, and find what
    it has read. With initialisation the volume gets its blocks by itself from its creation on, evenly wherever they
    are, so that of what is read at a time as large a share is there as of the whole volume.
    """

    def __init__(self, env: Environment, spec: SnapshotSpec, *, fast: bool) -> None:
        """``fast``: all blocks are there."""
        self._env = env
        self._spec = spec
        self._fast = fast
        self._created = env.now - spec.age
        self._warm: dict[str, int] = {}  # bytes of each layer that were read, from its first one on
        self._locks = KeyedLocks(env)

    def read(self, part: Part, reads: Reads) -> Generator[Any, Any, None]:
        """Wait until a process has read its part of a layer."""
        key, amount = part.key, part.amount
        if (turn := self._locks.acquire(key)) is not None:
            yield from self._locks.wait(key, turn)
        try:
            seconds = self.seconds(part, self._warm.get(key, 0), reads, self._env.now - self._created)
            if seconds > 0.0:
                yield Timeout(self._env, seconds)
            self._warm[key] = max(self._warm.get(key, 0), amount)
        finally:
            self._locks.release(key)

    def seconds(self, part: Part, warm: int, reads: Reads, age: float) -> float:
        """Return how long reading a part takes that begins ``age`` seconds after the volume's creation.

        ``warm``: bytes of the layer that were read before, from its first one on.
        """
        spec, warm = self._spec, min(warm, part.amount)
        rate = spec.read
        hot = 0.0 if rate is None else (part.amount - warm) / rate
        there = 0.0 if rate is None else warm / rate
        if self._fast or warm == part.amount:
            return hot + there
        blocks = reads.touched(part.amount, part.unpacked, spec.block) - reads.touched(warm, part.unpacked, spec.block)
        trips = blocks * spec.latency / reads.concurrency
        slow = trips if spec.cold is None else max(trips, blocks * spec.block / spec.cold)
        if spec.initialize is None or spec.size is None:
            return slow + hot + there
        return _while_initializing(slow, hot, spec.initialize / spec.size, age) + there


def _while_initializing(slow: float, hot: float, rate: float, age: float) -> float:
    """Return how long reading takes while the share of what is there grows by ``rate`` a second, at ``age`` from 0.

    ``slow`` is what all of it would take if nothing ever came by itself, beyond ``hot``, what it takes if all is there.
    A part dx of it takes (slow (1 - rate t) + hot) dx, where t is the age; that integrates to a logarithm.
    """
    done = 1.0 / rate  # the age at which all is there
    if age >= done:
        return hot
    first = slow * (1.0 - rate * age) + hot  # what all of it would take at the present speed
    growth = slow * rate
    ends = (first - first * math.exp(-growth)) / growth if growth else first
    if not hot or age + ends <= done:
        return ends
    read = math.log(first / hot) / growth  # the share that is read when all is there
    return done - age + (1.0 - read) * hot
