"""The rows of one node, found by their places, so that those of a single node are in memory at a time."""

from __future__ import annotations

from array import array
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from pullsim.rows import values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pullsim.records import ImageRemoval, LayerRecord, PullRecord, SpanRecord
    from pullsim.run import Result

Pod = tuple[str, str]  # namespace and name


class NodeRows(NamedTuple):
    """What a node did, each in the order of time."""

    pulls: list[PullRecord]  # by their start
    layers: list[LayerRecord]  # by when they got a slot; none below --detail layers
    spans: dict[Pod, list[SpanRecord]]  # of its pods' time lines; none below --detail layers
    removals: list[ImageRemoval]


def rows_by_node(result: Result) -> Iterator[tuple[str, NodeRows]]:
    """Yield each node of the run with its rows: those of the scenario first, then those that joined."""
    pulls = _places(values(result.pulls, "node"))
    layers = _places(values(result.layers, "node"))
    spans: defaultdict[str, list[tuple[Pod, slice]]] = defaultdict(list)
    for bound, namespace, name, place in result.spans.pods():
        if bound is not None:
            spans[bound].append(((namespace, name), place))
    removals = defaultdict(list)
    for removal in result.removals:
        removals[removal.node].append(removal)
    for node in result.pools:
        own: defaultdict[Pod, list[SpanRecord]] = defaultdict(list)
        for pod, place in spans.pop(node, ()):
            own[pod] += result.spans[place]
        yield (
            node,
            NodeRows(
                sorted((result.pulls[place] for place in pulls.pop(node, ())), key=lambda pull: pull.started),
                sorted((result.layers[place] for place in layers.pop(node, ())), key=lambda layer: layer.slot),
                own,
                removals.pop(node, []),
            ),
        )


def _places(nodes: Iterable[str]) -> dict[str, array[int]]:
    """Return the places of rows by their node."""
    found: defaultdict[str, array[int]] = defaultdict(lambda: array("q"))
    for place, node in enumerate(nodes):
        found[node].append(place)
    return found
