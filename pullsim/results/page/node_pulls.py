"""The chart of one node: its pods' time lines by stage, and under each of them the layers that its pulls fetched.

The page has the nodes whose pods were latest and a typical one; of the others as many as there is room for.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pullsim.printable import shortened
from pullsim.results.axis_units import Unit, time_unit
from pullsim.results.page.page import Chart, Choice, Rows
from pullsim.results.page.parts import field, tooltip, zoomed
from pullsim.results.page.stage_time import stage_colours
from pullsim.results.wording import duration, qualified, size
from pullsim.rows import values
from pullsim.stages import LABELS, STAGES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from pullsim.records import LayerRecord, PodRecord, PullRecord, SpanRecord
    from pullsim.run import Result

WORST: Final = 20  # nodes that are always there
_BARS: Final = 12_000  # bars of all nodes together, as they are estimated, beyond which no further node is added
_BARS_OF_A_LAYER: Final = 5
_ROWS: Final = 120  # lines of one node; of more the pods that were latest, with their layers
STEP: Final = 15
_COLUMNS: Final = ("row", "begin", "end", "stage", "kind", "of", "text")


_Key = tuple[str, str, str]  # node, namespace and name of a pod
_ROUNDING: Final = 1e-6  # seconds by which sums of stages may differ


class _Node(NamedTuple):
    lines: list[_Line]  # those that are drawn
    left: int  # lines for which there is no room


class _Line(NamedTuple):
    label: str
    kind: str  # pod | layer
    bars: list[tuple[float, float, str, str]]  # begin, end, stage and what it was about
    failures: list[tuple[float, str]]  # when a pull failed, and which one, why


def node_pulls(result: Result) -> Choice | None:
    """Return the chart with the nodes that can be chosen; None without time lines."""
    ranked = _ranked(result)
    if not ranked or not len(result.spans):
        return None
    chosen = _chosen(result, ranked)
    lines = _lines(result, {*chosen})
    kept = {node: lines.get(node, _Node([], 0)) for node in chosen}
    typical = ranked[len(ranked) // 2]
    unit = time_unit(max((_length(mine.lines) for mine in kept.values()), default=0.0))
    named, notes = {}, {}
    for node, mine in kept.items():
        mark = "latest" if node == ranked[0] else "typical" if node == typical else ""
        name = f"{node} ({mark})" if mark else node
        named[name] = _data(mine.lines, unit)
        if mine.left:
            drawn = len(mine.lines)
            notes[name] = (
                f"Of this node's {drawn + mine.left:,} lines the chart has {drawn:,}: pods that took longest have room "
                "first, and what is left out are quicker pods and their layers (pods.csv and layers.csv have all)."
            )
    left = len(ranked) - len(kept)
    note = (
        f"The page has {len(kept):,} of {len(ranked):,} nodes: those whose pods were latest, and a typical one. "
        "pods.csv, pulls.csv and layers.csv have all of them."
        if left
        else ""
    )
    shown = {LABELS[bar[2]] for mine in kept.values() for line in mine.lines for bar in line.bars}
    return Choice("Node", _chart(unit, shown, note), named, notes)


def _length(lines: Sequence[_Line]) -> float:
    """Return the seconds from the begin of the first to the end of the last bar."""
    bars = [bar for line in lines for bar in line.bars]
    return max((bar[1] for bar in bars), default=0.0) - min((bar[0] for bar in bars), default=0.0)


def _chart(unit: Unit, shown: Collection[str], note: str) -> Chart:
    pod = "slice(datum.value, 3, 4) === 'p'"
    y = field(
        "row",
        "nominal",
        sort=None,
        axis={
            "labelExpr": "slice(datum.label, 4)",
            "labelLimit": "rows",
            "labelFontWeight": {"condition": {"test": pod, "value": "bold"}, "value": "normal"},
            "grid": False,
        },
        scale={"paddingInner": 0.15},
    )
    x = field("begin", "quantitative", f"simulated time ({unit.name})", scale={"zero": False, "nice": False})
    bars = {
        "data": {"name": "bars"},
        "transform": [{"calculate": "datum.of + ': ' + datum.stage + ', ' + datum.text", "as": "said"}],
        "params": [zoomed()],
        "mark": {"type": "bar", "style": "stage", "clip": True},
        "encoding": {
            "y": y,
            "x": x,
            "x2": {"field": "end"},
            "color": stage_colours(shown),
            "size": {"condition": {"test": "datum.kind === 'pod'", "value": STEP - 2}, "value": STEP - 7},
            "tooltip": tooltip(of="of", stage="stage", text="time"),
            "description": field("said", "nominal"),
        },
    }
    failures = {
        "data": {"name": "failures"},
        "transform": [{"calculate": "datum.of + ' ' + datum.text", "as": "said"}],
        "mark": {
            "type": "point",
            "shape": "cross",
            "angle": 45,
            "size": 90,
            "filled": True,
            "style": "failure",
            "clip": True,
        },
        "encoding": {
            "y": y,
            "x": x,
            "tooltip": tooltip(of="failed", text="time"),
            "description": field("said", "nominal"),
        },
    }
    spec = {"height": {"step": STEP}, "layer": [bars, failures]}
    told = (
        "A line for each pod of the chosen node, from its creation to its start, coloured by the stage it was in; "
        "under it, thinner, a line for each layer that its pulls fetched or unpacked. The table of the slowest pods "
        "says the same of single pods in numbers."
    )
    note = (
        f"{note} Thin bars are the layers of a pod's pulls, from the bottom of the image up; a layer without a colour "
        "waits for the one before it. A cross is a pull that failed."
    ).strip()
    return Chart("node", "Pulls of one node", told, spec, {}, note)


def _ranked(result: Result) -> list[str]:
    """Return the nodes that have pods, that of the pod that took longest to be ready first; never comes before all."""
    last: defaultdict[str, float] = defaultdict(float)
    for node, ready, until, withdrawn in values(result.pods, "node", "ready", "ready_seconds", "withdrawn"):
        if node is not None:
            last[node] = max(last[node], math.inf if ready is None and not withdrawn else until)
    return sorted(last, key=lambda node: (-last[node], node))


def _chosen(result: Result, ranked: Sequence[str]) -> list[str]:
    """Return the worst nodes and a typical one, and of the others as many from the worst on as there is room for."""
    layers = Counter(values(result.layers, "node"))
    room = float(_BARS)
    chosen = [*dict.fromkeys((*ranked[:WORST], ranked[len(ranked) // 2]))]
    for number, node in enumerate(dict.fromkeys((*chosen, *ranked))):
        room -= min(layers[node], _ROWS) * _BARS_OF_A_LAYER
        if number >= len(chosen):
            if room < 0:
                break
            chosen.append(node)
    return chosen


def _lines(result: Result, nodes: Collection[str]) -> dict[str, _Node]:
    """Return the lines of some nodes: pods in the order of their creation, under each the layers of its pulls."""
    spans: defaultdict[_Key, list[SpanRecord]] = defaultdict(list)
    for node, namespace, name, spanned in result.spans.pods():
        if node is not None and node in nodes:
            spans[node, namespace, name] += result.spans[spanned]
    layers, pulls = _by_pod(result.layers, nodes), _by_pod(result.pulls, nodes)
    found = {}
    pods = chain.from_iterable(_by_pod(result.pods, nodes).values())
    for node, mine in groupby(sorted(pods, key=lambda pod: pod.node), key=lambda pod: pod.node):
        groups = []
        for pod in mine:
            key = (node, pod.namespace, pod.pod)
            if key in spans:
                head = _pod_line(pod, spans[key], pulls.get(key, ()))
                own = [layer for layer in layers.get(key, ()) if _during(pod, layer.queued)]
                groups.append((pod, [head, *_layer_lines(own)]))
        groups.sort(key=lambda group: (group[0].ready is not None, -group[0].ready_seconds))
        room, kept = _ROWS, []
        for pod, group in groups[:_ROWS]:
            kept.append((pod, group[: max(room, 1)]))
            room -= len(group)
        kept.sort(key=lambda group: (group[0].created, min(bar[0] for bar in group[1][0].bars), group[0].pod))
        drawn = [line for _, group in kept for line in group]
        found[node] = _Node(drawn, sum(len(group) for _, group in groups) - len(drawn))
    return found


def _by_pod(rows: Sequence[Any], nodes: Collection[str]) -> dict[_Key, list[Any]]:
    """Return the rows on some nodes, by node, namespace and name of their pod."""
    found: defaultdict[_Key, list[Any]] = defaultdict(list)
    for place, node in enumerate(values(rows, "node")):
        if node in nodes:
            row = rows[place]
            found[node, row.namespace, row.pod].append(row)
    return found


def _during(pod: PodRecord, at: float) -> bool:
    """Whether a time is one of this pod's, of several of its name that were on its node one after the other."""
    return pod.created - _ROUNDING <= at <= pod.created + pod.ready_seconds + _ROUNDING


