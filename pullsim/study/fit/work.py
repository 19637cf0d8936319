"""What each observed pull had to do: the layers that were new on its node, and who downloaded beside it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pullsim.oci.manifest import Layer, Manifest, select, synthetic_digest
from pullsim.oci.platform import Platform
from pullsim.oci.reference import InvalidReference, parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullsim.oci.catalog import Catalog
    from pullsim.study.fit.observed import Observed, ObservedPull

#: An image of which only the size is known is taken as so many equal layers: the median of Docker Hub's official
#: images is 5 to 8.
USUAL_LAYERS: Final = 6
CLOCK: Final = 1.0  # seconds by which times of events may be off: less overlap is none

NO_SIZE: Final = "pulls of images without a size (kubelets tell it from 1.30; give --catalog or --manifests)"
NO_LAYERS: Final = "pulls of images in no catalogue, whose layers are not known"
OVERLAPPING: Final = "pulls that ran beside others on their node"
INVALID: Final = "pulls of names that are no image"


@dataclass(frozen=True, slots=True)
class Work:
    """One pull's work."""

    pull: ObservedPull
    layers: tuple[Layer, ...]  # those that were new on the node, from the bottom
    known: bool  # the layers are real ones
    sharers: float = 1.0  # nodes that downloaded from the same host, itself included, as the mean over the pull

    @property
    def size(self) -> int:
        """Give the bytes to download."""
        return sum(layer.size for layer in self.layers)


def work_of(observed: Observed, catalog: Catalog) -> list[Work]:
    """Find the work of the pulls that can be used; the others are counted in ``observed.left_out``.

    Layers that an earlier pull of the log brought to the node are not fetched again. If some images have real layers,
    those that have only a size are left out.
    """
    found: list[Work] = []
    on_node: dict[str, set[str]] = defaultdict(set)
    for pull in sorted(observed.pulls, key=lambda pull: (pull.ended is None, pull.ended or 0.0)):
        manifest = _manifest(pull, catalog, observed)
        if isinstance(manifest, str):
            observed.left_out[manifest] += pull.count
            continue
        layers, known = manifest
        present = on_node[pull.node] if pull.ended is not None and pull.node else set()
        new = tuple(layer for layer in layers if layer.digest not in present)
        present.update(layer.digest for layer in layers)
        found.append(Work(pull, new, known))
    found = _only_known(found, observed)
    return _shared(_alone(found, observed.pulls, observed))


def _manifest(pull: ObservedPull, catalog: Catalog, observed: Observed) -> tuple[tuple[Layer, ...], bool] | str:
    del observed
    try:
        reference = parse(pull.image)
    except InvalidReference:
        reference = None
    image = None if reference is None else catalog.lookup(reference, 0.0)
    if image is not None:
        manifest = image if isinstance(image, Manifest) else select(image, Platform("linux", "amd64"))
        if manifest is not None:
            return manifest.layers, True
    if pull.size is None:
        return NO_SIZE if reference is not None else INVALID
    size = pull.size // USUAL_LAYERS
    return tuple(Layer.of(synthetic_digest("fit", pull.image, str(n)), size) for n in range(USUAL_LAYERS)), False


def _only_known(found: list[Work], observed: Observed) -> list[Work]:
    known = [work for work in found if work.known]
    if not known or len(known) == len(found):
        return found
    observed.left_out[NO_LAYERS] += sum(work.pull.count for work in found if not work.known)
    return known


def _alone(found: list[Work], pulls: Sequence[ObservedPull], observed: Observed) -> list[Work]:
    """Leave out pulls beside which their node pulled something else, as far as enough are left."""
    spans: dict[str, list[ObservedPull]] = defaultdict(list)
    for pull in pulls:
        if pull.node and pull.began is not None:
            spans[pull.node].append(pull)
    alone = [work for work in found if not _overlaps(work.pull, spans[work.pull.node] if work.pull.node else [])]
    if len(alone) == len(found) or len(alone) < max(5, len(found) // 4):
        return found
    observed.left_out[OVERLAPPING] += sum(work.pull.count for work in found) - sum(work.pull.count for work in alone)
    return alone


def _overlaps(pull: ObservedPull, others: Sequence[ObservedPull]) -> bool:
    return any(other is not pull and _overlap(pull, other) > CLOCK + 0.1 * pull.seconds for other in others)


def _overlap(one: ObservedPull, other: ObservedPull) -> float:
    """Give the seconds that both ran."""
    if one.began is None or one.ended is None or other.began is None or other.ended is None:
        return 0.0
    return max(0.0, min(one.ended, other.ended) - max(one.began, other.began))


def _shared(found: list[Work]) -> list[Work]:
    """Count the downloads of other nodes from the same host beside each pull."""
    by_host: dict[str, list[ObservedPull]] = defaultdict(list)
    for work in found:
        if work.size:
            by_host[_host(work.pull)].append(work.pull)
    made = []
    for work in found:
        pull = work.pull
        others = [other for other in by_host[_host(pull)] if other.node != pull.node]
        beside = sum(_overlap(pull, other) for other in others) / pull.seconds if pull.seconds else 0.0
        made.append(Work(pull, work.layers, work.known, 1.0 + beside))
    return made


def _host(pull: ObservedPull) -> str:
    try:
        return parse(pull.image).domain
    except InvalidReference:
        return ""
