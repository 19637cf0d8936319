"""Figures of pools by `pullsim fit`, from events of pulls on their nodes, where there are enough of them."""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pullsim.errors import InputError
from pullsim.importer.figures import Figure
from pullsim.importer.image_sizes import runtime_of
from pullsim.inputs.fields import text, whole
from pullsim.releases.containerd import CONTAINERD
from pullsim.releases.release import parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullsim.importer.inventory import Inventory
    from pullsim.importer.notes import Notes
    from pullsim.importer.pools import Pool
    from pullsim.oci.catalog import Catalog
    from pullsim.study.fit.fitted import Fit
    from pullsim.study.fit.observed import Observed

#: Pulls from which figures are taken: fewer tell more of chance than of the nodes.
LEAST: Final = 12
#: Largest ratio of the ends of a figure's interval for which it counts.
_WIDEST: Final = 4.0
_UNPACKED: Final = ("cri-o", "docker")  # runtimes whose events tell unpacked sizes


def fit_pools(pools: Sequence[Pool], catalog: Catalog, inventory: Inventory, notes: Notes) -> None:
    """Fit each pool on the pulls of its nodes; ``catalog`` has the images whose layers are known."""
    events = inventory.of_kind("Event")
    if not events:
        return
    from pullsim.study.fit.kubernetes_events import COMBINED, read_events  # noqa: PLC0415  pydantic and numpy

    try:
        observed = read_events([each.value for each in events], "events")
    except InputError as error:
        notes.warn(f"events: no figures are fitted: {error.message}")
        return
    combined = [
        each for each in events if (text(each.value, "message") or text(each.value, "note")).startswith(COMBINED)
    ]
    if pulled := [each for each in combined if text(each.value, "reason") == "Pulled"]:
        total = sum(whole(each.value, "count") or whole(each.value, "deprecatedCount") or 1 for each in pulled)
        notes.warn(f"events: {len(pulled)} stand for {total} similar pulls, of which they tell one duration each")
    files = sorted({each.file for each in events})
    unpacked = {node.name for node in inventory.of_kind("Node") if runtime_of(node) in _UNPACKED}
    pulls = [replace(pull, size=None) if pull.node in unpacked else pull for pull in observed.pulls]
    for pool in (each for each in pools if "crio" not in (each.value("runtime") or {})):
        own = [pull for pull in pulls if pull.node in pool.node_names or not pool.nodes]
        if len(own) >= LEAST:
            _fit(pool, replace(observed, pulls=own, files=files, notes=[], left_out=Counter()), catalog, notes)


def _fit(pool: Pool, observed: Observed, catalog: Catalog, notes: Notes) -> None:
    from pullsim.study.fit.fit_pulls import fit_pulls  # noqa: PLC0415  scipy

    runtime = pool.value("runtime") or {}
    release = CONTAINERD.resolve(parse(runtime["containerd"])) if "containerd" in runtime else CONTAINERD.newest
    try:
        found = fit_pulls(observed, catalog, release, seed=0)
    except InputError as error:
        notes.warn(f"pool {pool.name}: no figures are fitted on its {len(observed.pulls)} pulls: {error.message}")
        return
    taken = _take(pool, found, len(observed.pulls), ", ".join(observed.files))
    if taken:
        errors = found.errors
        notes.guess(
            3,
            f"{', '.join(taken)} of pool {pool.name} are fitted on {errors.rows} pulls, half of which they predict "
            f"within {100 * errors.median:.0f} %",
            "`pullsim fit` on more events, or on events of single pulls",
        )


def _take(pool: Pool, found: Fit, count: int, files: str) -> list[str]:
    """Put the figures into the pool that the pulls tell well enough; return their names."""
    doubted = [note.partition(":")[0] for note in found.notes]
    taken = []
    for each in found.fitted:
        name = each.parameter.name
        if name.startswith("registry.") or name in doubted or each.high > _WIDEST * each.low:
            continue
        for path, ratio in ((name, 1.0), *each.parameter.also):
            _put(pool, path, each.parameter.text(ratio * each.value), f"fitted: {name} on {count} pulls ({files})")
        taken.append(name)
    return taken


def _put(pool: Pool, path: str, value: str, origin: str) -> None:
    """Set a figure of a pool at a path of keys; what else a mapping on the way has stays."""
    section, *keys = path.split(".")
    if not keys:
        pool.keys[section] = Figure(value, origin)
        return
    before = pool.value(section)
    tree: dict[str, Any] = deepcopy(before) if isinstance(before, dict) else {}
    inner = tree
    for key in keys[:-1]:
        inner = inner.setdefault(key, {})
    inner[keys[-1]] = value
    pool.keys[section] = Figure(tree, origin)
