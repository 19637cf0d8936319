"""The disks that images lie on: by labels of nodes, by what Karpenter attaches, by nodeadm; else the preset's."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from pullsim.importer.figures import DEFAULT, Figure, from_files
from pullsim.importer.karpenter import node_pools
from pullsim.importer.nodes import BOOT_DISK
from pullsim.importer.notes import listed
from pullsim.inputs.fields import entries, mapping, text, whole
from pullsim.scenario.presets.machines import machine_like, machine_of_type
from pullsim.scenario.presets.volumes import disk_rate, volume_types
from pullsim.units import parse_quantity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullsim.importer.inventory import Found, Inventory
    from pullsim.importer.notes import Notes
    from pullsim.importer.pools import Pool
    from pullsim.scenario.presets.machines import Machine

#: What AKS says of the disk with the system: whether it is a managed one, and of which kind.
_PROFILE: Final = "kubernetes.azure.com/storageprofile"
_TIER: Final = "kubernetes.azure.com/storagetier"
#: The label of nodes of GKE whose images lie on local SSDs.
_LOCAL_SSD: Final = "cloud.google.com/gke-ephemeral-storage-local-ssd"
_LOCAL: Final = "local-nvme"
#: The rate of local disks where nothing says how many there are.
_UNKNOWN_LOCAL: Final = {"write": "1GB/s"}
_GIB: Final = 2**30
#: What an IOPS of a disk carries (EBS volume types: 256 KiB), which bounds the rate of io1 and io2.
_PER_IOPS: Final = {"io1": 256 * 2**10, "io2": 256 * 2**10}
#: How much smaller a filesystem may be than its disk.
_FILESYSTEM: Final = 0.9


def set_disks(pools: Sequence[Pool], inventory: Inventory, notes: Notes) -> None:
    """Set the disks of pools that something tells of, and say which local disks are guessed."""
    for pool in pools:
        machine = _machine(pool)
        if (volume := _labelled(pool, machine)) is not None:
            pool.keys["disk"] = from_files({"volume": volume}, *sorted({node.found.file for node in pool.nodes}))
        ephemeral = _label(pool, _PROFILE) == "ephemeral"
        if ephemeral and machine is not None and machine.local_disks and not machine.disk.startswith(_LOCAL):
            _local(pool, machine, "an ephemeral system disk", notes)
        if _label(pool, _LOCAL_SSD) == "true":
            pool.keys["disk"] = Figure({"volume": "local-ssd"}, f"{DEFAULT}: local SSDs by the label {_LOCAL_SSD}")
        for each in (each for each in inventory.instance_storage if pool.called & {*each.hints}):
            _local(pool, machine, f"{each.file} puts images on instance storage", notes)
    for found, node_class in node_pools(inventory):
        if node_class is None:
            continue
        for pool in (pool for pool in pools if pool.base == found.name):
            _block_device(pool, node_class)
            if text(node_class.value, "spec", "instanceStorePolicy") == "RAID0":
                _local(pool, _machine(pool), f"{node_class.file} puts images on instance storage (RAID0)", notes)
    _tell_of_sizes(pools, notes)


def keep_what_fits(pools: Sequence[Pool], sizes: dict[str, int], notes: Notes) -> None:
    """Take off the size of a disk that cannot hold what is on it from the start; ``sizes`` are bytes by image."""
    for pool in pools:
        disk = pool.value("disk")
        if not isinstance(disk, dict) or "size" not in disk:
            continue
        held = sum(sizes.get(image, 0) for image in pool.cached)
        if held > parse_quantity(str(disk["size"])):
            notes.tally("pool", "whose images are larger than its disk by estimate, which has no end here", pool.name)
            rest = {key: value for key, value in disk.items() if key != "size"}
            pool.keys["disk"] = Figure(rest, pool.keys["disk"].origin)
            if not rest:
                del pool.keys["disk"]


def _machine(pool: Pool) -> Machine | None:
    kind = pool.nodes[0].instance_type if pool.nodes else None
    return machine_of_type(kind) or machine_like(kind) if kind else None


def _label(pool: Pool, key: str) -> str:
    """Return the value of a label that all nodes of a pool have; empty where they have not."""
    values = {node.labels.get(key, "") for node in pool.nodes}
    return values.pop() if len(values) == 1 else ""


def _labelled(pool: Pool, machine: Machine | None) -> str | None:
    """Return the disk that labels of a pool's nodes tell, where it is another one than their preset's."""
    usual, name = machine.disk if machine else "", _label(pool, BOOT_DISK)
    if name in volume_types() and name != usual and not (pool.preset or "").endswith(name):
        return name
    held = _held(pool)
    if _label(pool, _TIER) == "Premium_LRS" and held:
        tiers = [kind for kind in volume_types().values() if kind.provider == "azure" and kind.size]
        fitting = [kind for kind in tiers if kind.size * _FILESYSTEM <= held <= kind.size]
        if fitting and fitting[0].name != usual and (machine is None or pool.preset == machine.name):
            return fitting[0].name
    return None


def _held(pool: Pool) -> int:
    """Return the bytes that the root filesystem of each node of a pool holds at the least; 0 where none says it."""
    found = []
    for node in pool.nodes:
        try:
            found.append(int(parse_quantity(node.amount("ephemeral-storage", "capacity") or "")))
        except (ValueError, OverflowError):
            continue
    return min(found, default=0)


def _tell_of_sizes(pools: Sequence[Pool], notes: Notes) -> None:
    """Say which disks have no end here, and what would give them one."""
    endless = [(pool.name, held) for pool in pools if not _sized(pool) and (held := _held(pool))]
    if endless:
        sizes = listed([f"{name} {held // 2**20}Mi" for name, held in endless], 6)
        notes.guess(
            5,
            f"disks of {listed([name for name, _ in endless], 6)} have no end: images are never collected, and no pod "
            "is evicted for want of space",
            f"as the nodes' ephemeral-storage tells: `disk: {{size: …}}` ({sizes})",
        )


def _sized(pool: Pool) -> bool:
    disk = pool.value("disk")
    return isinstance(disk, dict) and "size" in disk


def _local(pool: Pool, machine: Machine | None, why: str, notes: Notes) -> None:
    disk: dict[str, Any] = {"volume": _LOCAL} if machine is not None and machine.local_disks else _UNKNOWN_LOCAL
    pool.keys["disk"] = Figure(disk, f"{DEFAULT}: {why}, of which no rate is known")
    notes.guess(
        2, f"disk of pool {pool.name}: {why}, of which no rate is known", "`fio` on a node, or `pullsim fit` on events"
    )


def _block_device(pool: Pool, node_class: Found) -> None:
    """Take type, rate and size of the disk that images lie on: Bottlerocket's second one, else the first.

    Only gp3 has a throughput of its owner's choice (EC2 API, EbsBlockDevice), so one that says no type is that.
    """
    devices = entries(node_class.value, "spec", "blockDeviceMappings")
    chosen = next((each for each in devices if text(each, "deviceName") == "/dev/xvdb"), devices[0] if devices else {})
    ebs = mapping(chosen, "ebs")
    disk: dict[str, Any] = {}
    rate = (whole(ebs, "throughput") or 0) * 2**20
    kind = volume_types().get(text(ebs, "volumeType") or "gp3" * bool(rate))
    if kind is not None and kind.provider == "aws" and kind.most:
        if kind.name in _PER_IOPS:
            rate = (whole(ebs, "iops") or 0) * _PER_IOPS[kind.name]
        disk["volume"] = f"{kind.name}:{disk_rate(min(rate, kind.most))}" if rate else kind.name
    try:
        size = parse_quantity(text(ebs, "volumeSize"))
    except ValueError:
        size = Fraction(0)
    if size > 0:
        disk["size"] = text(ebs, "volumeSize")
    if disk:
        pool.keys["disk"] = from_files(disk, node_class.file)
