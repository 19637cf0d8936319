"""The rows of one node, found by their places, so that those of a few nodes are in memory at a time."""

from __future__ import annotations

from array import array
from collections import defaultdict
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pullsim.rows import values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pullsim.records import ImageRemoval, LayerRecord, PullRecord, SpanRecord
    from pullsim.run import Result

Pod = tuple[str, str]  # namespace and name
_AT_A_TIME: Final = 64  # nodes whose rows are read in one go, in their order, as texts are unpacked by the block


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
    spans: defaultdict[str, list[tuple[int, str, Pod, slice]]] = defaultdict(list)
    for bound, namespace, name, place in result.spans.pods():
        if bound is not None:
            spans[bound].append((place.start, bound, (namespace, name), place))
    removals = defaultdict(list)
    for removal in result.removals:
        removals[removal.node].append(removal)
    nodes = [*result.pools]
    for start in range(0, len(nodes), _AT_A_TIME):
        some = nodes[start : start + _AT_A_TIME]
        their_pulls, their_layers = _of(some, result.pulls, pulls), _of(some, result.layers, layers)
        own: dict[str, defaultdict[Pod, list[SpanRecord]]] = {node: defaultdict(list) for node in some}
        for _, node, pod, place in sorted(chain.from_iterable(spans.pop(node, ()) for node in some)):
            own[node][pod] += result.spans[place]
        for node in some:
            yield (
                node,
                NodeRows(
                    sorted(their_pulls.pop(node, ()), key=lambda pull: pull.started),
                    sorted(their_layers.pop(node, ()), key=lambda layer: layer.slot),
                    own.pop(node),
                    removals.pop(node, []),
                ),
            )


def _of(nodes: Iterable[str], rows: Sequence[Any], places: dict[str, array[int]]) -> dict[str, list[Any]]:
    """Return the rows of nodes, which are taken from the ``places`` by node."""
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for place, of in sorted((place, node) for node in nodes for place in places.pop(node, ())):
        found[of].append(rows[place])
    return found


def _places(nodes: Iterable[str]) -> dict[str, array[int]]:
    """Return the places of rows by their node."""
    found: defaultdict[str, array[int]] = defaultdict(lambda: array("q"))
    for place, node in enumerate(nodes):
        found[node].append(place)
    return found
