"""Building what a seed draws of how nodes and registries vary."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Final

from pullsim.scenario.builder.spec_of import spec_of
from pullsim.scenario.model.variation import PoolSpreads
from pullsim.scenario.presets.variations import between_presets, variation_of
from pullsim.spec.drawn_catalog import DrawnCatalog
from pullsim.spec.draws import vary_pool, vary_registry
from pullsim.spec.variation import ClusterSpread, Correlations, PoolVariation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pullsim.scenario.model.nodes import NodePool
    from pullsim.scenario.model.scenario import ScenarioModel
    from pullsim.scenario.model.variation import Spreads
    from pullsim.spec.cluster import ClusterSpec

_VERB: Final = ("is", "are")  # one spread, or two


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
        catalog=DrawnCatalog(cluster.catalog, widest.unpacked, cluster.seed) if widest.unpacked else cluster.catalog,
    )


def variation_warnings(scenario: ScenarioModel) -> list[str]:
    """Return the warnings of pools with spreads that are ignored, and of correlations of what does not vary."""
    variation = scenario.variation
    given = [(f"nodes[{pool.name}].variation", pool.variation) for pool in scenario.nodes if pool.variation is not None]
    if variation is not None and variation.spreads == "preset":
        return [warning for place, spreads in given for warning in _without_spreads(place, spreads)]
    why = "variation is none" if variation is None else "variation has spreads of its own"
    ignored = [f"{place}: {why}, so that it is ignored: write variation: preset" for place, _ in given]
    return ignored if variation is None else [*ignored, *_without_spreads("variation", variation)]


def _without_spreads(place: str, spreads: Spreads) -> Iterator[str]:
    """Yield a warning of each correlation of two figures one of which does not vary, and of tails of what does not."""
    cluster, node, given = spreads.cluster, spreads.node, spreads.correlations
    for key, value, of in (
        ("diskUnpack", given.disk_unpack, {"cluster.disk": cluster.disk, "cluster.unpack": cluster.unpack}),
        (
            "registryLatency",
            given.registry_latency,
            {"cluster.registry": cluster.registry, "cluster.latency": cluster.latency},
        ),
        ("nodeDiskUnpack", given.node_disk_unpack, {"node.disk": node.disk, "node.unpack": node.unpack}),
    ):
        still = [name for name, spread in of.items() if not spread]
        if value and still:
            yield f"{place}.correlations.{key}: {' and '.join(still)} {_VERB[len(still) > 1]} 0, so that it is ignored"
    if spreads.degrees_of_freedom.pull is not None and not spreads.pull:
        yield f"{place}.degreesOfFreedom.pull: pull is 0, so that it is ignored"


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
    correlations = spec_of(spreads.correlations, Correlations)
    clusters = spreads.clusters if isinstance(spreads, PoolSpreads) else None
    if clusters == 0:
        apart, narrow = between_presets(), cluster
        cluster = ClusterSpread(**{name: math.hypot(spread, apart[name]) for name, spread in asdict(narrow).items()})
        correlations = _diluted(correlations, narrow, cluster)
    elif clusters is not None:
        by = math.sqrt(1 + 1 / clusters)
        cluster = ClusterSpread(**{name: by * spread for name, spread in asdict(cluster).items()})
    return PoolVariation(
        cluster,
        spreads.node.disk,
        spreads.node.unpack,
        spreads.pull,
        spreads.degrees_of_freedom.pull,
        spreads.unpacked,
        spreads.model,
        correlations,
    )


def _diluted(correlations: Correlations, narrow: ClusterSpread, wide: ClusterSpread) -> Correlations:
    """Return the correlations of spreads that are wider by parts that do not go together."""
    return replace(
        correlations,
        disk_unpack=correlations.disk_unpack * narrow.disk * narrow.unpack / (wide.disk * wide.unpack),
        registry_latency=correlations.registry_latency
        * (narrow.registry * narrow.latency / (wide.registry * wide.latency)),
    )


def _widest(spreads: Iterable[PoolVariation]) -> PoolVariation:
    """Return the spreads of registries and images, which all pools ask for: the widest of the pools'.

    Rates and times go together as they do for the pool with the widest spread of rates.
    """
    every = list(spreads)
    widest = max(every, key=lambda each: each.cluster.registry)
    return PoolVariation(
        ClusterSpread(
            registry=max(each.cluster.registry for each in every), latency=max(each.cluster.latency for each in every)
        ),
        unpacked=max(each.unpacked for each in every),
        model=max(each.model for each in every),
        correlations=widest.correlations,
    )
