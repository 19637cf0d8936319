"""The section ``prices`` of a scenario."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from pullsim.errors import shown
from pullsim.scenario.model.quantities import Price, Section
from pullsim.spec.prices import ANY

_Money = Annotated[float, Field(ge=0, le=1e9)]


def _by_name(value: Any) -> Any:
    """Read one price for all accelerators as the price of any."""
    return {ANY: value} if isinstance(value, int | float) and not isinstance(value, bool) else value


def _printable(currency: str) -> str:
    """Refuse what would break the line of a table, or act on the terminal that shows it."""
    if not currency.isprintable():
        raise ValueError(f"{shown(currency)} has characters that cannot be printed: USD, €")
    return currency


#: Money per hour of one accelerator, by name; a number alone is the price of any.
HourPrices = Annotated[
    dict[str, _Money],
    BeforeValidator(_by_name),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0},
                {"type": "object", "additionalProperties": {"type": "number", "minimum": 0}},
            ]
        }
    ),
]


class Prices(Section):
    """What bytes and accelerators cost you. There is no built-in price; a class without one is free."""

    currency: Annotated[str, AfterValidator(_printable)] = Field(
        default="", max_length=12, description="What amounts are in: USD."
    )
    nat: Price | None = Field(default=None, description="Bytes through a NAT gateway: hosts with `link: nat`.")
    cross_zone: Price | None = Field(
        default=None,
        description="Bytes between zones, both directions together: twice what clouds list for one. Those of hosts "
        "whose `zone` is not the node's, and of hosts with `link: crossZone`.",
    )
    egress: Price | None = Field(default=None, description="Bytes of hosts with `link: egress`.")
    peer: Price | None = Field(default=None, description="Bytes between nodes, and of hosts with `link: peer`.")
    internet: Price | None = Field(default=None, description="Bytes of hosts with `link: internet`.")
    accelerator_hour: HourPrices = Field(
        default={},
        description="Money for an hour of one accelerator: a number, or by extended resource (nvidia.com/gpu), pool of "
        "nodes or instance type (its `preset`); the pool's goes before the instance type's, and that before the "
        "resource's.",
    )
