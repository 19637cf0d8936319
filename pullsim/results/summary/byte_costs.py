"""What bytes cost: those of a run by class of link and by host, and those that some of its pulls fetched.

All sums are of exact fractions, from prices as they are written.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from pullsim.rows import values
from pullsim.spec.prices import CROSS_ZONE, LINKS, PEER, Prices, exact

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from pullsim.records import TrafficRecord
    from pullsim.run import Result

Pull = tuple[str, str, str]  # namespace, pod and image as written
_FREE: Final = Fraction(0)
_OF: Final = ("namespace", "pod", "image", "node", "downloaded")  # the fields of a pull's or layer's row


def by_class(traffic: Iterable[TrafficRecord]) -> dict[str, int]:
    """Return the bytes by class of link; bytes between zones are in their path's class and in crossZone."""
    found: Counter[str] = Counter()
    for row in traffic:
        found[row.link] += row.bytes
        if row.cross_zone:
            found[CROSS_ZONE] += row.bytes
    return {link: found[link] for link in LINKS if link in found}


def of_classes(result: Result) -> dict[str, Fraction]:
    """Return what the bytes of the run cost by class of link."""
    prices = result.prices or Prices()
    return {link: amount * prices.of_link(link) for link, amount in by_class(result.traffic).items()}


def of_hosts(result: Result) -> dict[str, Fraction]:
    """Return what the hosts that have a price of their own (`registries[].price`) ask for what they sent."""
    return {each.host: each.sent * exact(each.price) for each in result.registries if each.price}


def of_bytes(result: Result) -> Fraction | None:
    """Return what all bytes of the run cost; None where nothing has a price."""
    hosts = of_hosts(result)
    if result.prices is None and not hosts:
        return None
    return sum([*of_classes(result).values(), *hosts.values()], _FREE)


class Rates:
    """What a byte costs that a host sends to a receiver: the mean over the classes of its bytes between the two.

    What a cache fetches from its upstream is part of the price of the bytes that it sends, evenly; what the seeds of a
    swarm fetch, of those that peers send. So all bytes of a run at these rates cost what the run's bytes cost.
    """

    def __init__(self, result: Result) -> None:
        prices = result.prices or Prices()
        self._nodes = result.pools
        self._own = {each.host: exact(each.price) for each in result.registries}
        self._bytes: Counter[tuple[str, str]] = Counter()  # by receiver and host
        self._sent: Counter[str] = Counter()  # by host
        self._paths: dict[tuple[str, str], Fraction] = {}  # money for the bytes between the two
        seeds = {each.node for each in result.peers} - set(self._nodes)
        for row in result.traffic:
            price = prices.of_link(row.link) + (prices.of_link(CROSS_ZONE) if row.cross_zone else 0)
            pair = PEER if row.receiver in seeds else row.receiver, row.host
            self._bytes[pair] += row.bytes
            self._sent[row.host] += row.bytes
            self._paths[pair] = self._paths.get(pair, _FREE) + row.bytes * price

    def rate(self, receiver: str, host: str) -> Fraction:
        """Return the money for one byte."""
        return self._rate(receiver, host, frozenset())

    def _rate(self, receiver: str, host: str, through: frozenset[str]) -> Fraction:
        """Return the same; ``through``: the caches that the bytes have passed on their way to the receiver."""
        amount = self._bytes[receiver, host]
        path = self._paths[receiver, host] / amount if amount else _FREE
        return path + self._own.get(host, _FREE) + self._upstream(host, through)

    def _upstream(self, host: str, through: frozenset[str]) -> Fraction:
        """Return what a byte that a cache sends has cost it; 0 of a registry, and of a node that is a peer."""
        if host in self._nodes or host in through or not self._sent[host]:
            return _FREE
        fetched = [(source, amount) for (receiver, source), amount in self._bytes.items() if receiver == host]
        cost = sum((amount * self._rate(host, source, through | {host}) for source, amount in fetched), _FREE)
        return cost / self._sent[host]


def of_pulls(result: Result, rates: Rates, wanted: Collection[Pull]) -> Fraction:
    """Return what the bytes of some pulls cost."""
    amounts: Counter[tuple[str, str]] = Counter()
    for pull, node, host, downloaded in _fetched(result) if wanted else ():
        if pull in wanted:
            amounts[node, host] += downloaded
    return sum((amount * rates.rate(node, host) for (node, host), amount in amounts.items()), _FREE)


def _fetched(result: Result) -> Iterator[tuple[Pull, str, str, int]]:
    """Yield the bytes that pulls fetched by pull, node and host; without layers' rows by the host that was asked."""
    rows, host = (result.layers, "source") if result.keeps("layers") else (result.pulls, "registry")
    for namespace, pod, image, node, downloaded, source in values(rows, *_OF, host):
        if downloaded and source is not None:
            yield (namespace, pod, image), node, source, downloaded
