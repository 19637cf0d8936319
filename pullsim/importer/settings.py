"""The kubelet's and the runtime's settings of each pool, from files that say more or less clearly whose they are.

Settings of a node or pool that is named (by the file's name, by a label, by a selector) are added to those of all, and
count where both say something. What is all that a kubelet runs with (the answer of /configz, a rendered MachineConfig)
counts alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pullsim.errors import InputError
from pullsim.formats.kubernetes.kubelet_configuration import read_kubelet_configuration, written_fields
from pullsim.formats.kubernetes.kubelet_fields import FIELDS, OTHER_FIELDS
from pullsim.importer.figures import from_files
from pullsim.importer.inventory import Settings, sorted_settings
from pullsim.importer.karpenter import kubelets_of
from pullsim.importer.notes import listed
from pullsim.inputs.suggestion import mistaken_for
from pullsim.releases.containerd import CONTAINERD
from pullsim.releases.kubelet import KUBELET
from pullsim.releases.release import parse
from pullsim.spec.kubelet import DEFAULT_VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullsim.importer.inventory import Inventory
    from pullsim.importer.notes import Notes
    from pullsim.importer.pools import Pool
    from pullsim.releases.release import Release

#: Fields that are written even with their default values, where a kubelet tells that it has them.
_PULLS: Final = ("serializeImagePulls", "maxParallelImagePulls", "registryPullQPS", "registryBurst")
#: Runtime keys by the first containerd release that has them.
_SINCE: Final = {"layerFetchBuffer": (2, 1), "maxConcurrentUnpacks": (2, 2)}


def add_settings(pools: Sequence[Pool], inventory: Inventory, notes: Notes) -> None:
    """Add kubelet and runtime settings to the pools."""
    kubelets = sorted_settings([*inventory.kubelets, *kubelets_of(inventory)])
    containerds = sorted_settings(inventory.containerds)
    _tell_of_unclear(kubelets, pools, notes)
    served = False
    for pool in pools:
        if (settings := _of_pool(pool, pools, kubelets)) is not None:
            _kubelet(pool, settings, inventory, notes)
            served = True
        _runtime(pool, pools, containerds)
    if kubelets and not served:
        notes.warn(f"{kubelets[0].file}: no pool here is the one that it is for")


def _named(pool: Pool, settings: Sequence[Settings]) -> list[Settings]:
    """Return the settings that name a pool."""
    called = pool.called
    return [each for each in settings if called & {*each.hints, *each.places}]


def _unclear(pools: Sequence[Pool], settings: Sequence[Settings]) -> list[Settings]:
    """Return the settings that say no pool, and where there is only one pool those of names that are not known."""
    for_none = [each for each in settings if not any(_named(pool, [each]) for pool in pools)]
    return [each for each in for_none if not each.hints or (len(pools) == 1 and (each.defaulted or not each.whole))]


def _of_pool(pool: Pool, pools: Sequence[Pool], settings: Sequence[Settings]) -> Settings | None:
    """Return the settings of a pool, in one; None where there are none."""
    own, unclear = _named(pool, settings), _unclear(pools, settings)
    for chosen in (
        [each for each in own if each.defaulted],
        [each for each in own if each.whole],
        [each for each in unclear if each.defaulted] if not own else [],
    ):
        if chosen:
            return chosen[-1]
    parts = [*(each for each in unclear if each.file == unclear[-1].file and not each.defaulted), *own]
    if not parts:
        return None
    value: dict[str, Any] = {}
    for each in parts:
        value |= each.value
    return Settings(value, ", ".join(dict.fromkeys(each.file for each in parts)))


def _tell_of_unclear(settings: Sequence[Settings], pools: Sequence[Pool], notes: Notes) -> None:
    """Warn of several files that do not say of which nodes they are, and differ."""
    unclear = _unclear(pools, settings)
    files = list(dict.fromkeys(each.file for each in unclear))
    if len(files) > 1 and any(each.value != unclear[-1].value for each in unclear):
        notes.warn(
            f"{listed(files)} do not say of which nodes they are: {files[-1]} counts; give each the name of a node or "
            "pool, as configz-NODE.json"
        )


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
    given = _readable(given, release, settings.file, notes)
    config = read_kubelet_configuration(given, release)
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


def _readable(given: dict[str, Any], release: Release, file: str, notes: Notes) -> dict[str, Any]:
    """Return the fields that a kubelet takes together, without those that it refuses, which are said."""
    left = dict(given)
    while problem := _refusal(left, release):
        alone = {key: why for key in left if (why := _refusal({key: left[key]}, release))}
        freeing = [key for key in left if not _refusal({each: left[each] for each in left if each != key}, release)]
        wrong = next(iter([key for key in alone if key in freeing] or freeing or alone or left))
        notes.warn(f"{file}: {wrong} is left out: {problem if wrong in freeing else alone.get(wrong, problem)}")
        del left[wrong]
    return left


def _refusal(given: dict[str, Any], release: Release) -> str:
    """Return why a kubelet refuses fields; empty if it takes them."""
    try:
        read_kubelet_configuration(given, release)
    except InputError as error:
        return error.message
    return ""


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
