"""What the lab needs of the machine."""

from __future__ import annotations

import os
from contextlib import contextmanager
from shutil import which
from typing import TYPE_CHECKING

from benchmarks.lab.processes import Processes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACKAGES = ("containerd", "docker-registry", "iproute2", "xfsprogs")
COMMANDS = ("ip", "tc", "ss", "docker-registry", "ctr")
SPACE = "6G"  # of the sparse file that holds the node's file system


def install() -> None:
    """Install Debian's packages, without starting their services: the lab runs daemons of its own."""
    Processes.run("apt-get", "update")
    environment = ("env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1")
    Processes.run(*environment, "apt-get", "install", "--yes", "--no-install-recommends", *PACKAGES)


def missing(binary: Path) -> list[str]:
    """Name what is missing to run the lab."""
    gone = [] if os.geteuid() == 0 else ["root"]
    gone += [command for command in COMMANDS if which(command) is None]
    if which(str(binary)) is None:
        gone.append(str(binary))
    if not os.path.exists("/dev/net/tun"):  # noqa: PTH110
        gone.append("/dev/net/tun")
    return gone


def check(binary: Path) -> None:
    """Raise RuntimeError if the lab cannot run here."""
    if gone := missing(binary):
        raise RuntimeError(
            f"this needs {', '.join(gone)}; --install gets the packages {', '.join(PACKAGES)} with apt-get"
        )


@contextmanager
def file_system(directory: Path) -> Iterator[Path]:
    """Give a directory for the node: on XFS in a file, if there is mkfs.xfs.

    ext4 does not reuse the inode of a removed file for a minute or more, so that every repeat unpacks slower than the
    one before; XFS does not drift.
    """
    mounted = directory / "node"
    mounted.mkdir()
    if which("mkfs.xfs") is None:
        yield mounted
        return
    image = directory / "node.xfs"
    Processes.run("truncate", "--size", SPACE, str(image))
    Processes.run("mkfs.xfs", "-q", str(image))
    Processes.run("mount", "-o", "loop", str(image), str(mounted))
    try:
        yield mounted
    finally:
        Processes.run("umount", "--recursive", "--lazy", str(mounted))
