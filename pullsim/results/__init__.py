"""The outcome of a run in every form: tables, the summary and its bottleneck, charts, terminal text and files.

``pods(result)``, ``pulls(result)`` and their like are data frames, ``summarize(result)`` has the figures,
``render(summary)`` is the text that ``pullsim run`` prints, `charts` draws, ``check(result)`` looks for contradictions.

Nothing is imported here: pandas is loaded by `tables`, matplotlib by `charts`, rich by `text`, and only when asked.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pullsim.results import charts, tables
    from pullsim.results.invariants import check
    from pullsim.results.summary.summary import Summary, summarize
    from pullsim.results.tables import (
        caches,
        departures,
        disks,
        events,
        joins,
        layers,
        links,
        peers,
        pods,
        prepulls,
        pulls,
        reads,
        removals,
        rollouts,
        statuses,
        traffic,
    )
    from pullsim.results.text import render

#: The modules of the names that are imported on first use.
_LAZY: Final = {
    "caches": "pullsim.results.tables",
    "Summary": "pullsim.results.summary.summary",
    "check": "pullsim.results.invariants",
    "departures": "pullsim.results.tables",
    "disks": "pullsim.results.tables",
    "events": "pullsim.results.tables",
    "joins": "pullsim.results.tables",
    "layers": "pullsim.results.tables",
    "links": "pullsim.results.tables",
    "peers": "pullsim.results.tables",
    "pods": "pullsim.results.tables",
    "prepulls": "pullsim.results.tables",
    "pulls": "pullsim.results.tables",
    "reads": "pullsim.results.tables",
    "removals": "pullsim.results.tables",
    "render": "pullsim.results.text",
    "rollouts": "pullsim.results.tables",
    "statuses": "pullsim.results.tables",
    "summarize": "pullsim.results.summary.summary",
    "traffic": "pullsim.results.tables",
}
_MODULES: Final = ("charts", "tables")

__all__ = [
    "Summary",
    "caches",
    "charts",
    "check",
    "departures",
    "disks",
    "events",
    "joins",
    "layers",
    "links",
    "peers",
    "pods",
    "prepulls",
    "pulls",
    "reads",
    "removals",
    "render",
    "rollouts",
    "statuses",
    "summarize",
    "tables",
    "traffic",
]


def __getattr__(name: str) -> Any:
    """Import the module of a public name when the name is used for the first time."""
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_LAZY[name]), name)
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return sorted({*globals(), *__all__})
