"""How releases of CRI-O differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class CrioRelease:
    """What differs between releases of CRI-O, each of which has its own containers/image and containers/storage."""

    reads_manifests_twice: bool  # once to compare with what is stored, which ends the pull if it is the same
    locks_layers: bool  # one layer at a time is applied on a node: the lock of the layer store is held meanwhile
    tries_artifacts: bool  # what cannot be pulled as an image is tried once more, as an OCI artifact
    tries_artifacts_without_network: bool  # even if the registry could not be reached
    no_artifact: str = ""  # what is said of an image there


_ARTIFACT: Final = "provided artifact is a container image"
_REFERENCE: Final = "image reference: reference is a container image, not an OCI artifact"
#: From which release on something holds, newest first.
RELEASES: Final = (
    ((1, 36), CrioRelease(False, False, True, False, _REFERENCE)),  # cri-o#9778; container-libs storage/store.go
    ((1, 35), CrioRelease(False, True, True, True, _REFERENCE)),
    ((1, 33), CrioRelease(False, True, True, True, _ARTIFACT)),  # cri-o#8996, in the order of cri-o#9367
    ((1, 31), CrioRelease(False, True, False, False)),
    ((1, 28), CrioRelease(True, True, False, False)),  # cri-o#5039
)
OLDEST, NEWEST = RELEASES[-1][0], RELEASES[0][0]


def crio_release(version: tuple[int, int]) -> CrioRelease:
    """Return how a release behaves; before the oldest that is known, as that one."""
    return next((release for since, release in RELEASES if version >= since), RELEASES[-1][1])
