"""The runtime handlers of a node, which the field handler of a RuntimeClass names."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from pullsim.spec.runtime import DEFAULT_HANDLERS

if TYPE_CHECKING:
    from pullsim.spec.runtime import RuntimeHandler


class RuntimeHandlers:
    """Sandboxes and image identities by runtime handler; the first handler is the runtime's default.

    Models KEP-4216 (image pull per runtime class): images are told apart by (image, handler), "" is the default
    handler, and blobs are shared whatever the handler. For a handler with a snapshotter of its own (containerd's
    `snapshotter` of a runtime, since 1.7) layers are unpacked again, under keys with the snapshotter's name
    (core/unpack/unpacker.go, makeChainIDKeyWithSnapshotter).
    """

    __slots__ = ("_default", "_snapshotters")

    def __init__(self, handlers: tuple[RuntimeHandler, ...] = ()) -> None:
        """``handlers`` are those of the node, the default one first; none: those that the runtime has by default."""
        handlers = handlers or DEFAULT_HANDLERS
        self._default = handlers[0]
        self._snapshotters = {handler.name: handler.snapshotter for handler in handlers}

    def run_pod_sandbox(self, handler: str) -> str | None:
        """Create a sandbox; return the error if there is no such handler, None if there is.

        Source: containerd, internal/cri/server/podsandbox and internal/cri/config (GetSandboxRuntime).
        """
        if not handler or handler in self._snapshotters:
            return None
        return (
            f'rpc error: code = Unknown desc = failed to get sandbox runtime: no runtime for "{handler}" is configured'
        )

    def identity(self, handler: str) -> str:
        """Return the handler that is part of an image's identity on the node: "" for the default one."""
        return "" if handler == self._default.name else handler

    def snapshotter(self, handler: str) -> str:
        """Return the name of a handler's snapshotter; for an unknown handler that of the default one."""
        return self._snapshotters.get(handler, self._default.snapshotter)

    def snapshotters(self) -> set[str]:
        """Return the names of all handlers' snapshotters."""
        return set(self._snapshotters.values())

    def prefix(self, handler: str) -> str:
        """Return what comes before the chain IDs of the handler's snapshots: "" with the default snapshotter."""
        snapshotter = self.snapshotter(handler)
        return "" if snapshotter == self._default.snapshotter else f"{snapshotter}/"


@lru_cache(maxsize=1024)
def runtime_handlers(handlers: tuple[RuntimeHandler, ...]) -> RuntimeHandlers:
    """Return the runtime handlers of a node; equal nodes share them, as they never change."""
    return RuntimeHandlers(handlers)
