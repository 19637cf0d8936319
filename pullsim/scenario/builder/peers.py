"""Building how nodes give one another blobs, and the warnings about it."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from pullsim.scenario.builder.spec_of import spec_of
from pullsim.spec.peers import SpegelSpec
from pullsim.spec.runtime import ContainerdSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pullsim.inputs.findings import Findings
    from pullsim.scenario.model.nodes import NodePool
    from pullsim.spec.cluster import NodeSpec
    from pullsim.spec.runtime import RuntimeSpec


def peer_spec(pool: NodePool, runtime: RuntimeSpec, index: int, findings: Findings) -> SpegelSpec | None:
    """Return how the nodes of a pool get blobs from others; None: they do not. Errors go to the findings."""
    peers = pool.peers
    if peers is None:
        return None
    if not isinstance(runtime, ContainerdSpec):
        message = f"{peers.kind} serves from containerd's content store, and {runtime.title} keeps no compressed layers"
        findings.error(f"{message}: runtime.containerd is right", "nodes", index, "peers")
    cap = inf if peers.per_connection is None else peers.per_connection
    return spec_of(peers, SpegelSpec, per_connection=cap)


def peer_warnings(pools: Sequence[tuple[NodeSpec, int]]) -> Iterator[str]:
    """Yield warnings about peers; ``pools`` has each pool with the most nodes that it has at a time."""
    members = [(spec, count) for spec, count in pools if spec.peers is not None]
    for spec, _ in pools:
        if spec.peers is None and spec.nic.uplink is not None:
            yield f"nodes[{spec.pool}].nic.uplink has no effect: its nodes send nothing without peers"
    for spec, _ in members:
        if isinstance(spec.runtime, ContainerdSpec) and spec.runtime.discard_unpacked_layers:
            yield (
                f"nodes[{spec.pool}].peers: its containerd discards unpacked layers (discard_unpacked_layers), so that "
                "its nodes have nothing to give to others soon after a pull"
            )
        if isinstance(spec.runtime, ContainerdSpec) and spec.runtime.soci is not None:
            yield (
                f"nodes[{spec.pool}].peers: the SOCI snapshotter fetches layers from the registry itself, so that its "
                "nodes get none from others"
            )
    if sum(count for _, count in members) == 1:
        yield f"nodes[{members[0][0].pool}].peers: there is one node with peers, which has nobody to get blobs from"
