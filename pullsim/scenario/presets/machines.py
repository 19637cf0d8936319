"""Instance types of EC2, Compute Engine and Azure: what their vendors publish of them, one row a type in a table.

A type's row and a disk (`pullsim.scenario.presets.volumes`) make a preset. Of what nobody has published, as the rates
of unpacking, the preset says nothing, so that the model's defaults hold.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from pullsim.frozen import dataclass
from pullsim.scenario.presets.capacity import allocatable_cpu, allocatable_memory

if TYPE_CHECKING:
    from collections.abc import Iterator

PROVIDERS: Final = {"aws": "EKS", "gcp": "GKE", "azure": "AKS"}
INSTANCE_TYPE: Final = "node.kubernetes.io/instance-type"
_AZURE: Final = "Standard_"
_PODS: Final = 110
_BURST: Final = 300  # seconds at the burst rate that a full credit of an EC2 instance's network lasts for, at the least
_GBIT: Final = 1e9 / 8
#: Shapes of Compute Engine that differ from the standard one in memory; those of N1 that are custom name no family.
_SHAPE: Final = re.compile(r"(?:(?P<family>[a-z]\d[a-z]?)-)?(?:highmem|highcpu|custom)-(?P<cores>\d{1,3})(?:-.*)?")
_KEPT: Final = {
    "aws": "table: EKS keeps 6 % of the first core, 1 % of the second, 0.5 % of the next two, 0.25 % of the rest; 11 "
    "MiB a pod and 255 MiB, and 100 MiB for eviction (amazon-eks-ami, nodeadm, kubelet/config.go)",
    "gcp": "page: GKE keeps 6 % of the first core, 1 % of the second, 0.5 % of the next two, 0.25 % of the rest; 25, "
    "20, 10, 6 and 2 % of the memory in steps, and 100 MiB for eviction (plan node sizes)",
    "azure": "page: AKS keeps 60 to 740 m of 1 to 64 cores, 20 MiB for each of 110 pods and 50 MiB, and 100 MiB for "
    "eviction (node resource reservations)",
}
_SEEN: Final = "; of the memory what kubelets had on machines of this size"
_TAKES: Final = {
    "aws": "table: ENIs x (addresses - 1) + 2, with one address to a pod (amazon-eks-ami, nodeadm, eni_max_pods.go); "
    "prefix delegation allows more",
    "gcp": "page: 110 on GKE Standard (quotas and limits)",
    "azure": "page: 110 on AKS with kubenet; with Azure CNI 30, as an overlay 250: give maxPods",
}


@dataclass(frozen=True, slots=True)
class Machine:
    """An instance type. Rates are in bytes/s, memory is in GiB."""

    provider: str  # a key of PROVIDERS
    type: str  # as the vendor calls it, without Azure's Standard_
    processor: str
    platform: str
    cores: int  # vCPUs
    threads: int  # vCPUs of a core
    memory: float
    resource: str  # the extended resource of its accelerators; empty: it has none
    accelerators: int
    model: str
    nic: float  # sustained rate of the network interface with the default route
    nic_burst: float | None
    volumes: float | None  # sustained rate to disks over the network; None: not published
    volumes_burst: float | None
    local_disks: int
    local_size: str  # of one of them
    interfaces: int  # ENIs, and the addresses of each; 0 outside EC2
    addresses: int
    disk: str  # the disk that a node has by default
    source: str

    @property
    def name(self) -> str:
        """The name of its preset."""
        return f"{self.provider}/{self.type}"

    @property
    def instance_type(self) -> str:
        """What its nodes have as the label node.kubernetes.io/instance-type."""
        return _AZURE * (self.provider == "azure") + self.type

    @property
    def max_pods(self) -> int:
        """The pods that a node takes with the provider's default network."""
        return self.interfaces * (self.addresses - 1) + 2 if self.provider == "aws" else _PODS

    @property
    def about(self) -> str:
        """A line of description."""
        parts = [self.processor, f"{self.cores} vCPUs", f"{self.memory:g} GiB"]
        if self.accelerators:
            parts.append(f"{self.accelerators} {self.model}")
        if self.local_disks:
            parts.append(f"{self.local_disks} local disks of {self.local_size}")
        return f"{', '.join(parts)}; {self.disk} unless disk says another"

    def tree(self) -> dict[str, Any]:
        """Return the preset's values, its disk aside, with their sources."""
        memory = f"{allocatable_memory(self.provider, self.memory, self.max_pods)}Ki"
        allocatable: dict[str, Any] = {"cpu": f"{allocatable_cpu(self.provider, self.cores)}m", "memory": memory}
        if self.accelerators:
            allocatable[self.resource] = self.accelerators
        nic: dict[str, Any] = {"rate": _gigabits(self.nic)}
        if self.nic_burst:
            credit = round((self.nic_burst - self.nic) * _BURST)
            nic["burst"] = {"rate": _gigabits(self.nic_burst), "credit": f"{credit // 10**6}MB"}
        dirty = self.memory * 1.024**3 * 160  # MB: a fifth of the four fifths that pods leave
        return {
            "about": self.about,
            "platform": self.platform,
            "nic": nic,
            "disk": {"pageCache": {"limit": f"{dirty:.0f}MB", "background": f"{dirty / 2:.0f}MB"}},
            "cores": {"count": self.cores, "efficiency": 0.85 if self.threads > 1 else 1.0},
            "maxPods": self.max_pods,
            "allocatable": allocatable,
            "labels": {INSTANCE_TYPE: self.instance_type},
            "sources": self._sources(),
        }

    def _sources(self) -> dict[str, str]:
        burst = "; a burst of 5 to 60 min: credit for 5" if self.nic_burst else ""
        busy = "two busy hyperthreads do 1.7 times one (the lab)" if self.threads > 1 else "a vCPU is a core"
        return {
            "platform": self.source,
            "nic": self.source + burst,
            "disk.pageCache": "the kernel's defaults: 20 % and 10 % of the memory that a node with some pods has left",
            "cores": f"{self.source}; {busy}",
            "unpack": "default: the model's own by containerd's release (the lab); not measured on this type",
            "maxPods": _TAKES[self.provider],
            "allocatable": _KEPT[self.provider] + _SEEN,
            **({f"allocatable.{self.resource}": self.source} if self.accelerators else {}),
            "labels": "the name of the type, as the cloud provider sets it",
        }


