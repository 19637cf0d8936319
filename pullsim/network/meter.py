"""A record of bounded size of a rate over time."""

from __future__ import annotations

_BINS = 2048


class Meter:
    """What a piecewise-constant rate carried, in bins from time 0.

    Bins are 1 s wide at first; whenever time would need more than 2048 of them, they are merged in pairs. Seconds,
    units/s; ``total`` is the exact integral, independent of the bins.
    """

    __slots__ = ("_bins", "_end", "_width", "total")

    def __init__(self) -> None:
        self.total = 0.0
        self._bins: list[float] = []  # amount carried in each
        self._width = 1.0
        self._end = 0.0

    def add(self, t0: float, t1: float, rate: float) -> None:
        """Count ``rate`` from ``t0`` to ``t1``; several may overlap, their rates add up."""
        self.total += rate * (t1 - t0)
        self._end = max(self._end, t1)
        while t1 >= self._width * _BINS:
            self._merge()
        width, bins = self._width, self._bins
        first, last = int(t0 / width), int(t1 / width)
        if len(bins) <= last:
            bins.extend([0.0] * (last + 1 - len(bins)))
        if first == last:
            bins[first] += rate * (t1 - t0)
            return
        bins[first] += rate * ((first + 1) * width - t0)
        for i in range(first + 1, last):
            bins[i] += rate * width
        bins[last] += rate * (t1 - last * width)

    def samples(self) -> list[tuple[float, float, float]]:
        """Return (start, end, mean rate) of each bin from 0 on; the last one ends where the record does."""
        width, end = self._width, self._end
        spans = ((i * width, min((i + 1) * width, end), amount) for i, amount in enumerate(self._bins))
        return [(start, stop, amount / (stop - start)) for start, stop, amount in spans if stop > start]

    def _merge(self) -> None:
        bins = self._bins
        self._bins = [sum(bins[i : i + 2]) for i in range(0, len(bins), 2)]
        self._width *= 2.0
