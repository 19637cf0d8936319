"""Files that set up a node's kubelet: /configz, KubeletConfiguration, NodeConfig, MachineConfig, GKE's node config."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_to_bytes

from pullsim.errors import InputError
from pullsim.importer import runtime_files
from pullsim.importer.inventory import Settings
from pullsim.inputs import unpacked
from pullsim.inputs.document import parse_documents
from pullsim.inputs.fields import entries, labels, mapping, text, texts
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
#: Flags of the kubelet that say of pulls what a field of its configuration says (pkg/kubelet, cmd/kubelet/app/options).
_FLAGS: Final = {
    "serialize-image-pulls": "serializeImagePulls",
    "registry-qps": "registryPullQPS",
    "registry-burst": "registryBurst",
    "max-pods": "maxPods",
    "image-gc-high-threshold": "imageGCHighThresholdPercent",
    "image-gc-low-threshold": "imageGCLowThresholdPercent",
}
_MOST_DIGITS: Final = 10  # of a flag's number, which is of 32 bits
_POOLS: Final = "pools.operator.machineconfiguration.openshift.io/"
_ROLE: Final = "machineconfiguration.openshift.io/role"
#: The MachineConfigs that are made of KubeletConfigs begin so; they come after those of the installation.
_GENERATED: Final = "99-generated"


def add_kubelet(
    value: dict[str, Any], place: Place, hints: tuple[str, ...], *, whole: bool = False, name: str = ""
) -> None:
    """Add fields of a KubeletConfiguration, which may be all of its file."""
    config = {key: each for key, each in value.items() if key not in ("apiVersion", "kind")}
    place.inventory.kubelets.append(Settings(config, place.file, hints, whole=whole, name=name, places=place.names))


def _configz(value: dict[str, Any], place: Place) -> bool:
    """Read the answer of ``/api/v1/nodes/NAME/proxy/configz``, which has all defaults filled in."""
    config = value.get("kubeletconfig")
    if isinstance(config, dict):
        place.inventory.kubelets.append(
            Settings(config, place.file, place.hints, defaulted=True, whole=True, places=place.names)
        )
    return isinstance(config, dict)


def _gke(value: dict[str, Any], place: Place) -> bool:
    """Read GKE's node system configuration, as ``gcloud container node-pools`` takes it."""
    config = value.get("kubeletConfig")
    if isinstance(config, dict) and "kind" not in value:
        add_kubelet({str(_GKE.get(key, key)): each for key, each in config.items()}, place, place.hints)
        return True
    return False


def kubelet_configuration(value: dict[str, Any], place: Place) -> None:
    """Read a KubeletConfiguration, alone or in kubeadm's file."""
    add_kubelet(value, place, place.hints)


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
    given = texts(value, "spec", "kubelet", "flags")
    for flag in given:
        hints += labels_of_flag(flag)
    if config := {**of_flags(given), **mapping(value, "spec", "kubelet", "config")}:
        add_kubelet(config, place, hints)
    if toml := text(value, "spec", "containerd", "config"):
        try:
            runtime_files.add_config(parse_toml(toml, place.file).tree, place, hints)
        except InputError as error:
            place.notes.warn(f"{place.file}: spec.containerd.config: {error.message}")
    if strategy := text(value, "spec", "instance", "localStorage", "strategy"):
        place.inventory.instance_storage.append(Settings({"strategy": strategy}, place.file, hints))


def labels_of_flag(flag: str) -> tuple[str, ...]:
    """Return the values of the labels that a flag of the kubelet gives to a node, of which one names its pool."""
    name, _, value = flag.partition("=")
    return tuple(pair.partition("=")[2] for pair in value.split(",")) if name == "--node-labels" else ()


def of_flags(flags: list[str]) -> dict[str, Any]:
    """Return what flags set, as fields of a KubeletConfiguration; a value that is none is left as it is written."""
    found: dict[str, Any] = {}
    for flag in flags:
        name, _, value = flag.lstrip("-").partition("=")
        if name in _FLAGS:
            number = value.isdecimal() and len(value) <= _MOST_DIGITS
            found[_FLAGS[name]] = {"true": True, "false": False}.get(value, int(value) if number else value)
    return found


def openshift_kubelet_config(value: dict[str, Any], place: Place) -> None:
    """Read OpenShift's KubeletConfig, which is for the pools that its selector names."""
    selected = labels(value, "spec", "machineConfigPoolSelector", "matchLabels")
    hints = tuple(key.removeprefix(_POOLS) if key.startswith(_POOLS) else each for key, each in selected.items())
    if config := mapping(value, "spec", "kubeletConfig"):
        add_kubelet(config, place, hints, name=_GENERATED)


def machine_config(value: dict[str, Any], place: Place) -> None:
    """Read the kubelet.conf in an OpenShift MachineConfig; its other files hold nothing of pulls that is read here.

    Those of a role are merged in the order of their names; a rendered one is all that the nodes have that name it.
    Source: openshift/machine-config-operator, pkg/controller/common/helpers.go MergeMachineConfigs.
    """
    role, name = labels(value, "metadata", "labels").get(_ROLE, ""), text(value, "metadata", "name")
    rendered = name.startswith("rendered-")
    hints = (name,) if rendered else (role,) if role else ()
    for file in entries(value, "spec", "config", "storage", "files"):
        if text(file, "path").endswith("kubelet.conf"):
            try:
                packed = text(file, "contents", "compression") == "gzip"
                documents = parse_documents(_data(text(file, "contents", "source"), packed=packed), place.file)
            except (InputError, ValueError):
                place.notes.tally("MachineConfig", "whose kubelet.conf cannot be read", name)
                continue
            for document in documents:
                if isinstance(document.tree, dict):
                    add_kubelet(document.tree, place, hints, whole=rendered, name=name)


def _data(url: str, *, packed: bool) -> str:
    """Return the text of a ``data:`` URL. Raises ValueError for what is none."""
    head, _, body = url.partition(",")
    data = b64decode(body) if head.endswith(";base64") else unquote_to_bytes(body)
    return (unpacked(data) if packed else data).decode()


READERS: Final[tuple[Callable[[dict[str, Any], Place], bool], ...]] = (_configz, _gke)
