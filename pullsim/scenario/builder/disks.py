"""Checking that the images that nodes have at time 0 fit on their disks."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from pullsim.oci.manifest import select
from pullsim.oci.reference import InvalidReference, parse
from pullsim.units import format_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullsim.inputs.findings import Findings
    from pullsim.oci.catalog import Catalog
    from pullsim.oci.manifest import Image, Manifest
    from pullsim.scenario.model.nodes import NodePool
    from pullsim.spec.cluster import Node, NodeSpec


def check_disks(pools: Sequence[NodePool], nodes: Sequence[Node], catalog: Catalog, findings: Findings) -> None:
    """Add an error for each pool whose disk is too small for the images on it at time 0."""
    specs = {node.spec.pool: node.spec for node in nodes}
    for index, pool in enumerate(pools):
        spec = specs.get(pool.name)
        if spec is None or spec.filesystem is None:
            continue
        images = _bytes(spec, catalog)
        if spec.filesystem.used + images > spec.filesystem.size:
            have, used = format_size(spec.filesystem.size), format_size(spec.filesystem.used)
            message = f"is {have}, and there are {used} used and {format_size(images)} of images from the start"
            findings.error(message, "nodes", index, "disk", "size")


def _bytes(spec: NodeSpec, catalog: Catalog) -> int:
    """Return the bytes that the images on a node take at time 0; content that they share counts once."""
    cached: list[tuple[Image, Manifest]] = []
    for name in spec.cached:
        with suppress(InvalidReference):
            content = catalog.lookup(parse(name), 0.0)
            manifest = None if content is None else select(content, spec.platform)
            if content is not None and manifest is not None:
                cached.append((content, manifest))
    return spec.runtime.bytes_at_start(cached)
