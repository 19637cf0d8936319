"""Nodes in pools of equal ones: by the owner's name, the type of the machine, the releases and the platform."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pullsim.errors import InputError, Location
from pullsim.formats.kubernetes.resources import HUGE_PAGES, check_name, parse_amount
from pullsim.importer.figures import DEFAULT, Figure, default, from_files
from pullsim.importer.nodes import BOOT_DISK, INSTANCE_TYPE, ZONES, most_common
from pullsim.importer.notes import listed
from pullsim.importer.pool_keys import UNNAMED, pool_key, pool_names
from pullsim.inputs.fields import text
from pullsim.oci.platform import Platform
from pullsim.scenario.builder.node_scheduling import POOL
from pullsim.scenario.model.placement import check_label
from pullsim.scenario.presets.machines import machine_like, machine_of_type
from pullsim.scenario.presets.nodes import builtin, find
from pullsim.spec.scheduling import CPU, MEMORY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullsim.importer.inventory import Inventory
    from pullsim.importer.nodes import NodeFacts
    from pullsim.importer.notes import Notes

#: What a machine of unknown kind is given: a usual NIC, and the disk of a small machine in a cloud.
DEFAULT_NIC: Final = "10Gbit/s"
DEFAULT_DISK: Final = "200MB/s"
#: Labels that each node of a pool gets by itself, or that differ from node to node.
_OWN_LABELS: Final = ("kubernetes.io/hostname", "kubernetes.io/os", "kubernetes.io/arch", POOL, *ZONES)
#: The annotation with the name of the MachineConfig that a node of OpenShift runs with.
_CURRENT: Final = "machineconfiguration.openshift.io/currentConfig"
_PROVIDERS: Final = {"aws": "aws/", "gce": "gcp/", "azure": "azure/"}


@dataclass(slots=True)
class Pool:
    """A pool of equal nodes; ``keys`` are those of ``nodes[]`` with their figures."""

    name: str
    platform: Platform
    nodes: tuple[NodeFacts, ...] = ()
    count: int = 1
    base: str = ""  # the owner's name of the pool, of which this may be a part
    preset: str | None = None
    kubelet: str = ""  # major and minor of the kubelet's release; empty: not known
    keys: dict[str, Figure] = field(default_factory=dict)
    cached: list[str] = field(default_factory=list)
    origin: str = ""  # the pool whose nodes it has more of, if it is no pool of the cluster
    node_names: frozenset[str] = field(init=False, default=frozenset())  # of the cluster's nodes that it stands for

    def __post_init__(self) -> None:
        """Collect the names of its nodes, which are asked for often."""
        self.node_names = frozenset(node.name for node in self.nodes)

    @property
    def called(self) -> set[str]:
        """What files may call it: its name, and of its nodes names, roles, and what OpenShift has rendered for them."""
        names = {self.name, self.base, *self.node_names}
        for node in self.nodes:
            names |= {node.name.partition(".")[0], *node.roles, text(node.found.annotations, _CURRENT)}
        return names - {""}

    @property
    def labels(self) -> dict[str, str]:
        """The labels of its nodes in a run, as far as constraints of pods ask for them."""
        own = {
            "kubernetes.io/os": self.platform.os,
            "kubernetes.io/arch": self.platform.architecture,
            POOL: self.origin or self.name,
        }
        given = self.keys.get("labels")
        return {**(given.value if given else {}), **own}

    def value(self, key: str) -> Any:
        """Return the value of a key; None where it has none."""
        return self.keys[key].value if key in self.keys else None


def _figures(preset: str | None) -> dict[str, Any]:
    """Return the values of a preset that comes with the package."""
    return find(preset, Path(), Location("init")).tree if preset else {}


def make_pools(nodes: Sequence[NodeFacts], inventory: Inventory, notes: Notes) -> list[Pool]:
    """Group nodes into pools, by name; without nodes there is one, of as many as pods and events name, at least one."""
    groups: dict[tuple[str, ...], list[NodeFacts]] = defaultdict(list)
    for node in nodes:
        groups[pool_key(node)].append(node)
    names = pool_names(list(groups))
    pools = [_pool(names[key], key, groups[key], notes) for key in sorted(groups)]
    for base in sorted({pool.base for pool in pools}):
        parts = [
            f"{pool.name} ({pool.count})" for pool in sorted(pools, key=lambda each: each.name) if pool.base == base
        ]
        if len(parts) > 1:
            notes.warn(
                f"the owner's pool {base} is {len(parts)} pools here, as nodes of a pool are equal: {', '.join(parts)}"
            )
    return sorted(pools, key=lambda pool: pool.name) or [_unknown_pool(inventory, notes)]


def tell_of_hardware(pools: Sequence[Pool], notes: Notes) -> None:
    """Say of which pools NIC and disk are assumed, and of which they are those of a preset."""
    assumed, presets = [], []
    for pool in (each for each in pools if each.nodes):
        if "nic" in pool.keys and pool.keys["nic"].origin.startswith(DEFAULT):
            assumed.append(pool.name)
        elif pool.preset and not {"nic", "disk"} <= pool.keys.keys():
            presets.append(f"{pool.name} ({pool.preset})")
    measure = "`pullsim fit` on events of their nodes, or `fio` and `iperf3` on a node"
    if assumed:
        what = f"{DEFAULT_DISK} and {DEFAULT_NIC} where nothing says what the machine is"
        notes.guess(1, f"disk and nic of {_pools(assumed)}: {what}", measure)
    if presets:
        notes.guess(3, f"what no file says of nic, disk and unpack of {_pools(presets)} is its preset's", measure)


def _pools(names: list[str]) -> str:
    return f"pool{'s' if len(names) > 1 else ''} {listed(names, 6)}"


def _pool(name: str, key: tuple[str, ...], nodes: list[NodeFacts], notes: Notes) -> Pool:
    first = nodes[0]
    files = sorted({node.found.file for node in nodes})
    pool = Pool(name, first.platform, tuple(nodes), len(nodes), key[0], kubelet=first.kubelet)
    pool.preset = _preset(nodes)
    keys = pool.keys
    keys["count"] = from_files(len(nodes), *files)
    keys["platform"] = from_files(str(first.platform), *files)
    if pool.preset:
        listed_type = machine_of_type(first.instance_type or "") is not None or pool.preset in builtin()
        how = "by the instance type" if listed_type else "guess: of no more cores than the unlisted type"
        keys["preset"] = Figure(pool.preset, f"preset: {how} {first.instance_type}; nic, disk, unpack are its")
    else:
        _without_preset(pool, first)
    keys["kubeletVersion"] = from_files(first.kubelet, *files)
    keys["runtime"] = from_files({first.runtime[0]: first.runtime[1]}, *files)
    _resources(pool, nodes, files, notes)
    labels = _labels(nodes)
    if labels:
        keys["labels"] = from_files(labels, *files)
    if taints := _taints(nodes, name, notes):
        keys["taints"] = from_files(taints, *files)
    if zones := sorted({node.zone for node in nodes if node.zone and _fit(ZONES[0], node.zone)}):
        keys["zones"] = from_files(zones, *files)
    return pool


def _without_preset(pool: Pool, first: NodeFacts) -> None:
    what = (
        f"no preset for {first.instance_type}" if first.instance_type else "no instance type says what the machine is"
    )
    pool.keys["nic"] = default(DEFAULT_NIC, what)
    pool.keys["disk"] = default({"write": DEFAULT_DISK}, what)


def _preset(nodes: list[NodeFacts]) -> str | None:
    """Return the built-in preset of the nodes' instance type."""
    given = nodes[0].instance_type
    if given is None or nodes[0].platform.os not in ("linux", "windows"):
        return None
    provider = text(nodes[0].found.value, "spec", "providerID")
    prefix = _PROVIDERS.get(provider.partition(":")[0])
    disk = nodes[0].labels.get(BOOT_DISK, "")
    fitting = [
        name
        for name, preset in builtin().items()
        if (preset.tree.get("labels") or {}).get(INSTANCE_TYPE) == given and (prefix is None or name.startswith(prefix))
    ]
    if fitting:
        return min(fitting, key=lambda name: (bool(disk) and not name.endswith(disk), len(name), name))
    machine = machine_of_type(given) or machine_like(given)
    return machine.name if machine and (prefix is None or machine.name.startswith(prefix)) else None


