"""Files that set up a node's kubelet: /configz, KubeletConfiguration, NodeConfig, MachineConfig, GKE's node config."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from pullsim.errors import InputError
from pullsim.importer import runtime_files
from pullsim.importer.inventory import Settings
from pullsim.inputs.document import parse_documents
from pullsim.inputs.fields import at, entries, labels, mapping, text
from pullsim.inputs.toml_document import parse_toml

if TYPE_CHECKING:
    from collections.abc import Callable

    from pullsim.importer.place import Place

#: Fields of GKE's node system configuration that the kubelet spells in another way
#: (cloud.google.com, container API, NodeKubeletConfig).
_GKE: Final = {
    "imageGcLowThresholdPercent": "imageGCLowThresholdPercent",
    "imageGcHighThresholdPercent": "imageGCHighThresholdPercent",
    "imageMinimumGcAge": "imageMinimumGCAge",
    "imageMaximumGcAge": "imageMaximumGCAge",
}
_POOLS: Final = "pools.operator.machineconfiguration.openshift.io/"
_ROLE: Final = "machineconfiguration.openshift.io/role"


def _add(value: dict[str, Any], place: Place, hints: tuple[str, ...], *, defaulted: bool = False) -> None:
    place.inventory.kubelets.append(Settings(value, place.file, hints, defaulted))


def _configz(value: dict[str, Any], place: Place) -> bool:
    """Read the answer of ``/api/v1/nodes/NAME/proxy/configz``, which has all defaults filled in."""
    config = value.get("kubeletconfig")
    if isinstance(config, dict):
        _add(config, place, place.hints, defaulted=True)
    return isinstance(config, dict)


def _gke(value: dict[str, Any], place: Place) -> bool:
    """Read GKE's node system configuration, as ``gcloud container node-pools`` takes it."""
    config = value.get("kubeletConfig")
    if isinstance(config, dict) and "kind" not in value:
        _add({str(_GKE.get(key, key)): each for key, each in config.items()}, place, place.hints)
        return True
    return False


def kubelet_configuration(value: dict[str, Any], place: Place) -> None:
    """Read a KubeletConfiguration, alone or in kubeadm's file."""
    _add({key: each for key, each in value.items() if key not in ("apiVersion", "kind")}, place, place.hints)


def config_map(value: dict[str, Any], place: Place) -> None:
    """Read the KubeletConfiguration in kubeadm's ConfigMap kubelet-config; others hold nothing of pulls."""
    try:
        documents = parse_documents(text(value, "data", "kubelet"), place.file)
    except InputError:
        return
    for document in documents:
        if text(document.tree, "kind") == "KubeletConfiguration":
            kubelet_configuration(document.tree, place)


def node_config(value: dict[str, Any], place: Place) -> None:
    """Read nodeadm's NodeConfig of EKS: kubelet, flags, containerd's config.toml, and whether disks are local."""
    hints = place.hints
    flags = at(value, "spec", "kubelet", "flags")
    for flag in flags if isinstance(flags, list) else ():
        if isinstance(flag, str) and flag.startswith("--node-labels="):
            hints += tuple(pair.partition("=")[2] for pair in flag.partition("=")[2].split(","))
    if config := mapping(value, "spec", "kubelet", "config"):
        _add(config, place, hints)
    if toml := text(value, "spec", "containerd", "config"):
        try:
            runtime_files.add_config(parse_toml(toml, place.file).tree, place, hints)
        except InputError as error:
            place.notes.warn(f"{place.file}: spec.containerd.config: {error.message}")
    if strategy := text(value, "spec", "instance", "localStorage", "strategy"):
        place.inventory.instance_storage.append(Settings({"strategy": strategy}, place.file, hints))


def openshift_kubelet_config(value: dict[str, Any], place: Place) -> None:
    """Read OpenShift's KubeletConfig, which is for the pools that its selector names."""
    selected = labels(value, "spec", "machineConfigPoolSelector", "matchLabels")
    hints = tuple(key.removeprefix(_POOLS) if key.startswith(_POOLS) else each for key, each in selected.items())
    if config := mapping(value, "spec", "kubeletConfig"):
        _add(config, place, hints)


def machine_config(value: dict[str, Any], place: Place) -> None:
    """Read the kubelet.conf in an OpenShift MachineConfig; its other files hold nothing of pulls that is read here."""
    role = labels(value, "metadata", "labels").get(_ROLE, "")
    for file in entries(value, "spec", "config", "storage", "files"):
        if text(file, "path").endswith("kubelet.conf"):
            try:
                documents = parse_documents(_data(text(file, "contents", "source")), place.file)
            except (InputError, ValueError):
                place.notes.warn(f"{place.file}: the kubelet.conf of a MachineConfig cannot be read")
                continue
            for document in documents:
                if isinstance(document.tree, dict):
                    config = {key: each for key, each in document.tree.items() if key not in ("apiVersion", "kind")}
                    _add(config, place, (role,) if role else ())


def _data(url: str) -> str:
    """Return the text of a ``data:`` URL. Raises ValueError for what is none."""
    head, _, body = url.partition(",")
    return b64decode(body).decode() if head.endswith(";base64") else unquote(body)


READERS: Final[tuple[Callable[[dict[str, Any], Place], bool], ...]] = (_configz, _gke)
