"""The lever of swarms: pieces of layers from the nodes that fetch them at the same time."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from pullsim.cluster.controllers.int_or_percent import deployment_limits
from pullsim.oci.manifest import select
from pullsim.oci.reference import parse
from pullsim.spec.cluster import covers
from pullsim.spec.lazy import KINDS as MOUNTING
from pullsim.spec.runtime import ContainerdSpec, CrioSpec
from pullsim.study.advice.setting import Setting, setting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pullsim.scenario.model.nodes import NodePool
    from pullsim.spec.cluster import NodeSpec, Owner
    from pullsim.study.advice.situation import Situation

#: The kinds that are tried; Kraken's agents begin to serve a blob when they have all of it, so that it comes second.
KINDS: Final = ("dragonfly", "kraken")
#: Nodes that want one image at once. From three on a swarm can gain (scenarios/levers/dragonfly.yaml), a little.
LEAST_NODES: Final = 5
LEAST_SIZE: Final = 500_000_000  # bytes of the image that nodes do not have
AT_ONCE: Final = 60.0  # seconds within which its pods are created
_DEFAULT: Final = "25%"  # maxSurge and maxUnavailable of a Deployment


def swarm(situation: Situation) -> list[Setting]:
    """Pieces of layers from other nodes, where enough of them fetch the same big image at once."""
    if not any(_together(situation, image) >= LEAST_NODES for image in situation.images if _big(situation, image)):
        return []
    made = []
    for kind in KINDS:

        def value(pool: NodePool, spec: NodeSpec, kind: str = kind) -> str | None:
            return kind if pool.peers is None and _pulls_layers(spec) else None

        sentence = f"pieces of layers from the nodes that fetch them too ({kind.capitalize()})"
        made += setting(sentence, *situation.nodes("peers", value))
    return made


def _pulls_layers(spec: NodeSpec) -> bool:
    """Whether the runtime of a node fetches layers by itself, so that it can ask an agent; some snapshotters do it."""
    runtime = spec.runtime
    if isinstance(runtime, ContainerdSpec):
        return runtime.soci is None and runtime.snapshotter not in MOUNTING
    return isinstance(runtime, CrioSpec)


def _big(situation: Situation, image: str) -> bool:
    """Whether an image is big, and not on all nodes."""
    found = situation.cluster.catalog.lookup(parse(image), 0.0)
    assert found is not None  # it is one of the situation's images
    for spec in situation.specs.values():
        manifest = select(found, spec.platform)
        if manifest is not None and image not in spec.cached:
            return sum(layer.size for layer in manifest.layers) >= LEAST_SIZE
    return False


def _together(situation: Situation, image: str) -> int:
    """Return how many nodes at the most begin to want an image at once."""
    cluster = situation.cluster
    nodes = len(cluster.nodes) + sum(max(0, pool.maximum - pool.first) for pool in cluster.autoscaled)
    created: dict[float, int] = defaultdict(int)  # pods by the time from which on they want it
    for at, pods in _wanted(situation, image):
        created[at] += pods
    times = sorted(created)
    before = [0]
    for at in times:
        before.append(before[-1] + created[at])
    most = (before[bisect_right(times, at + AT_ONCE)] - before[number] for number, at in enumerate(times))
    return min(nodes, max(most, default=0))


def _wanted(situation: Situation, image: str) -> Iterator[tuple[float, int]]:
    """Yield when pods that want an image are created, or their node joins, and how many of them."""
    cluster = situation.cluster
    for pod in cluster.pods:
        if any(want.image == image for want in pod.spec.wants):
            yield pod.created, 1
    for daemons in cluster.daemon_sets:
        if any(want.image == image for want in daemons.spec.wants):
            for node in cluster.nodes:
                if covers(daemons, node.spec.pool, node.name):
                    yield max(node.joins, daemons.created), 1
    for owner in cluster.owners:
        if owner.update is not None and any(want.image == image for want in owner.update.spec.wants):
            yield owner.update.at, _replaced_at_once(owner)


def _replaced_at_once(owner: Owner) -> int:
    """Return how many pods an update creates at once, where it can be many: those of a Deployment."""
    update = owner.update
    assert update is not None
    if update.recreate:
        return owner.replicas
    if owner.kind != "Deployment":
        return 1
    return sum(deployment_limits(update.max_surge or _DEFAULT, update.max_unavailable or _DEFAULT, owner.replicas))
