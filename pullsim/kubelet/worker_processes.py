"""The processes of a node's pod workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import simpy

from pullsim.cri import NODE_LEFT, PullOutcome
from pullsim.kernel.process import Process

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.kernel.environment import Environment
    from pullsim.kubelet.pod_status import PodStatus


class WorkerProcesses:
    """Runs pod workers until they end or the node leaves. A worker may have several processes, one after the other."""

    __slots__ = ("_env", "_running", "_stopped")

    def __init__(self, env: Environment, *, may_leave: bool) -> None:
        """``may_leave``: whether the node may leave, so that `cancel` may be called."""
        self._env = env
        self._running: dict[PodStatus, Process] | None = {} if may_leave else None
        self._stopped = False

    def start(self, pod: PodStatus, worker: Generator[Any, Any, None]) -> None:
        """Begin the process of a pod's worker in this instant."""
        if self._running is None:
            Process(self._env, worker)
        else:
            self._running[pod] = Process(self._env, _while_here(worker))

    def go_on(self, pod: PodStatus, worker: Generator[Any, Any, None]) -> None:
        """Begin a further process, at once; nothing goes on where the node has left."""
        if self._stopped:
            return
        process = Process(self._env)
        if self._running is None:
            process.start(worker)
        else:
            self._running[pod] = process
            process.start(_while_here(worker))

    def cancel(self) -> None:
        """Interrupt all that run, as the node has left, with the outcome of what they pull."""
        self._stopped = True
        for process in (self._running or {}).values():
            if process.is_alive:
                process.interrupt(PullOutcome(None, code="Canceled", error="context canceled", cause=NODE_LEFT))


def _while_here(worker: Generator[Any, Any, None]) -> Generator[Any, Any, None]:
    """Run a pod's worker until it ends or the node leaves."""
    try:
        yield from worker
    except simpy.Interrupt:
        return
