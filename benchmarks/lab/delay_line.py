"""Joins two tun devices of two network namespaces and holds every packet for a while, so that TCP sees a round trip.

    python delay_line.py NAMESPACE_FILE NEAR FAR MICROSECONDS

The near device is made in the namespace that this runs in. Kernels without netem (many virtual machines) can be
delayed too, and segments of 64 kB pass whole, so that one Python process is fast enough for 1 Gbit/s.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import select
import struct
import sys
import time
from collections import deque
from contextlib import suppress

TUNSETIFF, TUNSETOFFLOAD = 0x400454CA, 0x400454D0
IFF_TUN, IFF_NO_PI, IFF_VNET_HDR = 0x0001, 0x1000, 0x4000
TUN_F_CSUM, TUN_F_TSO4 = 0x01, 0x02
CLONE_NEWNET = 0x40000000
LONGEST = 70_000  # bytes of a segment with its header
MOST = 20_000  # packets held; more are dropped, as a full queue does


def tun(name: str) -> int:
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI | IFF_VNET_HDR))
    fcntl.ioctl(device, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4)
    return device


def enter(namespace: str) -> None:
    file = os.open(namespace, os.O_RDONLY)
    if ctypes.CDLL(None, use_errno=True).setns(file, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), namespace)
    os.close(file)


def run(ends: tuple[int, int], delay: float) -> None:
    held: tuple[deque, deque] = (deque(), deque())  # (due, packet) read from each end
    while True:
        now = time.monotonic()
        for queue, other in zip(held, reversed(ends), strict=True):
            while queue and queue[0][0] <= now:
                with suppress(BlockingIOError, OSError):  # a device that is down or full drops
                    os.write(other, queue.popleft()[1])
        due = [queue[0][0] for queue in held if queue]
        timeout = max(0.0, min(due) - time.monotonic()) if due else None
        readable, _, _ = select.select(ends, (), (), timeout)
        for end in readable:
            queue = held[ends.index(end)]
            with suppress(BlockingIOError, OSError):
                while True:
                    packet = os.read(end, LONGEST)
                    if len(queue) < MOST:
                        queue.append((time.monotonic() + delay, packet))


if __name__ == "__main__":
    _, namespace, near, far, microseconds = sys.argv
    first = tun(near)
    enter(namespace)
    run((first, tun(far)), float(microseconds) / 1e6)
