"""The body of a response under faults: it stalls, slows down, or breaks off."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import simpy

from pullsim.kernel.event import Event
from pullsim.registry.request import CUT, OK, RESET

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from pullsim.kernel.environment import Environment
    from pullsim.network.flows import Port, Transfer
    from pullsim.network.network import Network
    from pullsim.registry.host import Site
    from pullsim.registry.request import Download, Request
    from pullsim.spec.registry import Fault


def receive(
    env: Environment,
    network: Network,
    site: Site,
    port: Port,
    request: Request,
    faults: Sequence[Fault],
    download: Download,
) -> Generator[Any, Any, int]:
    """Receive a body that begins now, under those ``faults`` that affect it. Returns OK, CUT or RESET.

    ``download`` is told when a part of the body begins and when it stalls. If the body breaks off, or the receiving
    process is interrupted, the bytes that came are added to ``download.received``.
    """
    got, transfer, part = 0.0, None, 0.0
    try:
        while True:
            now = env.now
            active = [fault for fault in faults if fault.at <= now < fault.ends]
            until = min((t for fault in faults for t in (fault.at, fault.ends) if t > now), default=math.inf)
            if any(fault.refused for fault in active):  # the server is gone, and closes the connection
                return _break_off(download, got, CUT)
            if any(fault.stall or fault.unreachable for fault in active):
                download.stall(now, begun=got > 0.0)
                yield env.timeout(until - now) if until < math.inf else Event(env)
                continue
            part, broken = request.size - got, OK
            for fault in active:
                if fault.cut is not None and (left := max(0.0, _cut_after(fault, request) - got)) < part:
                    part, broken = left, RESET if fault.cut.reset else CUT
            slowest = min((fault.slow / site.goodput for fault in active if fault.slow is not None), default=math.inf)
            cap = min(site.connection_cap, slowest)
            transfer = network.transfer(site.path, port, part / site.goodput, cap)
            download.begin(now, transfer)
            if until < math.inf:
                yield transfer | env.timeout(until - now)
            else:
                yield transfer
            whole = transfer.triggered
            got += part if whole else _cancel(transfer, part, site)
            transfer = None
            if whole:
                return OK if broken == OK else _break_off(download, got, broken)
    except simpy.Interrupt:
        if transfer is not None:
            got += _cancel(transfer, part, site)
        download.received += round(got)
        raise


def retryable(faults: Sequence[Fault]) -> bool:
    """Whether a body under one of these faults may come whole later, even if nothing else in the simulation changes."""
    return any(fault.retryable for fault in faults)


def _cut_after(fault: Fault, request: Request) -> float:
    """Return the number of bytes of this response after which it breaks off, inf if it does not."""
    cut = fault.cut
    assert cut is not None
    if cut.size is not None:
        return cut.size
    assert cut.share is not None
    # The share is one of the whole content. A response that begins behind that place is not cut.
    place = int(cut.share * (request.offset + request.size))
    return place - request.offset if place > request.offset or not request.offset else math.inf


def _cancel(transfer: Transfer, part: float, site: Site) -> float:
    """Cancel the transfer of a part. Returns the payload bytes that have arrived."""
    return part - transfer.cancel() * site.goodput


def _break_off(download: Download, got: float, status: int) -> int:
    """Count the bytes that came of a body that breaks off. Returns ``status``."""
    download.received += round(got)
    return status
