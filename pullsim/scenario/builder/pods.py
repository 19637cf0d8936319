"""Building the specs of pods from the keys ``pods``, ``pod`` and ``prepull`` of a workload."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pullsim.oci.reference import default_pull_policy
from pullsim.reads import Reads as ReadsSpec
from pullsim.scenario.builder.spec_of import spec_of
from pullsim.spec.cluster import ContainerSpec, PodSpec
from pullsim.spec.pod import ImageVolume
from pullsim.spec.scheduling import Scheduling, Toleration
from pullsim.spec.startup import Startup as StartupSpec

if TYPE_CHECKING:
    from pullsim.inputs.document import Route
    from pullsim.scenario.model.workloads import Container, Pods, PodTemplate, Prepull, Workload


def short_spec(pods: Pods) -> PodSpec:
    """Return the spec for ``pods``: one container, named app."""
    policy = pods.image_pull_policy or default_pull_policy(pods.image)
    return PodSpec((ContainerSpec("app", pods.image, policy),), pull_secrets=tuple(pods.image_pull_secrets))


def template_spec(pod: PodTemplate) -> PodSpec:
    """Return the spec for ``pod``, which lists its containers and volumes."""
    return PodSpec(
        containers=tuple(
            ContainerSpec(entry.name, entry.image, _policy(entry), mounts=_mounts(entry)) for entry in pod.containers
        ),
        init_containers=tuple(
            ContainerSpec(
                entry.name,
                entry.image,
                _policy(entry),
                entry.run,
                sidecar=entry.restart_policy == "Always",
                mounts=_mounts(entry),
            )
            for entry in pod.init_containers
        ),
        image_volumes=tuple(
            ImageVolume(
                volume.name,
                volume.image.reference,
                volume.image.pull_policy or default_pull_policy(volume.image.reference),
            )
            for volume in pod.volumes
        ),
        pull_secrets=tuple(pod.image_pull_secrets),
        service_account=pod.service_account_name,
    )


def prepull_spec(prepull: Prepull) -> PodSpec:
    """Return the spec of a prepull job's pods, which tolerate all taints: a container an image, which exits at once."""
    policy = prepull.image_pull_policy
    containers = (
        ContainerSpec(f"pull-{n}", image, policy, completes=True)
        for n, image in enumerate(dict.fromkeys(prepull.images))
    )
    everywhere = Scheduling(tolerations=(Toleration(operator="Exists"),))
    return PodSpec(tuple(containers), pull_secrets=tuple(prepull.image_pull_secrets), scheduling=everywhere)


def with_startup(spec: PodSpec, workload: Workload, ready: float | None = None) -> PodSpec:
    """Return the pod with what its workload says of its start; ``ready`` counts where that has no ``startup.ready``."""
    startup, reads = workload.startup, workload.reads
    made = spec_of(startup, StartupSpec)
    made = made if startup.ready is not None or not ready else replace(made, ready=ready)
    read = reads is not None and (reads.image is None or reads.image in images_of(spec))
    return replace(spec, startup=made, reads=spec_of(reads, ReadsSpec) if reads is not None and read else None)


def _policy(container: Container) -> str:
    return container.image_pull_policy or default_pull_policy(container.image)


def _mounts(container: Container) -> tuple[str, ...]:
    return tuple(mount.name for mount in container.volume_mounts)


def images_of(spec: PodSpec) -> list[str]:
    """Return the images that a pod needs, each once."""
    return list(dict.fromkeys(want.image for want in spec.wants))


def image_routes(pod: PodTemplate, route: Route) -> dict[str, Route]:
    """Return the route of each image of a pod in the scenario."""
    routes: dict[str, Route] = {}
    for key, containers in (("initContainers", pod.init_containers), ("containers", pod.containers)):
        for index, container in enumerate(containers):
            routes.setdefault(container.image, (*route, key, index, "image"))
    for index, volume in enumerate(pod.volumes):
        routes.setdefault(volume.image.reference, (*route, "volumes", index, "image", "reference"))
    return routes
