"""What registries and mirrors were asked for: requests, quotas, bytes and money."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullsim.frozen import dataclass
from pullsim.rows import values

if TYPE_CHECKING:
    from pullsim.records import RegistryRecord
    from pullsim.run import Result


@dataclass(frozen=True, slots=True)
class RegistryUse:
    """Requests to a registry or mirror, its quotas, and the money for what it sent."""

    host: str
    heads: int
    manifests: int  # GETs
    blobs: int  # GETs
    challenges: int  # requests answered 401
    tokens: int  # requests to the token server
    refused: int  # requests that a quota refused
    exhausted: int  # quotas (of addresses or accounts) that ran out
    exhausted_at: float | None  # when the first of them refused its first request
    served_nodes: int | None  # nodes whose pulls, begun by then, it answered; None: not known, or no quota ran out
    refilled_at: float | None  # when that quota had room again; None: never, or no quota ran out
    sent: int  # bytes of all bodies, manifests and broken ones too
    cost: float | None  # price of what it sent, in its currency; None: it has no price


def registry_use(record: RegistryRecord, result: Result) -> RegistryUse:
    """Return the figures of a registry's record with the cost of what it sent, and the nodes that its quota served."""
    served = None
    if record.exhausted_at is not None and result.keeps("pulls"):
        columns = values(result.pulls, "node", "registry", "ok", "started")
        served = len(
            {node for node, host, ok, at in columns if ok and host == record.host and at <= record.exhausted_at}
        )
    return RegistryUse(
        host=record.host,
        heads=record.heads,
        manifests=record.manifests,
        blobs=record.blobs,
        challenges=record.challenges,
        tokens=record.tokens,
        refused=record.limited,
        exhausted=record.exhausted,
        exhausted_at=record.exhausted_at,
        served_nodes=served,
        refilled_at=record.refilled_at,
        sent=record.sent,
        cost=record.sent * record.price if record.price else None,
    )
