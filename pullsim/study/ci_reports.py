"""Reports about a regression check: JUnit XML, GitHub's annotations and step summary, Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from pullsim.printable import markdown as safe
from pullsim.printable import printable
from pullsim.results import metrics

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pullsim.study.baseline import Verdict

_SHOWN = ("pods.start.p50", "pods.start.p99", "pods.lastReadyAt", "pods.notStarted", "pulls.failed")


def junit(verdicts: Sequence[Verdict]) -> str:
    """Return JUnit XML: a suite with one case for each scenario."""
    failed = sum(not verdict.ok for verdict in verdicts)
    counts = {"tests": str(len(verdicts)), "failures": str(failed), "errors": "0"}
    root = ET.Element("testsuites", counts)
    suite = ET.SubElement(root, "testsuite", {"name": "pullsim", **counts})
    for verdict in verdicts:
        case = ET.SubElement(suite, "testcase", {"classname": "pullsim", "name": printable(verdict.name)})
        if not verdict.ok:
            problems = [printable(problem) for problem in verdict.problems]
            ET.SubElement(case, "failure", {"message": problems[0]}).text = "\n".join(problems)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def github_annotations(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Yield GitHub's workflow commands: one error for each problem, at the scenario's file."""
    for verdict in verdicts:
        for problem in verdict.problems:
            yield f"::error file={_property(verdict.name)},title=pullsim::{_data(problem)}"


def markdown(verdicts: Sequence[Verdict]) -> str:
    """Return a table of the scenarios and what changed, for a step summary or a comment."""
    passed = sum(verdict.ok for verdict in verdicts)
    lines = [f"### Pod start latency: {passed} of {len(verdicts)} scenarios pass", ""]
    lines += ["| | scenario | " + " | ".join(_SHOWN) + " |", "| --- | --- |" + " ---: |" * len(_SHOWN)]
    for verdict in verdicts:
        cells = [
            metrics.text(name, metrics.value(verdict.metrics, name)) if verdict.metrics else "-" for name in _SHOWN
        ]
        changed = {change.metric for change in verdict.changes}
        cells = [f"**{cell}**" if name in changed else cell for name, cell in zip(_SHOWN, cells, strict=True)]
        lines.append(f"| {'✅' if verdict.ok else '❌'} | {safe(verdict.name)} | " + " | ".join(cells) + " |")
    for verdict in verdicts:
        if verdict.problems:
            lines += ["", f"**{safe(verdict.name)}**", "", *(f"- {safe(problem)}" for problem in verdict.problems[:20])]
            if len(verdict.problems) > 20:
                lines.append(f"- and {len(verdict.problems) - 20} more")
    return "\n".join(lines) + "\n"


def _data(text: str) -> str:
    """Escape a workflow command's message (actions/toolkit, core/src/command.ts, escapeData)."""
    return printable(text, "\r\n").replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
