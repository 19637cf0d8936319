"""What a node is made of, as a scenario or a preset says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, model_validator

from pullsim.scenario.model.quantities import Count, Duration, OptionalRate, Rate, Section, Size, VolumeName
from pullsim.spec.hardware import CoresSpec, DiskSpec, NicSpec, PageCacheSpec
from pullsim.spec.runtime import WRITE_WITH_FSYNC, ContainerdSpec, CrioSpec
from pullsim.spec.unpack import BY_COMPRESSED, CRIO_UNPACK, USUAL_RATIO, Decompressor, UnpackSpec
from pullsim.units import duration_text, rate_text, size_text

if TYPE_CHECKING:
    from pydantic.json_schema import JsonSchemaValue

_UNPACK = UnpackSpec()
_CONTAINERD, _CRIO = ContainerdSpec(), CrioSpec()
_CORES, _DISK, _NIC, _PAGE_CACHE = CoresSpec(), DiskSpec(), NicSpec(), PageCacheSpec(limit=1.0, background=1.0)


class Short(Section):
    """A section that may be written as the value of its first field: ``nic: 10Gbit/s`` is ``nic: {rate: 10Gbit/s}``."""

    @model_validator(mode="before")
    @classmethod
    def _shorthand(cls, data: Any) -> Any:
        first = next(iter(cls.model_fields))
        return data if isinstance(data, Mapping | Section) else {first: data}

    @classmethod
    def short_form(cls, mapping: JsonSchemaValue) -> JsonSchemaValue:
        """Return the JSON Schema of the value of the first field."""
        first = next(iter(mapping["properties"].values()))
        return {key: first[key] for key in ("type", "examples") if key in first}


class NicBurst(Section):
    """A higher rate while credit lasts; the sustained rate that is not used refills it."""

    rate: Rate = Field(description="Rate while there is credit.")
    credit: Size = Field(gt=0, description="Bytes above the sustained rate.")


class Nic(Short):
    """A node's network interface."""

    rate: Rate = Field(default=_NIC.rate, description="Sustained rate for incoming bytes.")
    burst: NicBurst | None = Field(default=None, description="Higher rate while credit lasts; full at the join.")
    uplink: Rate | None = Field(
        default=_NIC.uplink, description="Rate for outgoing bytes, which peers need; by default the sustained rate."
    )

    @model_validator(mode="after")
    def _above(self) -> Self:
        if self.burst is not None and self.burst.rate <= self.rate:
            raise ValueError(
                f"burst.rate {rate_text(self.burst.rate)} must be above the sustained rate {rate_text(self.rate)}"
            )
        return self


