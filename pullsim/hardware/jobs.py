"""Jobs of one piece of work that run at the same time on a node's cores and disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pullsim.hardware.page_cache import DiskJob
    from pullsim.kernel.processor_sharing import Job


def cancel_all(*jobs: Job | DiskJob | None) -> None:
    """Stop those of the jobs that have not ended; None stands for one that the work did not need."""
    for job in jobs:
        if job is not None:
            job.cancel()
