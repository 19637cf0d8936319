"""Disks by name, as ``gp3:1000MiB/s``: what their vendors promise, as a part that goes with any instance type.

The text is TYPE, then SIZE and RATE in any order, all but TYPE optional. What an instance can send to disks over the
network bounds what a disk can take.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from pullsim.errors import shown
from pullsim.frozen import dataclass
from pullsim.inputs.suggestion import did_you_mean
from pullsim.units import parse_rate, parse_size

if TYPE_CHECKING:
    from pullsim.scenario.presets.machines import Machine

_GIB: Final = 2**30
_BURST: Final = 1800  # seconds at the burst rate that a full credit lasts for: of EBS and of Azure's premium SSDs


@dataclass(frozen=True, slots=True)
class VolumeType:
    """A type of disk. Rates are in bytes/s, sizes in bytes."""

    name: str
    provider: str  # empty: of all
    write: float  # of a local disk: of each
    per_gib: float
    size: int  # where the rate depends on it
    most: float | None  # the highest rate that can be had; None: the rate comes with the size
    burst: float | None
    fsync: str  # empty: not known
    metadata: str  # time of a write of the runtime's database; empty: not known
    source: str  # of its rates
    times: str  # the source of fsync and metadata

    @property
    def written(self) -> str:
        """Its rate in words: of a local disk that of each, of others with what a size adds."""
        added = f"{disk_rate(self.per_gib)} a GiB" if self.per_gib else ""
        own = f"{disk_rate(self.write)}{' a disk' * self.local}" if self.write else ""
        return " and ".join(filter(None, (own, added)))

    @property
    def local(self) -> bool:
        """Whether it is in the machine, so that no network bounds it."""
        return self.name.startswith("local-")


@dataclass(frozen=True, slots=True)
class Volume:
    """A disk as a scenario names it."""

    type: VolumeType
    size: int | None
    rate: float | None

    def figures(self, machine: Machine | None) -> dict[str, dict[str, Any]]:
        """Return what a pool with this disk has as `disk` and `metadata`, in a machine or in one of unknown type.

        Raises ValueError if the machine cannot have the disk.
        """
        if machine is not None:
            self._check(machine)
        sustained = self._sustained(machine)
        burst = max(self.type.burst or 0.0, sustained) if self.rate is None else sustained
        if machine is not None and machine.volumes is not None and not self.type.local:
            burst = min(burst, machine.volumes_burst or machine.volumes)
            sustained = min(sustained, machine.volumes)
        disk: dict[str, Any] = {"write": disk_rate(sustained)}
        if burst > sustained:
            disk["burst"] = {"write": disk_rate(burst), "credit": f"{round((burst - sustained) * _BURST / 1e6)}MB"}
        if self.type.fsync:
            disk["fsync"] = self.type.fsync
        if self.size is not None:
            disk["size"] = self.size
        return {"disk": disk, "metadata": {"write": self.type.metadata} if self.type.metadata else {}}

    def _sustained(self, machine: Machine | None) -> float:
        if self.rate is not None:
            return self.rate
        if self.type.local:
            return self.type.write * (machine.local_disks if machine and machine.local_disks else 1)
        size = self.size or self.type.size
        return min(self.type.write + self.type.per_gib * size / _GIB, self.type.most or float("inf"))

    def _check(self, machine: Machine) -> None:
        name, provider = self.type.name, self.type.provider
        if provider and provider != machine.provider:
            others = ", ".join(each.name for each in volume_types().values() if each.provider in ("", machine.provider))
            raise ValueError(f"{name} is a disk of {provider}, and {machine.name} has one of {others}")
        if name == "local-nvme" and not machine.local_disks:
            raise ValueError(f"{machine.name} has no local disks")


def parse_volume(text: str) -> Volume:
    """Return the disk that a text names. Raises ValueError."""
    name, *parts = text.split(":")
    types = volume_types()
    kind = types.get(name)
    if kind is None:
        raise ValueError(
            f"{shown(text)} is no disk: TYPE, TYPE:RATE or TYPE:SIZE, as gp3:1000MiB/s"
            + did_you_mean(name, types, 3, "pullsim presets --disks")
        )
    size: int | None = None
    rate: float | None = None
    for part in parts:
        if "/" in part and rate is None:
            rate = parse_rate(part)
        elif "/" not in part and size is None:
            size = parse_size(part)
        else:
            raise ValueError(f"{shown(text)} has two {'rates' if '/' in part else 'sizes'}")
    if size == 0:
        raise ValueError(f"{shown(text)}: a disk holds something")
    if rate is not None and kind.most is None and not kind.local:
        raise ValueError(f"{shown(text)}: the rate of {name} comes with its type, {disk_rate(kind.write)}")
    if rate is not None and kind.most is not None and rate > kind.most:
        raise ValueError(f"{shown(text)}: {name} has at most {disk_rate(kind.most)}")
    return Volume(kind, size, rate)


def disk_rate(rate: float) -> str:
    """Write bytes/s as vendors of disks do: in MB/s, or in MiB/s where that is shorter."""
    return min(f"{rate / 1e6:.10g}MB/s", f"{rate / 2**20:.10g}MiB/s", key=len)


@cache
def volume_types() -> dict[str, VolumeType]:
    """Read the types of disks that come with the package, by name."""
    text = (files("pullsim.scenario.presets") / "volumes.csv").read_text("utf-8")
    return {row["name"]: _volume_type(row) for row in csv.DictReader(text.splitlines())}


def _volume_type(row: dict[str, str]) -> VolumeType:
    return VolumeType(
        row["name"],
        row["provider"],
        write=parse_rate(row["write"]) if row["write"] else 0.0,
        per_gib=parse_rate(row["perGiB"]) if row["perGiB"] else 0.0,
        size=parse_size(row["size"]) if row["size"] else 0,
        most=parse_rate(row["most"]) if row["most"] else None,
        burst=parse_rate(row["burst"]) if row["burst"] else None,
        fsync=row["fsync"],
        metadata=row["metadata"],
        source=row["source"],
        times=row["times"],
    )
