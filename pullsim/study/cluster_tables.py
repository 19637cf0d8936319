"""What studies with ``--interval`` say of other clusters: a table each, for terminal, Markdown and page."""

from __future__ import annotations

import math
from dataclasses import field
from typing import TYPE_CHECKING, Final, NamedTuple

from rich.text import Text as Line

from pullsim import printable
from pullsim.frozen import dataclass
from pullsim.results import metrics as metric_names
from pullsim.results.fitted_table import FittedTable
from pullsim.results.prediction_table import HEADINGS, JUDGED, behind_notes, parts_of, parts_text
from pullsim.results.prose import Prose
from pullsim.results.start_table import brief
from pullsim.results.statistics import percentile
from pullsim.results.wording import counted
from pullsim.study.advice.advice import percent
from pullsim.study.clusters import MOST
from pullsim.study.deadline import percent as share_text
from pullsim.study.solve_text import setting_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from rich.console import RenderableType

    from pullsim.results.summary.prediction import PredictedFigure
    from pullsim.study.advice.advice import Advice, Tried
    from pullsim.study.clusters import Clusters, Paired
    from pullsim.study.compare import Comparison
    from pullsim.study.deadline import Deadline
    from pullsim.study.solve import Solution
    from pullsim.study.variant_runs import Sweep

HEADING: Final = "in other clusters"
#: Of the columns of figures: those with the highest are left out first where a terminal is narrow.
_RANKS: Final = (4, 5, 0, 3, 6)
_NEARLY_ALL: Final = -0.99  # a change that leaves nothing does not vary


class Span(NamedTuple):
    """A line of the chart: a figure with its intervals."""

    name: str
    figure: PredictedFigure


class Row(NamedTuple):
    """The texts of a row, and the median that it is about."""

    texts: tuple[str, ...]
    median: float


@dataclass(frozen=True, slots=True)
class ClusterTable:
    """A table of texts: columns of names, of figures with their intervals, and of counts of clusters."""

    names: tuple[str, ...]  # headings
    counts: tuple[str, ...]  # headings
    rows: list[Row]
    notes: list[str]
    charted: str  # the metric of the chart
    spans: list[Span] = field(default_factory=list)
    share: bool = False  # the spans are changes as shares


def clusters_of_comparison(comparison: Comparison, metrics: Sequence[str]) -> ClusterTable | None:
    """Return a, b and their difference of each metric; None: no clusters were drawn."""
    clusters = comparison.clusters
    if clusters is None:
        return None
    before, after = clusters.runs
    rows: list[Row] = []
    same: list[str] = []
    told: dict[str, list[Span]] = {}
    for name in metrics:
        a, b, paired = before.figure(name), after.figure(name), before.paired(after, name)
        if a is None or b is None or paired is None:
            continue
        if not paired.lower and not paired.higher:
            same.append(name)
            continue
        short, part = name.removeprefix("pods."), paired.relative
        rows += [Row((short, side, *spread(name, of), ""), of.median) for side, of in (("a", a), ("b", b))]
        better = _better(name, paired, clusters.draws)
        rows.append(Row((short, "b - a", *_apart(name, paired), better), paired.difference.median))
        if part is not None:
            rows.append(Row((short, "change", *_spread(part, percent), ""), part.median))
        told[name] = [Span("a", a), Span("b", b), *([] if part is None else [Span("b ÷ a", part)])]
    judged = JUDGED if JUDGED in told else next(iter(told), "")
    shown = told.get(judged, [])
    notes = _notes(clusters, judged, shown, "both sides run in each")
    if same:
        notes.append(f"The same on both sides in all clusters: {', '.join(same)}.")
    names = {"a": comparison.a.name, "b": comparison.b.name}
    spans = [span._replace(name=names[span.name]) for span in shown if span.name in names]
    return ClusterTable((HEADING, ""), ("b better",), rows, notes, judged, spans)


