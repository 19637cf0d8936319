"""What was read of a cluster: objects by kind and name, settings of kubelets and runtimes, images, registries, events.

Something that stands in several files is there once, and which file comes first changes nothing.
"""

from __future__ import annotations

import json
from dataclasses import field
from typing import TYPE_CHECKING, Any

from pullsim.frozen import dataclass
from pullsim.inputs.fields import mapping, text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pullsim.formats.oci.found import FoundImage

#: Kind, namespace and name of an object.
Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Found:
    """A mapping, and the name of the file that it stands in."""

    value: dict[str, Any]
    file: str

    @property
    def name(self) -> str:
        """The object's name; empty if it has none."""
        return text(self.value, "metadata", "name")

    @property
    def namespace(self) -> str:
        """The object's namespace; that of objects without one is ``default``."""
        return text(self.value, "metadata", "namespace") or "default"

    @property
    def labels(self) -> dict[str, str]:
        """The object's labels that are texts."""
        return {
            key: value for key, value in mapping(self.value, "metadata", "labels").items() if isinstance(value, str)
        }

    @property
    def annotations(self) -> dict[str, Any]:
        """The object's annotations."""
        return mapping(self.value, "metadata", "annotations")


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of nodes from one file; which nodes is a question of ``hints``, names of nodes, pools or roles."""

    value: dict[str, Any]
    file: str
    hints: tuple[str, ...] = ()
    defaulted: bool = False  # whether defaults are filled in, as in the answer of /configz
    whole: bool = False  # whether it is all that its nodes have, and no part that others add to
    name: str = ""  # of the object that it stands in
    places: tuple[str, ...] = ()  # the names of its file and directory, which may be those of a node or pool


@dataclass(frozen=True, slots=True)
class Mirrors:
    """Hosts that are asked before a registry; ``registry`` is ``*`` for every registry."""

    registry: str
    hosts: tuple[str, ...]
    file: str


@dataclass(slots=True)
class Inventory:
    """Everything that was read."""

    files: list[str] = field(default_factory=list)
    objects: dict[Key, Found] = field(default_factory=dict)
    kubelets: list[Settings] = field(default_factory=list)  # KubeletConfigurations
    containerds: list[Settings] = field(default_factory=list)  # what a config.toml or `crictl info` sets of pulls
    image_files: dict[Path, bytes] = field(default_factory=dict)  # what tools printed of images, not read yet
    images: list[FoundImage] = field(default_factory=list)
    mirrors: list[Mirrors] = field(default_factory=list)
    private: dict[str, str] = field(default_factory=dict)  # hosts with credentials, and the file that says so
    plain: dict[str, str] = field(default_factory=dict)  # hosts that are asked without TLS, and the file that says so
    instance_storage: list[Settings] = field(default_factory=list)  # pools whose images lie on local disks

    def add(self, value: dict[str, Any], file: str, kind: str = "") -> None:
        """Add an object. Of two with one name the one that says more counts."""
        new = Found(value, file)
        key = (kind or text(value, "kind"), new.namespace, new.name or text(value, "metadata", "generateName"))
        old = self.objects.get(key)
        if old is None or _size(old) < _size(new):
            self.objects[key] = new

    def of_kind(self, *kinds: str) -> list[Found]:
        """Return the objects of some kinds, by namespace and name."""
        return [found for key, found in sorted(self.objects.items(), key=lambda each: each[0]) if key[0] in kinds]

    def get(self, kind: str, namespace: str, name: str) -> Found | None:
        """Return an object, or None if there is none with that name."""
        return self.objects.get((kind, namespace, name))

    @property
    def empty(self) -> bool:
        """Whether nothing of use was read."""
        return not (self.objects or self.kubelets or self.containerds or self.images or self.mirrors or self.private)


def _size(found: Found) -> int:
    return len(json.dumps(found.value, default=str))


def sorted_settings(settings: Iterable[Settings]) -> list[Settings]:
    """Return settings in an order that does not depend on the order of files."""
    return sorted(
        settings,
        key=lambda each: (each.name, each.file, each.hints, json.dumps(each.value, sort_keys=True, default=str)),
    )
