"""The CPU cores that unpack layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullsim.kernel.processor_sharing import ProcessorSharing

if TYPE_CHECKING:
    from pullsim.kernel.environment import Environment
    from pullsim.spec.hardware import CoresSpec


def cores(env: Environment, spec: CoresSpec) -> ProcessorSharing:
    """Return the cores as a server that all unpacking jobs share.

    Its unit of work is a second of one core that is busy alone.
    """
    return ProcessorSharing(env, spec.rate)
