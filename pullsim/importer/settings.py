"""The kubelet's and the runtime's settings of each pool, from files that say more or less clearly whose they are.

Settings of a node or pool that is named (by the file's name, by a label, by a selector) count before those of all; the
answer of /configz, which is what a kubelet runs with, counts before files that are meant for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pullsim.errors import InputError
from pullsim.formats.kubernetes.kubelet_configuration import read_kubelet_configuration, written_fields
from pullsim.formats.kubernetes.kubelet_fields import FIELDS, OTHER_FIELDS
from pullsim.importer.figures import Figure, from_files
from pullsim.importer.inventory import Settings, sorted_settings
from pullsim.importer.notes import listed
from pullsim.inputs.fields import entries, mapping, text
from pullsim.inputs.suggestion import mistaken_for
from pullsim.releases.containerd import CONTAINERD
from pullsim.releases.kubelet import KUBELET
from pullsim.releases.release import parse
from pullsim.spec.kubelet import DEFAULT_VERSION
from pullsim.units import parse_quantity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullsim.importer.inventory import Inventory
    from pullsim.importer.notes import Notes
    from pullsim.importer.pools import Pool

#: Fields that are written even with their default values, where a kubelet tells that it has them.
_PULLS: Final = ("serializeImagePulls", "maxParallelImagePulls", "registryPullQPS", "registryBurst")
#: Runtime keys by the first containerd release that has them.
_SINCE: Final = {"layerFetchBuffer": (2, 1), "maxConcurrentUnpacks": (2, 2)}
_LOCAL_DISK: Final = {"write": "1GB/s"}


def add_settings(pools: Sequence[Pool], inventory: Inventory, notes: Notes) -> None:
    """Add kubelet, runtime and disk settings to the pools."""
    kubelets, containerds = sorted_settings(inventory.kubelets), sorted_settings(inventory.containerds)
    for pool in pools:
        if chosen := _of_pool(pool, pools, kubelets):
            _kubelet(pool, chosen[-1], inventory, notes)
        _runtime(pool, pools, containerds)
        for local in _named(pool, inventory.instance_storage):
            pool.keys["disk"] = Figure(
                _LOCAL_DISK, f"default: instance storage ({local.file}), of which no rate is known"
            )
            notes.guess(
                2,
                f"disk of pool {pool.name}: {local.file} puts images on instance storage, which no preset has",
                "`fio` on a node, or `pullsim fit` on events of its nodes",
            )
    _karpenter(pools, inventory, notes)
    if kubelets and not any("kubelet" in pool.keys for pool in pools):
        notes.warn(f"{kubelets[0].file}: no pool here is the one that it is for")


def _named(pool: Pool, settings: Sequence[Settings]) -> list[Settings]:
    """Return the settings that name a pool or one of its nodes."""
    names = {pool.name, pool.base, *pool.node_names, *(node.name.partition(".")[0] for node in pool.nodes)}
    return [each for each in settings if names & {*each.hints}]


def _of_pool(pool: Pool, pools: Sequence[Pool], settings: Sequence[Settings]) -> list[Settings]:
    """Return the settings for a pool, those that count most last."""
    for_all = [each for each in settings if not any(_named(other, [each]) for other in pools)]
    unclear = [each for each in for_all if not each.hints or len(pools) == 1]
    return sorted([*unclear, *_named(pool, settings)], key=lambda each: (bool(_named(pool, [each])), each.defaulted))


def _kubelet(pool: Pool, settings: Settings, inventory: Inventory, notes: Notes) -> None:
    release = KUBELET.resolve(parse(pool.kubelet)) if pool.kubelet else KUBELET.resolve(DEFAULT_VERSION[:2])
    if unknown := sorted(key for key in settings.value if key not in FIELDS and key not in OTHER_FIELDS):
        notes.warn(f"{settings.file}: fields that no known kubelet has are passed over: {listed(unknown)}")
    for name in unknown:
        if right := mistaken_for(name, {*FIELDS, *OTHER_FIELDS}):
            notes.warn(f"{settings.file}: {name} is no field; did you mean {right}?")
    given = {
        key: each
        for key, each in settings.value.items()
        if key in FIELDS and release >= FIELDS[key].since and FIELDS[key].effect
    }
    for key in [*given]:
        try:
            read_kubelet_configuration({key: given[key]}, release)
        except InputError as error:
            if len(given) == 1 or key not in (
                "maxParallelImagePulls",
                "imageGCLowThresholdPercent",
                "evictionSoft",
                "evictionSoftGracePeriod",
            ):
                notes.warn(f"{settings.file}: {key} is left out: {error.message}")
                del given[key]
    try:
        config = read_kubelet_configuration(given, release)
    except InputError as error:
        notes.warn(f"{settings.file}: the kubelet's settings are left out: {error.message}")
        return
    most = given.pop("maxPods", None)
    if type(most) is int and most > 0 and "maxPods" not in pool.keys:
        pool.keys["maxPods"] = from_files(most, settings.file)
    if settings.defaulted:
        usual = written_fields(read_kubelet_configuration({}, release))
        written = written_fields(config)
        given = {key: each for key, each in written.items() if key in _PULLS or each != usual.get(key)}
    if given:
        pool.keys["kubelet"] = from_files(given, settings.file)
    others = [each.file for each in _named(pool, inventory.kubelets) if each.defaulted and each.value != settings.value]
    if others and settings.defaulted:
        notes.warn(
            f"pool {pool.name}: its kubelets differ, {settings.file} counts: {listed(sorted({*others, settings.file}))}"
        )


def _runtime(pool: Pool, pools: Sequence[Pool], containerds: Sequence[Settings]) -> None:
    """Add the runtime's limits. A config.toml of nobody is that of the pools whose runtime tells the same."""
    if "runtime" in pool.keys and "containerd" not in pool.keys["runtime"].value:
        return
    told = [each for each in containerds if each.defaulted]
    chosen = _named(pool, containerds)
    for each in containerds:
        if not each.hints and not each.defaulted:
            proved = [other for other in pools if any(_agree(each, one) for one in _named(other, told))]
            if not proved or pool in proved:
                chosen.append(each)
        elif len(pools) == 1 and each not in chosen:
            chosen.append(each)
    written = pool.keys["runtime"].value if "runtime" in pool.keys else {}
    release = CONTAINERD.resolve(parse(written["containerd"])) if "containerd" in written else None
    found: dict[str, Any] = {}
    files = []
    for each in sorted(chosen, key=lambda one: one.defaulted):
        known = {
            key: value for key, value in each.value.items() if release is None or release >= _SINCE.get(key, (1, 0))
        }
        if known:
            files.append(each.file)
        found |= known
    if found:
        origin = [pool.keys["runtime"].origin.removeprefix("read: ")] if "runtime" in pool.keys else []
        pool.keys["runtime"] = from_files({**written, **found}, *origin, *files)


