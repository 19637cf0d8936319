"""The metrics of a run: every number of its summary, by its path in `summary.json` (``pods.start.p99``).

The unit of a metric (seconds, bytes, bytes/s, a share or a count) decides how its values are written and read.
"""

from __future__ import annotations

import math
import re
from dataclasses import fields, is_dataclass
from fnmatch import fnmatchcase
from functools import cache
from sys import intern
from types import UnionType
from typing import TYPE_CHECKING, Any, Final, Union, get_args, get_origin, get_type_hints

from pullsim.errors import InputError, Location, shown
from pullsim.inputs.suggestion import did_you_mean
from pullsim.results.statistics import PERCENTILE_METHOD, THOUSANDTHS
from pullsim.results.summary.groups import GroupFigures
from pullsim.results.summary.summary import Summary, camel
from pullsim.results.wording import duration, money, size
from pullsim.spec.prices import LINKS
from pullsim.stages import RESOURCES, STAGES
from pullsim.units import parse_duration, parse_percent, parse_rate, parse_size

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

SECONDS, BYTES, RATE, SHARE, COUNT, MONEY = "seconds", "bytes", "bytes/s", "share", "count", "money"
#: The metrics that are shown by default.
DEFAULT: Final = (
    "pods.start.p50",
    "pods.start.p99",
    "pods.start.max",
    "pods.lastReadyAt",
    "pods.notStarted",
    "pulls.failed",
    "bytes.downloaded",
)
_ANY: Final = "*"  # stands for a name that only a run knows, such as a registry host
_TEXTS: Final = frozenset(
    {
        "schemaVersion",
        "name",
        "version",
        "detail",
        "ended",
        "percentiles",
        "warnings",
        "mixedVersions",
        "seed",
        "assertions",
        "modelError",
        "splits",
        "prediction",
        "guesses",
        "neverStarted",
    }
)
#: The dimension by pattern of the name. The first pattern that fits decides; a metric that none fits is a count.
_DIMENSIONS: Final = (
    ("*.count", COUNT),
    ("cost", MONEY),
    ("costs.*", MONEY),
    ("*.cost", MONEY),
    ("bytesByClass.*", BYTES),
    ("*Share", SHARE),
    ("*.share", SHARE),
    ("bottleneck.shares*", SHARE),
    ("*.window", SECONDS),
    ("bytes.perSecond.*", RATE),
    ("bytes.*", BYTES),
    ("*Bytes", BYTES),
    ("housekeeping.removed.*.images", COUNT),
    ("housekeeping.removed.*", BYTES),
    ("housekeeping.refetched", BYTES),
    ("housekeeping.disks.*.nodes", COUNT),
    ("housekeeping.disks.*", BYTES),
    ("*.never", COUNT),
    ("pods.start*.*", SECONDS),
    ("pods.ready*.*", SECONDS),
    ("pulls.pull.*", SECONDS),
    ("pulls.queue.*", SECONDS),
    ("pulls.includingWaiting.*", SECONDS),
    ("prepulls.*.seconds.*", SECONDS),
    ("autoscaling.*.nodeSeconds", SECONDS),
    ("autoscaling.*.life.*", SECONDS),
    ("timeInStatus.*", SECONDS),
    ("outages.*.lastUpAfter", SECONDS),
    ("*At", SECONDS),
    ("*.seconds", SECONDS),
    ("end", SECONDS),
)
FEW: Final = 40  # workloads, pools and images together of which studies and baselines keep all figures
#: What the metrics of a part of the pods begin with, by the key that the summary has for them.
_GROUPS: Final = {"workloads": "workloads", "podsByPool": "pools", "images": "images"}
#: The figures of a distribution that are infinite where they fall to what never came.
_FIGURES: Final = ("mean", *map(camel, THOUSANDTHS))
_EXAMPLES: Final = {
    SECONDS: "90s, 1m30s",
    BYTES: "10GB, 500MiB",
    RATE: "10Gbit/s, 125MiB/s",
    SHARE: "25%, 0.25",
    COUNT: "0, 12",
    MONEY: "0.05, 1200",
}


def values(document: Mapping[str, Any]) -> dict[str, float | None]:
    """Return all metrics of a summary as `Summary.to_dict` gives it; None for a number that does not exist.

    A time that falls to pods that never started is infinite.
    """
    found = {intern(name): value for name, value in _leaves(document, "") if name.split(".", 1)[0] not in _TEXTS}
    return with_never(found) if document.get("percentiles") == PERCENTILE_METHOD else found  # older ones had no such


