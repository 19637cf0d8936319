"""How many bytes came over which class of link: what prices are for."""

from __future__ import annotations

from typing import Final

from pullsim.records import TrafficRecord
from pullsim.spec.prices import CROSS_ZONE


class Inbound:
    """The bytes that one receiver got from others: a node, or a host that fills itself from another one.

    Whatever brings bytes to it calls `add` once for each body, when it has ended: registries and mirrors do
    (`pullsim.registry.client`), and so does whatever else sends blobs.
    """

    __slots__ = ("bytes", "receiver", "zone")

    def __init__(self, receiver: str, zone: str | None) -> None:
        self.receiver: Final = receiver
        self.zone: Final = zone  # None: it is in no zone, and what it gets crosses none
        self.bytes: Final[dict[tuple[str, str, bool], int]] = {}  # by host, class of the path, whether zones differ

    def add(self, host: str, link: str, zone: str | None, amount: int) -> None:
        """Count ``amount`` bytes that a host sent over a path of the class ``link`` (`pullsim.spec.prices`).

        ``zone`` is that of the host; they cross zones if both sides have one, and these differ. A path of the class
        crossZone says so by its class, so that these bytes are not across zones once more.
        """
        crosses = link != CROSS_ZONE and zone is not None and self.zone is not None and zone != self.zone
        self.count(host, link, amount, crosses=crosses)

    def count(self, host: str, link: str, amount: int, *, crosses: bool) -> None:
        """Count bytes of which is known whether they crossed zones."""
        key = host, link, crosses
        self.bytes[key] = self.bytes.get(key, 0) + amount


class Traffic:
    """The bytes of a run by receiver, host and class."""

    def __init__(self) -> None:
        self._receivers: dict[str, Inbound] = {}

    def inbound(self, receiver: str, zone: str | None) -> Inbound:
        """Return the account of a receiver, which is made when it is first asked for."""
        found = self._receivers.get(receiver)
        if found is None:
            found = self._receivers[receiver] = Inbound(receiver, zone)
        return found

    def records(self) -> list[TrafficRecord]:
        """Return the rows by receiver, host and class, in that order."""
        return [
            TrafficRecord(receiver, host, link, crosses, amount)
            for receiver, inbound in sorted(self._receivers.items())
            for (host, link, crosses), amount in sorted(inbound.bytes.items())
        ]
