"""Nodes and registries as a seed draws them.

Every figure is multiplied or divided by factors whose logarithms are normal or Student's t, so that a rate that is
twice as high is as likely as one that is half as high. There are factors between clusters, between nodes and from pull
to pull, and one for what the model itself is off by. Those of one pool, one registry or one node may be correlated.
What is drawn depends on the seed and on the names of pools, nodes, registries and images alone, so that two settings of
one scenario meet the same clusters and nodes. What layers unpack to is in `pullsim.spec.drawn_catalog`.
"""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

from pullsim.spec.runtime import ContainerdSpec, CrioSpec
from pullsim.spec.variation import NodeVariation
from pullsim.streams import Streams

if TYPE_CHECKING:
    from pullsim.spec.cluster import NodeSpec
    from pullsim.spec.hardware import DiskSpec
    from pullsim.spec.registry import RegistrySpec
    from pullsim.spec.runtime import RuntimeSpec
    from pullsim.spec.snapshot import SecondaryDiskSpec
    from pullsim.spec.unpack import InflateSpec, UnpackSpec
    from pullsim.spec.variation import PoolVariation

_NORMAL: Final = NormalDist()
_STREAM: Final = "variation"
_LEAST: Final = 2.0**-53  # the smallest probability that is drawn
#: The smallest of a pull that is Student's t: 1,838 pulls tell the tails of presets, and nothing what is rarer.
_RAREST: Final = 2.0**-12


def normal(seed: int, *key: str) -> float:
    """Draw from the standard normal distribution; fixed by seed and key."""
    return _NORMAL.inv_cdf(max(_LEAST, Streams(seed).get(_STREAM, *key).uniform()))


def student(seed: int, *key: str) -> float:
    """Draw from Student's t with 2 degrees of freedom; fixed by seed and key."""
    return student_quantile(max(_LEAST, Streams(seed).get(_STREAM, *key).uniform()))


def student_quantile(share: float, freedom: int = 2) -> float:
    """Return a quantile of Student's t with 2 or 4 degrees of freedom, which have a closed form; 0 < share < 1.

    For 4: Shaw, "Sampling Student's T distribution - use of the inverse cumulative distribution function" (2006).
    """
    if freedom == 2:
        return (2.0 * share - 1.0) / math.sqrt(2.0 * share * (1.0 - share))
    root = math.sqrt(4.0 * share * (1.0 - share))
    return math.copysign(2.0 * math.sqrt(max(0.0, math.cos(math.acos(root) / 3.0) / root - 1.0)), share - 0.5)


def correlated(first: float, own: float, correlation: float) -> float:
    """Return a standard normal draw with this correlation with the first one, of which ``own`` is independent.

    It is the second row of the Cholesky factor of their correlations. Without a correlation it is ``own`` to the bit.
    """
    return correlation * first + math.sqrt(1.0 - correlation * correlation) * own if correlation else own


def factor(logarithm: float) -> float:
    """Return the factor of a logarithm, to six digits: further ones depend on the C library."""
    return float(f"{math.exp(logarithm):.6g}")


def vary_pool(spec: NodeSpec, variation: PoolVariation, seed: int) -> NodeSpec:
    """Return the nodes of a pool as they are in the cluster that a seed draws."""
    off = variation.model * student(seed, "model")
    correlations = variation.correlations
    of_disk = normal(seed, "pool", spec.pool, "disk")
    of_unpack = correlated(of_disk, normal(seed, "pool", spec.pool, "unpack"), correlations.disk_unpack)
    disk = factor(off + variation.cluster.disk * of_disk)
    unpack = factor(off + variation.cluster.unpack * of_unpack)
    changed = better_node(spec, disk, unpack)
    if variation.disk or variation.unpack or variation.pull:
        together, freedom = correlations.node_disk_unpack, variation.pull_freedom
        varies = NodeVariation(seed, variation.disk, variation.unpack, variation.pull, together, freedom)
        changed = replace(changed, varies=varies)
    return changed


def vary_node(spec: NodeSpec, name: str) -> NodeSpec:
    """Return what one node of a pool has."""
    varies = spec.varies
    if varies is None:
        return spec
    of_disk = normal(varies.seed, "node", name, "disk")
    of_unpack = correlated(of_disk, normal(varies.seed, "node", name, "unpack"), varies.correlation)
    return better_node(spec, factor(varies.disk * of_disk), factor(varies.unpack * of_unpack))


