"""Making the draft of a scenario from an inventory."""

from __future__ import annotations

from collections import Counter
from shlex import quote
from typing import TYPE_CHECKING, Any

from pullsim.errors import InputError, Location
from pullsim.formats.recognise import ELSEWHERE
from pullsim.importer.disks import keep_what_fits, set_disks
from pullsim.importer.draft import Draft, Entry, Question
from pullsim.importer.fitted import fit_pools
from pullsim.importer.image_files import read_image_files, tell_of_unused
from pullsim.importer.image_sizes import ImageSizes
from pullsim.importer.images import make_images
from pullsim.importer.karpenter import add_user_data
from pullsim.importer.limits import keep_limits
from pullsim.importer.names import dns_name, free_name
from pullsim.importer.nodes import read_nodes
from pullsim.importer.placing import (
    fitting,
    home,
    keep_to_linux,
    label_unknown,
    make_room,
    settle_daemon_sets,
    tell_of_left_out,
    tolerate_where_they_are,
)
from pullsim.importer.pod_template import images_of
from pullsim.importer.pools import make_pools, tell_of_hardware
from pullsim.importer.presence import find_present
from pullsim.importer.questions import ask
from pullsim.importer.registries import make_registries
from pullsim.importer.settings import add_settings
from pullsim.importer.stand_in import stand_in
from pullsim.importer.workloads import make_workloads
from pullsim.inputs.fields import entries, text
from pullsim.inputs.told import counts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullsim.importer.fleet import Fleet
    from pullsim.importer.inventory import Inventory
    from pullsim.importer.notes import Notes
    from pullsim.importer.pools import Pool
    from pullsim.importer.workloads import Workload
    from pullsim.oci.platform import Platform


def make_draft(inventory: Inventory, question: Question, notes: Notes, fleet: Fleet | None = None) -> Draft:
    """Make a scenario of what was read, on the nodes of a fleet if there is one, which then must have pods.

    Raises InputError if that is nothing of use.
    """
    nodes = read_nodes(inventory, notes)
    read_image_files(inventory, nodes, notes)
    if inventory.empty:
        told = [*notes.unread, *notes.warnings, *(f"left out: {each}" for each in notes.left_out_lines())]
        if fleet is not None and told:
            raise InputError(told[0], Location("--nodes"))
        unread = f" ({told[0]})" if told else ""
        raise InputError(
            f"nothing of a cluster is in what was given{unread}; `pullsim init` alone writes a template",
            Location("FILES"),
        )
    pools = make_pools(nodes, inventory, notes) if fleet is None else [fleet.pool(inventory, notes)]
    workloads = make_workloads(inventory, notes)
    if fleet is not None and not workloads:
        raise InputError(_nothing_to_run(inventory, notes), Location("--nodes"))
    workloads = workloads or stand_in(inventory, notes)
    if not pools[0].nodes:
        label_unknown(workloads, pools[0], notes)
    if not pools[0].nodes and fleet is None:
        make_room(workloads, pools[0])
    tolerate_where_they_are(workloads, pools)
    keep_to_linux(workloads, pools)
    settle_daemon_sets(workloads, pools, notes)
    tell_of_left_out(workloads, pools, notes)
    add_user_data(inventory, notes)
    add_settings(pools, inventory, notes)
    set_disks(pools, inventory, notes)
    find_present(pools, workloads, inventory, notes)
    entries = [_entry(workload, pools) for workload in workloads]
    sizes = ImageSizes(inventory)
    needed = _needed(workloads, pools)
    if question is not Question.rollout and question is not Question.outage:
        _needed_present(needed, pools, sizes)
    failing = [image for workload in workloads if workload.failing for image in images_of(workload.pod)]
    pulled = {*needed}
    _add_ended(needed, inventory, pools, sizes)
    images = make_images(needed, failing, sizes, notes)
    keep_what_fits(pools, {image: sizes.estimate(image) for image in needed}, notes)
    tell_of_unused(inventory, sizes.used, notes)
    fit_pools(pools, images.agreed, inventory, notes)
    keep_limits(pools, notes)
    tell_of_hardware(pools, notes)
    draft = Draft(
        question, sorted({*inventory.files}), pools, images, make_registries(pulled, inventory, notes), entries, notes
    )
    ask(draft, workloads)
    _name_apart(draft)
    return draft


def _nothing_to_run(inventory: Inventory, notes: Notes) -> str:
    """Say what there is instead of pods."""
    kinds = Counter(kind for kind, _, _ in inventory.objects)
    goes = next((where for kind, where in ELSEWHERE.items() if kind in kinds), "")
    file = inventory.files[0] if inventory.files else "FILE"
    what = f": it has {counts(kinds)}" if kinds else ""
    left_out = f"; left out: {'; '.join(notes.left_out_lines())}" if notes.left_out and not goes else ""
    return f"nothing in {file} has pods to run{what}{left_out}{goes and f': {goes.format(file=quote(file))}'}"


def _name_apart(draft: Draft) -> None:
    """Give what a question added other names, where these are taken."""
    taken: set[str] = set()
    for entry in draft.workloads:
        entry.values["name"] = free_name([entry.values["name"]], taken)
        taken.add(entry.values["name"])


def _entry(workload: Workload, pools: Sequence[Pool]) -> Entry:
    owner = workload.owner
    values: dict[str, Any] = {"name": workload.name}
    if owner.namespace != "default":
        values["namespace"] = dns_name(owner.namespace, "default")
    values["count"] = workload.count
    remarks = [f"{owner}, read: {workload.file}", *workload.remarks]
    if (pool := home(workload, pools)) is not None:
        values["on"] = {"pool": pool.name}
        remarks.append(
            f"on: where its pods are now; without it they may go to {len(fitting(workload.pod, pools))} pools"
        )
    values["pod"] = workload.pod
    return Entry(values, remarks)


def _needed(workloads: Sequence[Workload], pools: Sequence[Pool]) -> dict[str, set[Platform]]:
    """Return the images that are pulled, with the platforms of the pools on which they may be."""
    needed: dict[str, set[Platform]] = {}
    for workload in workloads:
        pool = home(workload, pools)
        allowed = [pool] if pool else fitting(workload.pod, pools) or list(pools)
        for image in images_of(workload.pod):
            needed.setdefault(image, set()).update(each.platform for each in allowed)
    return needed


def _add_ended(
    needed: dict[str, set[Platform]], inventory: Inventory, pools: Sequence[Pool], sizes: ImageSizes
) -> None:
    """Add the images of pods that are no workload (of CronJobs between runs, static ones), if a size is known."""
    platforms = {node: pool.platform for pool in pools for node in pool.node_names}
    for pod in inventory.of_kind("Pod"):
        platform = platforms.get(text(pod.value, "spec", "nodeName"))
        for container in entries(pod.value, "spec", "containers"):
            image = text(container, "image")
            if platform is not None and image not in needed and sizes.of(image, platform):
                needed[image] = {platform}


def _needed_present(needed: dict[str, set[Platform]], pools: Sequence[Pool], sizes: ImageSizes) -> None:
    """Add the images that are cached to those that need content; of unknown size they are not cached."""
    for pool in pools:
        pool.cached = [image for image in pool.cached if image in needed or sizes.of(image, pool.platform)]
        for image in pool.cached:
            needed.setdefault(image, set()).add(pool.platform)
