"""Prices: of bytes by the class of the links that they take, and of an hour of an accelerator."""

from __future__ import annotations

from typing import Final, Literal, get_args

#: The class of the path from a host to who receives its bytes. Beside it, bytes whose two sides are in different zones
#: are in the class crossZone too, whatever their path is: a NAT gateway in another zone costs both.
Link = Literal["free", "nat", "crossZone", "egress", "peer", "internet"]
LINKS: Final[tuple[Link, ...]] = get_args(Link)
FREE: Final = "free"
PEER: Final = "peer"
CROSS_ZONE: Final = "crossZone"
