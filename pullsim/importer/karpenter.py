"""Karpenter's NodePools with their EC2NodeClasses: what they set on kubelets and runtimes, also by user data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pullsim.errors import InputError
from pullsim.importer.inventory import Inventory, Settings
from pullsim.importer.recognise import read_text
from pullsim.inputs.fields import mapping, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pullsim.importer.inventory import Found
    from pullsim.importer.notes import Notes


def node_pools(inventory: Inventory) -> Iterator[tuple[Found, Found | None]]:
    """Yield the NodePools with their classes, None where the class was not read."""
    classes = {found.name: found for found in inventory.of_kind("EC2NodeClass")}
    for found in inventory.of_kind("NodePool", "Provisioner"):
        yield found, classes.get(text(found.value, "spec", "template", "spec", "nodeClassRef", "name"))


def kubelets_of(inventory: Inventory) -> list[Settings]:
    """Return what NodePools give to their kubelets: in their classes, or before release 1 in themselves."""
    made = []
    for found, node_class in node_pools(inventory):
        sources = [(mapping(found.value, "spec", "template", "spec"), found.file)]
        if node_class is not None:
            sources.append((mapping(node_class.value, "spec"), node_class.file))
        made += [
            Settings(config, file, (found.name,)) for each, file in sources if (config := mapping(each, "kubelet"))
        ]
    return made


def add_user_data(inventory: Inventory, notes: Notes) -> None:
    """Add what user data of node classes set, for the NodePools that name them."""
    for found, node_class in node_pools(inventory):
        content = text(node_class.value, "spec", "userData") if node_class is not None else ""
        if node_class is None or not content.strip():
            continue
        read = Inventory()
        try:
            read_text(content, Path(node_class.file), read, notes)
        except InputError as error:
            notes.warn(f"{node_class.file}: userData of EC2NodeClass {node_class.name}: {error.message}")
            continue
        own = (found.name,)
        inventory.kubelets += [replace(each, hints=own) for each in read.kubelets]
        inventory.containerds += [replace(each, hints=own) for each in read.containerds]
        inventory.instance_storage += [replace(each, hints=own) for each in read.instance_storage]
        inventory.mirrors += [each for each in read.mirrors if each not in inventory.mirrors]
        inventory.private |= {**read.private, **inventory.private}
        inventory.plain |= {**read.plain, **inventory.plain}
