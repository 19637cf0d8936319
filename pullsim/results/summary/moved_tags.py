"""Image names that mean different content on different pods of one run: a tag that moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.frozen import dataclass
from pullsim.results.wording import counted
from pullsim.rows import values

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pullsim.run import Result

NAMED: Final = 3  # pods that the warning names for each digest
_IMAGES: Final = ("images", "image_refs")  # the fields of a pod's row
SHORT: Final = len("sha256:") + 12  # characters of a digest in the warning


@dataclass(frozen=True, slots=True)
class MovedTag:
    """One image, as written in pods of one platform, and who runs which digest of it.

    The digest is the image's ID, what a container is created with. Digests are in order of their numbers of containers,
    largest first; image volumes count as containers.
    """

    image: str
    platform: str | None  # platform of the nodes; None where the run has a single one
    containers: dict[str, int]  # number of containers by digest
    nodes: dict[str, int]  # number of nodes by digest
    pods: dict[str, list[str]]  # pods by digest, as namespace/name

    def __str__(self) -> str:
        """Return the warning, which is one line."""
        where = f" on {self.platform}" if self.platform else ""
        parts = ", ".join(self._part(digest) for digest in self.containers)
        return f"containers with the image {self.image} run different digests{where}: {parts}"

    def _part(self, digest: str) -> str:
        names = [pod.removeprefix("default/") for pod in self.pods[digest]]
        more = ", …" if len(names) > NAMED else ""
        nodes = counted(self.nodes[digest], "node")
        return f"{self.containers[digest]:,} run {digest[:SHORT]} on {nodes} ({', '.join(names[:NAMED])}{more})"


def moved_tags(result: Result) -> list[MovedTag]:
    """Return the images with more than one digest on one platform, by name; what did not start does not count."""
    several = len(set(result.platforms.values())) > 1
    digests: dict[tuple[str, str], set[str]] = {}
    for image, platform, digest, _ in _runs(result):
        digests.setdefault((image, platform), set()).add(digest)
    moved = {tag for tag, them in digests.items() if len(them) > 1}
    found: dict[tuple[str, str], dict[str, list[tuple[str, str]]]] = {tag: {} for tag in sorted(moved)}
    for image, platform, digest, place in _runs(result) if moved else ():
        if (image, platform) in moved:
            found[image, platform].setdefault(digest, []).append(place)
    return [_moved_tag(image, platform if several else None, runs) for (image, platform), runs in found.items()]


def _runs(result: Result) -> Iterator[tuple[str, str, str, tuple[str, str]]]:
    """Yield image, platform and digest of every container that runs, and its node and pod."""
    platforms = {node: result.platforms.get(pool, "") for node, pool in result.pools.items()}
    for node, namespace, pod, images, digests in values(result.pods, "node", "namespace", "pod", *_IMAGES):
        platform = platforms.get(node or "", "")
        for image, digest in zip(images, digests, strict=True):
            if digest is not None:
                yield image, platform, digest, (node or "", f"{namespace}/{pod}")


def _moved_tag(image: str, platform: str | None, runs: dict[str, list[tuple[str, str]]]) -> MovedTag:
    ranked = sorted(runs.items(), key=lambda item: (-len(item[1]), item[0]))
    return MovedTag(
        image,
        platform,
        containers={digest: len(where) for digest, where in ranked},
        nodes={digest: len({node for node, _ in where}) for digest, where in ranked},
        pods={digest: sorted({pod for _, pod in where}) for digest, where in ranked},
    )
