"""What the API server does to a pod that is created: validation of its images, and two admission plugins."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from pullsim.inputs.suggestion import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pullsim.inputs.document import Route
    from pullsim.spec.cluster import PodSpec

ALWAYS = "Always"
Violation = tuple["Route", str]  # the route of the value within the pod's spec, and the API server's message


class Admission:
    """Admits pods, as kube-apiserver does on create.

    Models plugin/pkg/admission/alwayspullimages and plugin/pkg/admission/runtimeclass.
    """

    def __init__(self, always_pull_images: bool | str, runtime_classes: Mapping[str, str]) -> None:
        """``always_pull_images``: whether the plugin is on; "validate": it refuses other policies but sets none.

        ``runtime_classes``: the handler of each RuntimeClass, by its name.
        """
        self._mutates = always_pull_images is True
        self._validates = bool(always_pull_images)
        self._runtime_classes = runtime_classes

    def admit(self, spec: PodSpec, runtime_class: str | None) -> PodSpec:
        """Return the pod as the API server stores it, with the changes that the admission plugins make."""
        if self._mutates:
            spec = replace(
                spec,
                containers=tuple(replace(each, policy=ALWAYS) for each in spec.containers),
                init_containers=tuple(replace(each, policy=ALWAYS) for each in spec.init_containers),
                image_volumes=tuple(replace(each, policy=ALWAYS) for each in spec.image_volumes),
            )
        handler = self._runtime_classes.get(runtime_class or "", "")
        return replace(spec, runtime_handler=handler) if handler else spec

    def violations(
        self, pod: str, spec: PodSpec, runtime_class: str | None, volumes: Sequence[int]
    ) -> Iterator[Violation]:
        """Yield the reasons why the API server refuses the pod that `admit` returned.

        ``volumes`` are the indices of the image volumes in the pod's list of volumes.
        """
        for route, text in invalid_images(spec, volumes):
            yield route, f'Pod "{pod}" is invalid: {_path(route)}: {text}'
        forbidden = f'pods "{pod}" is forbidden: '
        if runtime_class is not None and runtime_class not in self._runtime_classes:
            hint = did_you_mean(runtime_class, self._runtime_classes)
            yield ("runtimeClassName",), f'{forbidden}pod rejected: RuntimeClass "{runtime_class}" not found{hint}'
        if self._validates:
            for route, policy in _policies(spec, volumes):
                if policy != ALWAYS:
                    text = f'Unsupported value: "{policy}": supported values: "{ALWAYS}"'
                    yield route, f"{forbidden}{_path(route)}: {text}"


def invalid_images(spec: PodSpec, volumes: Sequence[int]) -> Iterator[Violation]:
    """Yield the API server's errors about images. Its validation does not parse the names of images.

    Source: pkg/apis/core/validation/validation.go validateContainerCommon, validateContainerOnlyForPod,
    validateImageVolumeSource.
    """
    for key, containers in (("initContainers", spec.init_containers), ("containers", spec.containers)):
        for index, container in enumerate(containers):
            route = (key, index, "image")
            if not container.image:
                yield route, "Required value"
            elif container.image != container.image.strip():
                quoted = json.dumps(container.image, ensure_ascii=False)
                yield route, f"Invalid value: {quoted}: must not have leading or trailing whitespace"
    for index, volume in zip(volumes, spec.image_volumes, strict=True):
        if not volume.image:
            yield ("volumes", index, "image", "reference"), "Required value"


def _policies(spec: PodSpec, volumes: Sequence[int]) -> Iterator[tuple[Route, str]]:
    for key, containers in (("initContainers", spec.init_containers), ("containers", spec.containers)):
        for index, container in enumerate(containers):
            yield (key, index, "imagePullPolicy"), container.policy
    for index, volume in zip(volumes, spec.image_volumes, strict=True):
        yield ("volumes", index, "image", "pullPolicy"), volume.policy


def _path(route: Route) -> str:
    """Write a route within the pod's spec as the API server writes field paths: ``spec.containers[0].image``."""
    return "spec" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in route)
