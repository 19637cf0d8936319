"""Advice for the terminal, as Markdown and as a chart."""

from __future__ import annotations

import math
import shlex
from textwrap import wrap
from typing import TYPE_CHECKING, Final, NamedTuple

from pullsim import printable
from pullsim.results import metrics as metric_names
from pullsim.results.model_error import within
from pullsim.results.wording import percentage
from pullsim.stages import RESOURCES
from pullsim.study.advice.advice import GAIN, METRICS, change, in_percent, percent
from pullsim.study.cluster_tables import clusters_of_advice, markdown_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from pullsim.study.advice.advice import Advice, Tried
    from pullsim.study.compare import Difference

_SHORT: Final = {
    "pods.start.p50": "p50",
    "pods.start.p99": "p99",
    "pods.startOfStarted.p50": "p50 of started",
    "pods.startOfStarted.p99": "p99 of started",
    "pods.lastReadyAt": "last pod",
    "bytes.downloaded": "bytes",
    "idleAcceleratorMinutes": "idle GPU min",
}
_PHRASES: Final = {resource.key: resource.phrase for resource in RESOURCES}
_MENTION: Final = 0.05  # a resource with a smaller share of the waiting is not mentioned
_SMALL: Final = 5e-4  # a smaller gain or loss is not told
_ELSEWHERE: Final = 0.05  # a change that gains such a part of p50 is worth a word, whatever it does to the objective
_LABEL: Final = 40  # letters of a line of a label of the chart
_UNCHANGED: Final = "same"
_WITHIN: Final = "within the model's error"
_UNCLEAR: Final = "unclear over the seeds"


class Figure(NamedTuple):
    """What a metric comes to, its relative change, and the 95 % interval of that in percent where it has a width."""

    value: str
    part: str
    interval: str

    def __str__(self) -> str:
        """``9.10 s (-28 % [-29, -27])``."""
        part = " ".join(filter(None, self[1:]))
        return f"{self.value} ({part})" if part else self.value


def heading(advice: Advice) -> str:
    """Return a sentence about the scenario as it is: what the objective is, and what binds."""
    base = next((row.difference(advice.objective).a.mean for row in advice.rows), None)
    text = f"{advice.objective} is {metric_names.text(advice.objective, base)}"
    text = f"{advice.name}: {text}" if advice.name else text
    binds = [
        f"{_PHRASES[resource]} ({percentage(share)})" for resource, share in advice.shares.items() if share >= _MENTION
    ][:3]
    return f"{text}; of the waiting was {', '.join(binds)}." if binds else f"{text}."


def columns(advice: Advice) -> list[str]:
    """Return the headings of the columns of figures."""
    return [_SHORT.get(name, name) for name in shown_metrics(advice)]


def rows(advice: Advice) -> list[tuple[str, list[Figure], str]]:
    """Return (change, its figures by column, verdict) of the scenario as it is and of what helps, the best first."""
    if not advice.rows:
        return []
    shown = shown_metrics(advice)
    before = [advice.rows[0].difference(name).a.mean for name in shown]
    as_it_is = [Figure(metric_names.text(name, value), "", "") for name, value in zip(shown, before, strict=True)]
    return [
        ("as it is", as_it_is, ""),
        *(
            (
                f"{number}. {' + '.join(row.levers)}",
                [_figure(row.difference(name)) for name in shown],
                doubt(advice, row),
            )
            for number, row in enumerate(advice.gains, 1)
        ),
    ]


def sentences(advice: Advice) -> list[str]:
    """Return what is done in each change that helps."""
    return [row.setting.sentence for row in advice.gains]


def commands(advice: Advice, file: str, overrides: Sequence[str] = ()) -> list[str]:
    """Return the command that repeats each change that helps; ``file`` is quoted for a shell."""
    given = [f"--set {shlex.quote(text)}" for text in overrides]
    return [" ".join(["pullsim run", file, *given, row.setting.options]) for row in advice.gains]


def notes(advice: Advice) -> dict[str, str]:
    """Return what a reader must know beside the table, by its label."""
    rest = [row for row in advice.singles if not row.helps]
    losing = [row for row in rest if row.gain <= -GAIN]
    seeds = len(advice.seeds)
    each = f", each with {seeds} seeds" if seeds > 1 else ""
    if any(figure.interval for _, figures, _ in rows(advice) for figure in figures):
        each += ": [] is the 95 % interval of the change"
    found = {"Tried": f"{len(advice.rows):,} changes{each}"}
    if idle := [row for row in rest if row not in losing]:
        found["No gain"] = f"(under {GAIN * 100:g} %) " + ", ".join(_named(row) for row in idle)
    if losing:
        found["Loses"] = ", ".join(_named(row) for row in losing)
    if advice.judged != advice.objective:
        found["Judged"] = (
            f"by {advice.judged}, as {advice.objective} is never: some pods do not start, whatever is tried"
            if not any(math.isinf(row.gain) for row in advice.gains)
            else f"by {advice.judged} where {advice.objective} is never"
        )
    if advice.error is not None and any(_WITHIN in doubt(advice, row) for row in advice.gains):
        error = advice.error
        found["Model"] = (
            f"its error was measured at {error.median:.0%} (median; 90 %: {error.p90:.0%}) for {error.kind}"
        )
    if advice.untried:
        found["Untried"] = f"{len(advice.untried):,} changes, for which --max-runs has no room"
    if advice.failed:
        found["Failed"] = "; ".join(advice.failed)
    return found


