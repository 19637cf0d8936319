"""How pulls differ between releases of CRI-O, patch releases included, and which releases are known."""

from __future__ import annotations

from typing import Final

from pullsim.frozen import dataclass
from pullsim.releases.release import Releases

#: Newest known patch of each minor release: the tags of cri-o/cri-o in August 2026, and its branch release-1.37. That
#: branch pulls as 1.36 does: server/image_pull.go and internal/storage/image.go are the same.
CRIO: Final = Releases(
    "CRI-O",
    {
        (1, 28): 11,
        (1, 29): 13,
        (1, 30): 14,
        (1, 31): 13,
        (1, 32): 13,
        (1, 33): 13,
        (1, 34): 11,
        (1, 35): 6,
        (1, 36): 3,
        (1, 37): 0,
    },
)

#: Number of blobs that one copy downloads in parallel, in all releases (containers/image copy/copy.go
#: maxParallelDownloads).
BLOBS_AT_ONCE: Final = 6


@dataclass(frozen=True, slots=True)
class CrioRelease:
    """The rules of pulls in which releases of CRI-O differ, those of their containers/image and storage included.

    From 1.33 on, a reference that is no image may be an OCI artifact: ``tries_artifacts`` and the fields after it say
    how a pull finds out. The error texts are those of internal/storage/image.go and internal/ociartifact/store.go.
    """

    reads_manifests_twice: bool = False  # first to compare it with the stored image: the pull ends if they are the same
    digests_parts: bool = True  # of a layer that was pulled in parts, all of its tar is read and hashed in the end
    locks_layers: bool = True  # a node applies one layer at a time, under the lock of the layer store
    tries_artifacts: bool = True  # what cannot be pulled as an image is tried as an OCI artifact
    tries_artifacts_first: bool = False  # the artifact is tried before the image, and not after it
    tries_artifacts_without_network: bool = True  # the artifact is tried even if the registry could not be reached
    copies_artifacts: bool = False  # artifacts are copied before their type is looked at (not simulated for images)
    # How the error begins if the artifact's manifest cannot be fetched either; the reason follows.
    no_manifest: str = ""
    no_artifact: str = ""  # the error if what was tried as an artifact is an image
    answers_id: bool = False  # PullImage returns the image's ID, as ImageStatus does; else repository@digest


_IS_IMAGE: Final = "provided artifact is a container image"
_NO_SOURCE: Final = "get manifest: build image source: "
_NO_COPY: Final = "pull artifact: "
_NOT_ARTIFACT: Final = "image reference: reference is a container image, not an OCI artifact"
_NO_REFERENCE: Final = "image reference: get manifest from ref: create image source: "

#: The rules by the first release that has them, newest first.
RELEASES: Final = (
    (
        (1, 35, 2),  # cri-o#9826 and, in 1.36, #9728: server/image_pull.go resolveImageRefToID
        CrioRelease(
            locks_layers=False,
            tries_artifacts_without_network=False,
            no_manifest=_NO_REFERENCE,
            no_artifact=_NOT_ARTIFACT,
            answers_id=True,
        ),
    ),
    (
        (1, 35, 1),  # storage/store.go stageWithUnlockedStore; internal/storage/image.go shouldTryArtifact (#9778)
        CrioRelease(
            locks_layers=False,
            tries_artifacts_without_network=False,
            copies_artifacts=True,
            no_manifest=_NO_COPY,
            no_artifact=_NOT_ARTIFACT,
        ),
    ),
    ((1, 35), CrioRelease(copies_artifacts=True, no_manifest=_NO_COPY, no_artifact=_NOT_ARTIFACT)),
    ((1, 33, 4), CrioRelease(no_manifest=_NO_SOURCE, no_artifact=_IS_IMAGE)),  # cri-o#9367
    ((1, 33), CrioRelease(tries_artifacts_first=True, no_manifest=_NO_SOURCE)),  # cri-o#8996
    ((1, 32, 3), CrioRelease(tries_artifacts=False)),  # containers/storage#2155, in its go.mod from here on
    ((1, 31), CrioRelease(digests_parts=False, tries_artifacts=False)),
    ((1, 28), CrioRelease(digests_parts=False, reads_manifests_twice=True, tries_artifacts=False)),  # cri-o#5039
)


def crio_release(version: tuple[int, ...]) -> CrioRelease:
    """Return the rules of a release (major, minor, patch). One older than all known ones has those of the oldest."""
    return next((release for since, release in RELEASES if version >= since), RELEASES[-1][1])