def find_machine(name: str) -> Machine | None:
    """Return the machine with the name of a preset, as ``aws/g6e.12xlarge``; None: there is none."""
    provider, _, kind = name.partition("/")
    return _table(provider).get(kind) if provider in PROVIDERS else None


def machine_of_type(instance_type: str) -> Machine | None:
    """Return the machine with a label node.kubernetes.io/instance-type; None: there is none."""
    if instance_type.startswith(_AZURE):
        return find_machine(f"azure/{instance_type.removeprefix(_AZURE)}")
    return find_machine(f"{'aws' if '.' in instance_type else 'gcp'}/{instance_type}")


def machine_like(instance_type: str) -> Machine | None:
    """Return the standard machine of Compute Engine with most of an unlisted one's cores; None: there is none.

    Machines of a family with as many cores have the same network, whatever their memory: those of the shapes highmem
    and highcpu, and custom ones (Compute Engine, machine families).
    """
    shape = _SHAPE.fullmatch(instance_type)
    if shape is None:
        return None
    family, cores = shape["family"] or "n1", int(shape["cores"])
    alike = [
        each for each in _table("gcp").values() if each.type.startswith(f"{family}-standard-") and each.cores <= cores
    ]
    return max(alike, key=lambda each: each.cores, default=None)


def machine_names() -> Iterator[str]:
    """Yield the names of all machines, by provider."""
    for provider in PROVIDERS:
        for kind in _table(provider):
            yield f"{provider}/{kind}"


@cache
def _table(provider: str) -> dict[str, Machine]:
    text = (files("pullsim.scenario.presets") / "machines" / f"{provider}.csv").read_text("utf-8")
    return {row["type"]: _machine(provider, row) for row in csv.DictReader(text.splitlines())}


def _machine(provider: str, row: dict[str, str]) -> Machine:
    local_disks, _, local_size = row["local"].partition("x")
    return Machine(
        provider,
        type=row["type"],
        processor=row["processor"],
        platform=row["platform"],
        cores=int(row["vcpus"]),
        threads=int(row["threads"]),
        memory=float(row["memory"]),
        resource=row["accelerator"],
        accelerators=int(row["accelerators"] or 0),
        model=row["model"],
        nic=float(row["nic"]) * _GBIT,
        nic_burst=_scaled(row["nicBurst"], _GBIT),
        volumes=_scaled(row["volumes"], 1e6),
        volumes_burst=_scaled(row["volumesBurst"], 1e6),
        local_disks=int(local_disks or 0),
        local_size=local_size,
        interfaces=int(row["enis"] or 0),
        addresses=int(row["addresses"] or 0),
        disk=row["disk"],
        source=row["source"],
    )


def _gigabits(rate: float) -> str:
    return f"{rate / _GBIT:.10g}Gbit/s"


def _scaled(text: str, unit: float) -> float | None:
    return float(text) * unit if text else None
