"""Which kind of input a file is, by its content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullsim.errors import InputError, Location
from pullsim.inputs import json_lines, parse_json, read_text
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
    header = text.lstrip().partition("\n")[0].rstrip("\r").split(",")
    if "image" in header and any(name in header for name in table.SECONDS):
        return table.read_csv(text, file, where)
    raise _unknown(file)


def _json(text: str, file: str, where: Mapping[str, str]) -> Observed | Lab:
    try:
        document = parse_json(text, file)
    except InputError as error:
        if not _is_json(text.lstrip().partition("\n")[0], file):
            raise error from None
        return _rows(list(json_lines(text, file)), file, where)
    if isinstance(document, dict) and isinstance(document.get("cases"), list):
        return Lab.read(document, file)
    items = document.get("items") if isinstance(document, dict) else document
    if isinstance(items, list) and (not items or any(map(_is_event, items))):
        return kubernetes_events.read_events(items, file)
    if isinstance(document, dict) and (_is_event(document) or document.get("image")):
        return _rows([(1, document)], file, where)
    raise _unknown(file)


def _rows(rows: list[tuple[int, Any]], file: str, where: Mapping[str, str]) -> Observed:
    """Take documents a line: events, as ``kubectl get events -w -o json`` or an exporter writes, or a table's rows."""
    if _is_event(rows[0][1]):
        numbers, events = zip(*rows, strict=True)
        return kubernetes_events.read_events(events, file, numbers)
    return table.read_rows(rows, file, where)


def _is_json(line: str, file: str) -> bool:
    try:
        parse_json(line, file)
    except InputError:
        return False
    return True


def _is_event(item: Any) -> bool:
    return isinstance(item, dict) and ("reason" in item and ("message" in item or "note" in item))


def _unknown(file: str) -> InputError:
    return InputError(f"this is none of the kinds of input: {KINDS}", Location(file))