def kept(document: Mapping[str, Any], wanted: Collection[str]) -> dict[str, float | None]:
    """Return the metrics of a summary that are kept of many runs.

    Of workloads, pools and images they are all where there are no more than FEW of them, else those that are wanted:
    a scenario may have a thousand of each, with two dozen figures.
    """
    if sum(len(document[key]) for key in _GROUPS) <= FEW:
        return values(document)
    found = values({key: each for key, each in document.items() if key not in _GROUPS})
    groups = values({key: document[key] for key in (*_GROUPS, "percentiles")}) if any(map(of_group, wanted)) else {}
    return found | {name: groups[name] for name in wanted if name in groups}


def without_never(metrics: Mapping[str, float | None]) -> dict[str, float | None]:
    """Return metrics as JSON can hold them: None for what is infinite. `with_never` reads them back."""
    return {name: None if value == math.inf else value for name, value in metrics.items()}


def with_never(metrics: Mapping[str, float | None]) -> dict[str, float | None]:
    """Return metrics in which a figure of a distribution that is None is infinite, if the distribution has values."""
    return {
        name: math.inf if value is None and (count := _beside(name, "count")) and metrics.get(count) else value
        for name, value in metrics.items()
    }


def never(metrics: Mapping[str, float | None], name: str) -> str:
    """Return why a figure of a distribution is infinite: ``2 of 100 never started``; an empty text if it is not one."""
    count, none = (metrics.get(_beside(name, each) or "") for each in ("count", "never"))
    if not count or not none:
        return ""
    did = "started" if ".start" in name else "were ready" if ".ready" in name or ".lastUp" in name else "came to it"
    return f"{none:,.0f} of {count:,.0f} never {did}"


def value(metrics: Mapping[str, float | None], name: str) -> float | None:
    """Return one metric of a run; 0 for a cause of failures, a stage or a host that did not occur in the run.

    A workload, pool or image that the run did not have has no value.
    """
    if name in metrics:
        return metrics[name]
    if of_group(name):
        return None
    parent = name.rpartition(".")[0]
    none = any(known == parent or parent.startswith(f"{known}.") for known, number in metrics.items() if number is None)
    return None if none else 0.0


def below(metrics: Mapping[str, float | None], path: str) -> dict[str, float]:
    """Return the metrics of a run below a path that exist, by the rest of their names."""
    start = f"{path}."
    return {
        name.removeprefix(start): number
        for name, number in metrics.items()
        if name.startswith(start) and number is not None
    }


def names() -> list[str]:
    """Return the names of all metrics; ``*`` stands for names that only a run knows, such as a registry host."""
    return [name for name, _ in _known(Summary, "")]


def of_group(name: str) -> tuple[str, str, str] | None:
    """Return ``workloads``, ``pools`` or ``images``, the name of one, and the figure; None for another metric.

    A name may have dots. No figure ends with another one after a dot, so that there is one way to part them.
    """
    head, _, rest = name.partition(".")
    if head not in _GROUPS.values():
        return None
    figure = next((each for each in group_figures() if rest.endswith(f".{each}")), None)
    group = rest if figure is None else rest.removesuffix(f".{figure}")
    return (head, group, figure or "") if figure or head == "pools" else None


@cache
def group_figures() -> tuple[str, ...]:
    """Return the figures of a workload, a pool or an image: ``total``, ``start.p50`` and so on."""
    return tuple(name for name, _ in _known(GroupFigures, ""))


def matching(wild: str) -> list[str]:
    """Return the metrics that a shell pattern may stand for; one of a group has ``*`` for its name.

    There must be a name with which a figure fits: the letters before the pattern's first wild card, or what stands
    before any of its dots.
    """
    head, _, rest = wild.partition(".")
    literal = re.split(r"[*?\[]", rest, maxsplit=1)[0]
    ends = [rest[place + 1 :] for place, letter in enumerate(rest) if letter == "."]

    def fits(pattern: str) -> bool:
        group = of_group(pattern)
        if group is None or not group[2] or not fnmatchcase(group[0], head):
            return fnmatchcase(pattern, wild)
        return fnmatchcase(f"{literal}.{group[2]}", rest) or any(fnmatchcase(group[2], end) for end in ends)

    return [pattern for pattern in names() if fits(pattern)]


def check(name: str, place: Location | None = None) -> str:
    """Return the name if there is such a metric. Raises InputError with three similar ones."""
    if any(_fits(name, pattern) for pattern, _ in _known(Summary, "", name.partition(".")[0])):
        return name
    hint = did_you_mean(name, (each.replace("*", "NAME") for each in names()), 3, "pullsim metrics SCENARIO")
    raise InputError(f"there is no metric {shown(name)}{hint}", place)