def _resources(pool: Pool, nodes: list[NodeFacts], files: list[str], notes: Notes) -> None:
    """Add cores, maxPods and allocatable: of several nodes the figure that most have, of amounts the least."""
    keys = pool.keys
    cores = (_amount(nodes, CPU, "capacity") or 0) // 1000
    if cores and (_figures(pool.preset).get("cores") or {}).get("count") != cores:
        keys["cores"] = from_files(cores, *files)
    pods = [told for node in nodes if (told := node.amount("pods", "capacity") or node.amount("pods"))]
    try:
        most = parse_amount("pods", most_common(pods)) if pods else 0
    except ValueError:
        most = 0
    if most > 0:
        keys["maxPods"] = from_files(most, *files)
    allocatable: dict[str, Any] = {}
    others = {name for node in nodes for name in node.resources if "/" in name or name.startswith(HUGE_PAGES)}
    for resource in (CPU, MEMORY, *sorted(others)):
        try:
            check_name(resource)
        except ValueError:
            continue
        amount = _pieces(pool, nodes, resource, notes) if "/" in resource else _amount(nodes, resource, "allocatable")
        if amount is not None and (amount or "/" in resource):
            allocatable[resource] = _written(resource, amount)
    if allocatable:  # devices that a preset has and no node tells of are not there
        devices = [name for name in _figures(pool.preset).get("allocatable") or {} if "/" in name]
        allocatable = {**dict.fromkeys(devices, 0), **allocatable}
        allocatable.setdefault(CPU, "unlimited")
        keys["allocatable"] = from_files(allocatable, *files)


