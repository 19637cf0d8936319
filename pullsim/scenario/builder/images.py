"""Building the catalogue from the section ``images``, and checking that it has the images that pods need."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING

from pullsim.errors import InputError, shown
from pullsim.formats.oci.manifest import read_image
from pullsim.oci.catalog import Catalog, builtin_names
from pullsim.oci.manifest import Image, Index, Layer, Manifest, compression_of, select, synthetic_digest
from pullsim.oci.reference import InvalidReference, parse

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from pullsim.errors import Location
    from pullsim.inputs.document import Route
    from pullsim.inputs.findings import Findings
    from pullsim.oci.platform import Platform
    from pullsim.oci.reference import Reference
    from pullsim.scenario.model.images import ImageDefinition, Images
    from pullsim.scenario.model.images import Layer as LayerModel
    from pullsim.spec.cluster import Node
    from pullsim.spec.registry import RegistrySpec


def build_catalog(images: Images, platforms: Collection[Platform], directory: Path, findings: Findings) -> Catalog:
    """Build the catalogue from ``catalogs``, ``manifests`` and ``define``, in this order.

    An image that occurs again replaces the earlier one as a whole. Errors go to the findings.
    """
    catalog = Catalog()
    for index, name in enumerate(images.catalogs):
        try:
            catalog.merge(_load(name, directory, images.unpack_ratio))
        except InputError as error:
            findings.take(error, "images", "catalogs", index)
    for index, entry in enumerate(images.manifests):
        try:
            image = read_image(directory / entry.path, unpack_ratio=images.unpack_ratio, platforms=platforms)
            single = Catalog()
            single.add(entry.image, image)
        except InputError as error:
            findings.take(error, "images", "manifests", index)
        else:
            catalog.merge(single)
    defined = Catalog()
    for name, group in _by_image(images.define, findings).items():
        for at, image in _timeline(group, images.unpack_ratio):
            defined.add(name, image, at)
    catalog.merge(defined)
    return catalog


def _load(name: str, directory: Path, unpack_ratio: float) -> Catalog:
    if "/" in name or name.endswith(".json"):
        return Catalog.load(directory / name, unpack_ratio=unpack_ratio)
    return _builtin(name, unpack_ratio)


@lru_cache(maxsize=16)
def _builtin(name: str, unpack_ratio: float) -> Catalog:
    """Read a built-in catalogue. Nobody changes it, as it is only merged into others, so that runs can share it."""
    return Catalog.builtin(name, unpack_ratio=unpack_ratio)


def _by_image(define: Sequence[ImageDefinition], findings: Findings) -> dict[str, dict[Platform, ImageDefinition]]:
    """Group definitions by image and platform."""
    groups: dict[str, dict[Platform, ImageDefinition]] = defaultdict(dict)
    sizes: dict[str, int] = {}
    for index, entry in enumerate(define):
        for position, layer in enumerate(entry.layers):
            if layer.digest is not None and sizes.setdefault(layer.digest, layer.size) != layer.size:
                message = f"{layer.digest} has {sizes[layer.digest]} bytes elsewhere: one digest is one content"
                findings.error(message, "images", "define", index, "layers", position, "digest")
        try:
            groups[str(parse(entry.image))][entry.platform] = entry
        except InvalidReference as error:
            findings.error(f"image {shown(entry.image)}: {error}", "images", "define", index, "image")
    return groups


def _timeline(group: dict[Platform, ImageDefinition], unpack_ratio: float) -> list[tuple[float, Image]]:
    """Return the contents of an image, each with the time in seconds from which on the tag points to it."""
    contents: dict[float, dict[Platform, Manifest]] = defaultdict(dict)
    for platform, entry in group.items():
        contents[0.0][platform] = _manifest(entry, 0.0, entry.layers, unpack_ratio)
        for move in entry.tag_moves:
            contents[move.at][platform] = _manifest(entry, move.at, move.layers, unpack_ratio)
    timeline: list[tuple[float, Image]] = []
    current: dict[Platform, Manifest] = {}
    for at in sorted(contents):
        current |= contents[at]
        # It is an index even with one platform, since containerd accepts a manifest without index on any platform.
        timeline.append((at, Index.of(current.items())))
    return timeline


def _manifest(entry: ImageDefinition, at: float, layers: Sequence[LayerModel], unpack_ratio: float) -> Manifest:
    made = []
    for position, layer in enumerate(layers):
        # A layer without a digest has content that no other layer has: its digest is made from where it is defined.
        unique = (str(parse(entry.image)), str(entry.platform), repr(at), str(position), str(layer.size))
        made.append(
            Layer.of(
                layer.digest or synthetic_digest("layer", *unique),
                layer.size,
                unpacked=layer.unpacked,
                files=layer.files,
                compression=compression_of(layer.media_type),
                unpack_ratio=unpack_ratio,
            )
        )
    return Manifest.of(made)


@dataclass(frozen=True, slots=True)
class ImageUse:
    """An image that pods need, and its place in the input."""

    image: str
    pools: frozenset[str] | None  # the pools on whose nodes the pods can run; None: all
    route: Route  # the image's place in the scenario
    place: Location | None = None  # the place of the Kubernetes object, for images of a manifest


class ImageCheck:
    """Checks that each image of the scenario is in the catalogue and in its registry, or is meant to be missing."""

    def __init__(
        self,
        images: Images,
        catalog: Catalog,
        registries: Sequence[RegistrySpec],
        nodes: Sequence[Node],
        findings: Findings,
    ) -> None:
        self._images = images
        self._catalog = catalog
        self._registries = {registry.host: registry for registry in registries}
        self._pulling = {node.spec.pool: node.spec.platform for node in nodes if node.spec.runtime.pulls}
        self._findings = findings
        self._known: set[str] = set()
        self._references: list[Reference] = []  # the images whose names are valid

    @property
    def hosts(self) -> set[str]:
        """The hosts of the registries from which images are pulled."""
        return {reference.domain for reference in self._references}

    def used(self, use: ImageUse) -> None:
        """Add an error for an image that will be pulled from a registry but is in no catalogue."""
        if (
            use.image in self._known
            or (use.pools is not None and not use.pools & self._pulling.keys())
            or not self._pulling
        ):
            return
        self._known.add(use.image)
        try:
            reference = parse(use.image)
        except InvalidReference:
            return  # its pods fail with InvalidImageName in the run
        self._references.append(reference)
        missing = self._catalog.lookup(reference, math.inf) is None and self._images.unknown == "error"
        if missing and not self._always_not_found(reference):
            if use.place is None:
                self._findings.error(self._advice(use.image), *use.route)
            else:
                self._findings.errors.append(InputError(self._advice(use.image), use.place))

    def cached(self, image: str, pool: str, route: Route) -> None:
        """Add an error for an image that nodes are to have at time 0 and that no catalogue has for their platform."""
        if pool not in self._pulling:
            return
        try:
            found = self._catalog.lookup(parse(image), 0.0)
        except InvalidReference as error:
            self._findings.error(f"image {shown(image)}: {error}", *route)
        else:
            if found is None:
                self._findings.error(self._advice(image), *route)
            elif select(found, self._pulling[pool]) is None:
                self._findings.error(
                    f"image {shown(image)} has nothing for {self._pulling[pool]}, the pool's platform", *route
                )

    def unused_faults(self) -> Iterator[str]:
        """Yield a warning for each fault whose pattern matches no image that is pulled from its registry."""
        for host, registry in self._registries.items():
            for fault in registry.faults:
                own = (reference for reference in self._references if reference.domain == host)
                if fault.image is not None and not any(fault.concerns(reference) for reference in own):
                    yield f"registries[{host}].faults: no image that is pulled matches {shown(fault.image)}"

    def _always_not_found(self, reference: Reference) -> bool:
        registry = self._registries.get(reference.domain)
        return registry is not None and any(
            fault.status == HTTPStatus.NOT_FOUND
            and fault.at == 0
            and math.isinf(fault.duration)
            and fault.concerns(reference)
            for fault in registry.faults
        )

    def _advice(self, image: str) -> str:
        listed, reference = self._images.catalogs, parse(image)
        for name in builtin_names():
            if name not in listed and _builtin(name, self._images.unpack_ratio).lookup(reference, 0.0) is not None:
                more = ", ".join([*listed, name])
                return f"image {shown(image)} is in no catalogue here; a built-in one has it: images.catalogs: [{more}]"
        near = self._catalog.suggest(image)
        known = f"; known and near: {', '.join(near)}" if near else ""
        return (
            f"image {shown(image)} is in no catalogue{known}. Add it by hand (images.define: "
            f"[{{image: {image}, layers: [{{size: 30MB}}]}}]), from its manifest (`crane manifest {image} > FILE`, "
            f"images.manifests: [{{image: {image}, path: FILE}}]) or with a catalogue file (images.catalogs); "
            "images.unknown: notFound lets its pulls fail"
        )
