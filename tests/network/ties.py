"""Random scripts in which everything ties, over the fast network and the slow one.

Capacities, caps, sizes and times are small multiples of one another, as those of real clusters are: a registry's egress
is a node's NIC or twice it, connections have half a NIC each, transfers end, are cancelled and run out of credit in
one instant. ``python tests/network/ties.py SCRIPTS [RATIO ...] [--paths] [--seed N]`` plays so many of them for each
ratio of egress to NIC, prints how many crash, differ or agree, and exits with 1 unless all agree.
"""

from __future__ import annotations

import argparse
import collections
import math
import random
import sys
from fractions import Fraction

from script import Cancel, Script, Start, play

from pullsim.network.network import Network
from pullsim.network.reference import ReferenceNetwork
from pullsim.spec.hardware import Burst

RATIOS = (1.0, 2.0, 0.5, 3.0, 2.5, 10 / 7)  # of a link's capacity to a port's
ROUND = (1.0, 2.0, 2.5, 5.0, 10.0, 25.0, 100.0)
TOLERANCE = 1e-9  # relative


def tie_script(rng: random.Random, ratio: float, *, paths: bool = False) -> Script:
    """Make a script of two to six links and ports; each of its parts may be plain or tie in a way of its own.

    With ``paths`` some transfers cross two or three links, as those between nodes do.
    """
    nic = rng.choice(ROUND)
    links = [nic * ratio] * rng.randint(2, 6)
    ports = [nic] * rng.randint(2, 6)
    if rng.random() < 0.3:  # some links never bind
        links = [rng.choice((link, math.inf)) for link in links]
    if rng.random() < 0.3:
        ports = [port * rng.choice((1.0, 2.0, 0.5)) for port in ports]
    caps = [math.inf]
    if rng.random() < 0.5:
        caps += [nic * part for part in (1.0, 0.5, 0.25, ratio, ratio / 2, ratio / 3)]

    def route() -> int | tuple[int, ...]:
        if paths and rng.random() < 0.5:
            return tuple(rng.sample(range(len(links)), min(len(links), rng.randint(2, 3))))
        return rng.randrange(len(links))

    steps: list[Start | Cancel] = []
    for _ in range(rng.randint(3, 14)):
        then = tuple(route() for _ in range(rng.choice((0, 0, 0, 1, 2))))
        at = float(rng.choice((0, 0, 0, 1, 2, 5)))
        size = nic * rng.choice((1, 2, 3, 4, 7))
        steps.append(Start(at, route(), rng.randrange(len(ports)), size, rng.choice(caps), then))
    starts = len(steps)
    if rng.random() < 0.5:
        for _ in range(rng.randint(1, 4)):
            which = rng.randrange(starts)
            start = steps[which]
            assert isinstance(start, Start)
            after = rng.choice((0.0, 1.0, 2.0, 3.0, 4.0, 1.5, 0.5, start.size / nic, 2 * start.size / nic))
            steps.append(Cancel(start.at + after, which, own=True))
    bursts: tuple[Burst | None, ...] = ()
    if rng.random() < 0.4:
        bursts = tuple(
            Burst(port * rng.choice((1.5, 2.0, 3.0)), nic * rng.choice((0.5, 1, 2, 3))) if rng.random() < 0.6 else None
            for port in ports
        )
    return Script(tuple(links), tuple(ports), tuple(steps), bursts)


def difference(script: Script) -> float:
    """Return by how much the fast network differs from the slow one, relative.

    That is in ends, bytes, seconds by limit, and what links carry above their capacity; inf where one ends or stops a
    transfer that the other one does not.
    """
    fast, slow = play(Network, script), play(ReferenceNetwork, script)
    if fast.ended.keys() != slow.ended.keys() or fast.left.keys() != slow.left.keys():
        return math.inf
    pairs = [(fast.ended[key], time) for key, time in slow.ended.items()]
    pairs += zip(fast.carried, slow.carried, strict=True)
    error = max((abs(a - b) / max(1.0, abs(b)) for a, b in pairs), default=0.0)
    for key, (time, left) in slow.left.items():
        error = max(error, abs(fast.left[key][0] - time), abs(fast.left[key][1] - left) / slow.size_of[key])
    for key, transfer in slow.transfers.items():
        limits = zip(fast.transfers[key].limited, transfer.limited, strict=True)
        error = max([error, *(abs(a - b) / max(1.0, sum(transfer.limited)) for a, b in limits)])
    for capacity, meter in zip(script.links, fast.meters, strict=True):
        error = max([error, *(rate / capacity - 1.0 for _, _, rate in meter.samples())])
    return error


def main() -> int:
    """Play scripts for each ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scripts", type=int)
    parser.add_argument("ratios", nargs="*", type=lambda text: float(Fraction(text)), default=RATIOS)
    parser.add_argument("--paths", action="store_true", help="transfers cross several links, too")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    failed = False
    for ratio in given.ratios:
        rng = random.Random(f"{given.seed} {ratio}")
        outcomes: collections.Counter[str] = collections.Counter(crash=0, differ=0, agree=0)
        worst = 0.0
        for _ in range(given.scripts):
            script = tie_script(rng, ratio, paths=given.paths)
            try:
                error = difference(script)
            except (ArithmeticError, AssertionError, IndexError, LookupError) as crash:
                outcomes["crash"] += 1
                sys.stdout.write(f"crash: {crash!r} in {script}\n")
                continue
            worst = max(worst, error)
            outcomes["agree" if error < TOLERANCE else "differ"] += 1
            if error >= TOLERANCE and outcomes["differ"] <= 3:
                sys.stdout.write(f"differs by {error:.3g}: {script}\n")
        failed |= outcomes["agree"] < given.scripts
        sys.stdout.write(f"egress:NIC {ratio:.4g}: {dict(outcomes)}, worst {worst:.2g}\n")
        sys.stdout.flush()
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
