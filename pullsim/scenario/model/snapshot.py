"""The sections ``snapshot`` and ``secondaryBootDisk`` of node pools."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from pullsim.scenario.model.hardware import Short
from pullsim.scenario.model.quantities import Duration, OptionalRate, Rate, Section, Size
from pullsim.spec.snapshot import SnapshotSpec

_SPEC = SnapshotSpec()


class FastRestore(Short):
    """Fast snapshot restore (EBS): volumes for which the snapshot has a credit have all blocks when they are created.

    A snapshot has credits in each zone: none when it is enabled, then 1024 GiB/size an hour, at most 10, up to those of
    an hour and to one at least. A volume for which there is none is an ordinary one.
    """

    since: Duration = Field(default=0.0, description="How long before time 0 it was enabled; each credit then unused.")


class Snapshot(Short):
    """A volume that is made of a snapshot for each node. Its size alone may stand for it."""

    size: Size | None = Field(
        default=None, gt=0, description="Bytes of the volume; needed with `initialize` and `fastRestore`."
    )
    block: Size = Field(default=_SPEC.block, gt=0, description="Bytes that come together.")
    latency: Duration = Field(
        default=_SPEC.latency, description="Until a block that is not there is read: not published, an estimate."
    )
    cold: OptionalRate = Field(
        default=_SPEC.cold,
        description="Most bytes of such blocks a second, however many reads at a time, or unlimited; an estimate.",
    )
    read: OptionalRate = Field(
        default=_SPEC.read, description="Rate of blocks that are there; absent: reading them takes no time."
    )
    initialize: Annotated[Rate, Field(gt=0)] | None = Field(
        default=None,
        description="Rate at which the volume gets its blocks by itself, from its creation on; EBS sells 100MiB/s to "
        "300MiB/s (volume initialization rate).",
    )
    fast_restore: FastRestore | None = Field(default=None, description="Fast snapshot restore, or since when it is on.")
    age: Duration | None = Field(
        default=None,
        description="Time from the volume's creation until its node joins; by default `autoscale.boot`, or 0.",
    )

    @model_validator(mode="after")
    def _sized(self) -> Self:
        for name, given in (("initialize", self.initialize), ("fastRestore", self.fast_restore)):
            if given is not None and self.size is None:
                raise ValueError(f"{name} needs size: how large the volume is, as size: 100GiB")
        return self


class SecondaryBootDisk(Section):
    """A disk with the unpacked layers of images, which nodes have when they join (GKE).

    Images with these layers are still pulled, but only the layers that are not there are fetched and unpacked.
    """

    images: Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1)] = Field(
        description="Images whose layers are on it."
    )
    read: OptionalRate = Field(
        default=None, description="Rate of reading it; absent: reading takes no time. Read once, files are in memory."
    )
