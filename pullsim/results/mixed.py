"""Image names that mean different content on different pods of one run: a tag that moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pullsim.records import PodRecord


@dataclass(frozen=True, slots=True)
class MixedTag:
    """One image, as written in pods, and how many containers run each digest of it."""

    image: str
    containers: dict[str, int]  # by digest, most frequent first

    def __str__(self) -> str:
        """Warn in one line."""
        parts = ", ".join(f"{count:,} run {digest}" for digest, count in self.containers.items())
        return f"containers with the image {self.image} run different digests: {parts}"


def mixed_tags(pods: Iterable[PodRecord]) -> list[MixedTag]:
    """Return the images with more than one digest, by name; containers that did not start do not count."""
    counts: dict[str, dict[str, int]] = {}
    for pod in pods:
        for image, digest in zip(pod.images, pod.image_refs, strict=True):
            if digest is not None:
                digests = counts.setdefault(image, {})
                digests[digest] = digests.get(digest, 0) + 1
    return [
        MixedTag(image, dict(sorted(digests.items(), key=lambda item: (-item[1], item[0]))))
        for image, digests in sorted(counts.items())
        if len(digests) > 1
    ]
