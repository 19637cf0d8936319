"""Building what a seed draws of how nodes and registries vary."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from pullsim.scenario.builder.spec_of import spec_of
from pullsim.scenario.model.variation import PoolSpreads
from pullsim.scenario.presets.variations import between_presets, variation_of
from pullsim.spec.draws import vary_pool, vary_registry
from pullsim.spec.variation import ClusterSpread, PoolVariation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pullsim.scenario.model.nodes import NodePool
    from pullsim.scenario.model.scenario import ScenarioModel
    from pullsim.scenario.model.variation import Spreads
    from pullsim.spec.cluster import ClusterSpec


def with_variation(cluster: ClusterSpec, scenario: ScenarioModel) -> ClusterSpec:
    """Return the cluster as its seed draws it, where the scenario has variation; else the cluster itself."""
    variation = scenario.variation
    if variation is None:
        return cluster
    own = variation.spreads == "own"
    spreads = {pool.name: _spec(variation if own else _of_pool(pool)) for pool in scenario.nodes}
    varied = {name: vary_pool(spec, spreads[name], cluster.seed) for name, spec in cluster.pools.items()}
    widest = _widest(spreads.values())
    return replace(
        cluster,
        nodes=tuple(replace(node, spec=varied[node.spec.pool]) for node in cluster.nodes),
        autoscaled=tuple(replace(pool, spec=varied[pool.spec.pool]) for pool in cluster.autoscaled),
        registries=tuple(vary_registry(registry, widest, cluster.seed) for registry in cluster.registries),
    )


def variation_warnings(scenario: ScenarioModel) -> list[str]:
    """Return the warnings of pools with spreads that are ignored."""
    variation = scenario.variation
    if variation is not None and variation.spreads == "preset":
        return []
    why = "variation is none" if variation is None else "variation has spreads of its own"
    given = [pool.name for pool in scenario.nodes if pool.variation is not None]
    return [f"nodes[{name}].variation: {why}, so that it is ignored: write variation: preset" for name in given]


def behind(scenario: ScenarioModel) -> dict[str, int | None]:
    """Return by pool how many clusters are behind its figures, for `variation: preset`; None: it does not say it."""
    variation = scenario.variation
    own = variation is not None and variation.spreads == "own"
    return {pool.name: None if own else _of_pool(pool).clusters for pool in scenario.nodes}


def _of_pool(pool: NodePool) -> PoolSpreads:
    """Return the spreads of a pool: its own, or those of its preset."""
    if pool.variation is not None:
        return pool.variation
    return PoolSpreads.model_validate(variation_of(pool.preset))


def _spec(spreads: Spreads) -> PoolVariation:
    """Return spreads as they are to be drawn: as much wider as the figures themselves are unsure.

    The figures of n clusters are off by what one cluster is, divided by the root of n: another cluster differs from
    them by the spread times the root of 1 + 1/n. Where there is none, they are off by what presets are from figures
    that were known without any pull.
    """
    cluster = spec_of(spreads.cluster, ClusterSpread)
    clusters = spreads.clusters if isinstance(spreads, PoolSpreads) else None
    if clusters == 0:
        apart = between_presets()
        cluster = ClusterSpread(**{name: math.hypot(spread, apart[name]) for name, spread in asdict(cluster).items()})
    elif clusters is not None:
        by = math.sqrt(1 + 1 / clusters)
        cluster = ClusterSpread(**{name: by * spread for name, spread in asdict(cluster).items()})
    return PoolVariation(cluster, spreads.node.disk, spreads.node.unpack, spreads.pull, spreads.model)


def _widest(spreads: Iterable[PoolVariation]) -> PoolVariation:
    """Return the spreads of the registries, which all pools ask: the widest of the pools'."""
    every = list(spreads)
    return PoolVariation(
        ClusterSpread(
            registry=max(each.cluster.registry for each in every), latency=max(each.cluster.latency for each in every)
        ),
        model=max(each.model for each in every),
    )
