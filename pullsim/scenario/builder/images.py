"""Checking that the catalogue of a scenario has the images that pods and nodes need."""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import TYPE_CHECKING

from pullsim.errors import shown
from pullsim.frozen import dataclass
from pullsim.oci.catalog import builtin_names
from pullsim.oci.manifest import select
from pullsim.oci.reference import InvalidReference, parse
from pullsim.scenario.builder.catalog import builtin_catalog
from pullsim.scenario.builder.missing_images import ImagesMissing, MissingImages
from pullsim.spec.registry import fits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from pullsim.errors import InputError, Location
    from pullsim.inputs.document import Route
    from pullsim.inputs.findings import Findings
    from pullsim.oci.manifest import Image
    from pullsim.oci.reference import Reference
    from pullsim.scenario.builder.catalog import CatalogBuilder
    from pullsim.scenario.model.images import Images
    from pullsim.spec.cluster import Node
    from pullsim.spec.pod import PodSpec
    from pullsim.spec.registry import RegistrySpec


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
        builder: CatalogBuilder,
        registries: Sequence[RegistrySpec],
        nodes: Sequence[Node],
        findings: Findings,
    ) -> None:
        self._images = images
        self._catalog = builder.catalog
        self._guessed = builder.guessed
        self._artifacts = builder.artifacts
        self._registries = {registry.host: registry for registry in registries}
        self._pulling = {node.spec.pool: node.spec.platform for node in nodes if node.spec.runtime.pulls}
        self._findings = findings
        self._known: set[str] = set()
        self._absent: dict[str, InputError] = {}  # by image, what is wrong at the place where it is used first
        self._references: list[Reference] = []  # the images whose names are valid

    @property
    def hosts(self) -> set[str]:
        """The hosts of the registries from which images are pulled."""
        return {reference.domain for reference in self._references}

    @property
    def found(self) -> Iterator[Image]:
        """The content of these images, as far as it is known, as their tags are in the end."""
        for reference in self._references:
            if (image := self._catalog.lookup(reference, math.inf)) is not None:
                yield image

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
            self._missing(use.image, use.route, use.place)

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
                self._missing(image, route)
            elif select(found, self._pulling[pool]) is None:
                self._findings.error(
                    f"image {shown(image)} has nothing for {self._pulling[pool]}, the pool's platform", *route
                )

    def artifacts(self, pods: Iterable[PodSpec]) -> Iterator[str]:
        """Yield a warning for each image of a container that is an OCI artifact, which only image volumes can be."""
        if not self._artifacts:
            return
        found = {
            container.image
            for pod in dict.fromkeys(pods)
            for container in (*pod.init_containers, *pod.containers)
            if self._is_artifact(container.image)
        }
        for image in sorted(found):
            yield f"{image} is an OCI artifact: no container starts from it; it is for image volumes"

    def _is_artifact(self, image: str) -> bool:
        try:
            return str(parse(image)) in self._artifacts
        except InvalidReference:
            return False

    def unused_faults(self) -> Iterator[str]:
        """Yield a warning for each fault whose pattern matches no image that is pulled from its registry."""
        for host, registry in self._registries.items():
            for fault in registry.faults:
                own = (reference for reference in self._references if host in self._behind(reference.domain))
                if fault.image is not None and not any(fault.concerns(reference) for reference in own):
                    yield f"registries[{host}].faults: no image that is pulled matches {shown(fault.image)}"

    def unused_holdings(self) -> Iterator[str]:
        """Yield a warning for each pattern of what a cache has from the start that matches no image that is pulled."""
        for host, registry in self._registries.items():
            for pattern in () if registry.cache is None else registry.cache.holds:
                if not any(fits((pattern,), reference) for reference in self._references):
                    yield f"registries[{host}].cache.holds: no image that is pulled matches {shown(pattern)}"

    def _behind(self, host: str) -> list[str]:
        """Return the host that images name, and those that it gets them from as a pull-through cache."""
        found = [host]
        while (registry := self._registries.get(found[-1])) is not None and registry.cache is not None:
            upstream = registry.cache.upstream
            if upstream is None or upstream in found:
                break
            found.append(upstream)
        return found

    def _always_not_found(self, reference: Reference) -> bool:
        registry = self._registries.get(reference.domain)
        return registry is not None and any(
            fault.status == HTTPStatus.NOT_FOUND
            and fault.at == 0
            and math.isinf(fault.duration)
            and fault.concerns(reference)
            for fault in registry.faults
        )

    def _missing(self, image: str, route: Route, place: Location | None = None) -> None:
        """Note an image that is in no catalogue; one that a built-in catalogue has is an error at once."""
        message = f"image {shown(image)} is in no catalogue"
        if builtin := self._builtin(parse(image)):
            more = ", ".join([*self._images.catalogs, builtin])
            message = f"{message} here; a built-in one has it: images.catalogs: [{more}]"
            self._findings.errors.append(self._findings.made(message, *route, place=place))
            return
        near = self._catalog.suggest(image)
        message += f"; known and near: {', '.join(near)}" if near else ""
        self._absent[image] = self._findings.made(message, *route, place=place)

    def _builtin(self, reference: Reference) -> str | None:
        """Return the name of a built-in catalogue that has an image and is not among the scenario's."""
        for name in builtin_names():
            catalog = builtin_catalog(name, self._images.unpack_ratio)
            if name not in self._images.catalogs and catalog.lookup(reference, 0.0) is not None:
                return name
        return None

    def finish(self, directory: Path) -> None:
        """Add the errors about images that are in no catalogue, with the one command that gets all of them."""
        if not self._absent:
            return
        missing = MissingImages(tuple(self._absent), tuple(self._pulling.values()), self._images, directory)
        if len(self._absent) == 1:
            (error,) = self._absent.values()
            self._findings.errors.append(ImagesMissing(f"{error.message}. {missing.advice()}", error.location, missing))
        else:
            # The advice is first, as of many errors the last ones are not shown.
            self._findings.errors.append(ImagesMissing(missing.advice(), None, missing))
            self._findings.errors += self._absent.values()

    @property
    def guessed(self) -> tuple[str, ...]:
        """The images that pods pull of which only the sizes are known, so that their layers are guesses."""
        used = (reference for reference in self._references if str(reference) in self._guessed)
        return tuple(dict.fromkeys(reference.familiar for reference in used))

    def guesses(self) -> Iterator[str]:
        """Yield a warning if layers of images that pods pull are guesses."""
        if guessed := self.guessed:
            yield (
                f"layers of {len(guessed)} image{'s' * (len(guessed) > 1)} are guessed from sizes: "
                f"{', '.join(guessed)}; `crane manifest` has the real ones, and `pullsim run --splits` shows what "
                "other typical splits would change"
            )
