"""The kubelet's feature gates that pulls depend on (pkg/features/kube_features.go)."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from pullsim.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pullsim.releases.kubelet import Version

IMAGE_VOLUMES: Final = "ImageVolume"
IMAGES_BY_HANDLER: Final = "RuntimeClassInImageCriApi"
VERIFICATION: Final = "KubeletEnsureSecretPulledImages"

#: The history of each gate: the release from which on it has a default and a stage. A gate at GA cannot be changed.
GATES: Final[Mapping[str, tuple[tuple[tuple[int, int], bool, str], ...]]] = {
    "ImageMaximumGCAge": (((1, 29), False, "Alpha"), ((1, 30), True, "Beta"), ((1, 35), True, "GA")),
    "ImageVolume": (
        ((1, 31), False, "Alpha"),
        ((1, 33), False, "Beta"),
        ((1, 35), True, "Beta"),
        ((1, 36), True, "GA"),
    ),
    "KubeletCrashLoopBackOffMax": (((1, 32), False, "Alpha"), ((1, 35), True, "Beta")),
    "KubeletEnsureSecretPulledImages": (((1, 33), False, "Alpha"), ((1, 35), True, "Beta")),
    "KubeletServiceAccountTokenForCredentialProviders": (((1, 33), False, "Alpha"), ((1, 34), True, "Beta")),
    "RuntimeClassInImageCriApi": (((1, 29), False, "Alpha"),),
}


def resolve_feature_gates(given: Mapping[str, bool], version: Version) -> dict[str, bool]:
    """Return the state of every gate: the defaults of the release ``version``, changed by the ``given`` ones.

    Given gates on which no pull depends are returned as they are. Raises InputError for a gate that the release does
    not have yet or has locked, and for a name that looks like a misspelt gate on which pulls depend.
    Source: component-base/featuregate/feature_gate.go, SetFromMap (AllAlpha and AllBeta first, then single gates).
    """
    stages = {}
    for name, history in GATES.items():
        known = [(default, stage) for since, default, stage in history if since <= version]
        if known:
            stages[name] = known[-1]
        elif name in given:
            since = ".".join(map(str, history[0][0]))
            raise InputError(f"unrecognized feature gate: {name} (it exists from {since} on)")
    for name in given:
        if name not in GATES and (near := get_close_matches(name, GATES, n=1, cutoff=0.85)):
            raise InputError(f"unrecognized feature gate: {name}; did you mean {near[0]}?")
    gates = {name: default for name, (default, _) in stages.items()}
    for every, stage in (("AllAlpha", "Alpha"), ("AllBeta", "Beta")):
        if every in given:
            gates |= {name: given[every] for name, (_, own) in stages.items() if own == stage}
    for name, value in given.items():
        if name in stages and stages[name][1] == "GA" and value != stages[name][0]:
            wanted, locked = str(value).lower(), str(stages[name][0]).lower()
            raise InputError(f"cannot set feature gate {name} to {wanted}, feature is locked to {locked}")
        gates[name] = value
    return gates
