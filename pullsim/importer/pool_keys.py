"""What nodes of one pool have in common, and what a pool is called."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from pullsim.importer.names import dns_name

if TYPE_CHECKING:
    from pullsim.importer.nodes import NodeFacts

UNNAMED: Final = "worker"  # pools to which nobody gave a name
_MOST: Final = 60  # letters of a name, from which those of nodes are made

#: The owner's name, then what its nodes may differ in, the more telling first: see `pool_key`.
Key = tuple[str, ...]


def pool_key(node: NodeFacts) -> Key:
    """Return what nodes of one pool have in common: name, type, kubelet, runtime, platform, and the machine.

    Cores and devices count where no instance type says what the machine is, and taints where nobody named the pool.
    """
    machine = taints = ""
    if node.instance_type is None:
        devices = [
            f"{name.rpartition('/')[2]}-{node.amount(name, 'capacity')}"
            for name in sorted(node.resources)
            if "/" in name
        ]
        machine = "-".join([f"{node.amount('cpu', 'capacity')}-cores", *devices])
    if node.pool is None:
        taints = "-".join(node.taints)
    return (
        node.pool or UNNAMED,
        node.instance_type or "",
        machine,
        node.kubelet,
        "-".join(node.runtime),
        str(node.platform),
        taints,
    )


def pool_names(keys: list[Key]) -> dict[Key, str]:
    """Name each pool after its owner's name; the parts of one have at the end what tells them apart."""
    by_base: dict[str, list[Key]] = defaultdict(list)
    for key in sorted(keys):
        by_base[key[0]].append(key)
    names: dict[Key, str] = {}
    for base, group in by_base.items():
        differing = [at for at in range(1, len(group[0])) if len({key[at] for key in group}) > 1]
        telling = next(([at] for at in differing if len({key[at] for key in group}) == len(group)), differing)
        for key in group:
            wanted = dns_name("-".join([base, *(key[at] or "other" for at in telling)])[:_MOST], "pool")
            name, number = wanted, 2
            while name in names.values():
                name, number = f"{wanted}-{number}", number + 1
            names[key] = name
    return names
