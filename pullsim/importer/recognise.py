"""What a file holds, told by its content: a table of kinds and of what reads them into the inventory."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pullsim.errors import InputError
from pullsim.formats.oci.node_images import CTR_HEADER
from pullsim.formats.oci.reader import recognised
from pullsim.importer import node_files, objects, registry_files, runtime_files
from pullsim.importer.describe import described_nodes, is_description
from pullsim.importer.place import Place
from pullsim.importer.user_data import bottlerocket, is_user_data, node_configs, read_scripts
from pullsim.inputs import json_documents, parse_json
from pullsim.inputs.document import parse_documents
from pullsim.inputs.fields import entries, text
from pullsim.inputs.toml_document import parse_toml

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pullsim.importer.inventory import Inventory
    from pullsim.importer.notes import Notes

#: The first line of TOML after blank lines and comments. No part of it matches what the one before it could.
_TOML: Final = re.compile(r"(?:[^\S\n]*+(?:#.*)?\n)*+[^\S\n]*+(?:\[|[\w-]++[^\S\n]*=|\"[^\"\n]+\"[^\S\n]*=)")


#: Objects by the beginning of their apiVersion and by kind; all others go into the inventory as they are.
_BY_KIND: Final[Mapping[tuple[str, str], Callable[[dict[str, Any], Place], None]]] = {
    ("kubelet.config.k8s.io/", "KubeletConfiguration"): node_files.kubelet_configuration,
    ("node.eks.aws/", "NodeConfig"): node_files.node_config,
    ("machineconfiguration.openshift.io/", "KubeletConfig"): node_files.openshift_kubelet_config,
    ("machineconfiguration.openshift.io/", "MachineConfig"): node_files.machine_config,
    ("", "ConfigMap"): node_files.config_map,
    ("", "Secret"): registry_files.secret,
    ("config.openshift.io/", "ImageDigestMirrorSet"): registry_files.mirror_set,
    ("config.openshift.io/", "ImageTagMirrorSet"): registry_files.mirror_set,
    ("operator.openshift.io/", "ImageContentSourcePolicy"): registry_files.mirror_set,
    ("", "Status"): objects.refusal,
    ("meta.k8s.io/", "Table"): objects.table,
}
#: Parts of a kubeadm file that say nothing of pulls by the kubelet; imagePullSerial is of kubeadm's own pulls.
_NOTHING: Final = ("InitConfiguration", "JoinConfiguration", "ClusterConfiguration", "KubeProxyConfiguration")


def read_text(content: str, path: Path, inventory: Inventory, notes: Notes) -> bool:
    """Read a file's text into the inventory; whether it holds something known. Raises InputError for bad syntax."""
    place = Place(path, inventory, notes)
    start = content.lstrip()
    if is_user_data(start):
        return _user_data(start, place)
    if CTR_HEADER.match(start):
        return _image_file(content, place)
    if is_description(content):
        for node in described_nodes(content):
            inventory.add(node, place.file)
        return True
    values = _values(content, place)
    known = [read_value(value, place) for value in values]
    return any(known) or (_tells_of_images(values, place) and _image_file(content, place))


def read_value(value: Any, place: Place) -> bool:
    """Read one parsed document into the inventory; whether it is of a known kind."""
    if not isinstance(value, dict):
        known = [read_value(each, place) for each in value] if isinstance(value, list) and _typed(value) else []
        return any(known)
    kind = text(value, "kind")
    if value.keys() == {"type", "object"}:  # an event of a watch
        return read_value(value["object"], place)
    if kind == "List" or (kind.endswith("List" * bool(kind)) and _is_list(value)):
        of = kind.removesuffix("List")
        if not kind:
            place.notes.warn(f"{place.file}: is a list that does not say its kind: it may be cut off at the end")
        if not entries(value, "items"):
            place.notes.left_out["lists without any object"] += 1
        for item in entries(value, "items"):
            read_value({"kind": of, **item} if of and not text(item, "kind") else item, place)
        return True
    if kind in _NOTHING:
        return True
    for (group, name), reader in _BY_KIND.items():
        if kind == name and text(value, "apiVersion").startswith(group):
            reader(value, place)
            return True
    if kind and ("metadata" in value or "spec" in value):
        objects.add(value, place)
        return True
    return any(
        reader(value, place)
        for reader in (*node_files.READERS, *runtime_files.READERS, *registry_files.READERS, bottlerocket)
    )


def _typed(values: list[Any]) -> bool:
    return all(isinstance(each, dict) and text(each, "kind") for each in values)


def _is_list(value: dict[str, Any]) -> bool:
    """Whether something is a list of objects, which have no kind where the list has one."""
    items = value.get("items")
    return isinstance(items, list) and (bool(text(value, "kind")) or (bool(items) and _typed(items[:1])))


def _values(content: str, place: Place) -> list[Any]:
    """Parse a text: JSON, several documents of it one after the other, TOML or YAML."""
    file = str(place.path)
    if content.lstrip()[:1] in ("{", "["):
        try:
            return [parse_json(content, file)]
        except InputError:
            try:
                return list(json_documents(content, file))
            except InputError as error:
                if _TOML.match(content):
                    return [parse_toml(content, file).tree]
                raise error from None
    if place.path.suffix == ".toml" or _is_toml(content):
        return [parse_toml(content, file).tree]
    return [document.tree for document in parse_documents(content, file)]


def _is_toml(content: str) -> bool:
    if not _TOML.match(content):
        return False
    try:
        return bool(parse_toml(content, "").tree)
    except InputError:
        return False


def _user_data(content: str, place: Place) -> bool:
    """Read the parts of user data, of which the last wins where several say the same."""
    scripts = read_scripts(content, place)
    known = [read_value(each, place) for part in node_configs(content) for each in _values(part, place)]
    return any(known) or scripts


def _tells_of_images(values: list[Any], place: Place) -> bool:
    """Whether values are what a tool printed of images; nodes are read as nodes."""
    kind, _ = recognised(values[0] if len(values) == 1 else values, str(place.path))
    return kind not in (None, "nodes")


def _image_file(content: str, place: Place) -> bool:
    """Keep a file about images until all are there that it may refer to."""
    place.inventory.image_files[place.path] = content.encode()
    return True
