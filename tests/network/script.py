"""Scripts of transfers, cancellations and follow-ups, played over any network with `Network`'s interface."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from hypothesis import strategies as st

from pullsim.kernel.environment import Environment
from pullsim.kernel.event import Call
from pullsim.spec.hardware import Burst

ROOT2, ROOT3, ROOT5, ROOT7 = math.sqrt(2), math.sqrt(3), math.sqrt(5), math.sqrt(7)


@dataclass(frozen=True)
class Start:
    at: float
    link: int | tuple[int, ...]  # or those of a path
    port: int
    size: float
    cap: float
    then: tuple[int | tuple[int, ...], ...] = ()  # those of transfers that follow, each when the last one has ended


@dataclass(frozen=True)
class Cancel:
    at: float
    which: int  # of the transfers started so far, in the order of the steps
    own: bool = False  # then of the steps: the transfer that this one starts


@dataclass(frozen=True)
class Script:
    links: tuple[float, ...]
    ports: tuple[float, ...]
    steps: tuple[Start | Cancel, ...]
    bursts: tuple[Burst | None, ...] = ()  # of the ports


@dataclass
class Outcome:
    ended: dict[tuple[int, ...], float] = field(default_factory=dict)  # by (step, number of the follow-up)
    left: dict[tuple[int, ...], tuple[float, float]] = field(default_factory=dict)  # cancelled: (time, bytes)
    transfers: dict[tuple[int, ...], object] = field(default_factory=dict)
    carried: list[float] = field(default_factory=list)
    meters: list[object] = field(default_factory=list)
    busy: list[list[tuple[bool, float]]] = field(default_factory=list)
    port_of: dict[tuple[int, ...], int] = field(default_factory=dict)
    size_of: dict[tuple[int, ...], int] = field(default_factory=dict)
    net: object = None


def play(network, script, begin=0.0):
    env = Environment(begin)
    net = network(env)
    out = Outcome(net=net)
    links = [net.link(f"link{i}", capacity) for i, capacity in enumerate(script.links)]
    bursts = script.bursts or (None,) * len(script.ports)
    ports = [
        net.port(f"port{i}", capacity, burst)
        for i, (capacity, burst) in enumerate(zip(script.ports, bursts, strict=True))
    ]
    for port in ports:
        log = []
        port.on_busy = lambda busy, log=log: log.append((busy, env.now))
        out.busy.append(log)

    def start(key, step, then):
        link = step.link if key[1] == 0 else then[0]
        path = tuple(links[each] for each in link) if isinstance(link, tuple) else links[link]
        transfer = net.transfer(path, ports[step.port], step.size, step.cap)
        rest = then if key[1] == 0 else then[1:]
        out.transfers[key], out.port_of[key], out.size_of[key] = transfer, step.port, step.size

        def end(_):
            out.ended[key] = env.now
            if rest:
                start((key[0], key[1] + 1), step, rest)

        transfer.callbacks.append(end)

    def cancel(step):
        if out.transfers:
            started = sorted(out.transfers)  # whichever of those that start at once is first
            key = (step.which, 0) if step.own else started[step.which % len(started)]
            transfer = out.transfers[key]
            if key not in out.ended and key not in out.left and not transfer.triggered:
                left = transfer.cancel()
                if not transfer.triggered:  # else its last byte came in this instant
                    out.left[key] = env.now, left

    for number, step in enumerate(script.steps):
        if isinstance(step, Start):
            Call(env, lambda _, number=number, step=step: start((number, 0), step, step.then), step.at)
        else:
            Call(env, lambda _, step=step: cancel(step), step.at)
    env.run()
    out.carried = [link.carried for link in links]
    out.meters = [link.meter for link in links]
    assert all(port.transfers == 0 for port in ports)
    return out


@st.composite
def scripts(draw, *, ties, bursting=False):
    """Topologies with one to three links, some of which never bind, and up to five ports.

    With ``ties``, capacities are few round numbers and times small whole ones, so that much happens at once and limits
    coincide.
    Without, links, ports, caps and times are incommensurable: what limits a transfer never hangs on rounding.
    With ``bursting``, ports may have a burst rate and credit for a few seconds.
    """
    link_unit, port_unit, cap_unit, time_unit = (1.0,) * 4 if ties else (1.0, ROOT2, ROOT3, ROOT5)
    number = st.sampled_from([1.0, 2.0, 2.5, 5.0, 10.0, 25.0, 100.0]) if ties else st.integers(1, 12)
    links = draw(st.lists(number.map(lambda n: n * link_unit) | st.just(math.inf), min_size=1, max_size=3))
    ports = draw(st.lists(number.map(lambda n: n * port_unit), min_size=1, max_size=5))
    link = st.integers(0, len(links) - 1)
    caps = st.just(math.inf) | number.map(lambda n: n * cap_unit)
    of_pair = draw(st.lists(caps, min_size=15, max_size=15))
    at = st.integers(0, 20).map(lambda n: n * time_unit)
    steps = []
    for _ in range(draw(st.integers(1, 14))):
        if draw(st.integers(0, 4)):
            i, j = draw(link), draw(st.integers(0, len(ports) - 1))
            cap = of_pair[5 * i + j] if draw(st.integers(0, 3)) else draw(caps)
            then = tuple(draw(st.lists(link, max_size=3)))
            steps.append(Start(draw(at), i, j, draw(st.integers(1, 40)), cap, then))
        else:
            steps.append(Cancel(draw(at) + 1e-3 * math.pi, draw(st.integers(0, 30))))
    bursts = []
    for capacity in ports if bursting else ():
        extra, credit = draw(st.integers(1, 12)), draw(st.integers(1, 60))
        burst = Burst(capacity + extra * port_unit, credit * (1.0 if ties else ROOT7))
        bursts.append(draw(st.just(burst) | st.none()))
    return Script(tuple(links), tuple(ports), tuple(steps), tuple(bursts))