def clusters_of_sweep(sweep: Sweep, metrics: Sequence[str]) -> ClusterTable | None:
    """Return each metric of each variant, and in how many clusters it is the best; None: no clusters were drawn."""
    clusters = sweep.clusters
    if clusters is None:
        return None
    rows: list[Row] = []
    same: list[str] = []
    spans: list[Span] = []
    for name in metrics:
        figures = [runs.figure(name) for runs in clusters.runs]
        ends = {figure and (figure.low90, figure.median, figure.high90) for figure in figures}
        if len(ends) == 1 < len(figures) and ends != {None}:
            same.append(name)
            continue
        for position, (figure, first) in enumerate(zip(figures, clusters.best(name), strict=True)):
            if figure is None:
                continue
            variant = sweep.variants[position]
            apart = clusters.runs[0].paired(clusters.runs[position], name) if position else None
            against = "" if apart is None else _apart(name, apart)[-1]
            best = "" if first is None else f"{first:,} of {clusters.draws:,}"
            settings = [value for _, value in variant.settings]
            texts = (name.removeprefix("pods."), *settings, *spread(name, figure), best, against)
            rows.append(Row(texts, figure.median))
            if name == metrics[0]:
                spans.append(Span(str(variant), figure))
    notes = _notes(clusters, metrics[0], spans[:1], "all variants run in each")
    if same:
        notes.append(f"The same with all variants: {', '.join(same)}.")
    knobs = (knob.key.rpartition(".")[2] for knob in sweep.knobs)
    counts = ("best in", "less the first, nine in ten")
    return ClusterTable((HEADING, *knobs), counts, rows, notes, metrics[0], spans)


def clusters_of_advice(advice: Advice) -> ClusterTable | None:
    """Return what each change that helps gains of the metric that is judged by; None: no clusters were drawn."""
    clusters, judged = advice.clusters, advice.judged
    if clusters is None:
        return None
    base, changed = clusters.runs[0], clusters.runs[1:]
    rows: list[Row] = []
    spans, told = [], []
    ranked = zip(advice.gains, changed, clusters.ranks(judged, 1), strict=True)
    for number, (row, runs, ranks) in enumerate(ranked, 1):
        paired = base.paired(runs, judged)
        if paired is None:
            continue
        part = paired.relative
        figures = _apart(judged, paired) if part is None else _spread(part, percent)
        texts = (f"{number}. {' + '.join(row.levers)}", *figures, _better(judged, paired, clusters.draws), _rank(ranks))
        rows.append(Row(texts, (part or paired.difference).median))
        if part is not None:
            spans.append(Span(row.setting.sentence, part))
            told.append(Span(f"what {number}. changes", part))
    some = [span for span in told if span.figure.median > _NEARLY_ALL]
    notes = _notes(clusters, judged, some[:1], "all changes run in each")
    notes += _order(clusters, advice.gains, judged)
    return ClusterTable((HEADING,), ("better in", "rank, nine in ten"), rows, notes, judged, spans, share=True)


def clusters_of_solution(solution: Solution) -> ClusterTable | None:
    """Return what settings came to, and in how many clusters each is right; None: no clusters were drawn."""
    found, goal = solution.clusters, solution.goal
    if found is None:
        return None
    clusters, rows, spans = found.clusters, [], []
    best = clusters.best(goal.metric)
    for point, runs, first in zip(found.points, clusters.runs, best, strict=True):
        figure = runs.figure(goal.metric)
        if figure is None:
            continue
        right = first if goal.limit is None else found.met(point, goal)
        marks = {"half": found.half, "nine in ten": found.most}
        mark = ", ".join(name for name, answer in marks.items() if answer == point)
        name = setting_text(solution, point, short=True)
        short = solution.ranges[0].value(point[0]) if len(point) == 1 else name
        count = "" if right is None else f"{right:,} of {clusters.draws:,}"
        texts = (short, *spread(goal.metric, figure), count, mark)
        rows.append(Row(texts, figure.median))
        spans.append(Span(name, figure))
    answer = solution.answer and setting_text(solution, solution.answer.point, short=True)
    told = [span for span in spans if span.name == answer] or spans
    notes = _notes(clusters, goal.metric, told[:1], "all settings run in each")
    counts = ("best in" if goal.limit is None else "meets it", "answer for")
    return ClusterTable((HEADING,), counts, rows, notes, goal.metric, spans)


def clusters_of_deadline(found: Deadline) -> ClusterTable | None:
    """Return the deadlines that shares of the pods meet; None: no clusters were drawn."""
    drawn = found.clusters
    if drawn is None:
        return None
    rows = []
    for share in found.curve:
        figure = drawn.figure(share)
        enough = brief(drawn.enough(share, MOST))
        rows.append(Row((share_text(share), *_spread(figure, brief), enough), figure.median))
    parts = parts_of(drawn.figure(found.coverage))
    said = (
        ""
        if parts is None
        else f"Of the variance of the deadline of {share_text(found.coverage)}, {parts_text(parts)}."
    )
    notes = _draws_notes(drawn.drawn, "a deadline is that of its own pods", said)
    return ClusterTable((HEADING,), ("enough in nine of ten",), rows, notes, "")


