"""What is known of images' sizes and layers: from nodes' lists, from events, from files that tools printed.

A size of containerd is compressed, what a pull downloads; one of CRI-O or Docker is unpacked. A size is of the node's
own platform.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pullsim.formats.oci.found import normalised
from pullsim.importer.nodes import node_images
from pullsim.importer.place import hints_of
from pullsim.inputs.fields import entries, text
from pullsim.oci.manifest import UNPACK_RATIO
from pullsim.oci.platform import Platform
from pullsim.oci.reference import InvalidReference, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pullsim.importer.inventory import Found, Inventory
    from pullsim.oci.manifest import Image

_SIZE: Final = re.compile(r'image "(?P<image>[^"]{1,500})".{0,500}Image size: (?P<size>[0-9]{1,18}) bytes')
_FAILED: Final = re.compile(r'[Ff]ailed to pull image "(?P<image>[^"]{1,500})"')
_COMPRESSED: Final = {"containerd": True, "cri-o": False, "docker": False}
_AMD64: Final = Platform("linux", "amd64")


@dataclass(frozen=True, slots=True, order=True)
class Known:
    """The bytes of an image on one platform, and where they are from."""

    size: int
    compressed: bool
    origin: str


class ImageSizes:
    """Sizes and layers by the names of images and by platform."""

    def __init__(self, inventory: Inventory) -> None:
        """Collect what the inventory has."""
        self._sizes: dict[str, dict[Platform, Counter[Known]]] = defaultdict(lambda: defaultdict(Counter))
        self._layers: dict[str, list[tuple[Platform | None, Image, str]]] = defaultdict(list)
        self.used: set[str] = set()  # the files whose layers somebody asked for
        self._pulled: set[str] = set()
        self._failed: set[str] = set()
        self._runtimes: dict[str, tuple[str, Platform]] = {}
        self._digests: dict[str, list[str]] = defaultdict(list)  # by name, the names by digest of what runs under it
        for node in inventory.of_kind("Node"):
            self._of_node(node)
        self._of_files(inventory)
        for event in inventory.of_kind("Event"):
            self._of_event(event)
        for pod in inventory.of_kind("Pod"):
            for image, identity in running_images(pod):
                for name in names_of(image):
                    self._digests[name] += [each for each in normalised([identity]) if each not in self._digests[name]]

    def of(self, image: str, platform: Platform) -> Known | None:
        """Return the size of an image on a platform: that which most nodes tell, of equals the largest."""
        for name in self._names(image):
            found = self._sizes.get(name, {}).get(platform)
            if found:
                return max(found.items(), key=lambda each: (each[1], each[0]))[0]
        return None

    def anywhere(self, image: str) -> Known | None:
        """Return the size of an image on whatever platform, linux/amd64 first."""
        platforms = {each for name in self._names(image) for each in self._sizes.get(name, {})}
        found = [self.of(image, each) for each in sorted(platforms, key=lambda each: (each != _AMD64, str(each)))]
        return next((each for each in found if each is not None), None)

    def estimate(self, image: str) -> int:
        """Return about the bytes that an image takes on a node, packed and unpacked; 0 if no size is known."""
        known = self.anywhere(image)
        if known is None:
            return 0
        return round(known.size * (1 + UNPACK_RATIO) if known.compressed else known.size * (1 + 1 / UNPACK_RATIO))

    def layers(self, image: str, *, alone: bool = False) -> tuple[list[tuple[Platform | None, Image]], str]:
        """Return the contents of an image with layers that files have, by platform, and the file's name.

        Of an image that is ``alone`` of its repository here, a file's whose names have digests only is taken too.
        """
        names = self._names(image)
        if alone and names:
            names.append(repository_of(names[0]))
        for name in names:
            if found := self._layers.get(name):
                self.used |= {file for _, _, file in found}
                return [(platform, each) for platform, each, _ in found], Path(found[0][2]).name + (
                    ", whose name has no tag" if alone and name == names[-1] else ""
                )
        return [], ""

    def never_pulled(self, image: str) -> bool:
        """Whether pulls of an image failed and none succeeded, as far as events tell."""
        return image in self._failed and image not in self._pulled

    def _names(self, image: str) -> list[str]:
        """Return the names under which nodes know an image, those last that containers which run it tell."""
        names = names_of(image)
        return [*names, *(each for name in names for each in self._digests.get(name, ()))]

    def _add(self, names: Iterable[str], platform: Platform, known: Known) -> None:
        for name in names:
            self._sizes[name][platform][known] += 1

    def _of_node(self, node: Found) -> None:
        runtime = runtime_of(node)
        system = text(node.value, "status", "nodeInfo", "operatingSystem") or "linux"
        platform = _platform(system, text(node.value, "status", "nodeInfo", "architecture") or "amd64")
        self._runtimes[node.name] = runtime, platform
        compressed = _COMPRESSED.get(runtime)
        for names, size in node_images(node):
            if size is not None and compressed is not None:
                self._add(normalised(names), platform, Known(size, compressed, f"sizeBytes of nodes ({node.file})"))

    def _of_files(self, inventory: Inventory) -> None:
        for found in inventory.images:
            file = Path(found.file).name
            if found.image is not None:
                for name in found.names if found.tagged else (*found.names, *map(repository_of, found.names[:1])):
                    self._layers[name].append((found.platform, found.image, found.file))
            size = found.compressed if found.compressed is not None else found.unpacked
            if size is None:
                size = found.estimated_compressed()
            if size:
                compressed = found.compressed is not None or found.unpacked is None
                self._add(found.names, found.platform or self._platform_of(file), Known(size, compressed, file))

    def _platform_of(self, file: str) -> Platform:
        """Return the platform of the node that a file is named after, or of all nodes if it is the same."""
        hints = hints_of(Path(file).stem)
        named = {each for host, (_, each) in self._runtimes.items() if {host, host.partition(".")[0]} & {*hints}}
        every = {platform for _, platform in self._runtimes.values()}
        return next((found for platforms in (named, every) if len(platforms) == 1 for found in platforms), _AMD64)

    def _of_event(self, event: Found) -> None:
        message = text(event.value, "message") or text(event.value, "note")
        if match := _FAILED.search(message):
            self._failed.add(match["image"])
        if "Successfully pulled" in message or "already present" in message:
            self._pulled |= {*re.findall(r'image "([^"]{1,500})"', message)}
        match = _SIZE.search(message)
        if match is None:
            return
        host = (
            text(event.value, "source", "host")
            or text(event.value, "deprecatedSource", "host")
            or text(event.value, "reportingInstance")
        )
        runtime, platform = self._runtimes.get(host, ("containerd", _AMD64))
        known = Known(int(match["size"]), runtime not in ("cri-o", "docker"), f"Image size in events ({event.file})")
        if known.size:
            self._add(names_of(match["image"]), platform, known)


def repository_of(image: str) -> str:
    """Return the repository of an image; the text itself for what is no name of one."""
    try:
        return parse(image).repository
    except InvalidReference:
        return image


def runtime_of(node: Found) -> str:
    """Return the scheme of a node's runtime: containerd, cri-o, docker; empty if it says none."""
    return text(node.value, "status", "nodeInfo", "containerRuntimeVersion").partition("://")[0]


def _platform(system: str, machine: str) -> Platform:
    try:
        return Platform.parse(f"{system}/{machine}")
    except ValueError:
        return _AMD64


def names_of(image: str) -> list[str]:
    """Return the names under which nodes know an image: by digest if it has one, as then the tag is dropped."""
    try:
        reference = parse(image)
    except InvalidReference:
        return []
    if reference.digest is not None:
        return [f"{reference.repository}@{reference.digest}", str(reference)]
    return [str(reference)]


def running_images(pod: Found) -> Iterator[tuple[str, str]]:
    """Yield image as the spec has it and imageID of each container of a pod that has had its image."""
    named = {
        text(each, "name"): text(each, "image")
        for key in ("containers", "initContainers")
        for each in entries(pod.value, "spec", key)
    }
    for key in ("containerStatuses", "initContainerStatuses"):
        for status in entries(pod.value, "status", key):
            if text(status, "imageID"):
                yield named.get(text(status, "name"), ""), text(status, "imageID")
