"""The snapshotters that can be simulated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.runtime.snapshotter.erofs import Erofs
from pullsim.runtime.snapshotter.overlay import Overlay

if TYPE_CHECKING:
    from collections.abc import Callable

    from pullsim.runtime.node import RuntimeNode
    from pullsim.runtime.snapshotter.protocol import Snapshotter
    from pullsim.runtime.unpack import Unpacker

#: The function that makes a snapshotter, by the snapshotter's name in containerd's settings.
SNAPSHOTTERS: Final[dict[str, Callable[[RuntimeNode, Unpacker], Snapshotter]]] = {
    "overlayfs": Overlay,
    "erofs": Erofs,
}


def make_snapshotter(name: str, node: RuntimeNode, unpacker: Unpacker) -> Snapshotter:
    """Make a node's snapshotter; one whose name is not in the table is simulated as overlayfs."""
    return SNAPSHOTTERS.get(name, Overlay)(node, unpacker)