def _agree(one: Settings, other: Settings) -> bool:
    common = one.value.keys() & other.value.keys()
    return bool(common) and all(one.value[key] == other.value[key] for key in common)


def _karpenter(pools: Sequence[Pool], inventory: Inventory, notes: Notes) -> None:
    """Add the disk of a Karpenter NodePool's EC2NodeClass to its pools."""
    classes = {found.name: found for found in inventory.of_kind("EC2NodeClass")}
    for found in inventory.of_kind("NodePool", "Provisioner"):
        named = text(found.value, "spec", "template", "spec", "nodeClassRef", "name")
        if named not in classes:
            continue
        for pool in (pool for pool in pools if pool.base == found.name):
            _block_device(pool, classes[named].value, classes[named].file)
            if text(classes[named].value, "spec", "instanceStorePolicy") == "RAID0":
                pool.keys["disk"] = Figure(_LOCAL_DISK, "default: instance storage (RAID0), of which no rate is known")
                notes.guess(2, f"disk of pool {pool.name}: on instance storage (RAID0)", "`fio` on a node")


def _block_device(pool: Pool, node_class: dict[str, Any], file: str) -> None:
    """Take rate and size of the disk that images lie on: Bottlerocket's second one, else the first."""
    devices = entries(node_class, "spec", "blockDeviceMappings")
    chosen = next((each for each in devices if text(each, "deviceName") == "/dev/xvdb"), devices[0] if devices else {})
    ebs = mapping(chosen, "ebs")
    disk: dict[str, Any] = {}
    if type(ebs.get("throughput")) is int and ebs["throughput"] > 0:
        disk["write"] = f"{ebs['throughput']}MiB/s"
    try:
        size = parse_quantity(ebs.get("volumeSize", "")) if isinstance(ebs.get("volumeSize"), str) else None
    except ValueError:
        size = None
    if size is not None and size > 0:
        disk["size"] = str(ebs["volumeSize"])
    if disk:
        before = pool.value("disk")
        pool.keys["disk"] = from_files({**(before if isinstance(before, dict) else {}), **disk}, file)
