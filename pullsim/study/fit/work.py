"""What each observed pull had to do: the layers that were new on its node, and who downloaded beside it."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from itertools import accumulate, islice
from typing import TYPE_CHECKING, Final

from pullsim.frozen import dataclass
from pullsim.oci.manifest import Layer, Manifest, select, synthetic_digest
from pullsim.oci.platform import Platform
from pullsim.oci.reference import InvalidReference, parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
    by_node: dict[str, list[ObservedPull]] = defaultdict(list)
    for pull in pulls:
        if pull.node and pull.began is not None:
            by_node[pull.node].append(pull)
    crowded = {id(pull) for node in by_node.values() for pull in _crowded(node)}
    alone = [work for work in found if id(work.pull) not in crowded]
    if len(alone) == len(found) or len(alone) < max(5, len(found) // 4):
        return found
    observed.left_out[OVERLAPPING] += sum(work.pull.count for work in found) - sum(work.pull.count for work in alone)
    return alone


def _crowded(pulls: Sequence[ObservedPull]) -> Iterator[ObservedPull]:
    """Yield the pulls of a node that overlap with another of it by more than a clock and a tenth of their time."""
    spans = sorted((_span(pull), pull.seconds, place) for place, pull in enumerate(pulls))
    begins = [began for (began, _), _, _ in spans]
    latest = -math.inf  # end of those that began before
    for place, ((began, ended), seconds, at) in enumerate(spans):
        least = CLOCK + 0.1 * seconds
        next_end = bisect_left(begins, ended - least)  # those from here on begin too late
        others = (span for span, _, _ in islice(spans, place + 1, next_end))
        if min(ended, latest) - began > least or any(min(ended, other[1]) - other[0] > least for other in others):
            yield pulls[at]
        latest = max(latest, ended)


def _span(pull: ObservedPull) -> tuple[float, float]:
    return pull.began or 0.0, pull.ended or 0.0


def _shared(found: list[Work]) -> list[Work]:
    """Count the downloads of other nodes from the same host beside each pull."""
    hosts = [_host(work.pull) for work in found]
    groups: dict[tuple[str, ...], list[ObservedPull]] = defaultdict(list)  # by host, and by host and node
    for work, host in zip(found, hosts, strict=True):
        if work.size and work.pull.began is not None:
            groups[host,].append(work.pull)
            groups[host, work.pull.node].append(work.pull)
    under_way = {key: _UnderWay(pulls) for key, pulls in groups.items()}
    none = _UnderWay(())
    made = []
    for work, host in zip(found, hosts, strict=True):
        pull, beside = work.pull, 0.0
        if pull.seconds and pull.began is not None:
            all_nodes, own = under_way.get((host,), none), under_way.get((host, pull.node), none)
            beside = (all_nodes.seconds(pull) - own.seconds(pull)) / pull.seconds
        made.append(Work(pull, work.layers, work.known, 1.0 + beside))
    return made


class _UnderWay:
    """How many of some pulls are under way at a time; counted in whole nanoseconds, whose sums are exact."""

    def __init__(self, pulls: Sequence[ObservedPull]) -> None:
        spans = [_nanoseconds(pull) for pull in pulls]
        self._begins = sorted(began for began, _ in spans)
        self._ends = sorted(ended for _, ended in spans)
        self._begun = list(accumulate(self._begins, initial=0))
        self._ended = list(accumulate(self._ends, initial=0))

    def seconds(self, pull: ObservedPull) -> float:
        """Give the seconds that they were under way during a pull, summed over them."""
        began, ended = _nanoseconds(pull)
        return (self._until(ended) - self._until(began)) / 1e9

    def _until(self, time: int) -> int:
        """Give the same from the first on."""
        begun, over = bisect_left(self._begins, time), bisect_left(self._ends, time)
        return (begun * time - self._begun[begun]) - (over * time - self._ended[over])


def _nanoseconds(pull: ObservedPull) -> tuple[int, int]:
    began, ended = _span(pull)
    return round(began * 1e9), round(ended * 1e9)


def _host(pull: ObservedPull) -> str:
    try:
        return parse(pull.image).domain
    except InvalidReference:
        return ""
