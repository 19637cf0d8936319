"""Building how nodes give one another blobs, and the warnings about it."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any, Final

from pullsim.scenario.builder.spec_of import spec_of
from pullsim.spec.peers import DragonflySpec, KrakenSpec, PeerSpec, SpegelSpec
from pullsim.spec.runtime import ContainerdSpec, FixedSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pullsim.inputs.findings import Findings
    from pullsim.scenario.model.nodes import NodePool
    from pullsim.spec.cluster import NodeSpec
    from pullsim.spec.runtime import RuntimeSpec

_SPECS: Final[dict[str, type[Any]]] = {"spegel": SpegelSpec, "kraken": KrakenSpec, "dragonfly": DragonflySpec}


def peer_spec(pool: NodePool, runtime: RuntimeSpec, index: int, findings: Findings) -> PeerSpec | None:
    """Return how the nodes of a pool get blobs from others; None: they do not. Errors go to the findings."""
    peers = pool.peers
    if peers is None:
        return None
    if peers.kind == "spegel" and not isinstance(runtime, ContainerdSpec):
        message = f"spegel serves from containerd's content store, and {runtime.title} keeps no compressed layers"
        findings.error(f"{message}: runtime.containerd is right", "nodes", index, "peers")
    if isinstance(runtime, FixedSpec):
        findings.error("the fixed runtime fetches no layers: give another one", "nodes", index, "peers")
    given = {} if "per_connection" not in peers.model_fields_set else {"per_connection": peers.per_connection or inf}
    made: PeerSpec = spec_of(peers, _SPECS[peers.kind], **given)
    return made


def check_swarms(pools: Sequence[NodePool], specs: Sequence[NodeSpec], findings: Findings) -> None:
    """Add an error for each pool whose swarm has other settings than that of an earlier pool of its kind."""
    by_pool = {spec.pool: spec.peers for spec in specs}
    first: dict[str, tuple[str, PeerSpec]] = {}
    for index, pool in enumerate(pools):
        made = by_pool.get(pool.name)
        if made is None or made.kind == "spegel":
            continue
        name, other = first.setdefault(made.kind, (pool.name, made))
        if made != other:
            message = f"{made.kind} is one swarm over all pools, and {name} has other settings: give all the same"
            findings.error(message, "nodes", index, "peers")


def peer_warnings(pools: Sequence[tuple[NodeSpec, int]]) -> Iterator[str]:
    """Yield warnings about peers; ``pools`` has each pool with the most nodes that it has at a time."""
    for spec, _ in pools:
        if spec.peers is None and spec.nic.uplink is not None:
            yield f"nodes[{spec.pool}].nic.uplink has no effect: its nodes send nothing without peers"
    members = [(spec, count) for spec, count in pools if isinstance(spec.peers, SpegelSpec)]
    for spec, _ in members:
        if isinstance(spec.runtime, ContainerdSpec) and spec.runtime.discard_unpacked_layers:
            yield (
                f"nodes[{spec.pool}].peers: its containerd discards unpacked layers (discard_unpacked_layers), so that "
                "its nodes have nothing to give to others soon after a pull"
            )
    for spec, _ in pools:
        if spec.peers is not None and isinstance(spec.runtime, ContainerdSpec) and spec.runtime.soci is not None:
            yield (
                f"nodes[{spec.pool}].peers: the SOCI snapshotter fetches layers from the registry itself, so that its "
                "nodes get none from others"
            )
    if sum(count for _, count in members) == 1:
        yield f"nodes[{members[0][0].pool}].peers: there is one node with peers, which has nobody to get blobs from"
