"""The labels that controllers give their pods, which selectors and matchLabelKeys may name."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pullsim.spec.scheduling import Labels, Requirement, Scheduling, Selector

#: The label with the hash of the pod template, by the kind of the controller.
HASHES: Final = {
    "Deployment": "pod-template-hash",
    "StatefulSet": "controller-revision-hash",
    "DaemonSet": "controller-revision-hash",
}
_JOB: Final = ("job-name", "batch.kubernetes.io/job-name")  # pkg/controller/job, and the API server's defaults


def with_controller_labels(kind: str, name: str, labels: Labels) -> Labels:
    """Return the labels of a pod template with those that the controller of that kind and name adds to its pods."""
    added = {}
    if kind in HASHES:
        added[HASHES[kind]] = sha256(f"{kind}/{name}".encode()).hexdigest()[:10]
    elif kind in ("Job", "CronJob"):
        added = dict.fromkeys(_JOB, name)
    return tuple(sorted((dict(labels) | added).items()))


def job_labels(name: str) -> dict[str, str]:
    """Return the labels of the pods of a Job."""
    return dict.fromkeys(_JOB, name)


def relabelled(scheduling: Scheduling, new: Mapping[str, str]) -> Scheduling:
    """Return the constraints of a pod that has other values of some labels.

    What matchLabelKeys made of the old values follows.
    """
    old = dict(scheduling.labels)
    changed = {key: (old[key], value) for key, value in new.items() if key in old}

    def follow(selector: Selector | None) -> Selector | None:
        return None if selector is None else tuple(map(followed, selector))

    def followed(requirement: Requirement) -> Requirement:
        before, after = changed.get(requirement.key, ("", ""))
        return replace(requirement, values=(after,)) if requirement.values == (before,) else requirement

    return replace(
        scheduling,
        labels=tuple(sorted((old | {key: value for key, (_, value) in changed.items()}).items())),
        affinity=tuple(replace(term, selector=follow(term.selector)) for term in scheduling.affinity),
        anti_affinity=tuple(replace(term, selector=follow(term.selector)) for term in scheduling.anti_affinity),
        spread=tuple(replace(each, selector=follow(each.selector)) for each in scheduling.spread),
    )
