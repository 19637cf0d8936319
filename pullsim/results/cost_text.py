"""What a run cost, in words: amounts of money whose parts sum to their total to the digit that is printed."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from pullsim.results.wording import counted, duration, money_digits, size
from pullsim.spec.prices import CROSS_ZONE, FREE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pullsim.results.summary.costs import Costs
    from pullsim.results.summary.summary import Summary

#: The classes of links in words.
CLASSES: Final = {
    FREE: "over free links",
    "nat": "through NAT",
    CROSS_ZONE: "across zones",
    "egress": "of egress",
    "peer": "between nodes",
    "internet": "over the internet",
}


def amounts(parts: Sequence[float]) -> tuple[str, list[str]]:
    """Write the sum of some amounts of money, and the amounts, with equally many decimals.

    The sum is rounded, and each amount is rounded up or down so that the printed amounts sum to the printed sum: those
    with the largest rests are rounded up.
    """
    exact = [Fraction(repr(part)) for part in parts]
    total = sum(exact, Fraction(0))
    digits = money_digits(float(total))
    units = [part * 10**digits for part in exact]
    floors = [math.floor(unit) for unit in units]
    missing = round(total * 10**digits) - sum(floors)
    for place in sorted(range(len(units)), key=lambda place: (floors[place] - units[place], place))[:missing]:
        floors[place] += 1
    return _written(sum(floors), digits), [_written(number, digits) for number in floors]


def cost_rows(costs: Costs, sent: Mapping[str, int], idle: str) -> tuple[str, list[tuple[str, str]]]:
    """Return the total of a run, and (what for, amount) of its parts, which sum to it.

    ``sent``: bytes by class of link; ``idle``: the idle accelerators in words.
    """
    words = [f"{size(sent[link])} {CLASSES[link]}" for link in costs.by_class]
    words += [f"bytes from {host}" for host in costs.by_host]
    parts = [*costs.by_class.values(), *costs.by_host.values()]
    if costs.idle_accelerators:
        words.append(idle)
        parts.append(costs.idle_accelerators)
    total, written = amounts(parts)
    return total, list(zip(words, written, strict=True))


def idle_text(summary: Summary) -> str:
    """Write the idle accelerators that have a price: ``96.1 idle minutes of nvidia.com/gpu``."""
    priced = {name: each.minutes for name, each in summary.idle_accelerators.items() if each.cost is not None}
    return ", ".join(f"{minutes:,.1f} idle minutes of {name}" for name, minutes in priced.items() if minutes)


def cost_notes(summary: Summary) -> Iterator[tuple[str, str]]:
    """Yield the labels and texts that the terminal shows of bytes by class, accelerators, money and waste."""
    classed = {link: amount for link, amount in summary.bytes_by_class.items() if link != FREE}
    if classed:
        yield "Links", ", ".join(f"{size(amount)} {CLASSES[link]}" for link, amount in classed.items())
    for name, each in summary.idle_accelerators.items():
        who = f"{each.accelerators:,} {name}, whose {counted(each.pods, 'pod')}"
        yield "Idle", f"{each.minutes:,.1f} minutes of {who} waited for images"
    costs = summary.costs
    if costs is None:
        return
    unit = f"{costs.currency} " if costs.currency else ""
    if costs.total is not None and (costs.currency or classed or costs.idle_accelerators):
        total, rows = cost_rows(costs, summary.bytes_by_class, idle_text(summary))
        text = f"{unit}{total}"
        if len(rows) > 1:
            text += ": " + ", ".join(f"{amount} for {what}" for what, amount in rows)
        elif rows:
            text += f" for {rows[0][0]}"
        if costs.per_day is not None:
            day = amounts([costs.per_day])[0]
            text += f"; {unit}{day} a day, at the rate of these {duration(summary.end)}"
        yield "Cost", text
    for name, cost in costs.rollouts.items():
        yield "Rollout", f"{name}: {unit}{amounts([cost])[0]} for the images of its new pods"
    yield from _unused(summary, unit)


def _unused(summary: Summary, unit: str) -> Iterator[tuple[str, str]]:
    found, costs = summary.unused_images, summary.costs
    if found is None or costs is None:
        return
    ahead = found.prepull_bytes + found.daemon_set_bytes
    told = []
    if ahead:
        who = counted(found.images, "image")
        told.append(f"{size(ahead)} pulled ahead, {who} on a node where no pod uses it")
        if costs.unused is not None:
            told[-1] += f", {unit}{amounts([costs.unused])[0]}"
    if found.cached_bytes:
        told.append(f"{size(found.cached_bytes)} of cached images that no pod on their node uses")
    if told:
        yield "Unused", "; ".join(told)


def _written(number: int, digits: int) -> str:
    """Write a number of the smallest units as an amount."""
    whole, rest = divmod(number, 10**digits)
    return f"{whole:,}.{rest:0{digits}d}"
