"""What a scenario starts where no pods and no controllers were given: a pod for each image that is known."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pullsim.importer.names import dns_name
from pullsim.importer.owners import Owner
from pullsim.importer.workloads import Workload
from pullsim.inputs.fields import text

if TYPE_CHECKING:
    from pullsim.importer.inventory import Inventory
    from pullsim.importer.notes import Notes

_SAMPLE: Final = "nginx:1.12"  # of the built-in catalogue
_MOST: Final = 30  # images
_PULLED: Final = re.compile(r'image "([^"]{1,500})"')


def stand_in(inventory: Inventory, notes: Notes) -> list[Workload]:
    """Return a workload of one pod for each image of events and image files, or of a sample image."""
    images: dict[str, str] = {}
    for event in inventory.of_kind("Event"):
        message = text(event.value, "message") or text(event.value, "note")
        if text(event.value, "reason") in ("Pulling", "Pulled", "Failed"):
            images |= dict.fromkeys(_PULLED.findall(message), event.file)
    for found in inventory.images:
        if found.names and not found.artifact:
            images.setdefault((found.tagged or found.names)[0], re.split(r"[/\\]", found.file)[-1])
    if not images:
        nameless = sorted(found.file for found in inventory.images if found.image is not None and not found.artifact)
        images = {dns_name(re.split(r"[/\\]", file)[-1].partition(".")[0], "image"): file for file in nameless}
        names = {file: name for name, file in images.items()}
        inventory.images = [
            found.named(names[found.file]) if found.file in names else found for found in inventory.images
        ]
    if len(images) > _MOST:
        notes.left_out["images, as only so many stand in for workloads"] += len(images) - _MOST
    chosen = sorted(images)[:_MOST] or [_SAMPLE]
    what = f"one pod for each of {len(chosen)} images stands in" if images else f"3 pods of {_SAMPLE} stand in"
    notes.guess(
        0,
        f"no pods and no workloads were given: {what} for them",
        "`kubectl get pods -A -o json`, `kubectl get deployments,statefulsets,daemonsets -A -o json`",
    )
    made: list[Workload] = []
    for number, image in enumerate(chosen):
        name = dns_name(image.rpartition("/")[2].partition("@")[0].replace(":", "-"), f"image-{number}")[:60].strip(
            "-."
        )
        if name in [each.name for each in made]:
            name = f"{name}-{number}"
        pod = {"containers": [{"name": "container", "image": image}]}
        made.append(
            Workload(
                Owner("Pod", "default", name),
                name,
                1 if images else 3,
                pod,
                re.split(r"[/\\]", images.get(image, "stands in"))[-1],
            )
        )
    return made
