"""How the figures of nodes and registries vary: between clusters, between nodes and from pull to pull.

A spread is the standard deviation of a natural logarithm: 0.1 is a tenth up or down, two times in three. What a seed
draws is in `pullsim.spec.draws`.
"""

from __future__ import annotations

from dataclasses import field

from pullsim.frozen import dataclass


@dataclass(frozen=True, slots=True)
class ClusterSpread:
    """By how much figures differ between clusters, as standard deviations of natural logarithms."""

    disk: float = 0.0  # write rate; times of fsyncs and metadata writes
    unpack: float = 0.0  # speed of unpacking
    registry: float = 0.0  # rates of a registry
    latency: float = 0.0  # times of a registry


@dataclass(frozen=True, slots=True)
class Correlations:
    """Correlations of the logarithms of what is drawn for one pool, one registry or one node; -1 to 1."""

    disk_unpack: float = 0.0  # between clusters, of a pool: write rate and speed of unpacking
    registry_latency: float = 0.0  # between clusters, of a registry: rates and times
    node_disk_unpack: float = 0.0  # between nodes: write rate and speed of unpacking


@dataclass(frozen=True, slots=True)
class PoolVariation:
    """How the nodes of a pool vary, and the registries that they ask; standard deviations of natural logarithms."""

    cluster: ClusterSpread = field(default_factory=ClusterSpread)
    disk: float = 0.0  # between nodes
    unpack: float = 0.0  # between nodes
    pull: float = 0.0  # from pull to pull: the speed of unpacking
    pull_freedom: int | None = None  # of Student's t, of which ``pull`` is the scale then; None: it is normal
    unpacked: float = 0.0  # of what a layer unpacks to, where it is guessed
    model: float = 0.0  # scale of Student's t with 2 degrees of freedom: what all times of a run are off by
    correlations: Correlations = field(default_factory=Correlations)


@dataclass(frozen=True, slots=True)
class NodeVariation:
    """What a node draws when it joins: the seed, and the spreads between nodes and from pull to pull.

    ``correlation``: that of a node's disk with its speed of unpacking. ``pull_freedom``: degrees of freedom of
    Student's t, of which ``pull`` is the scale then; None: what pulls differ by is normal.
    """

    seed: int
    disk: float
    unpack: float
    pull: float
    correlation: float = 0.0
    pull_freedom: int | None = None
