"""The releases of the kubelet that are known."""

from __future__ import annotations

from typing import Final

from pullsim.releases.release import Releases

#: A release with its patch. The rules of the kubelet apply to all patches of a minor release unless they say otherwise.
Version = tuple[int, ...]

#: The newest known patch of each minor release (tags of kubernetes/kubelet of July 2026; CHANGELOG-1.37.md).
KUBELET: Final = Releases(
    "kubelet",
    {
        (1, 24): 17,
        (1, 25): 16,
        (1, 26): 15,
        (1, 27): 16,
        (1, 28): 15,
        (1, 29): 15,
        (1, 30): 14,
        (1, 31): 14,
        (1, 32): 13,
        (1, 33): 13,
        (1, 34): 10,
        (1, 35): 7,
        (1, 36): 3,
        (1, 37): 1,
    },
)