def best(advice: Advice) -> str:
    """Return the sentence for a ticket."""
    if not advice.gains:
        return f"Nothing of what was tried gains {GAIN * 100:g} % of {advice.judged} ({len(advice.rows):,} changes)."
    row = advice.gains[0]
    return f"Most gains: {row.setting.sentence}, {change(advice.told(row))}."


def markdown(advice: Advice, file: str, overrides: Sequence[str] = ()) -> str:
    """Return the advice for a ticket or a pull request."""
    safe = printable.markdown
    lines = [safe(heading(advice)), ""]
    lines += ["| change | " + " | ".join(columns(advice)) + " | |"]
    lines += ["| --- |" + " ---: |" * len(columns(advice)) + " --- |"]
    lines += [f"| {safe(name)} | {' | '.join(map(str, cells))} | {verdict} |" for name, cells, verdict in rows(advice)]
    lines += [*markdown_lines(clusters_of_advice(advice)), "", f"**{safe(best(advice))}**"]
    lines += [f"\n{label}: {safe(text)}" for label, text in notes(advice).items()]
    told = zip(sentences(advice), commands(advice, file, overrides), strict=True)
    for number, (sentence, command) in enumerate(told, 1):
        lines += ["", f"{number}. {safe(sentence)}", "", "   ```sh", f"   {printable.printable(command)}", "   ```"]
    return "\n".join(lines) + "\n"


def plot_gains(advice: Advice, ax: Axes | None = None) -> Axes:
    """Draw what each change that helps gains of the objective, in percent, with the 95 % interval over the seeds."""
    from pullsim.results.charts.style import INK, SERIES, new_axes, nothing, safe, shortened, title  # noqa: PLC0415

    shown = [row for row in advice.gains if math.isfinite(row.gain)]
    ax = new_axes(ax, 8.0, 1.4 + 0.42 * len(shown))
    title(ax, f"gain of {advice.judged}", advice.name)
    if not shown:
        nothing(ax, "nothing that was tried gains anything")
        return ax
    for place, row in enumerate(reversed(shown)):
        difference = row.difference(advice.judged)
        ends = in_percent(difference)  # a row that is shown gains
        ax.barh(place, ends[0], color=SERIES[0])
        ax.plot(ends[1:], [place, place], color=SERIES[1], linewidth=2)
        after = metric_names.text(advice.judged, difference.b.mean)
        ax.text(max(ends) + 1, place, safe(after), va="center", color=INK, fontsize=8.5)
    labels = ["\n".join(wrap(shortened(row.setting.sentence, 2 * _LABEL), _LABEL)) for row in reversed(shown)]
    ax.set_yticks(range(len(shown)), labels, fontsize=8.5)
    before = metric_names.text(advice.judged, shown[0].difference(advice.judged).a.mean)
    ax.set_xlabel(safe(f"gain (% of {before})"))
    ax.set_xlim(0, 115)
    return ax


def shown_metrics(advice: Advice) -> list[str]:
    """Return the metrics of the columns: without an objective that is never, whatever is tried."""
    idle = advice.judged != advice.objective and not any(math.isinf(row.gain) for row in advice.gains)
    return [name for name in advice.metrics if not (idle and name == advice.objective)]


def _figure(difference: Difference) -> Figure:
    name, (_, low, high, _) = difference.metric, difference.difference
    if difference.verdict == "same":
        return Figure(_UNCHANGED, "", "")
    value, before, part = metric_names.text(name, difference.b.mean), difference.a.mean, difference.relative
    if part is None or not before:
        return Figure(value, "", "")
    interval = ""
    if low is not None and high is not None:
        # Differences are divided by the mean of what was before, of which some seeds had more than they can lose.
        ends = [percent(max(end / before, min(part, -1.0))) for end in (low, high)]
        interval = f"[{', '.join(ends)}]".replace(" %", "") if len({*ends}) > 1 else ""
    return Figure(value, percent(part), interval)


def doubt(advice: Advice, row: Tried) -> str:
    """Return what limits the trust in a gain, if anything does."""
    mean, low, high, _ = row.difference(advice.judged).difference
    before = row.difference(advice.judged).a.mean
    if low is not None and high is not None and low <= 0 <= high and math.isfinite(row.gain):
        return _UNCLEAR
    timed = metric_names.dimension(advice.judged) in (metric_names.SECONDS, metric_names.RATE)
    if timed and before is not None and mean is not None and within(advice.error, before, before + mean):
        return _WITHIN
    return ""


def _named(row: Tried) -> str:
    """Write a change that does not help: ``more cores (+0.2 %)``, or only other pods: ``(-0.5 %, but p50 -59 %)``."""
    told = [percent(-row.gain)] if math.isfinite(row.gain) and abs(row.gain) > _SMALL else []
    half = row.difference(METRICS[0]).relative
    if half is not None and half <= -_ELSEWHERE:
        told.append(f"but {_SHORT[METRICS[0]]} {percent(half)}")
    return row.levers[0] + (f" ({', '.join(told)})" if told else "")