def _pieces(pool: Pool, nodes: list[NodeFacts], resource: str, notes: Notes) -> int | None:
    """Return how many of a device each node has for pods: the least that is not 0, with a warning of differences.

    Where no node has any to give now, it is what they have in all: the run has fresh nodes, and pods that ask for the
    device run on the old ones still.
    """
    allocatable = _amount(nodes, resource, "allocatable")
    amounts = [_one(node, resource, "allocatable") or 0 for node in nodes]
    capacity = max(_one(node, resource, "capacity") or 0 for node in nodes)
    if capacity and not all(amounts):
        sick = [node.name for node, amount in zip(nodes, amounts, strict=True) if not amount]
        notes.warn(
            f"pool {pool.name}: {resource} is {capacity} in capacity and 0 in allocatable on {listed(sick)}, as if "
            f"driver or device were not healthy: each node has {allocatable or capacity} here, as a fresh one has"
        )
    elif len({*amounts}) > 1:
        differing = ", ".join(map(str, sorted({*amounts})))
        notes.warn(f"pool {pool.name}: its nodes differ in {resource} ({differing}): each has {allocatable} here")
    return allocatable or capacity or allocatable


def _one(node: NodeFacts, resource: str, of: str) -> int | None:
    text = node.amount(resource, of)
    try:
        amount = parse_amount(resource, text) if text is not None else None
    except ValueError:
        return None
    return amount if amount is not None and 0 <= amount < 2**63 else None


def _amount(nodes: list[NodeFacts], resource: str, of: str) -> int | None:
    """Return the least that any of the nodes has, those without any apart."""
    found = [amount for node in nodes if (amount := _one(node, resource, of)) is not None]
    return min((amount for amount in found if amount), default=0) if found else None


def _written(resource: str, amount: int) -> str | int:
    if resource == CPU:
        return f"{amount}m" if amount % 1000 else amount // 1000
    return amount if "/" in resource or amount % 1024 else f"{amount // 1024}Ki"


def _labels(nodes: list[NodeFacts]) -> dict[str, str]:
    """Return the labels that all nodes have in common, without those that each gets by itself."""
    common = set.intersection(*({*node.labels.items()} for node in nodes))
    return {
        key: value
        for key, value in sorted(common)
        if key not in _OWN_LABELS and not key.startswith("beta.kubernetes.io/") and _fit(key, value)
    }


def _fit(key: str, value: str) -> bool:
    try:
        check_label(key, value)
    except (ValueError, InputError):
        return False
    return True


def _taints(nodes: list[NodeFacts], name: str, notes: Notes) -> list[str]:
    """Return the taints that more than half of the nodes have."""
    found = Counter(taint for node in nodes for taint in node.taints)
    common = sorted(taint for taint, count in found.items() if 2 * count > len(nodes))
    if len(common) < len(found) or any(found[taint] < len(nodes) for taint in common):
        notes.warn(f"pool {name}: taints of some of its nodes only: it has those that more than half of them have")
    return common


def _unknown_pool(inventory: Inventory, notes: Notes) -> Pool:
    """Return the pool of a cluster whose nodes nobody describes: as many as pods and events name, at least three."""
    pods, events = inventory.of_kind("Pod"), inventory.of_kind("Event")
    named = {text(pod.value, "spec", "nodeName") for pod in pods}
    named |= {text(event.value, key, "host") for event in events for key in ("source", "deprecatedSource")}
    named.discard("")
    count = min(len(named), 5_000) or 3
    why = f"{len(named)} names of nodes in pods and events" if named else "nothing tells of nodes"
    pool = Pool(UNNAMED, Platform("linux", "amd64"), (), count, UNNAMED)
    pool.keys = {
        "count": default(count, why),
        "nic": default(DEFAULT_NIC),
        "cores": default(4),
        "disk": default({"write": DEFAULT_DISK}),
    }
    notes.guess(
        1,
        f"{count} nodes with {DEFAULT_NIC}, 4 cores and a disk of {DEFAULT_DISK}: {why}",
        "`kubectl get nodes -o json`",
    )
    return pool
