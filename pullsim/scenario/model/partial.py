"""The section ``partialImages`` of a pool's runtime: partial pulls of CRI-O."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pullsim.scenario.model.hardware import Short
from pullsim.scenario.model.quantities import Duration  # noqa: TC001  # pydantic reads it
from pullsim.spec.partial import PartialSpec

_DEFAULTS = PartialSpec()


class PartialImages(Short):
    """Whether CRI-O pulls of zstd:chunked layers what the node lacks (enable_partial_images of storage.conf)."""

    enabled: bool = Field(default=True, description="Whether it does; the storage.conf that is shipped says false.")
    link: Duration = Field(
        default=_DEFAULTS.link, description="Time of a core to look for a file on the node and to link it."
    )
    together: Annotated[int, Field(ge=1)] = Field(
        default=_DEFAULTS.together,
        description="Files that lie beside one another and are on the node together, or are not, as those of a "
        "package; 1: each for itself, which takes most ranges.",
    )
    copies: bool = Field(
        default=_DEFAULTS.copies,
        description="Files that are there are copied, as on a filesystem that cannot share blocks (ext4), and not "
        "linked (XFS, or use_hard_links).",
    )
