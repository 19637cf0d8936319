"""What is known of a preset's figures before its pulls are looked at: a value, and how far it may be off.

`fit_clusters` takes each as one more measurement, whose logarithm has ``spread`` as its standard deviation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from pullsim.units import duration_text

#: Of the logarithm of one layer's ratio: median 2.6, 80 % below 4 (a crawl of Docker Hub: Zhao et al., CLUSTER 2019).
RATIO: Final = 0.5
BACKGROUND: Final = 0.5  # of the limit: vm.dirty_background_ratio 10, vm.dirty_ratio 20
BACKGROUND_PART: Final = "disk.pageCache.background / limit"
DIRTY: Final = 0.2  # of the memory: vm.dirty_ratio

MIB: Final = 2**20
#: Sustained writes by the vendors' pages: gp2 of up to 170 GiB 128 MiB/s (EBS volume types); pd-balanced 140 MiB/s and
#: 0.28 a GiB (Compute Engine, performance of persistent disks); local SSD 350 MiB/s (the same); an AKS OS disk by the
#: node's vCPUs, P20 with 150 MB/s and from 64 on P30 with 200 MB/s (AKS, concepts of storage).
GP2: Final = 128 * MIB
PD_BALANCED: Final = (140 + 28) * MIB
LOCAL_SSD: Final = 350 * MIB
P20: Final = 150e6
P30: Final = 200e6

#: By preset: sustained writes, and bytes of memory (clusters.csv).
NODES: Final = {
    "aws/c5a.4xlarge-gp2": (GP2, 33.3e9),
    "gcp/n1-standard-16-pd-balanced": (PD_BALANCED, 63.2e9),
    "gcp/n1-standard-16-local-ssd": (LOCAL_SSD, 63.2e9),
    "aws/hpc6a.48xlarge-gp2": (GP2, 412e9),
    "aws/p3dn.24xlarge-gp2": (GP2, 803e9),
    "gcp/c2d-standard-112-pd-balanced": (PD_BALANCED, 473e9),
    "gcp/n1-standard-32-pd-balanced": (PD_BALANCED, 127e9),
    "azure/HB120-96rs_v3": (P30, 482e9),
    "azure/ND40rs_v2": (P20, 710e9),
}
ZEROS: Final = ("aws/c5a.4xlarge-gp2", "gcp/n1-standard-16-pd-balanced", "gcp/n1-standard-16-local-ssd")
#: The presets whose calibration pulls tell what all nodes of a cluster get from the registry, and others of the cloud.
EGRESS: Final = {
    "aws/hpc6a.48xlarge-gp2": ("aws/p3dn.24xlarge-gp2",),
    "gcp/c2d-standard-112-pd-balanced": ("gcp/n1-standard-32-pd-balanced",),
}


@dataclass(frozen=True, slots=True)
class Prior:
    """A figure of a preset, and of others ``also``."""

    name: str
    value: float
    spread: float
    kind: str  # rate | duration | size | part
    also: tuple[str, ...] = ()
    most: float = math.inf

    def text(self, value: float) -> str:
        """Write a value to three digits, as a preset has it."""
        if self.kind == "duration":
            return duration_text(float(f"{value:.3g}"))
        if self.kind == "part":
            return f"{value:.3g}"
        unit, prefix = (1e9, "G") if value >= 1e9 else (1e6, "M")
        return f"{value / unit:.3g}{prefix}B" + ("/s" if self.kind == "rate" else "")


def of(preset: str) -> tuple[Prior, ...]:
    """Return the figures of a preset that are fitted."""
    write, memory = NODES[preset]
    zeros = preset in ZEROS
    figures = [
        Prior("disk.write", write, 0.3, "rate"),
        Prior("disk.fsync", 15e-3, 1.0, "duration"),
        Prior("disk.pageCache.limit", DIRTY * memory, 0.7, "size"),
        # A core unpacks 115 to 120 MB/s of files (the lab; containerd PR 6957), of zeros two to three times as much.
        Prior("unpack.gzip", 250e6 if zeros else 120e6, 0.4, "rate"),
        Prior("metadata.write", 3e-3, 0.7, "duration"),
        Prior("registry.roundTrip", 5e-3, 0.7, "duration"),
    ]
    if zeros:
        figures.append(Prior(BACKGROUND_PART, BACKGROUND, math.log(1 / BACKGROUND) / 2, "part", most=1.0))
    else:
        # 49 to 193 MB/s have been seen of connections to object stores and CDNs (containerd PR 13559, S3's pages).
        figures.append(Prior("registry.perConnection", 100e6, 0.5, "rate"))
    if preset in EGRESS:
        figures.append(Prior("registry.egress", 5e9, 1.0, "rate", EGRESS[preset]))
    return tuple(figures)
