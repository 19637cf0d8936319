"""Images that were brought to nodes ahead of their use, and that no pod there used."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from pullsim.frozen import dataclass
from pullsim.oci.reference import InvalidReference, parse
from pullsim.rows import values

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pullsim.run import Result


@dataclass(frozen=True, slots=True)
class UnusedImages:
    """Compressed bytes of images on nodes where no pod that uses them ever was, by who brought them there."""

    prepull_bytes: int  # fetched by prepull jobs
    daemon_set_bytes: int  # fetched by DaemonSets for images that pods of others use elsewhere
    cached_bytes: int  # of images on the nodes beforehand (`cached`), which no download of the run brought
    images: int  # pairs of a node and an image that prepull jobs and DaemonSets brought


class Brought(NamedTuple):
    """Bytes that a pull fetched ahead."""

    node: str
    image: str  # as written
    namespace: str
    pod: str
    prepull: bool  # by a prepull job; else by a DaemonSet
    bytes: int


def pulls_ahead(result: Result) -> bool:
    """Whether there is who brings images to nodes before their use: prepull jobs or DaemonSets."""
    return bool(result.prepulls) or "DaemonSet" in result.controllers.values()


def unused_pulls(result: Result) -> Iterator[Brought]:
    """Yield the pulls ahead whose image no other pod on the node used.

    A DaemonSet pulls ahead what pods of others use too: an image that none but DaemonSets use is their own. A layer
    counts with the image whose pull fetched it, also where another image of the node has it as well.
    """
    ahead = {(row.namespace, row.pod): True for row in result.prepulls}
    used: set[tuple[str | None, str]] = set()
    by_others: set[str] = set()
    columns = values(result.pods, "namespace", "workload", "pod", "node", "images")
    for namespace, workload, pod, node, images in columns:
        if result.controllers.get((namespace, workload)) == "DaemonSet":
            ahead[namespace, pod] = False
            continue
        for image in map(_name, images):
            used.add((node, image))
            by_others.add(image)
    if not ahead:
        return
    for row in values(result.pulls, "node", "image", "namespace", "pod", "downloaded"):
        node, image, namespace, pod, downloaded = row
        prepull = ahead.get((namespace, pod))
        name = _name(image)
        if prepull is None or not downloaded or (node, name) in used or not (prepull or name in by_others):
            continue
        yield Brought(node, image, namespace, pod, prepull, downloaded)


def unused_images(result: Result) -> UnusedImages | None:
    """Return what was brought and not used; None where nothing is brought ahead."""
    if not (result.cached_sizes or pulls_ahead(result)):
        return None
    found = [*unused_pulls(result)]
    return UnusedImages(
        prepull_bytes=sum(row.bytes for row in found if row.prepull),
        daemon_set_bytes=sum(row.bytes for row in found if not row.prepull),
        cached_bytes=_cached(result),
        images=len({(row.node, _name(row.image)) for row in found}),
    )


def _cached(result: Result) -> int:
    """Return the bytes of the images that nodes had beforehand and no pod there used, DaemonSets' pods too."""
    users: dict[str, set[str]] = defaultdict(set)
    for node, images in values(result.pods, "node", "images") if result.cached_sizes else ():
        if node is not None:
            users[node].update(map(_name, images))
    total = 0
    for node, pool in result.pools.items():
        sizes = result.cached_sizes.get(pool, {})
        total += sum(size for image, size in sizes.items() if _name(image) not in users[node])
    return total


def _name(image: str) -> str:
    """Return the full name of an image; the text itself of one that is no name."""
    try:
        return str(parse(image))
    except InvalidReference:
        return image
