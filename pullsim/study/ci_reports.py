"""Reports about a regression check: text, JUnit XML, GitHub's annotations and step summary, Markdown.

All of them have one table of the figures that changed, what fails first, of at most `LINES` lines.
"""

from __future__ import annotations

from collections import Counter
from io import StringIO
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from rich.console import Console

from pullsim.printable import markdown as safe
from pullsim.printable import printable
from pullsim.results import direction, metrics
from pullsim.results.fitted_table import FittedTable
from pullsim.study.baseline import Kind, order

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pullsim.study.baseline import Change, Verdict

LINES: Final = 20  # the most lines of a table, with its heading and the line about what is left out
_FIGURES: Final = ("before", "now", "change", "tolerance")
_HEADING: Final = ("", "figure", *_FIGURES, "scenario")
_SHOWN = ("pods.start.p50", "pods.start.p99", "pods.lastReadyAt", "pods.notStarted", "pulls.failed")
_START: Final = "pods.start.p99"
_LOG: Final = 1000  # columns of a log, which nothing wraps


def text(verdicts: Sequence[Verdict], *, quiet: bool = False, width: int | None = None) -> list[str]:
    """Return the lines for the terminal: one a scenario, and the table; ``quiet``: only what does not pass.

    The table is fitted into ``width`` columns; None: it stands whole, as in a log.
    """
    lines = []
    for verdict in verdicts:
        if not verdict.ok:
            lines.append(f"FAILED  {verdict.name}: {_start(verdict)}{_counts(verdict)}")
            lines += (f"        {problem}" for problem in verdict.others)
        elif not quiet:
            lines.append(f"ok      {verdict.name}: {_start(verdict)}{_counts(verdict)}")
    rows, left = table(verdicts, failing=quiet)
    if rows:
        lines += ["", *_aligned(rows, width or _LOG)]
    return [*lines, left] if left else lines


def table(verdicts: Sequence[Verdict], *, failing: bool = False) -> tuple[list[tuple[str, ...]], str]:
    """Return the rows of what changed, and a line about those left out; ``failing``: only what fails.

    A row has the kind of the change, the figure, its value before and now, the change, the tolerance, the scenario
    (empty where only one has rows).
    """
    changes = [(change, verdict.name) for verdict in verdicts for change in verdict.changes if _told(change)]
    shown = [each for each in changes if each[0].fails or not failing]
    shown.sort(key=lambda each: order(each[0]))
    first: dict[tuple[str, str, str], Change] = {}  # of each distribution one figure before the others of any
    for change, name in shown:
        first.setdefault((name, change.kind, metrics.distribution_of(change.metric)), change)
    firsts = {id(change) for change in first.values()}
    shown.sort(key=lambda each: (not each[0].fails, id(each[0]) not in firsts))
    alone = len({name for _, name in shown}) < 2
    room = LINES - 1 if len(shown) < LINES else LINES - 2
    rows = [_row(change, "" if alone else name) for change, name in shown[:room]]
    rest = Counter(change.kind for change, _ in shown[room:])
    return rows, f"and {rest.total():,} more ({_listed(rest)})" if rest else ""


