"""A second disk of a node, from which processes read the files of layers that lie there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullsim.hardware.jobs import cancel_all
from pullsim.kernel.locks import KeyedLocks
from pullsim.kernel.processor_sharing import ProcessorSharing

if TYPE_CHECKING:
    from collections.abc import Generator

    from pullsim.kernel.environment import Environment
    from pullsim.reads import Part, Reads


class SecondaryDisk:
    """A disk whose read rate all that read at a time share equally; what was read once is in memory.

    Of the same layer one process at a time reads on: others wait, and find what it has read.
    """

    def __init__(self, env: Environment, read: float | None) -> None:
        """``read``: bytes/s; None: reading takes no time."""
        self._disk = None if read is None else ProcessorSharing(env, lambda _jobs: read)
        self._locks = KeyedLocks(env)
        self._warm: dict[str, int] = {}  # bytes of each layer that are in memory, from its first one on

    def read(self, part: Part, reads: Reads) -> Generator[Any, Any, None]:  # noqa: ARG002 - the protocol has it
        """Wait until a process has read its part of a layer."""
        if self._disk is None:
            return
        if (turn := self._locks.acquire(part.key)) is not None:
            yield from self._locks.wait(part.key, turn)
        job = None
        try:
            job = self._disk.begin(max(part.amount - self._warm.get(part.key, 0), 0))
            if (reading := job.wait()) is not None:
                yield reading
            self._warm[part.key] = max(part.amount, self._warm.get(part.key, 0))
        except BaseException:
            cancel_all(job)
            raise
        finally:
            self._locks.release(part.key)
