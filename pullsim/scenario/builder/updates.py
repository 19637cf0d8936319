"""Building a rolling update from the key ``update`` of a workload."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from pullsim.errors import shown
from pullsim.formats.kubernetes.controller_labels import HASHES, relabelled
from pullsim.formats.kubernetes.strategy import Strategy
from pullsim.inputs.suggestion import did_you_mean
from pullsim.spec.cluster import RollingUpdate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullsim.formats.kubernetes.pod_group import PodGroup
    from pullsim.scenario.model.workloads import Update
    from pullsim.spec.cluster import Owner, PodSpec
    from pullsim.spec.credentials import ServiceAccount

#: The kinds of objects whose controllers roll updates out.
UPDATED: Final = ("Deployment", "StatefulSet", "DaemonSet")
#: The characters of generated names (k8s.io/apimachinery/pkg/util/rand SafeEncodeString).
_LETTERS: Final = "bcdfghjklmnpqrstvwxz2456789"


class UpdateError(ValueError):
    """An error in an update, with the key of the update that has it."""

    def __init__(self, message: str, key: str | None = None) -> None:
        super().__init__(message)
        self.key = key


def updated_group(update: Update, groups: Sequence[PodGroup]) -> PodGroup:
    """Return the object of a manifest that an update changes. Raises UpdateError if none or several can be meant."""
    names = {f"{group.kind}/{group.name}": group for group in groups if group.kind in UPDATED}
    if update.object is None:
        if len(names) != 1:
            have = f"has {', '.join(names)}: say which with object" if names else f"has no {', '.join(UPDATED)}"
            raise UpdateError(f"the manifest {have}")
        return next(iter(names.values()))
    found = [group for name, group in names.items() if update.object in (name, group.name)]
    if len(found) != 1:
        wrong = "there is no" if not found else "there is more than one"
        raise UpdateError(f"{wrong} {shown(update.object)}{did_you_mean(update.object, names)}", "object")
    return found[0]


def rolling_update(
    update: Update, kind: str, name: str, spec: PodSpec, created: float, strategy: Strategy | None = None
) -> RollingUpdate:
    """Return the update of an owner's pods. Raises UpdateError for an update that is not possible.

    Keys of the scenario override the fields of the object's ``strategy``. The image pull policy does not change with
    the image, because the API server sets its default when the object is created.
    """
    strategy = strategy or Strategy()
    if update.at < created:
        raise UpdateError("the update is before the workload is created", "at")
    if strategy.type == "OnDelete":
        raise UpdateError(f"{kind} {name} has the updateStrategy OnDelete: nothing happens until pods are deleted")
    unavailable, surge = update.max_unavailable or strategy.max_unavailable, update.max_surge or strategy.max_surge
    if kind == "StatefulSet" and surge is not None:
        raise UpdateError("a StatefulSet has no maxSurge: it replaces pods under their names", "max_surge")
    if kind == "DaemonSet":
        if surge is not None and _some(surge):
            unavailable = unavailable or "0"
            if _some(unavailable):
                raise UpdateError("a DaemonSet has maxSurge or maxUnavailable, the other must be 0", "max_surge")
        elif unavailable is not None and not _some(unavailable):
            raise UpdateError("maxUnavailable cannot be 0 when maxSurge is 0", "max_unavailable")
    if kind == "StatefulSet" and unavailable is not None and not _some(unavailable):
        raise UpdateError("maxUnavailable of a StatefulSet cannot be 0", "max_unavailable")
    if kind == "Deployment" and not _some(unavailable or "25%") and not _some(surge or "25%"):
        raise UpdateError("maxUnavailable cannot be 0 when maxSurge is 0: nothing could move", "max_unavailable")
    if unavailable is not None and unavailable.endswith("%") and int(unavailable[:-1]) > 100:
        raise UpdateError("maxUnavailable cannot be more than 100%", "max_unavailable")
    suffix = _suffix(kind, name, update)
    spec = replace(spec, scheduling=relabelled(spec.scheduling, {HASHES[kind]: suffix}))
    return RollingUpdate(
        at=update.at,
        spec=_with_image(spec, update),
        suffix=suffix,
        max_unavailable=unavailable,
        max_surge=surge,
        partition=strategy.partition,
        recreate=strategy.type == "Recreate",
    )


def admit_updates(owners: Sequence[Owner], accounts: Sequence[ServiceAccount]) -> tuple[Owner, ...]:
    """Give the new pods of updates the imagePullSecrets of their service accounts, as `credentials.admit` does."""
    secrets = {(each.namespace, each.name): each.pull_secrets for each in accounts if each.pull_secrets}
    return tuple(_admit(owner, secrets) for owner in owners)


def _admit(owner: Owner, secrets: dict[tuple[str, str], tuple[str, ...]]) -> Owner:
    update = owner.update
    if update is None or update.spec.pull_secrets:
        return owner
    own = secrets.get((owner.namespace, update.spec.service_account))
    return replace(owner, update=replace(update, spec=replace(update.spec, pull_secrets=own))) if own else owner


def _with_image(spec: PodSpec, update: Update) -> PodSpec:
    """Return the pod with the new image in one of its containers; without an image, the same pod (a restart)."""
    names = [container.name for container in (*spec.containers, *spec.init_containers)]
    name = update.container or names[0]
    if name not in names:
        raise UpdateError(f"there is no container {shown(name)}{did_you_mean(name, names)}", "container")
    if update.image is None:
        return replace(spec)
    return replace(
        spec,
        containers=tuple(replace(each, image=update.image) if each.name == name else each for each in spec.containers),
        init_containers=tuple(
            replace(each, image=update.image) if each.name == name else each for each in spec.init_containers
        ),
    )


def _some(amount: str) -> bool:
    return int(amount.removesuffix("%")) > 0


def _suffix(kind: str, name: str, update: Update) -> str:
    """Return the part of the new pods' names that stands for the hash of the new pod template."""
    number = int.from_bytes(sha256(f"{kind}/{name}/{update.container}/{update.image}/{update.at}".encode()).digest())
    letters = []
    for _ in range(10):
        number, letter = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[letter])
    return "".join(letters)
