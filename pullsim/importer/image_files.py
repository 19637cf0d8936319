"""Image files of an import, read when the nodes are known: an index needs the manifests of their platforms only."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pullsim.formats.oci.directory import read_contents
from pullsim.oci.manifest import Index
from pullsim.oci.platform import Platform

if TYPE_CHECKING:
    from collections.abc import Collection

    from pullsim.importer.inventory import Inventory
    from pullsim.importer.nodes import NodeFacts
    from pullsim.importer.notes import Notes

#: The platform of nodes that nobody describes.
USUAL: Final = Platform("linux", "amd64")


def read_image_files(inventory: Inventory, nodes: Collection[NodeFacts], notes: Notes) -> None:
    """Read the image files of each directory together, as indexes, manifests and configs refer to each other."""
    platforms = {node.platform for node in nodes} or {USUAL}
    directories: dict[Path, dict[Path, bytes]] = defaultdict(dict)
    for path, data in inventory.image_files.items():
        directories[path.parent][path] = data
    for directory, contents in sorted(directories.items()):
        reasons: dict[Path, str] = {}
        found = read_contents(directory, contents, reasons, platforms=platforms)
        for reason in found.reasons:
            notes.warn(reason)
        inventory.images += [
            each for each in found.images if not (isinstance(each.image, Index) and not each.image.manifests)
        ]


def tell_of_unused(inventory: Inventory, used: Collection[str], notes: Notes) -> None:
    """Say which files have layers of images that nothing here pulls; ``used`` are the files that something needed."""
    unused = {
        each.file: f"{Path(each.file).name} ({each.names[0]})"
        for each in inventory.images
        if each.image is not None and each.names and each.file not in used
    }
    for _, shown in sorted(unused.items()):
        notes.tally(
            "image file",
            "of images that nothing here pulls; a file is named after its image, as ghcr.io+team+app:1.2.json",
            shown,
        )