def _pod_line(pod: PodRecord, spans: Iterable[SpanRecord], pulls: Iterable[PullRecord]) -> _Line:
    own = [each for each in spans if each.end > each.begin and _during(pod, each.begin)]
    bars: list[tuple[float, float, str, str]] = []
    for each in own:
        about = each.image or ""
        if bars and bars[-1][1:] == (each.begin, each.stage, about):  # the stage goes on
            bars[-1] = (bars[-1][0], each.end, each.stage, about)
        else:
            bars.append((each.begin, each.end, each.stage, about))
    failed = [
        (pull.ended, f"{pull.image}: pull {pull.attempt} failed, {pull.cause}")
        for pull in pulls
        if not pull.ok and _during(pod, pull.ended)
    ]
    return _Line(qualified(pod.namespace, pod.pod), "pod", bars or [(pod.created, pod.created, "sync", "")], failed)


def _layer_lines(layers: Sequence[LayerRecord]) -> Iterator[_Line]:
    """Yield the lines of a pod's layers, by pull and from the bottom up."""
    for layer in layers:
        number = layer.position + 1  # as `pullsim explain` counts
        label = f"layer {number}, {size(layer.size)} · {shortened(layer.image.rpartition('/')[2], 24)}"
        about = f"layer {number} of {layer.image}, {size(layer.size)}"
        download = max(
            (layer.egress, "download_egress"), (layer.connection, "download_connection"), (layer.nic, "download_nic")
        )[1]
        unpack = "unpack_disk" if layer.unpack_limit == "disk" else "unpack_cpu"
        steps = (
            (layer.queued, layer.slot, "slot"),
            (layer.slot, layer.requested, "lock"),
            (layer.requested, layer.first_byte, "request"),
            (layer.first_byte, layer.fetched, download),
            (layer.fetched, layer.committed, "commit"),
            (layer.unpack_started, layer.unpack_ended, unpack),
        )
        bars = [
            (begin, end, stage, about)
            for begin, end, stage in steps
            if begin is not None and end is not None and end > begin
        ]
        if bars:
            yield _Line(label, "layer", bars, [])


def _data(lines: Sequence[_Line], unit: Unit) -> dict[str, Rows]:
    rows: list[tuple[Any, ...]] = []
    for number, line in enumerate(lines):
        for begin, end, stage, about in sorted(line.bars, key=lambda bar: (bar[0], STAGES.index(bar[2]))):
            of = f"{line.label}: {about}" if about and line.kind == "pod" else about or line.label
            text = f"{duration(end - begin)}, from {duration(begin)} to {duration(end)}"
            ends = (round(each / unit.size, 4) for each in (begin, end))
            rows.append((f"{number:03d}{line.kind[0]}{line.label}", *ends, LABELS[stage], line.kind, of, text))
    failures = [
        (f"{number:03d}{line.kind[0]}{line.label}", round(at / unit.size, 4), text, f"at {duration(at)}")
        for number, line in enumerate(lines)
        for at, text in line.failures
    ]
    return {"bars": Rows(_COLUMNS, rows), "failures": Rows(("row", "begin", "of", "text"), failures)}
