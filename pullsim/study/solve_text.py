"""The answer of `solve` in English, as a table and as a chart."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from pullsim.results import metrics as metric_names
from pullsim.results.model_error import within
from pullsim.results.summary.bottleneck import MENTION
from pullsim.stages import RESOURCES
from pullsim.study.ending import MOVED, common_texts, of_those_that_did

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pullsim.results.model_error import ModelError
    from pullsim.study.search import Point, Tried
    from pullsim.study.solve import Solution

KNEE: Final = 0.05  # a value whose objective is within this relative difference of the best one is nearly as good
_TIMED = (metric_names.SECONDS, metric_names.RATE)
_PHRASES = {resource.key: resource.phrase for resource in RESOURCES}


def sentence(solution: Solution) -> str:
    """Return the answer in a sentence for a ticket: how sure it is, the bottleneck there, and what comes next."""
    goal, answer = solution.goal, solution.answer
    over = " and ".join(f"{k} in {r}" for k, r in zip(solution.knobs, solution.ranges, strict=True))
    if solution.flat:
        tried = answer or solution.tried[0]
        ranges = " and ".join(map(str, solution.ranges))
        meets = f", and {'each meets' if answer else 'none meets'} {goal.limit.text}" if goal.limit else ""
        every = f"{_figure(solution, tried)} with every {' and '.join(solution.knobs)}{meets}"
        return f"None of {ranges} moves {goal.metric} by more than {MOVED * 100:g} %: {every}.{_binding(tried)}"
    if answer is None:
        limit = goal.limit.text if goal.limit else goal.metric
        nearest = _nearest(solution)
        at = (
            f"; nearest is {_figure(solution, nearest)} with {setting_text(solution, nearest.point)}" if nearest else ""
        )
        return f"No {over} meets {limit}{at}.{_binding(nearest)}"
    what = {
        "smallest": f"the smallest that meets {goal.limit.text}" if goal.limit else "",
        "largest": f"the largest that meets {goal.limit.text}" if goal.limit else "",
        "best": f"the best for {goal.metric}" + (f" with {goal.limit.text}" if goal.limit else ""),
    }[goal.want]
    text = f"Of {over}, {setting_text(solution, answer.point)} is {what}: {_figure(solution, answer)}."
    return text + _beside(solution, answer) + _binding(answer)


def in_clusters(solution: Solution) -> str:
    """Return a text about the settings that are right in half, and in nine of ten, of the drawn clusters, if any were.

    It begins with a space.
    """
    found, goal = solution.clusters, solution.goal
    if found is None:
        return ""
    draws = found.clusters.draws
    begin = f" In other clusters ({draws:,} draws) "
    if goal.limit is None:
        names = {"median": found.half, "value that nine in ten do not exceed": found.most}
        if goal.maximize:
            names = {"median": found.half, "value that nine in ten have at least": found.most}
        best = (f"the best {name} has {setting_text(solution, point)}" for name, point in names.items() if point)
        return f"{begin}{', '.join(best)}."
    told = []
    if solution.answer is not None:
        met = found.met(solution.answer.point, goal)
        told.append(f"{setting_text(solution, solution.answer.point)} meets it in {met:,}")
    for point, share in ((found.half, "half of them"), (found.most, "nine of ten")):
        if point is None:
            told.append(f"none meets it in {share}")
        else:
            which = "" if goal.want == "best" else f"{goal.want} "
            told.append(f"the {which or 'best '}that meets it in {share} is {setting_text(solution, point)}")
    return f"{begin}{'; '.join(told)}."


def warnings(solution: Solution, error: ModelError | None) -> list[str]:
    """Return what a reader must know before relying on the answer."""
    goal, answer, found = solution.goal, solution.answer, []
    if answer is not None:
        found += [f"With {setting_text(solution, answer.point)}: {text}." for text in answer.ending.texts()]
    else:
        found += common_texts([tried.ending for tried in solution.tried])
    those = of_those_that_did(goal.metric)
    some = any(tried.ending.never < tried.ending.pods for tried in solution.tried)
    if some and those != goal.metric and all(tried.objective.mean == math.inf for tried in solution.tried):
        found.append(f"{goal.metric} is never, whatever is set: {those} is that of the pods that come to it.")
    if solution.turns and answer is not None:
        numbers = ", ".join(solution.ranges[0].value(number) for number in solution.turns)
        found.append(f"The objective is not monotone: {numbers} miss it although values on both sides meet it.")
    if goal.limit is not None and answer is not None and answer.objective.mean is not None:
        limit, mean = goal.limit.limit, answer.objective.mean
        if error is not None and within(error, mean, limit) and metric_names.dimension(goal.metric) in _TIMED:
            found.append(
                f"{metric_names.text(goal.metric, mean)} is nearer to the limit than the model's own error, measured "
                f"at {error.median:.0%} (median; 90 %: {error.p90:.0%}) for {error.kind}: leave some room."
            )
    return found


def rows(solution: Solution) -> list[tuple[str, str, str]]:
    """Return (setting, objective with its interval, whether it meets the limit) of all that was tried."""
    made = []
    for tried in solution.tried:
        mark = "answer" if tried is solution.answer else ""
        made.append((setting_text(solution, tried.point, short=True), _interval(solution, tried), mark))
    return made


def figures(tried: Tried) -> dict[str, float | bool | None]:
    """Return the objective as ``mean``, its interval and number of runs; ``never``: it is infinite, null in JSON."""
    numbers = tried.objective._asdict()
    finite = {key: None if number is None or math.isinf(number) else number for key, number in numbers.items()}
    return {**finite, "never": tried.objective.mean == math.inf}


def plot_curve(solution: Solution, ax: Axes | None = None) -> Axes:
    """Draw the objective over the values of the first knob, with its limit and the answer."""
    from pullsim.results.charts.style import SERIES, TICK, legend_outside, new_axes, safe, shortened, title  # noqa: PLC0415

    ax = new_axes(ax)
    points = [t for t in solution.tried if t.objective.mean is not None]
    if len(solution.knobs) > 1 and solution.answer is not None:  # the points on the line through the answer
        points = [t for t in points if t.point[1:] == solution.answer.point[1:]]
    x = [t.point[0] for t in points]
    mean, low, high = (
        [math.nan if end is None or math.isinf(end) else end for end in ends]
        for ends in zip(*((t.objective.mean, t.objective.low, t.objective.high) for t in points), strict=True)
    )
    ax.plot(x, mean, marker="o", color=SERIES[0], label=safe(solution.goal.metric))
    ax.fill_between(x, low, high, color=SERIES[0], alpha=0.2)
    if solution.goal.limit is not None:
        ax.axhline(solution.goal.limit.limit, color=SERIES[1], linestyle="--", label=safe(solution.goal.limit.text))
    if solution.answer is not None:
        ax.axvline(solution.answer.point[0], color=SERIES[2], linestyle=":", label="answer")
    ax.set_xscale("log")
    ax.set_xticks(
        x, [shortened(solution.ranges[0].value(number), TICK) for number in x], rotation=30 if len(x) > 8 else 0
    )
    ax.minorticks_off()
    ax.set_xlabel(safe(solution.knobs[0]))
    ax.set_ylabel(safe(f"{solution.goal.metric} ({metric_names.dimension(solution.goal.metric)})"))
    ax.set_ylim(bottom=0)
    title(ax, f"over {solution.seeds} seeds, 95 % band" if solution.seeds > 1 else "one seed")
    legend_outside(ax)
    return ax


def setting_text(solution: Solution, point: Point, *, short: bool = False) -> str:
    """Write a setting: ``kubelet.maxParallelImagePulls=4``, or shortly ``maxParallelImagePulls=4``."""
    texts = solution.settings(point)
    if not short:
        return " and ".join(texts)
    names = [knob.rpartition(".")[2] for knob in solution.knobs]
    return ", ".join(name + text[len(knob) :] for name, knob, text in zip(names, solution.knobs, texts, strict=True))


def _interval(solution: Solution, tried: Tried) -> str:
    mean, low, high, _ = tried.objective
    name = solution.goal.metric
    if low is None or high is None or low == high:
        return metric_names.text(name, mean)
    return f"{metric_names.text(name, mean)} [{metric_names.text(name, low)}, {metric_names.text(name, high)}]"


def _figure(solution: Solution, tried: Tried) -> str:
    mean, low, high, count = tried.objective
    name = solution.goal.metric
    text = f"{name} is {metric_names.text(name, mean)}"
    over = f"over {tried.pods:,} pods of {count} seeds" if tried.pods else f"over {count} seeds"
    if low is not None and high is not None and low != high:
        return f"{text} (95 % interval {metric_names.text(name, low)} to {metric_names.text(name, high)} {over})"
    if tried.pods:
        return f"{text} ({over})"
    return f"{text} (the same for all {count} seeds)" if count > 1 else text


def _beside(solution: Solution, answer: Tried) -> str:
    """Return a text about the objective at the next value on the cheaper side; for the best value about the knee."""
    if len(solution.knobs) > 1:
        return ""
    if solution.goal.want == "best":
        return _knee(solution, answer)
    step = -1 if solution.goal.want == "smallest" else 1
    place = solution.tried.index(answer) + step
    if not 0 <= place < len(solution.tried):
        return ""
    beside = solution.tried[place]
    value = solution.ranges[0].value(beside.point[0])
    return f" With {value} it is {metric_names.text(solution.goal.metric, beside.objective.mean)}."


def _knee(solution: Solution, answer: Tried) -> str:
    """Return a text about the smallest value from which on the objective is nearly that of the answer."""
    best, knee = answer.objective.mean, answer
    for tried in reversed(solution.tried[: solution.tried.index(answer)]):
        mean = tried.objective.mean
        if best is None or mean is None or not abs(mean - best) <= KNEE * abs(best):
            break
        knee = tried
    if knee is answer:
        return ""
    value, figure = (
        solution.ranges[0].value(knee.point[0]),
        metric_names.text(solution.goal.metric, knee.objective.mean),
    )
    return f" With {value} it is {figure} already, within {KNEE:.0%} of that."


def _binding(tried: Tried | None) -> str:
    """Name the two resources that bind; behind a queue of pulls also those of the pulls, for which they queue."""
    if tried is None or not tried.shares:
        return ""
    (first, share), *others = sorted(tried.shares.items(), key=lambda item: -item[1])
    text = f" What binds there is {_PHRASES[first]} ({share:.0%} of the waiting)"
    if others and others[0][1] > 0:
        text += f"; next comes {_PHRASES[others[0][0]]} ({others[0][1]:.0%})"
    if first == "pullQueue":
        within_pulls = sorted(tried.shares_of_pulls.items(), key=lambda item: -item[1])[:2]
        parts = [f"{_PHRASES[each]} ({share:.0%})" for each, share in within_pulls if share >= MENTION]
        text += f". Within the pulls it is {' and '.join(parts)}" if parts else ""
    return text + "."


def _nearest(solution: Solution) -> Tried | None:
    there = [t for t in solution.tried if t.objective.mean is not None and math.isfinite(t.objective.mean)]
    limit = solution.goal.limit
    if not there or limit is None:
        return None
    return min(there, key=lambda t: abs((t.objective.mean or 0.0) - limit.limit))