class PageCache(Section):
    """Memory that takes writes before the disk does."""

    limit: Size = Field(description="Dirty bytes at which writers wait for the disk.")
    background: Size = Field(gt=0, description="Dirty bytes at which write-back starts.")
    expire: Duration = Field(
        default=_PAGE_CACHE.expire,
        gt=0,
        description="Time after which write-back starts below that too (vm.dirty_expire_centisecs).",
    )
    journal: float = Field(
        default=_PAGE_CACHE.journal,
        ge=0,
        le=1,
        description="Part of what is being written back that an fsync waits for; ext4's ordered journal: 1, xfs: 0.",
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.background > self.limit:
            raise ValueError(
                f"background {size_text(self.background)} must not be above the limit {size_text(self.limit)}"
            )
        return self


class DiskBurst(Section):
    """A cloud disk's higher write rate while credit lasts; the sustained rate that is not used refills it."""

    write: Rate = Field(description="Write rate while there is credit.")
    credit: Size = Field(gt=0, description="Bytes above the sustained rate.")


class Disk(Short):
    """A node's disk: figures, or a disk by its name, which stands below the figures beside it."""

    volume: VolumeName | None = Field(
        default=None,
        description="A disk as its vendor sells it, TYPE[:SIZE][:RATE]: gp3:1000MiB/s, pd-ssd:500GB, P20, local-nvme "
        "(`pullsim presets --disks`); with a preset at most what the instance type sends to disks.",
    )
    write: OptionalRate = Field(default=_DISK.write, description="Sustained write rate; absent: never binds.")
    size: Size | None = Field(
        default=None,
        description="Size of the one filesystem that images share with the rest; absent: it never fills up, and "
        "nothing is removed to make space.",
    )
    used: Size | None = Field(
        default=None, description="Bytes of it that are not images: system, logs, volumes. 0 when size is given."
    )
    fsync: Duration = Field(default=_DISK.fsync, description="Time of making a blob durable.")
    page_cache: PageCache | None = Field(default=None, description="Write cache.")
    burst: DiskBurst | None = Field(default=None, description="Burst credit of a cloud disk.")

    @model_validator(mode="after")
    def _room(self) -> Self:
        if self.used is not None and self.size is None:
            raise ValueError("used needs size: how much the filesystem holds")
        if self.used is not None and self.size is not None and self.used > self.size:
            raise ValueError(f"used is {self.used} bytes, more than size: {self.size} bytes")
        if self.size == 0:
            raise ValueError("size is 0: a filesystem holds something")
        return self

    @model_validator(mode="after")
    def _has_rate(self) -> Self:
        if self.write is None:
            if self.page_cache is not None or self.burst is not None:
                raise ValueError("pageCache and burst need the write rate of the disk behind them: give write")
        elif self.burst is not None and self.burst.write <= self.write:
            raise ValueError(
                f"burst.write {rate_text(self.burst.write)} must be above the sustained rate {rate_text(self.write)}"
            )
        return self


class Cores(Short):
    """Cores that unpack layers."""

    count: Count = Field(default=_CORES.count, description="Number of cores.")
    efficiency: float = Field(
        default=_CORES.efficiency, gt=0, le=1, description="Speed that a core keeps when several are busy."
    )


class Unpack(Section):
    """Costs of one unpack stream on one core; rates of uncompressed bytes, everything in."""

    gzip: Rate = Field(
        default=_UNPACK.gzip,
        description="Rate of gzip layers; by default 1.4 times that from containerd 2.4 on, which has another gzip, "
        f"and {rate_text(CRIO_UNPACK.gzip)} with CRI-O.",
    )
    zstd: Rate = Field(default=_UNPACK.zstd, description="Rate of zstd layers.")
    stored: Rate = Field(
        default=_UNPACK.stored,
        description=f"Rate of uncompressed layers; by default {rate_text(CRIO_UNPACK.stored)} with CRI-O.",
    )
    per_file: Duration = Field(
        default=_UNPACK.per_file,
        description=f"Time a file; by default {duration_text(CRIO_UNPACK.per_file)} with CRI-O.",
    )
    per_layer: Duration = Field(
        default=_UNPACK.per_layer,
        description=f"Time a layer; by default {duration_text(CRIO_UNPACK.per_layer)} with CRI-O, for a process.",
    )
    while_downloading: float = Field(
        default=_UNPACK.while_downloading,
        ge=1,
        le=100,
        description="Factor on the time while the node downloads; by default 1 with CRI-O.",
    )
    by_compressed: float = Field(
        default=_UNPACK.by_compressed,
        ge=0,
        le=1,
        description="Part of the time for the bytes of a gzip layer that goes by the compressed ones, where it "
        f"compresses better than {USUAL_RATIO} to 1: about {BY_COMPRESSED} with Go's gzip.",
    )
    second_core: float = Field(
        default=_UNPACK.second_core,
        ge=0,
        le=1,
        description="Part of the time for bytes and files for which unpacking keeps a second core busy; by default "
        f"{CRIO_UNPACK.second_core:g} with CRI-O.",
    )
    inflate: Rate | None = Field(
        default=None,
        description="Rate at which CRI-O inflates and hashes gzip layers while they come, on one core; absent: "
        f"{_CRIO.inflate.gzip / CRIO_UNPACK.gzip:.2f} times gzip.",
    )
    inflate_per_layer: Duration | None = Field(
        default=None, description=f"Time a layer besides; absent: {duration_text(_CRIO.inflate.per_layer)}."
    )
    decompressor: Decompressor = Field(
        default=_UNPACK.decompressor,
        description="What inflates gzip layers: containerd itself, or a program on the node's PATH, on a second core.",
    )
    unpigz: Rate = Field(default=_UNPACK.unpigz, description="Rate of unpigz alone.")
    igzip: Rate = Field(default=_UNPACK.igzip, description="Rate of igzip alone.")
    piped: Rate = Field(
        default=_UNPACK.piped, description="Rate of the rest (sha256, tar, write) behind such a program's pipe."
    )
    sha256: OptionalRate = Field(
        default=_UNPACK.sha256, description="Rate of hashing, on top of the rates above; absent: contained in them."
    )


class Metadata(Section):
    """The runtime's database."""

    write: Duration = Field(
        default=_CONTAINERD.metadata_write,
        description=f"Time of one write; one at a time a node; by default {duration_text(WRITE_WITH_FSYNC)} with "
        f"containerd up to 1.7, {duration_text(_CRIO.metadata_write)} with CRI-O.",
    )
