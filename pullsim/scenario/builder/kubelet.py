"""Building the settings of a pool's kubelets from the pool's kubelet keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pullsim.errors import InputError, Location
from pullsim.formats.kubernetes.kubelet_configuration import read_kubelet_configuration
from pullsim.formats.kubernetes.kubelet_fields import field_names
from pullsim.formats.kubernetes.kubelet_node import read_kubelet_node
from pullsim.inputs.document import read_document
from pullsim.inputs.suggestion import like
from pullsim.releases.kubelet import KUBELET

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pullsim.formats.kubernetes.kubelet_node import KubeletNode
    from pullsim.releases.kubelet import Version
    from pullsim.scenario.model.nodes import NodePool
    from pullsim.spec.kubelet import KubeletConfig

#: The number of locks that the kubelet has for its pull records. Before 1.37 a kubelet with a larger limit of parallel
#: pulls could index a lock beyond them (pkg/kubelet/images/pullmanager/locks.go NewStripedLockSet; kubernetes pull
#: 138937).
LOCKS: Final = 31
SHOWN: Final = 8  # how many unknown fields a warning names


def kubelet_config(pool: NodePool, directory: Path) -> KubeletConfig:
    """Return the settings of a pool's kubelets. Raises InputError with the kubelet's message for what it refuses."""
    mapping, file = _written(pool, directory)
    gates = mapping.get("featureGates")
    if pool.feature_gates and (gates is None or isinstance(gates, dict)):
        mapping = {**mapping, "featureGates": {**(gates or {}), **pool.feature_gates}}
    try:
        return read_kubelet_configuration(mapping, KUBELET.resolve(pool.kubelet_version))
    except InputError as error:
        raise InputError(f"{file}: {error.message}" if file else error.message) from None


def kubelet_node(pool: NodePool, directory: Path) -> KubeletNode:
    """Return what a pool's kubelets say of their nodes to the scheduler. Raises InputError for what they refuse."""
    mapping, file = _written(pool, directory)
    try:
        return read_kubelet_node(mapping)
    except InputError as error:
        raise InputError(f"{file}: {error.message}" if file else error.message) from None


def _written(pool: NodePool, directory: Path) -> tuple[dict[str, Any], Path | None]:
    """Return a pool's KubeletConfiguration, without the wrapper of ``/configz``, and the file that has it."""
    mapping: Any = pool.kubelet
    file = None
    if isinstance(mapping, str):
        file = directory / mapping
        mapping = read_document(file).tree
        if not isinstance(mapping, dict):
            raise InputError("a KubeletConfiguration is a mapping", Location(str(file)))
    if isinstance(mapping.get("kubeletconfig"), dict) and len(mapping) == 1:
        mapping = mapping["kubeletconfig"]
    return mapping, file


def kubelet_warnings(pool: NodePool, kubelet: KubeletConfig, release: Version) -> Iterator[str]:
    """Yield warnings about a pool's kubelet: unknown fields, and settings with which a real one behaves differently."""
    name = f"nodes[{pool.name}]"
    if warning := KUBELET.newer(pool.kubelet_version):
        yield f"{name}.kubeletVersion: {warning}"
    for field in kubelet.unknown[:SHOWN]:
        near = like(field, field_names())
        hint = f" (is {near} meant?)" if near else ""
        yield (
            f"{name}.kubelet.{field[:60]}: no release of the kubelet that is known here has this field{hint}: it is "
            "passed over, as a kubelet that does not know it does"
        )
    if len(kubelet.unknown) > SHOWN:
        yield f"{name}.kubelet: so are {len(kubelet.unknown) - SHOWN} more fields"
    parallel = kubelet.max_parallel_image_pulls
    verified = kubelet.image_pull_credentials_verification_policy is not None
    if verified and parallel is not None and parallel > LOCKS and release < (1, 37):
        yield (
            f"{name}.kubelet.maxParallelImagePulls: with more than {LOCKS} a kubelet that verifies image pull "
            "credentials may panic before 1.37 (kubernetes pull 138937), which is not simulated"
        )
