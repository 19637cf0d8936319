"""What EKS, GKE and AKS leave of a machine for pods, by their published rules.

Amounts of cpu are in millicores, amounts of memory in KiB.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

MIB: Final = 2**10
GIB: Final = 2**20
#: What a kubelet keeps for itself by default before it evicts pods (100 MiB of memory).
EVICTION: Final = 100 * MIB
#: Shares of the cores that EKS (amazon-eks-ami, nodeadm, kubelet/config.go) and GKE (plan node sizes) keep.
_CORES: Final = ((1, 0.06), (2, 0.01), (4, 0.005), (None, 0.0025))
#: Shares of the memory in GiB that GKE keeps (plan node sizes).
_GKE_MEMORY: Final = ((4, 0.25), (8, 0.2), (16, 0.1), (128, 0.06), (None, 0.02))
#: Millicores that AKS keeps of so many cores (node resource reservations); between them and beyond in line.
_AKS_CORES: Final = ((1, 60), (2, 100), (4, 140), (8, 180), (16, 260), (32, 420), (64, 740))
#: Shares of a machine's memory that kubelets see, from so many GiB on: what clusters of these sizes had.
_SEEN: Final = {
    "aws": ((0, 7982004 / (8 * GIB)), (32, 32497124 / (32 * GIB)), (384, 392033014 / (384 * GIB))),
    "gcp": ((0, 61727200 / (60 * GIB)),),
    "azure": ((0, 693505084 / (672 * GIB)),),
}


def allocatable_cpu(provider: str, cores: int) -> int:
    """Return the millicores of a machine with so many cores that pods may request."""
    if provider != "azure":
        return int(1000 * (cores - _kept(cores, _CORES)))
    known = [row for row in _AKS_CORES if row[0] <= cores]
    above = next((row for row in _AKS_CORES if row[0] > cores), None)
    count, kept = known[-1]
    slope = (above[1] - kept) / (above[0] - count) if above else 10
    return int(1000 * cores - kept - slope * (cores - count))


def allocatable_memory(provider: str, gigabytes: float, pods: int) -> int:
    """Return the KiB that pods may request of a machine with so many GiB of memory that takes so many pods."""
    seen = int(gigabytes * GIB * next(share for least, share in reversed(_SEEN[provider]) if gigabytes >= least))
    if provider == "aws":
        kept = (11 * pods + 255) * MIB
    elif provider == "azure":  # from 1.29 on
        kept = min((20 * pods + 50) * MIB, seen // 4)
    else:
        kept = int(_kept(gigabytes, _GKE_MEMORY) * GIB)
    return seen - kept - EVICTION


def _kept(amount: float, steps: Sequence[tuple[float | None, float]]) -> float:
    """Return the sum of the shares of an amount's steps; a step ends at its first value."""
    ends = [0.0, *(amount if end is None else min(end, amount) for end, _ in steps)]
    return sum(share * (upper - lower) for (lower, upper), (_, share) in zip(pairwise(ends), steps, strict=True))
