"""Which kind of input a file is, by its content."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pullsim.errors import InputError, Location
from pullsim.inputs import read_text
from pullsim.study.fit import kubernetes_events, prometheus, table
from pullsim.study.fit.lab import Lab

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pullsim.study.fit.observed import Observed

KINDS = (
    "kubelet events (`kubectl get events -A -o json`), a kubelet's metrics, measurements of benchmarks/lab, or a table "
    "of pulls (JSON lines or CSV with image and pull_s)"
)


def read_input(path: Path, where: Mapping[str, str]) -> Observed | Lab:
    """Read one file. Raises InputError, also for what is none of the known kinds."""
    file = str(path)
    text = read_text(path)
    start = text.lstrip()[:1]
    if start in ("{", "["):
        return _json(text, file, where)
    if prometheus.METRIC in text or text.lstrip().startswith("# HELP"):
        return prometheus.read_metrics(text, file)
    header = text.lstrip().partition("\n")[0].split(",")
    if "image" in header and any(name in header for name in table.SECONDS):
        return table.read_csv(text, file, where)
    raise InputError(f"is none of the kinds of input: {KINDS}", Location(file))


def _json(text: str, file: str, where: Mapping[str, str]) -> Observed | Lab:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        first, _, rest = text.strip().partition("\n")
        if not rest or not first.rstrip().endswith("}"):
            raise InputError(f"is not JSON: {error.msg}", Location(file, error.lineno, error.colno)) from None
        document = [json.loads(first)]
        if _is_event(document[0]):  # a stream of events, as `kubectl get events -w -o json` or an exporter writes
            rows = [json.loads(line) for line in text.splitlines() if line.strip()]
            return kubernetes_events.read_events(rows, file)
        return table.read_lines(text, file, where)
    if isinstance(document, dict) and isinstance(document.get("cases"), list):
        return Lab.read(document, file)
    items = document.get("items") if isinstance(document, dict) else document
    if isinstance(items, list) and (not items or any(map(_is_event, items))):
        return kubernetes_events.read_events(items, file)
    if isinstance(document, dict) and _is_event(document):
        return kubernetes_events.read_events([document], file)
    if isinstance(document, dict) and document.get("image"):
        return table.read_lines(text, file, where)
    raise InputError(f"is none of the kinds of input: {KINDS}", Location(file))


def _is_event(item: Any) -> bool:
    return isinstance(item, dict) and ("reason" in item and ("message" in item or "note" in item))
