"""How layers come and are unpacked, calculated step by step: what the runtimes' pulls are compared with."""

from __future__ import annotations

from itertools import accumulate


def simultaneous(fetch, slots):
    """Ends of fetches that share a link equally, `slots` at a time, in order: a step by step simulation."""
    left, ends, now = dict(enumerate(fetch)), {}, 0.0
    while left:
        active = list(left)[:slots]
        step = min(left[each] for each in active)
        now += step * len(active)
        for each in active:
            left[each] -= step
            if left[each] <= 1e-12:
                ends[each] = now
                del left[each]
    return [ends[each] for each in range(len(fetch))]


def unpacked(fetched, work):
    """E_i = max(F_i, E_{i-1}) + A_i."""
    return list(
        accumulate(zip(fetched, work, strict=True), lambda end, each: max(end, each[0]) + each[1], initial=0.0)
    )[1:]


PULLS = [  # (fetch, unpack) of each layer
    [(1, 3), (4, 2)],
    [(1, 1), (1, 1), (1, 1), (1, 1), (1, 1)],
    [(5, 5), (1, 0.5), (1, 0.5), (1, 0.5)],  # the big layer first …
    [(1, 0.5), (1, 0.5), (1, 0.5), (5, 5)],  # … and last
    [(3, 0.25), (2, 4), (1, 0), (0.5, 2), (6, 1), (0.25, 0.25), (2, 1)],
    [(0.5, 2)] * 8,
]