def pull_factor(varies: NodeVariation, node: str, image: str) -> float:
    """Return how many times as fast as usual a node unpacks an image."""
    if varies.pull_freedom is None:
        return factor(varies.pull * normal(varies.seed, "pull", node, image))
    share = Streams(varies.seed).get(_STREAM, "pull", node, image).uniform()
    return factor(varies.pull * student_quantile(min(max(_RAREST, share), 1.0 - _RAREST), varies.pull_freedom))


def vary_registry(spec: RegistrySpec, variation: PoolVariation, seed: int) -> RegistrySpec:
    """Return a registry as it is in the cluster that a seed draws."""
    off = variation.model * student(seed, "model")
    of_rate = normal(seed, "registry", spec.host, "rate")
    of_time = correlated(
        of_rate, normal(seed, "registry", spec.host, "latency"), variation.correlations.registry_latency
    )
    rate = factor(off + variation.cluster.registry * of_rate)
    time = factor(-off + variation.cluster.latency * of_time)
    return better_registry(spec, rate, time)


def better_registry(spec: RegistrySpec, rate: float, time: float) -> RegistrySpec:
    """Return a registry with as many times the rates and as many times the latencies."""
    store, tokens = spec.blob_host, spec.token_server
    return replace(
        spec,
        egress=spec.egress * rate,
        per_connection=spec.per_connection * rate,
        round_trip=spec.round_trip * time,
        first_byte=spec.first_byte * time,
        head=spec.head * time,
        token_server=replace(
            tokens,
            round_trip=None if tokens.round_trip is None else tokens.round_trip * time,
            first_byte=None if tokens.first_byte is None else tokens.first_byte * time,
        ),
        blob_host=None
        if store is None
        else replace(
            store,
            egress=store.egress * rate,
            per_connection=store.per_connection * rate,
            round_trip=store.round_trip * time,
            first_byte=store.first_byte * time,
        ),
    )


def better_node(spec: NodeSpec, disk: float, unpack: float) -> NodeSpec:
    """Return nodes whose disk and whose unpacking are as many times as fast."""
    return replace(
        spec,
        disk=_vary_disk(spec.disk, disk),
        secondary_disk=_vary_second(spec.secondary_disk, disk),
        runtime=_vary_runtime(spec.runtime, disk, unpack),
    )


def _vary_disk(disk: DiskSpec, by: float) -> DiskSpec:
    burst = disk.burst
    return replace(
        disk,
        write=None if disk.write is None else disk.write * by,
        fsync=disk.fsync / by,
        burst=None if burst is None else replace(burst, write=burst.write * by),
    )


def _vary_second(disk: SecondaryDiskSpec | None, by: float) -> SecondaryDiskSpec | None:
    return disk if disk is None or disk.read is None else replace(disk, read=disk.read * by)


def _vary_runtime(runtime: RuntimeSpec, disk: float, unpack: float) -> RuntimeSpec:
    """Return a runtime on that disk and those cores; pulls of given duration stay as they are given."""
    if isinstance(runtime, ContainerdSpec):
        soci = runtime.soci
        return replace(
            runtime,
            unpack=better_unpack(runtime.unpack, unpack),
            soci=None if soci is None else replace(soci, unpack=better_unpack(soci.unpack, unpack)),
            metadata_write=runtime.metadata_write / disk,
        )
    if isinstance(runtime, CrioSpec):
        return replace(
            runtime,
            unpack=better_unpack(runtime.unpack, unpack),
            inflate=better_inflate(runtime.inflate, unpack),
            metadata_write=runtime.metadata_write / disk,
        )
    return runtime


def better_unpack(costs: UnpackSpec, by: float) -> UnpackSpec:
    """Return the costs of unpacking as many times as fast."""
    return replace(
        costs,
        gzip=costs.gzip * by,
        zstd=costs.zstd * by,
        stored=costs.stored * by,
        per_file=costs.per_file / by,
        per_layer=costs.per_layer / by,
        unpigz=costs.unpigz * by,
        igzip=costs.igzip * by,
        piped=costs.piped * by,
        sha256=None if costs.sha256 is None else costs.sha256 * by,
        core=costs.core * by,
    )


def better_inflate(costs: InflateSpec, by: float) -> InflateSpec:
    """Return the costs of inflating as many times as fast."""
    return replace(
        costs, gzip=costs.gzip * by, zstd=costs.zstd * by, stored=costs.stored * by, per_layer=costs.per_layer / by
    )
