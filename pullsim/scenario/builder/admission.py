"""What the API server does to a pod that is created: validation of its images, and three admission plugins."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from pullsim.formats.kubernetes.classes import SYSTEM_PRIORITIES, PriorityClass
from pullsim.formats.kubernetes.resources import added
from pullsim.inputs.suggestion import did_you_mean
from pullsim.spec.scheduling import CPU, MEMORY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pullsim.formats.kubernetes.classes import ClassNames, RuntimeClass
    from pullsim.inputs.document import Route
    from pullsim.spec.cluster import PodSpec

ALWAYS = "Always"
Violation = tuple["Route", str]  # the route of the value within the pod's spec, and the API server's message


class Admission:
    """Admits pods, as kube-apiserver does on create.

    Models plugin/pkg/admission/alwayspullimages, plugin/pkg/admission/runtimeclass and plugin/pkg/admission/priority.
    """

    def __init__(
        self,
        always_pull_images: bool | str,
        runtime_classes: Mapping[str, RuntimeClass],
        priority_classes: Mapping[str, PriorityClass],
    ) -> None:
        """``always_pull_images``: whether the plugin is on; "validate": it refuses other policies but sets none.

        The classes are by their names.
        """
        self._mutates = always_pull_images is True
        self._validates = bool(always_pull_images)
        self._runtime_classes = runtime_classes
        system = {name: PriorityClass(value) for name, value in SYSTEM_PRIORITIES.items()}
        self._priority_classes = {**system, **priority_classes}
        #: The priority of pods without a class, the lowest one if several classes claim to set it.
        defaults = [each for each in priority_classes.values() if each.default]
        self._default = min(defaults, key=lambda each: each.value, default=PriorityClass(0))

    def admit(self, spec: PodSpec, classes: ClassNames) -> PodSpec:
        """Return the pod as the API server stores it, with the changes that the admission plugins make."""
        if self._mutates:
            spec = replace(
                spec,
                containers=tuple(replace(each, policy=ALWAYS) for each in spec.containers),
                init_containers=tuple(replace(each, policy=ALWAYS) for each in spec.init_containers),
                image_volumes=tuple(replace(each, policy=ALWAYS) for each in spec.image_volumes),
            )
        named = self._priority_class(classes)
        preempts = named.preempts if classes.preempts is None else classes.preempts
        scheduling = replace(spec.scheduling, priority=named.value, preempts=preempts)
        if (runtime := self._runtime_classes.get(classes.runtime or "")) is None:
            return replace(spec, scheduling=scheduling)
        overhead = () if classes.own_overhead else runtime.overhead
        selector = {**dict(scheduling.node_selector), **dict(runtime.node_selector)}
        scheduling = replace(
            scheduling,
            requests=added((scheduling.requests, overhead)),
            nonzero=_with_overhead(scheduling.nonzero, dict(overhead)),
            node_selector=tuple(sorted(selector.items())),
            tolerations=tuple(dict.fromkeys((*scheduling.tolerations, *runtime.tolerations))),
        )
        return replace(spec, runtime_handler=runtime.handler, scheduling=scheduling)

    def _priority_class(self, classes: ClassNames) -> PriorityClass:
        """Return the class of a pod; one of its own for a pod that has a priority and no class that is known."""
        own = self._default if classes.own_priority is None else PriorityClass(classes.own_priority)
        return self._priority_classes.get(classes.priority or "", own)

    def unknown_priority(self, classes: ClassNames) -> str | None:
        """Return a text about a priority class that there is not, of which nothing else tells the priority."""
        name = classes.priority
        if name is None or name in self._priority_classes or classes.own_priority is not None:
            return None
        hint = did_you_mean(name, self._priority_classes, 3)
        return f"no manifest has the PriorityClass {name}, so its pods have the priority {self._default.value}{hint}"

    def violations(self, pod: str, spec: PodSpec, classes: ClassNames, volumes: Sequence[int]) -> Iterator[Violation]:
        """Yield the reasons why the API server refuses the pod that `admit` returned.

        ``volumes`` are the indices of the image volumes in the pod's list of volumes.
        """
        for route, text in invalid_images(spec, volumes):
            yield route, f'Pod "{pod}" is invalid: {_path(route)}: {text}'
        forbidden = f'pods "{pod}" is forbidden: '
        if classes.runtime is not None and classes.runtime not in self._runtime_classes:
            hint = did_you_mean(classes.runtime, self._runtime_classes)
            yield ("runtimeClassName",), f'{forbidden}pod rejected: RuntimeClass "{classes.runtime}" not found{hint}'
        if self._validates:
            for route, policy in _policies(spec, volumes):
                if policy != ALWAYS:
                    text = f'Unsupported value: "{policy}": supported values: "{ALWAYS}"'
                    yield route, f"{forbidden}{_path(route)}: {text}"


def _with_overhead(nonzero: tuple[int, int] | None, overhead: Mapping[str, int]) -> tuple[int, int] | None:
    return nonzero and (nonzero[0] + overhead.get(CPU, 0), nonzero[1] + overhead.get(MEMORY, 0))


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
