"""Named random streams: one more node, or another knob, does not disturb the draws of the others."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import numpy as np

_FIRST_BLOCK, _LAST_BLOCK = 4, 64  # doubles drawn from numpy at a time: few at first, as most streams are short


class Streams:
    """The random streams of a run, by key."""

    def __init__(self, seed: int) -> None:
        if seed < 0:
            raise ValueError(f"a seed is a whole number >= 0, not {seed}")
        self._seed = seed
        self._streams: dict[tuple[str, ...], Stream] = {}

    def get(self, *key: str) -> Stream:
        """Return the stream of ``key``: always the same object, and independent of all others."""
        stream = self._streams.get(key)
        if stream is None:
            stream = self._streams[key] = Stream(self._seed, key)
        return stream


class Stream:
    """Independent draws, fixed by the seed and the key alone."""

    __slots__ = ("_block", "_generator", "_key", "_left", "_seed")

    def __init__(self, seed: int, key: tuple[str, ...]) -> None:
        self._seed = seed
        self._key = key
        self._generator: np.random.Generator | None = None
        self._block = _FIRST_BLOCK
        self._left: list[float] = []  # drawn, last one first

    def uniform(self) -> float:
        """Return a double in [0, 1)."""
        if not self._left:
            self._draw()
        return self._left.pop()

    def exponential(self, rate: float) -> float:
        """Return an exponential waiting time of mean 1/rate."""
        return -_log(1.0 - self.uniform()) / rate

    def choice(self, n: int) -> int:
        """Return one of 0, 1, …, n - 1, all equally likely."""
        return int(self.uniform() * n)

    def _draw(self) -> None:
        if self._generator is None:
            self._generator = _generator(self._seed, self._key)
        self._left = cast("list[float]", self._generator.random(self._block).tolist())
        self._left.reverse()
        self._block = min(2 * self._block, _LAST_BLOCK)


def _generator(seed: int, key: tuple[str, ...]) -> np.random.Generator:
    import numpy as np  # noqa: PLC0415  a tenth of the start of a command that draws nothing

    digest = hashlib.sha256()
    for part in key:
        text = part.encode()
        digest.update(b"%d:%b" % (len(text), text))  # ("ab", "c") is not ("a", "bc")
    words = np.frombuffer(digest.digest(), dtype="<u4").tolist()
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy=seed, spawn_key=words)))


def _log(x: float) -> float:
    """Return the natural logarithm of x > 0, from exact operations only: C libraries differ in the last bit."""
    mantissa, exponent = math.frexp(x)
    if mantissa < 0.7071067811865476:
        mantissa, exponent = 2.0 * mantissa, exponent - 1
    s = (mantissa - 1.0) / (mantissa + 1.0)  # |s| < 0.172: log = 2 artanh(s)
    square, series = s * s, 0.0
    for odd in range(23, 0, -2):
        series = series * square + 1.0 / odd
    return 2.0 * s * series + exponent * 0.6931471805599453