def _rank(ranks: NDArray[np.int64] | None) -> str:
    """``2``, or ``1 to 3``: the ranks in nine of ten clusters."""
    if ranks is None:
        return ""
    ordered = sorted(ranks.tolist())
    return " to ".join(dict.fromkeys(f"{percentile(ordered, each):.0f}" for each in (50, 950)))


def _order(clusters: Clusters, gains: Sequence[Tried], judged: str) -> Iterator[str]:
    """Say how sure the first places of a ranking are."""
    told = []
    for number in range(1, min(len(gains), 4)):
        paired = clusters.runs[number + 1].paired(clusters.runs[number], judged)
        ahead = None if paired is None else paired.better(judged)
        if ahead is not None:
            told.append(f"{number}. is better than {number + 1}. in {ahead:,}")
    if told:
        yield f"{', '.join(told)} of the {clusters.draws:,} clusters."


def terminal_parts(table: ClusterTable | None) -> list[RenderableType]:
    """Return what a terminal shows; nothing without clusters."""
    if table is None:
        return []
    shown = FittedTable()
    for rank, name in enumerate(table.names):
        shown.names(name, rank=rank and 1)
    for heading, rank in zip((*HEADINGS, *table.counts), _RANKS, strict=False):
        shown.figures(heading, rank)
    before = ""
    for row in table.rows:
        name, *others = row.texts
        shown.add_row("" if name == before else name, *others)
        before = name
    return [Line(), shown, *(Prose(note, "dim") for note in table.notes)]


def markdown_lines(table: ClusterTable | None) -> list[str]:
    """Return a table for a ticket, and its notes; nothing without clusters."""
    if table is None:
        return []
    safe = printable.markdown
    heads = [*table.names, *HEADINGS, *table.counts]
    lines = [
        "",
        f"| {' | '.join(heads)} |",
        "|" + " --- |" * len(table.names) + " ---: |" * (len(heads) - len(table.names)),
    ]
    lines += [f"| {' | '.join(map(safe, row.texts))} |" for row in table.rows]
    return [*lines, *(f"\n{safe(note)}" for note in table.notes)]


def spread(metric: str, figure: PredictedFigure, *, share: bool = False) -> tuple[str, str, str]:
    """Write a figure of one cluster: its median, and the intervals with half and with nine in ten of the clusters.

    ``share``: it is a change of the metric as a share of it.
    """
    return _spread(figure, percent if share else lambda number: _brief(metric, number))


def _apart(metric: str, paired: Paired) -> tuple[str, str, str]:
    return _spread(paired.difference, lambda number: _signed(metric, number))


def _spread(figure: PredictedFigure, text: Callable[[float], str]) -> tuple[str, str, str]:
    ends = ((figure.low50, figure.high50), (figure.low90, figure.high90))
    half, most = (" to ".join(dict.fromkeys(map(text, each))) for each in ends)
    return text(figure.median), half, most


def _brief(metric: str, number: float) -> str:
    """Write a value shortly, as many stand in a row."""
    return (
        brief(number) if metric_names.dimension(metric) == metric_names.SECONDS else metric_names.text(metric, number)
    )


def _signed(metric: str, number: float) -> str:
    sign = "-" if number < 0 else "+" if number else ""
    return sign + ("∞" if math.isinf(number) else _brief(metric, abs(number)))


def _better(metric: str, paired: Paired, draws: int) -> str:
    """``39 of 40``, and in how many it is worse where it is the same in some."""
    better = paired.better(metric)
    if better is None:
        return f"lower in {paired.lower:,} of {draws:,}"
    worse = paired.lower + paired.higher - better
    return f"{better:,} of {draws:,}" + (f", worse in {worse:,}" if worse and better + worse < draws else "")


def _notes(clusters: Clusters, metric: str, figures: Sequence[Span], where: str) -> list[str]:
    """Say what the intervals are of, and which part of the variance is what."""
    known = [(name, parts) for name, figure in figures if (parts := parts_of(figure)) is not None]
    said = ""
    if known:
        (name, parts), *others = known
        rest = (f"; of {other}, {reality:.0%}, {model:.0%} and {s:.0%}" for other, (reality, model, s) in others)
        told = "".join(rest).replace("%", " %")
        said = f"Of the variance of {metric} of {name}, {parts_text(parts)}{told}."
    return _draws_notes(clusters, where, said)


def _draws_notes(clusters: Clusters, where: str, parts: str) -> list[str]:
    draws = counted(clusters.draws, "draw")
    first = f"{draws}, each another cluster; {where}. Intervals are of one cluster, not of a mean."
    return [first, *([parts] if parts else []), *behind_notes(clusters.behind)]
