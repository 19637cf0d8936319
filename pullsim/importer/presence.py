"""The images that every node of a pool has now."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from pullsim.formats.oci.found import normalised
from pullsim.importer.image_sizes import names_of, running_images
from pullsim.importer.nodes import node_images
from pullsim.importer.pod_template import images_of
from pullsim.inputs.fields import text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pullsim.importer.inventory import Found, Inventory
    from pullsim.importer.notes import Notes
    from pullsim.importer.pools import Pool
    from pullsim.importer.workloads import Workload

#: As many images a kubelet tells of at the most, by default (nodeStatusMaxImages).
_MOST: Final = 50
_ON_SOME: Final = "with images on some of its nodes only: as its nodes are equal here, they are on none"
_CUT: Final = (
    f"of whose nodes the lists end at {_MOST} images (nodeStatusMaxImages): smaller ones are missing there, and what "
    "runs on the nodes proves some of them"
)
#: What containerd calls an image of a file that names none (containerd, client/import.go, cmd/ctr ImportCommand).
_IMPORTED: Final = re.compile(r"(?:^|/)import-\d{4}-\d{2}-\d{2}@")


def find_present(pools: Sequence[Pool], workloads: Sequence[Workload], inventory: Inventory, notes: Notes) -> None:
    """Set what is cached on each pool: images in the lists of all its nodes, or proved by containers that run there."""
    running: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for pod in inventory.of_kind("Pod"):
        running[text(pod.value, "spec", "nodeName")] += running_images(pod)
    wanted = _wanted(workloads)
    for pool in pools:
        if not pool.nodes:
            continue
        tags: dict[str, set[str]] = defaultdict(set)
        have = [_of_node(node.found, running[node.name], tags) for node in pool.nodes]
        everywhere = set.intersection(*have)
        found: set[str] = set()
        for identity in everywhere:
            known = tags[identity] | {identity}
            found |= {each for name in known for each in wanted.get(name, ())} or {
                min(known, key=lambda name: ("@" in name, name))
            }
        pool.cached = sorted(found)
        if some := len(set.union(*have) - everywhere):
            notes.tally("pool", _ON_SOME, f"{pool.name}: {some}")
        for image in sorted(_by_hand(pool, wanted)):
            notes.tally("image", "loaded into nodes by hand: here a registry has it, of which nothing tells", image)
        nameless = sum(not normalised(names) for node in pool.nodes for names, _ in node_images(node.found))
        if nameless:
            notes.left_out["images in nodes' lists without a name that can be pulled"] += nameless
        if cut := sum(len(node_images(node.found)) == _MOST for node in pool.nodes):
            notes.tally("pool", _CUT, f"{pool.name}: {cut} nodes")


def _wanted(workloads: Sequence[Workload]) -> dict[str, set[str]]:
    """Return the images of workloads as they are written, by the names under which nodes know them."""
    found: dict[str, set[str]] = defaultdict(set)
    for workload in workloads:
        for image in images_of(workload.pod):
            for name in names_of(image):
                found[name].add(image)
    return found


def _by_hand(pool: Pool, wanted: Mapping[str, set[str]]) -> set[str]:
    """Return the images of workloads that nodes have from a file, as containerd names them by the day of the import."""
    lists = [names for node in pool.nodes for names, _ in node_images(node.found)]
    tags = {each for names in lists if any(map(_IMPORTED.search, names)) for each in normalised(names)}
    return {image for tag in tags for image in wanted.get(tag, ())}


def _of_node(node: Found, running: list[tuple[str, str]], tags: dict[str, set[str]]) -> set[str]:
    """Return the identities of the images on a node: their digests, and names for those without one.

    The names that belong to an identity are added to ``tags``.
    """
    have: set[str] = set()
    for names, _ in node_images(node):
        known = normalised(names)
        identities = [name for name in known if "@" in name] or list(known[:1])
        for identity in identities[:1]:
            have.add(identity)
            tags[identity] |= {name for name in known if "@" not in name}
    for image, identity in running:
        for name in normalised([identity])[:1]:
            if "@" in name:
                have.add(name)
                tags[name] |= {each for each in names_of(image) if image}
    return have
