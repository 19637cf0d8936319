"""A workload as numbers for a program in another language: `python -m benchmarks.peers.workload_file W100 FILE`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.workloads.workload import DISK, DOWNLOADS, PULLS, parse

if TYPE_CHECKING:
    from benchmarks.workloads.workload import Workload


def text(workload: Workload) -> str:
    """Counts, rates, layer sizes; then each image's layers and each node's pods, with their numbers first."""
    counts = f"{workload.nodes} {len(workload.sizes)} {len(workload.images)} {PULLS} {DOWNLOADS}"
    lines = [f"{counts} {workload.egress!r} {workload.nic!r} {DISK!r}", " ".join(map(str, workload.sizes))]
    lines += [f"{len(image)} {' '.join(map(str, image))}" for image in workload.images]
    lines += [f"{len(pods)} {' '.join(f'{arrival!r} {image}' for arrival, image in pods)}" for pods in workload.pods]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    name, path = sys.argv[1:]
    Path(path).write_text(text(parse(name)), encoding="ascii")