def dimension(name: str) -> str:
    """Return what a metric is measured in: seconds, bytes, bytes/s, share, money or count."""
    if group := of_group(name):
        return SECONDS if _beside(group[2], "count") else COUNT
    return next((kind for pattern, kind in _DIMENSIONS if fnmatchcase(name, pattern)), COUNT)


def parse_value(name: str, text: str) -> float:
    """Read a value of a metric, with its unit. Raises ValueError."""
    stripped = text.strip()
    try:
        if math.isfinite(number := float(stripped)):
            return number
    except ValueError:
        pass
    kind = dimension(name)
    try:
        if kind == SECONDS:
            return parse_duration(stripped)
        if kind == BYTES:
            return float(parse_size(stripped))
        if kind == RATE:
            return parse_rate(stripped)
        if kind == SHARE:
            return parse_percent(stripped)
    except ValueError as error:
        raise ValueError(f"{name} is in {kind} ({_EXAMPLES[kind]}): {error}") from None
    raise ValueError(f"{name} is a {kind}, a plain number ({_EXAMPLES[kind]}), not {shown(stripped)}")


def text(name: str, number: float | None) -> str:
    """Write a value of a metric for people; minus infinity is a difference from never."""
    if number is None:
        return "-"
    if math.isinf(number):
        return "never" if number > 0 else "-∞"
    kind = dimension(name)
    if kind == SECONDS:
        return ("-" if number < 0 else "") + duration(abs(number))
    if kind == BYTES:
        return ("-" if number < 0 else "") + size(abs(number))
    if kind == RATE:
        return ("-" if number < 0 else "") + size(abs(number)) + "/s"
    if kind == MONEY:
        return money(number)
    return f"{number:.1%}" if kind == SHARE else f"{number:,.4g}" if number % 1 else f"{number:,.0f}"


def is_percentile(name: str) -> bool:
    """Whether a metric is a percentile, the mean or the maximum of a distribution."""
    return _beside(name, "count") is not None


def distribution_of(name: str) -> str:
    """Return what a percentile, mean or maximum is a figure of; the name itself of any other metric."""
    return (_beside(name, "") or name).rstrip(".")


def _beside(name: str, key: str) -> str | None:
    """Return the name of another figure of a distribution; None: the metric is no percentile, mean or maximum.

    An outage is as a distribution is: its ``pods`` are the count of when the last of them was up.
    """
    head, _, last = name.rpartition(".")
    if last in ("lastUpAt", "lastUpAfter"):
        return f"{head}.{'pods' if key == 'count' else key}"
    figure = next((each for each in _FIGURES if name.endswith(f".{each}")), None)
    return None if figure is None else name.removesuffix(figure) + key


def _leaves(node: Any, name: str) -> Iterator[tuple[str, float | None]]:
    if isinstance(node, dict):
        for key, inner in node.items():
            yield from _leaves(inner, f"{name}.{key}" if name else str(_GROUPS.get(key, key)))
    elif node is None or (isinstance(node, int | float) and not isinstance(node, bool)):
        yield name, node


def _known(kind: Any, name: str, head: str | None = None) -> Iterator[tuple[str, Any]]:
    """Yield the paths of the numbers below a type of the summary; with a head those that begin with it."""
    if get_origin(kind) in (Union, UnionType):
        inner = [each for each in get_args(kind) if each is not type(None)]
        if len(inner) == 1:
            yield from _known(inner[0], name)
        elif set(inner) <= {int, float}:
            yield name, float
    elif get_origin(kind) is dict:
        for key in _keys(name):
            yield from _known(get_args(kind)[1], f"{name}.{key}")
    elif is_dataclass(kind):
        hints = get_type_hints(kind)
        for field in fields(kind):
            key = camel(field.name)
            path = f"{name}.{key}" if name else _GROUPS.get(key, key)
            if head in (None, path) and (name or key not in _TEXTS):
                yield from _known(hints[field.name], path)
    elif kind in (int, float):
        yield name, kind


def _keys(name: str) -> tuple[str, ...]:
    """Return the keys that a mapping of the summary can have."""
    if name in ("time.stages", "time.slowestStages"):
        return STAGES
    if name in ("bytesByClass", "costs.byClass"):
        return LINKS
    return tuple(resource.key for resource in RESOURCES) if name.startswith("bottleneck.") else (_ANY,)


def _fits(name: str, pattern: str) -> bool:
    """Whether a name matches a pattern; ``*`` matches dots too."""
    head, star, tail = pattern.partition(f".{_ANY}")
    if not star:
        return name == pattern
    return name.startswith(f"{head}.") and name.endswith(tail) and len(name) > len(head) + 1 + len(tail)