def junit(verdicts: Sequence[Verdict]) -> str:
    """Return JUnit XML: a suite with one case for each scenario."""
    failed = sum(not verdict.ok for verdict in verdicts)
    counts = {"tests": str(len(verdicts)), "failures": str(failed), "errors": "0"}
    root = ET.Element("testsuites", counts)
    suite = ET.SubElement(root, "testsuite", {"name": "pullsim", **counts})
    for verdict in verdicts:
        case = ET.SubElement(suite, "testcase", {"classname": "pullsim", "name": printable(verdict.name)})
        report = "\n".join(map(printable, text([verdict])))
        if not verdict.ok:
            ET.SubElement(case, "failure", {"message": printable(verdict.problems[0])}).text = report
        elif verdict.changes:
            ET.SubElement(case, "system-out").text = report
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def github_annotations(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Yield GitHub's workflow commands at the scenarios' files: errors for problems, a notice for what got better."""
    for verdict in verdicts:
        problems = verdict.problems
        for problem in problems[:LINES]:
            yield f"::error file={_property(verdict.name)},title=pullsim::{_data(problem)}"
        if len(problems) > LINES:
            yield f"::error file={_property(verdict.name)},title=pullsim::and {len(problems) - LINES:,} more"
        better = [str(change) for change in verdict.changes if change.kind is Kind.better and not change.fails]
        if better:
            more = f"; and {len(better) - 3:,} more" if len(better) > 3 else ""
            yield f"::notice file={_property(verdict.name)},title=pullsim::better: {_data('; '.join(better[:3]))}{more}"


def markdown(verdicts: Sequence[Verdict]) -> str:
    """Return a table of the scenarios and one of what changed, for a step summary or a comment."""
    passed = sum(verdict.ok for verdict in verdicts)
    lines = [f"### Pod start latency: {passed} of {len(verdicts)} scenarios pass", ""]
    lines += ["| | scenario | " + " | ".join(_SHOWN) + " |", "| --- | --- |" + " ---: |" * len(_SHOWN)]
    for verdict in verdicts:
        cells = [
            direction.text(name, metrics.value(verdict.metrics, name)) if verdict.metrics else "-" for name in _SHOWN
        ]
        changed = {change.metric for change in verdict.changes}
        cells = [f"**{cell}**" if name in changed else cell for name, cell in zip(_SHOWN, cells, strict=True)]
        lines.append(f"| {'✅' if verdict.ok else '❌'} | {safe(verdict.name)} | " + " | ".join(cells) + " |")
    for verdict in verdicts:
        if verdict.others:
            lines += ["", f"**{safe(verdict.name)}**", "", *(f"- {safe(problem)}" for problem in verdict.others)]
    rows, left = table(verdicts)
    if rows:
        lines += ["", "| " + " | ".join(_HEADING) + " |", "| --- | --- |" + " ---: |" * len(_FIGURES) + " --- |"]
        lines += ["| " + " | ".join(map(safe, row)) + " |" for row in rows]
    if left:
        lines += ["", left]
    return "\n".join(lines) + "\n"


def _told(change: Change) -> bool:
    """Whether a change has a row: what is within its tolerance or new is only counted, unless it fails."""
    return change.fails or change.kind not in (Kind.within, Kind.new)


def _row(change: Change, name: str) -> tuple[str, ...]:
    held = change.fails or change.kind is Kind.better
    return (
        change.kind.value,
        change.metric,
        *change.figures,
        change.tolerance.text(change.metric) if held else "-",
        name,
    )


def _start(verdict: Verdict) -> str:
    """``p99 21.7 s → 23.0 s``, or without a change ``p99 21.7 s``."""
    changed = next((change for change in verdict.changes if change.metric == _START), None)
    if changed is not None and changed.kind is not Kind.new:
        before, now, _ = changed.figures
        return f"p99 {before} → {now}"
    return f"p99 {direction.text(_START, metrics.value(verdict.metrics, _START))}"


def _counts(verdict: Verdict) -> str:
    """``; 3 worse, 2 better, 12 changed, 40 within tolerance``."""
    counts = Counter(change.kind for change in verdict.changes)
    return f"; {_listed(counts)}" if counts else ""


def _listed(counts: Counter[Kind]) -> str:
    names = {Kind.within: "within tolerance", Kind.new: "new, not in the baseline"}
    return ", ".join(f"{counts[kind]:,} {names.get(kind, kind.value)}" for kind in Kind if counts[kind])


def _aligned(rows: Sequence[tuple[str, ...]], width: int) -> list[str]:
    """Return the rows as lines with columns of equal width, fitted into a terminal of ``width`` columns."""
    table = FittedTable()
    table.names("", whole=True)
    table.names("figure", rank=0)
    for heading, rank in zip(_FIGURES, (3, 0, 2, 4), strict=True):
        table.figures(heading, rank)
    table.names("scenario" if rows[0][-1] else "", rank=1)
    for row in rows:
        table.add_row(*row)
    text = StringIO()
    Console(file=text, width=width, height=1, color_system=None, markup=False, emoji=False).print(table, crop=False)
    return [line.rstrip() for line in text.getvalue().splitlines()]


def _data(text: str) -> str:
    """Escape a workflow command's message (actions/toolkit, core/src/command.ts, escapeData)."""
    return printable(text, "\r\n").replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
