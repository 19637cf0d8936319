"""What one writes first: a process a transfer, interrupted when its rate changes, all rates found anew each time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import simpy

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence


class Link:
    """Bytes/s that its flows share."""

    __slots__ = ("capacity", "flows")

    def __init__(self, capacity: float) -> None:
        self.capacity = capacity
        self.flows: dict[Flow, None] = {}


class Flow:
    """Bytes on their way over some links."""

    __slots__ = ("left", "links", "process", "rate")

    def __init__(self, size: float, links: Sequence[Link]) -> None:
        self.left = float(size)
        self.links = links
        self.rate = 0.0
        self.process: simpy.Process | None = None


class Transfers:
    """All flows of some links that depend on one another."""

    def __init__(self, env: simpy.Environment) -> None:
        self._env = env
        self._flows: dict[Flow, None] = {}

    def start(self, size: float, links: Sequence[Link]) -> simpy.Process:
        flow = Flow(size, links)
        flow.process = self._env.process(self._run(flow))
        return flow.process

    def _run(self, flow: Flow) -> Generator[simpy.Event, None, None]:
        env = self._env
        self._flows[flow] = None
        for link in flow.links:
            link.flows[flow] = None
        self._share()
        while True:
            since, rate = env.now, flow.rate
            try:
                yield env.timeout(flow.left / rate)
                break
            except simpy.Interrupt:
                flow.left = max(0.0, flow.left - rate * (env.now - since))
        del self._flows[flow]
        for link in flow.links:
            del link.flows[flow]
        self._share()

    def _share(self) -> None:
        for flow, rate in fill(self._flows).items():
            if rate != flow.rate:
                flow.rate = rate
                if flow.process is not None and flow.process is not self._env.active_process:
                    flow.process.interrupt()


def fill(flows: Iterable[Flow]) -> dict[Flow, float]:
    """Return the max-min fair rates: again and again, the link with the least share gives it to its flows."""
    left = {link: link.capacity for flow in flows for link in flow.links}
    waiting = {link: len(link.flows) for link in left}
    rates: dict[Flow, float] = {}
    while waiting:
        tightest = min(waiting, key=lambda link: left[link] / waiting[link])
        share = left[tightest] / waiting[tightest]
        for flow in tightest.flows:
            if flow in rates:
                continue
            rates[flow] = share
            for link in flow.links:
                left[link] -= share
                waiting[link] -= 1
        waiting = {link: count for link, count in waiting.items() if count}
    return rates


class Network:
    """``fetch`` returns the process of a download, which is the event of its end."""

    def __init__(self, env: simpy.Environment, egress: float, nics: Sequence[float]) -> None:
        self._transfers = Transfers(env)
        self._egress = Link(egress)
        self._nics = [Link(nic) for nic in nics]

    def fetch(self, node: int, size: float) -> simpy.Process:
        return self._transfers.start(size, (self._egress, self._nics[node]))


class Disk:
    """``write`` returns the process of a job."""

    def __init__(self, env: simpy.Environment, rate: float) -> None:
        self._transfers = Transfers(env)
        self._link = (Link(rate),)

    def write(self, size: float) -> simpy.Process:
        return self._transfers.start(size, self._link)
