"""Building the prices from the section ``prices``, and what is told of prices and links that meet nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullsim.errors import shown
from pullsim.inputs.suggestion import did_you_mean
from pullsim.scenario.builder.spec_of import spec_of
from pullsim.spec.prices import ANY, CROSS_ZONE, FREE, PEER, Prices

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pullsim.inputs.findings import Findings
    from pullsim.scenario.model.nodes import NodePool
    from pullsim.scenario.model.prices import Prices as PricesModel
    from pullsim.spec.cluster import Node
    from pullsim.spec.registry import RegistrySpec

_CLASSES = ("nat", CROSS_ZONE, "egress", PEER, "internet")


def build_prices(prices: PricesModel | None, pools: Sequence[NodePool], findings: Findings) -> Prices | None:
    """Return the prices; a name of ``acceleratorHour`` that is no resource, pool or instance type is an error."""
    if prices is None:
        return None
    names = {name for pool in pools for name in _names(pool)}
    hours = prices.accelerator_hour
    for name in hours:
        if name not in names and name != ANY and "/" not in name:
            message = f"{shown(name)} is no extended resource, pool or instance type{did_you_mean(name, names, 3)}"
            findings.error(message, "prices", "acceleratorHour", name)
    by_pool = {pool.name: [hours[name] for name in _names(pool) if name in hours] for pool in pools}
    return spec_of(
        prices,
        Prices,
        accelerators=tuple((name, price) for name, price in hours.items() if name == ANY or name not in names),
        pools=tuple((pool, found[0]) for pool, found in by_pool.items() if found),
    )


def _names(pool: NodePool) -> tuple[str, ...]:
    """Return the names by which the accelerators of a pool may have a price, the nearest first."""
    preset = pool.preset or ""
    return tuple(dict.fromkeys(name for name in (pool.name, preset, preset.rpartition("/")[2]) if name))


def price_warnings(
    prices: PricesModel | None, registries: Sequence[RegistrySpec], nodes: Sequence[Node], held: Iterable[str]
) -> list[str]:
    """Return warnings of classes without a price, prices that meet no bytes, and prices of resources no pod asks for.

    ``held``: the extended resources that pods request.
    """
    if prices is None:
        return []
    given = {name: getattr(prices, "cross_zone" if name == CROSS_ZONE else name) for name in _CLASSES}
    used = links(registries, nodes)
    warnings = [
        f"prices has no {link}, which is a class of {', '.join(hosts)}: these bytes are free"
        for link, hosts in used.items()
        if given[link] is None
    ]
    warnings += [
        f"prices.{name}: no bytes are of that class, as no host has "
        + ("a zone other than a node's, or link: crossZone" if name == CROSS_ZONE else f"link: {name}")
        for name, price in given.items()
        if price and name not in used
    ]
    asked = {*held}
    warnings += [
        f"prices.acceleratorHour: no pod requests {name}"
        for name in prices.accelerator_hour
        if "/" in name and name not in asked
    ]
    return warnings


def links(registries: Sequence[RegistrySpec], nodes: Sequence[Node]) -> dict[str, list[str]]:
    """Return the hosts by the class in which their bytes count; free ones not."""
    found: dict[str, list[str]] = {}
    peers = [node for node in nodes if node.spec.peers is not None]
    if peers:
        found[PEER] = ["peers"]
    if len({node.zone for node in peers} - {None}) > 1:
        found[CROSS_ZONE] = ["peers"]
    zones = {*(node.zone for node in nodes), *(host.zone for host in registries if host.cache is not None)} - {None}
    for registry in registries:
        parts = (registry, registry.blob_host, registry.cache)
        own = {part.link for part in parts if part is not None} - {None, FREE}
        if registry.zone is not None and zones - {registry.zone}:
            own.add(CROSS_ZONE)
        for link in own:
            found.setdefault(str(link), []).append(registry.host)
    return {link: found[link] for link in _CLASSES if link in found}
