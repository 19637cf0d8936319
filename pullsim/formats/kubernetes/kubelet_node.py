"""What a KubeletConfiguration says of its node to the scheduler: taints, and how many pods a core takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pullsim.errors import InputError, shown
from pullsim.formats.kubernetes.tolerations import check_effect
from pullsim.frozen import dataclass
from pullsim.spec.scheduling import Taint

#: What the kubelet takes off the node for itself and the system before pods get the rest.
RESERVED: Final = ("kubeReserved", "systemReserved")
#: The fields that are read here; `kubelet_fields` has those on which pulls depend.
READ: Final = ("registerWithTaints", "podsPerCore")


@dataclass(frozen=True, slots=True)
class KubeletNode:
    """What a kubelet says of its node."""

    taints: tuple[Taint, ...] = ()
    pods_per_core: int = 0  # 0: no limit by cores
    reserves_cpu: bool = False  # whether it keeps cpu for itself or the system


def read_kubelet_node(mapping: Mapping[str, Any]) -> KubeletNode:
    """Read these fields of a KubeletConfiguration. Raises InputError for what the kubelet refuses.

    Source: pkg/kubelet/apis/config/validation/validation.go ValidateKubeletConfiguration; pkg/kubelet/nodestatus/
    setters.go MachineInfo, for podsPerCore.
    """
    per_core = mapping.get("podsPerCore") or 0
    if type(per_core) is not int or per_core < 0:
        raise InputError(f"podsPerCore: {shown(per_core)} must be a whole number that is not negative")
    taints = mapping.get("registerWithTaints") or []
    if not isinstance(taints, list) or not all(isinstance(taint, Mapping) for taint in taints):
        raise InputError("registerWithTaints: must be a list of taints, each with key, value and effect")
    reserved = (mapping.get(name) for name in RESERVED)
    return KubeletNode(
        tuple(map(_taint, taints)), per_core, any(isinstance(each, Mapping) and each.get("cpu") for each in reserved)
    )


def _taint(written: Mapping[str, Any]) -> Taint:
    key, value, effect = (written.get(name) or "" for name in ("key", "value", "effect"))
    for name, text in (("key", key), ("value", value), ("effect", effect)):
        if not isinstance(text, str) or (name == "key" and not text):
            raise InputError(f"registerWithTaints: {name} {shown(text)} of a taint must be text")
    try:
        check_effect(effect)
    except ValueError as error:
        raise InputError(f"registerWithTaints: {error}") from None
    return Taint(key, value, effect)
