"""A record of bounded size of a rate over time."""

from __future__ import annotations

_BINS = 2048


class Meter:
    """What a piecewise-constant rate carried, in bins from time 0.

    Bins are 1 s wide at first. Whenever the time would need more than 2048 bins, neighbours are merged, so that each is
    twice as wide. Times are in seconds, rates in a unit/s and amounts in that unit: bytes, for links. ``total`` is the
    exact integral of the rate, independent of the bins.
    """

    __slots__ = ("_bins", "_end", "_width", "total")

    def __init__(self) -> None:
        self.total = 0.0
        self._bins: list[float] = []  # amount carried in each bin
        self._width = 1.0  # seconds
        self._end = 0.0  # latest time that was counted

    def add(self, t0: float, t1: float, rate: float) -> None:
        """Add ``rate`` from ``t0`` to ``t1``. Intervals may overlap; their rates add up."""
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
        """Return (start, end, mean rate) of each bin from time 0 on. The last bin ends at the latest time counted."""
        width, end = self._width, self._end
        spans = ((i * width, min((i + 1) * width, end), amount) for i, amount in enumerate(self._bins))
        return [(start, stop, amount / (stop - start)) for start, stop, amount in spans if stop > start]

    def _merge(self) -> None:
        """Merge neighbouring bins, so that each is twice as wide."""
        bins = self._bins
        self._bins = [sum(bins[i : i + 2]) for i in range(0, len(bins), 2)]
        self._width *= 2.0
