"""The text of ``kubectl describe node``, as the object that it describes.

Of it are read the lists of labels and taints, the tables of capacity and allocatable, and the system's information.
Source: kubectl, pkg/describe/describe.go describeNode.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_START: Final = re.compile(r"^Name:[ \t]+\S", re.MULTILINE)
_NODE: Final = re.compile(r"^(Roles|System Info|Container Runtime Version|PodCIDR):", re.MULTILINE)
_SECTION: Final = re.compile(r"^([A-Z][A-Za-z -]*):[ \t]*(.*)$")
_PAIR: Final = re.compile(r"^\s+([^\s:][^:]*):\s*(.*)$")
#: What a line of the system's information is called in ``status.nodeInfo``.
_INFO: Final = {
    "Operating System": "operatingSystem",
    "Architecture": "architecture",
    "OS Image": "osImage",
    "Container Runtime Version": "containerRuntimeVersion",
    "Kubelet Version": "kubeletVersion",
}


def is_description(text: str) -> bool:
    """Whether a text is what ``kubectl describe node`` prints."""
    return bool(_START.match(text.lstrip()) and _NODE.search(text))


def described_nodes(text: str) -> Iterator[dict[str, Any]]:
    """Yield a Node for each that a text describes."""
    text = text.lstrip()
    starts = [match.start() for match in _START.finditer(text)]
    for begin, end in zip(starts, [*starts[1:], len(text)], strict=True):
        yield _node(text[begin:end])


def _node(text: str) -> dict[str, Any]:
    sections = _sections(text)
    name = sections.get("Name", [""])[0].strip()
    taints = [taint for line in sections.get("Taints", []) if (taint := _taint(line.strip()))]
    pairs = [line.strip().partition("=") for line in sections.get("Labels", []) if "=" in line]
    info = {_INFO[key]: value for key, value in _pairs(sections.get("System Info", [])) if key in _INFO}
    ready = [
        line.split()[1] for line in sections.get("Conditions", []) if line.split()[:1] == ["Ready"] and line.split()[1:]
    ]
    return {
        "kind": "Node",
        "metadata": {"name": name, "labels": {key: value for key, _, value in pairs}},
        "spec": {
            "taints": taints,
            "unschedulable": sections.get("Unschedulable", [""])[0].strip() == "true",
            "providerID": sections.get("ProviderID", [""])[0].strip(),
        },
        "status": {
            "capacity": dict(_pairs(sections.get("Capacity", []))),
            "allocatable": dict(_pairs(sections.get("Allocatable", []))),
            "conditions": [{"type": "Ready", "status": status} for status in ready],
            "nodeInfo": info,
        },
    }


def _sections(text: str) -> dict[str, list[str]]:
    """Return the lines of each section, the rest of its first line included."""
    sections: dict[str, list[str]] = {}
    current: list[str] = []
    for line in text.splitlines():
        match = _SECTION.match(line)
        if match is None:
            current.append(line)
        else:
            current = sections.setdefault(match[1], [])
            current.append(match[2])
    return sections


def _pairs(lines: list[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        if match := _PAIR.match(line):
            yield match[1].strip(), match[2].strip()


def _taint(text: str) -> dict[str, str] | None:
    """Read ``key=value:NoSchedule``; None for ``<none>`` and for what is no taint."""
    left, colon, effect = text.rpartition(":")
    key, _, value = left.partition("=")
    return {"key": key, "value": value, "effect": effect} if colon and key else None
