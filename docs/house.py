"""The picture of the house: `python docs/house.py` prints which room imports which, as a Mermaid diagram.

An arrow that others lead to as well is left out. The rooms are the packages of pullsim, and `run`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import grimp

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOMS = (
    "cli", "importer", "study", "results", "run", "scenario", "cluster", "kubelet", "runtime", "registry", "hardware",
    "network", "kernel", "formats", "spec", "releases", "oci", "inputs",
)  # fmt: skip


def imports() -> dict[str, set[str]]:
    """Return the rooms that each room imports."""
    graph = grimp.build_graph("pullsim", exclude_type_checking_imports=True)
    names = {f"pullsim.{room}": room for room in ROOMS}
    for name in names:
        graph.squash_module(name)
    return {
        room: {names[found] for found in graph.find_modules_directly_imported_by(name) if found in names} - {room}
        for name, room in names.items()
    }


def reachable(graph: Mapping[str, set[str]], start: str) -> set[str]:
    """Return all that is reached from ``start``."""
    found: set[str] = set()
    todo = [start]
    while todo:
        for room in graph[todo.pop()] - found:
            found.add(room)
            todo.append(room)
    return found


def diagram() -> str:
    """Return the diagram."""
    graph = imports()
    lines = ["flowchart TD"]
    for room in ROOMS:
        needed = [each for each in ROOMS if each in graph[room]]
        direct = [each for each in needed if not any(each in reachable(graph, other) for other in needed)]
        lines += [f"  {room} --> {target}" for target in direct]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(diagram() + "\n")
