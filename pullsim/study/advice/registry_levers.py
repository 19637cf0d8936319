"""Levers of the registries: a mirror near the nodes, and higher limits of the registry itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pullsim.scenario.builder.cluster import mirrors
from pullsim.study.advice.setting import Setting, setting
from pullsim.study.advice.situation import flow
from pullsim.units import rate_text, size_text

if TYPE_CHECKING:
    from pullsim.scenario.model.registries import Limit, Registry
    from pullsim.study.advice.situation import Situation

_NAME: Final = "mirror.local"
_CACHE: Final = "cache.local"
#: Programs that are tried: the one that streams without waiting, and the one that stores an image once.
_PROGRAMS: Final = ("distribution", "zot")
_EGRESS: Final = "10Gbit/s"


def mirror(situation: Situation) -> list[Setting]:
    """A mirror that has everything, near the nodes: a listed host that nothing comes from, or one of 10 Gbit/s."""
    known = mirrors(situation.cluster.registries, situation.cluster.nodes)
    idle = [
        registry.host
        for registry in situation.scenario.registries
        if registry.host not in situation.hosts and registry.host not in known and registry.images is None
    ]
    entry: Any = idle[0] if idle else {"host": _NAME, "egress": _EGRESS}
    name = idle[0] if idle else f"a mirror of {_EGRESS}"
    return setting(
        f"{name} near the nodes, with all images",
        *(f"{situation.registry(each)}.mirrors={flow([entry])}" for each in situation.registries() if not each.mirrors),
    )


def cache(situation: Situation) -> list[Setting]:
    """A pull-through cache near the nodes, empty at first, of one program or another."""
    without = [each for each in situation.registries() if not each.mirrors and each.cache is None]
    return [
        Setting(
            f"a pull-through cache ({program}) of {_EGRESS} near the nodes, empty at first",
            tuple(
                f"{situation.registry(each)}.mirrors={flow([{'host': _CACHE, 'egress': _EGRESS, 'cache': program}])}"
                for each in without
            ),
        )
        for program in _PROGRAMS
        if without
    ]


def egress(situation: Situation) -> list[Setting]:
    """Twice the rate that all nodes share, of the registry and of the store that its blobs are in."""
    return setting(
        "registries of twice the egress",
        *(text for each in situation.registries() for text in _twice(situation, each, "egress")),
    )


def connection(situation: Situation) -> list[Setting]:
    """Twice the rate of one connection, and of the window that limits it over a round trip."""
    overrides = []
    for each in situation.registries():
        found = _twice(situation, each, "perConnection")
        if found:
            found.append(f"{situation.registry(each)}.tcp.maxWindow={size_text(2 * each.tcp.max_window)}")
        overrides += found
    return setting("twice the rate of one connection to the registries", *overrides)


def quota(situation: Situation) -> list[Setting]:
    """Twice the requests or bytes of every quota."""
    return setting(
        "twice the registries' quotas",
        *(
            f"{situation.registry(each)}.limits={flow([_twice_limit(limit) for limit in each.limits])}"
            for each in situation.registries()
            if each.limits
        ),
    )


def _twice(situation: Situation, registry: Registry, key: str) -> list[str]:
    """Return overrides that double a rate of a registry and of its store of blobs, as far as they have one."""
    found = []
    for place, each in (("", registry), (".blobHost", registry.blob_host)):
        if each is not None:
            rate = each.egress if key == "egress" else each.per_connection
            if rate is not None:
                found.append(f"{situation.registry(registry)}{place}.{key}={rate_text(2 * rate)}")
    return found


def _twice_limit(limit: Limit) -> dict[str, Any]:
    keys: dict[str, Any] = limit.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)
    if limit.requests is not None:
        keys["requests"] = 2 * limit.requests
    if limit.bytes is not None:
        keys["bytes"] = size_text(2 * limit.bytes)
    if limit.burst is not None:
        keys["burst"] = 2 * limit.burst
    return keys
