"""The runtime handlers of a containerd config.toml, which RuntimeClass objects refer to by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pullsim.errors import shown
from pullsim.spec.runtime import RuntimeHandler

if TYPE_CHECKING:
    from pullsim.inputs.toml_document import Table

RUNTIME: Final = "io.containerd.cri.v1.runtime"
DEFAULT_RUNTIME: Final = "runc"  # the handler that exists even when the file does not have it
OWN_SNAPSHOTTER: Final = (1, 7)  # the first release in which a handler can have a snapshotter of its own


def runtime_handlers(
    containerd: Table, platforms: Table, snapshotter: str, version: tuple[int, ...]
) -> tuple[RuntimeHandler, ...]:
    """Return the handlers, the default one first; an empty tuple if the file does not name any.

    ``containerd``: the table with default_runtime_name and runtimes; ``platforms``: the table runtime_platforms of the
    settings of images; ``snapshotter``: the snapshotter of handlers that have none of their own; ``version``: the
    containerd release. Raises InputError for a default handler that is not in the file.
    Source: internal/cri/config/config.go (ContainerdConfig, ValidateRuntimeConfig), plugins/cri/images.
    """
    runtimes = dict(containerd.table("runtimes").tables())
    default = containerd.get("default_runtime_name", str) or DEFAULT_RUNTIME
    if default not in runtimes and default != DEFAULT_RUNTIME:
        containerd.fail(f"there is no runtime {shown(default)} in containerd.runtimes", "default_runtime_name")
    if not runtimes:
        return ()
    own = {
        name: platforms.table(name).get("snapshotter", str) or table.get("snapshotter", str)
        for name, table in runtimes.items()
        if version >= OWN_SNAPSHOTTER
    }
    names = dict.fromkeys((default, *runtimes, DEFAULT_RUNTIME))
    return tuple(RuntimeHandler(name, own.get(name) or snapshotter) for name in names)
