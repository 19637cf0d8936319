"""A containerd of the lab's own, and pulls through its CRI."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from shutil import which
from typing import TYPE_CHECKING, NamedTuple

import grpc

from benchmarks.lab.link import FAR, FAR_DELAYED, NODE
from benchmarks.lab.registry import PORT

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.lab.processes import Processes

START = 20.0  # seconds
LONGEST_PULL = 300.0
CONFIG = """\
version = {format}
root = "{root}"
state = "{state}"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
  address = "{socket}"
[debug]
  level = "debug"
"""
ONE = """\
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/none:1"
  disable_tcp_service = true
  max_concurrent_downloads = {downloads}
[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = "{hosts}"
"""
TWO = """\
[plugins."io.containerd.cri.v1.images"]
  max_concurrent_downloads = {downloads}
[plugins."io.containerd.cri.v1.images".registry]
  config_path = "{hosts}"
[plugins."io.containerd.transfer.v1.local"]
  config_path = "{hosts}"
  max_concurrent_downloads = {downloads}
"""
HOSTS = """\
server = "http://{host}"
[host."http://{host}"]
  capabilities = ["pull", "resolve"]
"""


class Settings(NamedTuple):
    """What may differ between nodes."""

    downloads: int = 3
    unpigz: bool = False  # let containerd pipe layers through an unpigz or igzip of the machine

    def described(self, version: tuple[int, ...]) -> dict:
        return {
            "version": ".".join(map(str, version)),
            "snapshotter": "overlayfs",
            "max_concurrent_downloads": self.downloads,
            "pull_path": "cri",
            "unpigz": self.unpigz,
            "download_limit_scope": "node" if version >= (2, 1) else "each pull",
        }


class Places(NamedTuple):
    """Where a containerd's files are; the path of a socket has at most 107 characters."""

    store: Path
    sockets: Path


class Pulled(NamedTuple):
    """One call of the CRI: when it began (of the epoch), what it took, in seconds, and what went wrong."""

    begin: float
    seconds: float
    error: str | None


class Containerd:
    """A running containerd; its root is a directory of the lab."""

    def __init__(self, processes: Processes, binary: Path, places: Places, name: str, settings: Settings) -> None:
        self.version = version(processes, binary)
        self.log = processes.log(name)
        self.blobs = places.store / name / "root/io.containerd.content.v1.content/blobs/sha256"
        self._processes = processes
        self._name = name
        self._socket = places.sockets / f"{name}.sock"
        beside = binary.parent / "ctr"
        self._ctr = str(beside if beside.exists() else which("ctr"))
        configuration = _configure(places.store, name, self._socket, self.version, settings)
        environment = {} if settings.unpigz else {"CONTAINERD_DISABLE_PIGZ": "1", "CONTAINERD_DISABLE_IGZIP": "1"}
        command = ["ip", "netns", "exec", NODE, str(binary), "--config", str(configuration)]
        processes.start(name, command, environment)
        self._channel = grpc.insecure_channel(f"unix:{self._socket}")
        try:
            grpc.channel_ready_future(self._channel).result(START)
        except grpc.FutureTimeoutError:
            raise RuntimeError(f"containerd did not start; its log is {self.log}") from None
        self._pull = self._call("PullImage")
        self._await_plugins()

    def stop(self) -> None:
        self._channel.close()
        self._processes.stop(self._name)

    def pull(self, image: str) -> Pulled:
        """Call ImageService.PullImage, as the kubelet does."""
        begin, clock = time.time(), time.perf_counter()
        error = None
        try:
            self._pull(_image_request(image), timeout=LONGEST_PULL)
        except grpc.RpcError as failed:
            error = f"{failed.code().name}: {failed.details()}"
        return Pulled(begin, time.perf_counter() - clock, error)

    def clean(self) -> None:
        """Remove all images and wait until blobs and snapshots are gone. Raises RuntimeError."""
        for image in self._ask("images", "ls", "-q").split():
            self._ask("images", "rm", "--sync", image)
        for _ in range(100):
            for lease in self._ask("leases", "ls", "-q").split():
                self._ask("leases", "rm", "--sync", lease)
            if not self._ask("content", "ls", "-q").strip() and len(self._ask("snapshots", "ls").splitlines()) <= 1:
                return
            time.sleep(0.1)
        raise RuntimeError("containerd keeps blobs or snapshots of removed images")

    def _await_plugins(self) -> None:
        """Wait for the CRI, which serves a little after the socket does."""
        status = self._call("ListImages")
        for _ in range(100):
            with suppress(grpc.RpcError):
                status(b"", timeout=5)
                return
            time.sleep(0.1)
        raise RuntimeError(f"containerd serves no CRI; its log is {self.log}")

    def _call(self, method: str) -> grpc.UnaryUnaryMultiCallable:
        return self._channel.unary_unary(f"/runtime.v1.ImageService/{method}")

    def _ask(self, *words: str) -> str:
        return self._processes.run(self._ctr, "-a", str(self._socket), "-n", "k8s.io", *words, check=False)


def version(processes: Processes, binary: Path) -> tuple[int, ...]:
    """Ask a containerd for its release. Raises RuntimeError."""
    answer = processes.run(str(binary), "--version")
    match = re.search(r"\bv?(\d+)\.(\d+)\.(\d+)", answer)
    if match is None:
        raise RuntimeError(f"{binary} is no containerd: {answer.strip()!r}")
    return tuple(int(part) for part in match.groups())


def _configure(directory: Path, name: str, socket: Path, version: tuple[int, ...], settings: Settings) -> Path:
    own, hosts = directory / name, directory / "certs.d"
    own.mkdir(exist_ok=True)
    for address in (FAR, FAR_DELAYED):
        host = hosts / f"{address}:{PORT}"
        host.mkdir(parents=True, exist_ok=True)
        (host / "hosts.toml").write_text(HOSTS.format(host=host.name))
    newer = version >= (2,)
    text = CONFIG.format(format=3 if newer else 2, root=own / "root", state=own / "state", socket=socket)
    text += (TWO if newer else ONE).format(downloads=settings.downloads, hosts=hosts)
    configuration = own / "config.toml"
    configuration.write_text(text)
    return configuration


def _image_request(image: str) -> bytes:
    """Write PullImageRequest{image: ImageSpec{image: name}}: two messages with the one field number 1."""
    name = image.encode()
    spec = b"\x0a" + bytes([len(name)]) + name
    return b"\x0a" + bytes([len(spec)]) + spec
