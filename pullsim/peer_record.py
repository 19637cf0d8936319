"""What one node gave others and got from them: a row that the model writes and the results read."""

from __future__ import annotations

from typing import Final, NamedTuple

PEER: Final = "peer"  # the source of a layer that another node served


class PeerRecord(NamedTuple):
    """What one node with an agent for its peers sent to other nodes and received from them, as payload bytes."""

    node: str
    zone: str | None
    sent: int
    received: int
    requests: int  # requests of its runtime to its agent
    misses: int  # those that no peer could answer, so that the registry's hosts were asked
