"""The scenario that is to be written, part by part."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pullsim.importer.images import ImageSection
    from pullsim.importer.notes import Notes
    from pullsim.importer.pools import Pool
    from pullsim.importer.registries import Registry


class Question(StrEnum):
    """What is asked first, by the values of ``--question``."""

    rollout = "rollout"
    scale_up = "scale-up"
    outage = "outage"
    cold_node = "cold-node"
    now = "now"


@dataclass(slots=True)
class Entry:
    """An entry of ``workloads`` with its comments."""

    values: dict[str, Any]
    remarks: list[str]


@dataclass(slots=True)
class Draft:
    """The parts of a scenario with what is told of them."""

    question: Question
    files: list[str]
    pools: list[Pool]
    images: ImageSection
    registries: list[Registry]
    workloads: list[Entry]
    notes: Notes
    told: list[str] = field(default_factory=list)  # what happens in it
