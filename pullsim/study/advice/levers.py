"""The levers that advice tries: a table of what can be changed, what it helps, and how it is set.

A new lever is a row of `LEVERS` and a function that looks at the situation and returns its settings: none where there
is nothing to turn, the most usual one first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pullsim.study.advice import image_levers, node_levers, presence_levers, registry_levers, swarm_levers
from pullsim.study.advice.setting import Setting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pullsim.study.advice.situation import Situation


class Lever(NamedTuple):
    """One thing that can be changed."""

    name: str  # short, for a list
    helps: tuple[str, ...]  # keys of `pullsim.stages.RESOURCES` of which pods then wait less
    settings: Callable[[Situation], Sequence[Setting]]
    pairs: bool = True  # whether it is tried together with others
    quick: bool = True  # whether a run with it takes about as long as one without

    def relevance(self, shares: Mapping[str, float]) -> float:
        """Return the share of the pods' time that it could help, by the shares of the resources (`weights`)."""
        return sum(shares.get(resource, 0.0) for resource in self.helps)


PRESENT: Final = "images present"
#: What pulls wait for; a lever that replaces pulls helps all of it.
_PULLING: Final = (
    "pullQueue",
    "layerSlots",
    "sharedLayers",
    "registryEgress",
    "perConnection",
    "stalledDownloads",
    "nic",
    "unpackCpu",
    "disk",
    "commit",
    "roundTrips",
)
#: In the order in which they are tried where they help equally.
LEVERS: Final = (
    Lever("parallel pulls", ("pullQueue",), node_levers.parallel_pulls),
    Lever("registryPullQPS", ("registryPullQPS", "backOff"), node_levers.pull_rate),
    Lever("parallel downloads", ("layerSlots", "perConnection", "roundTrips"), node_levers.downloads),
    Lever("layers in chunks", ("perConnection",), node_levers.chunks),
    Lever("unpacks side by side", ("unpackCpu", "disk", "sharedLayers"), node_levers.unpacks),
    Lever("SOCI", ("unpackCpu", "disk", "layerSlots", "perConnection"), node_levers.soci),
    Lever("EROFS", ("unpackCpu",), node_levers.erofs),
    Lever("decompressor", ("unpackCpu",), node_levers.decompressor),
    Lever("newer containerd", ("unpackCpu",), node_levers.newer_containerd),
    Lever("progressTimeout", ("stalledDownloads",), node_levers.progress_timeout),
    Lever("more cores", ("unpackCpu",), node_levers.cores),
    Lever("faster disks", ("disk",), node_levers.disk),
    Lever("faster fsync", ("commit",), node_levers.fsync),
    Lever("faster NICs", ("nic",), node_levers.nic),
    Lever("more nodes", ("scheduling",), node_levers.nodes, pairs=False),
    Lever("warm nodes", ("nodeBoot",), node_levers.warm_nodes, pairs=False),
    Lever("imagePullPolicy", ("roundTrips", "pullQueue", "registryPullQPS", "backOff"), image_levers.policy),
    Lever("zstd layers", ("unpackCpu",), image_levers.zstd),
    Lever(
        "partial pulls",
        ("registryEgress", "perConnection", "nic", "unpackCpu", "disk"),
        image_levers.partial_pulls,
    ),
    Lever(
        "a mirror",
        ("registryEgress", "perConnection", "roundTrips", "backOff", "stalledDownloads"),
        registry_levers.mirror,
    ),
    Lever(
        "a pull-through cache",
        ("registryEgress", "perConnection", "roundTrips", "backOff", "stalledDownloads"),
        registry_levers.cache,
    ),
    Lever("peers (Spegel)", ("registryEgress", "perConnection", "roundTrips"), node_levers.peers),
    Lever("a swarm", ("registryEgress", "perConnection", "roundTrips"), swarm_levers.swarm, quick=False),
    Lever("more egress", ("registryEgress",), registry_levers.egress),
    Lever("faster connections", ("perConnection",), registry_levers.connection),
    Lever("higher quotas", ("backOff",), registry_levers.quota),
    Lever("fast snapshot restore", ("imageFiles",), presence_levers.fast_restore),
    Lever("initialised volumes", ("imageFiles",), presence_levers.initialization),
    Lever("volumes read before", ("imageFiles",), presence_levers.read_before),
    Lever("optimised images", ("imageFiles",), presence_levers.optimised),
    Lever("whole pulls", ("imageFiles",), presence_levers.whole),
    Lever("secondary boot disk", _PULLING, presence_levers.secondary_disk),
    Lever("lazy pulling", _PULLING, presence_levers.mounted),
    Lever("node image, read lazily", _PULLING, presence_levers.node_image),
    Lever(PRESENT, _PULLING, image_levers.present),
)


def weights(shares: Mapping[str, float], within: Mapping[str, float]) -> dict[str, float]:
    """Return by how much of the pods' time each resource may matter.

    ``shares`` and ``within`` are those of all time and of the time within pulls. Who waits for other pulls waits for
    what these wait for, so that a resource counts within the pulls too, as far as pods waited for pulls.
    """
    waiting = sum(shares.get(resource, 0.0) for resource in ("pullQueue", "sharedLayers", "layerSlots"))
    return {
        resource: shares.get(resource, 0.0) + waiting * within.get(resource, 0.0) for resource in {*shares, *within}
    }
