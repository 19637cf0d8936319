"""Nodes that somebody asks for, where nothing tells of a cluster's own: `--nodes 3 --preset aws/m6i.xlarge-gp3`."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Final

from pullsim.errors import InputError, Location
from pullsim.frozen import dataclass
from pullsim.importer.figures import Figure, default
from pullsim.importer.pool_keys import UNNAMED
from pullsim.importer.pools import Pool
from pullsim.oci.platform import Platform
from pullsim.scenario.presets.nodes import find

if TYPE_CHECKING:
    from pullsim.importer.inventory import Inventory
    from pullsim.importer.notes import Notes

DEFAULT_COUNT: Final = 3
DEFAULT_PRESET: Final = "aws/m6i.xlarge-gp3"  # 4 cores, 16 GiB and a gp3 volume: a usual small node


@dataclass(frozen=True, slots=True)
class Fleet:
    """So many nodes of a preset; None where nobody says it."""

    count: int | None = None
    preset: str | None = None

    def pool(self, inventory: Inventory, notes: Notes) -> Pool:
        """Return the pool of these nodes. Raises InputError for an unknown preset, or if files tell of nodes."""
        if nodes := inventory.of_kind("Node"):
            raise InputError(
                f"{nodes[0].file} has {len(nodes)} nodes of its own: without it, `pullsim init {quote(nodes[0].file)} "
                "-o scenario.yaml` makes pools of them",
                Location("--nodes" if self.preset is None else "--preset"),
            )
        name = self.preset or DEFAULT_PRESET
        figures = find(name, Path(), Location("--preset")).tree
        count = self.count or DEFAULT_COUNT
        pool = Pool(UNNAMED, Platform.parse(figures.get("platform", "linux/amd64")), (), count, UNNAMED, name)
        pool.keys = {
            "count": default(count) if self.count is None else Figure(count, "--nodes"),
            "preset": default(name) if self.preset is None else Figure(name, "--preset"),
        }
        if self.preset is None:
            notes.guess(1, f"the nodes are {name}", "`--preset`, of those that `pullsim presets` lists")
        if self.count is None:
            notes.guess(1, f"there are {count} nodes", "`--nodes`")
        return pool
