"""The kinds of container runtimes that can be simulated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pullsim.runtime.containerd.server import Containerd
from pullsim.runtime.crio.server import Crio
from pullsim.runtime.fixed.server import FixedRuntime
from pullsim.spec.runtime import ContainerdSpec, CrioSpec, FixedSpec

if TYPE_CHECKING:
    from collections.abc import Callable

    from pullsim.runtime.node import RuntimeNode
    from pullsim.runtime.protocol import Runtime
    from pullsim.spec.runtime import RuntimeSpec

#: The function that makes a node's runtime, by the class of the runtime's spec (which has the name, limits and sizes).
KINDS: Final[dict[type[RuntimeSpec], Callable[[RuntimeNode, Any], Runtime]]] = {
    ContainerdSpec: Containerd,
    CrioSpec: Crio,
    FixedSpec: FixedRuntime.on_node,
}


def make_runtime(node: RuntimeNode) -> Runtime:
    """Make the runtime that the node's settings ask for. Raises InputError if the disk has no room for its images."""
    spec = node.spec.runtime
    return KINDS[type(spec)](node, spec)
