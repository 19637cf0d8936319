"""The tables of what a run cost: bytes by class of link, accelerators that waited, bytes that nobody used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullsim.results.cost_text import CLASSES, amounts, cost_rows, idle_text
from pullsim.results.page.page import Cell, Column, Table
from pullsim.results.wording import duration, size
from pullsim.spec.prices import FREE

if TYPE_CHECKING:
    from pullsim.results.summary.summary import Summary


def cost_table(summary: Summary) -> Table | None:
    """Return the table of money, whose rows sum to its total; None where nothing has a price."""
    costs = summary.costs
    if costs is None or costs.total is None:
        return None
    total, parts = cost_rows(costs, summary.bytes_by_class, idle_text(summary))
    rows = [(Cell(what), Cell(amount)) for what, amount in parts]
    rows.append((Cell("the run"), Cell(total)))
    if costs.per_day is not None:
        rows.append((Cell(f"a day, at the rate of these {duration(summary.end)}"), Cell(amounts([costs.per_day])[0])))
    rows += [(Cell(f"the update of {name}"), Cell(amounts([cost])[0])) for name, cost in costs.rollouts.items()]
    if costs.unused is not None:
        rows.append((Cell("pulled ahead and not used, part of the bytes"), Cell(amounts([costs.unused])[0])))
    return Table(
        "What the run cost",
        (Column("for"), Column(costs.currency or "money", number=True)),
        rows,
        "Prices are those of the scenario. Accelerators count from when their pod was bound to a node until its last "
        "image was there.",
    )


def traffic_table(summary: Summary) -> Table | None:
    """Return the table of bytes by class of link; None where the scenario has no classes."""
    classed = summary.bytes_by_class
    if not classed.keys() - {FREE}:
        return None
    return Table(
        "Bytes by the class of the links that they took",
        (Column("class"), Column("bytes", number=True)),
        [(Cell(CLASSES[link]), Cell(size(amount), amount)) for link, amount in classed.items()],
        "Bytes across zones are in the class of their path too.",
    )


def idle_table(summary: Summary) -> Table | None:
    """Return the table of accelerators that waited for images; None where no pod holds any."""
    held = summary.idle_accelerators
    if not held:
        return None
    rows = [
        (
            Cell(name),
            Cell(f"{each.pods:,}", each.pods),
            Cell(f"{each.accelerators:,}", each.accelerators),
            Cell(f"{each.minutes:,.1f}", each.minutes),
        )
        for name, each in held.items()
    ]
    columns = ("accelerator", "pods", "held", "idle minutes")
    return Table(
        "Accelerators that waited for images",
        tuple(Column(name, number=name != "accelerator") for name in columns),
        rows,
    )
