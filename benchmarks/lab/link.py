"""Two network namespaces, the node's and the registry's, and the link between them."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from benchmarks.lab import delay_line

if TYPE_CHECKING:
    from benchmarks.lab.processes import Processes

PREFIX = "pullsim-lab"
NODE, REGISTRY = (f"{PREFIX}-{os.getpid()}-{end}" for end in ("node", "registry"))
NEAR, FAR = "10.99.0.1", "10.99.0.2"  # on the veth pair
NEAR_DELAYED, FAR_DELAYED = "10.99.1.1", "10.99.1.2"  # on the delay line
BURST = 131_072  # bytes of tbf
QUEUE = 0.05  # seconds of the queue beside the round trip
ROUTE_OF = "cubic"  # the congestion control of most servers; some kernels default to bbr


class Shape(NamedTuple):
    """How the link is: the registry's egress in Mbit/s (None: unlimited), the round trip added, in ms."""

    mbit: int | None = None
    rtt_ms: int = 0

    @property
    def queue(self) -> int | None:
        """Bytes of the drop-tail queue that all connections share."""
        return None if self.mbit is None else int(self.mbit * 125e3 * (QUEUE + self.rtt_ms / 1e3)) + 2 * BURST

    def described(self) -> dict:
        return {
            "registry_egress_mbit": self.mbit,
            "added_rtt_ms": self.rtt_ms,
            "shaper": None if self.mbit is None else f"tbf burst {BURST} B",
            "queue_limit_bytes": self.queue,
        }


class Link:
    """The link while the lab is open; everything goes with its namespaces."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._ip = lambda *words: processes.run("ip", *words)
        self._delay = 0

    def __enter__(self) -> Self:
        self._remove_left_over()
        for namespace in (NODE, REGISTRY):
            self._ip("netns", "add", namespace)
            self._in(namespace, "ip", "link", "set", "lo", "up")
        self._ip("-n", NODE, "link", "add", "veth0", "type", "veth", "peer", "name", "veth0", "netns", REGISTRY)
        for namespace, address in ((NODE, NEAR), (REGISTRY, FAR)):
            self._in(namespace, "ip", "address", "add", f"{address}/24", "dev", "veth0")
            self._in(namespace, "ip", "link", "set", "veth0", "up")
        self._congestion_control("10.99.0.0/24", "veth0", FAR)
        return self

    def __exit__(self, *_error: object) -> None:
        self._remove()

    def set(self, shape: Shape) -> str:
        """Change the link; return the registry's address."""
        if shape.rtt_ms != self._delay:
            self._set_delay(shape.rtt_ms)
        device = "tun0" if shape.rtt_ms else "veth0"
        self._in(REGISTRY, "tc", "qdisc", "del", "dev", device, "root", check=False)
        if shape.mbit is not None:
            limits = ("rate", f"{shape.mbit}mbit", "burst", str(BURST), "limit", str(shape.queue))
            self._in(REGISTRY, "tc", "qdisc", "add", "dev", device, "root", "tbf", *limits)
        return FAR_DELAYED if shape.rtt_ms else FAR

    def _set_delay(self, rtt_ms: int) -> None:
        self._processes.stop("delay-line")
        self._delay = rtt_ms
        if not rtt_ms:
            return
        line = [sys.executable, delay_line.__file__, f"/run/netns/{REGISTRY}", "tun0", "tun0", str(rtt_ms * 500)]
        self._processes.start("delay-line", ["ip", "netns", "exec", NODE, *line])
        for namespace, own, peer in ((NODE, NEAR_DELAYED, FAR_DELAYED), (REGISTRY, FAR_DELAYED, NEAR_DELAYED)):
            self._wait_for_device(namespace)
            self._in(namespace, "ip", "address", "add", own, "peer", peer, "dev", "tun0")
            self._in(namespace, "ip", "link", "set", "tun0", "up", "mtu", "1500", "txqueuelen", "20000")
        self._congestion_control(NEAR_DELAYED, "tun0", FAR_DELAYED)

    def _wait_for_device(self, namespace: str) -> None:
        for _ in range(100):
            if self._in(namespace, "ip", "-o", "link", "show", "tun0", check=False):
                return
            time.sleep(0.05)
        raise RuntimeError(f"no delay line; its log is {self._processes.log('delay-line')}")

    def _congestion_control(self, to: str, device: str, source: str) -> None:
        known = Path("/proc/sys/net/ipv4/tcp_available_congestion_control").read_text().split()
        if ROUTE_OF in known:
            route = ("route", "replace", to, "dev", device, "src", source, "congctl", ROUTE_OF)
            self._in(REGISTRY, "ip", *route)

    def _in(self, namespace: str, *command: str, check: bool = True) -> str:
        return self._processes.run("ip", "netns", "exec", namespace, *command, check=check)

    def _remove_left_over(self) -> None:
        """Remove the namespaces of labs that were killed."""
        for line in self._ip("netns", "list").splitlines():
            name = line.split()[0]
            if name.startswith(f"{PREFIX}-") and not Path("/proc", name.split("-")[2]).exists():
                self._ip("netns", "delete", name)

    def _remove(self) -> None:
        for namespace in (NODE, REGISTRY):
            self._processes.run("ip", "netns", "delete", namespace, check=False)
