"""Reading the pod in a Kubernetes object: its containers and its image volumes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pullsim.errors import shown
from pullsim.formats.kubernetes.pull_secrets import pull_secrets
from pullsim.formats.kubernetes.scheduling import FIELDS as PLACEMENT_FIELDS
from pullsim.inputs.suggestion import did_you_mean
from pullsim.oci.reference import default_pull_policy
from pullsim.spec.cluster import ContainerSpec, PodSpec
from pullsim.spec.pod import ImageVolume
from pullsim.units import parse_duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pullsim.formats.kubernetes.item import Item

RUN_ANNOTATION: Final = "pullsim.io/run"
_POLICIES: Final = ("Always", "IfNotPresent", "Never")
#: The fields of a pod, of a container and of an image volume that are read.
_POD_FIELDS: Final = (
    "containers",
    "initContainers",
    "nodeName",
    *PLACEMENT_FIELDS,
    "runtimeClassName",
    "volumes",
    "imagePullSecrets",
    "serviceAccountName",
    "serviceAccount",
)
_CONTAINER_FIELDS: Final = ("image", "imagePullPolicy", "restartPolicy", "name", "volumeMounts", "resources", "ports")
_IMAGE_FIELDS: Final = ("reference", "pullPolicy")


def pod_spec(pod: Item, annotations: Item, claims: Sequence[str] = (), *, completes: bool = False) -> PodSpec:
    """Read a pod's spec. Raises InputError for an invalid one.

    ``claims`` are the names of volumes that are declared outside of the pod, in a StatefulSet's volumeClaimTemplates.
    ``completes``: whether regular containers exit after the time that the annotation gives, as those of Jobs do.
    serviceAccount is the old name of serviceAccountName, which every pod of a cluster has too
    (pkg/apis/core/v1/conversion.go Convert_v1_PodSpec_To_core_PodSpec).
    """
    pod.check_spelling(_POD_FIELDS)
    if not pod.value.get("containers"):
        pod.fail("a pod needs containers", "containers")
    inits = pod.items("initContainers")
    regular = pod.items("containers") if completes else []
    runs = _run_times(annotations, [str(item.value.get("name")) for item in (*inits, *regular)])
    volumes = tuple(_image_volume(item) for item in _image_volumes(pod))
    declared = {*claims, *(item.text("name") or "" for item in pod.items("volumes"))}
    images = {volume.name for volume in volumes}
    return PodSpec(
        containers=tuple(_regular(_container(item, declared, images), runs) for item in pod.items("containers")),
        init_containers=tuple(_container(item, declared, images, runs) for item in inits),
        image_volumes=volumes,
        pull_secrets=pull_secrets(pod),
        service_account=pod.text("serviceAccountName") or pod.text("serviceAccount") or "default",
    )


def _regular(container: ContainerSpec, runs: dict[str, float]) -> ContainerSpec:
    """Return a regular container, which completes if the annotation gives its time."""
    run = runs.get(container.name)
    return container if run is None else replace(container, run=run, completes=True)


def image_volume_indexes(pod: Item) -> tuple[int, ...]:
    """Return the indices of a pod's image volumes in its list of volumes."""
    return tuple(n for n, item in enumerate(pod.items("volumes")) if item.value.get("image") is not None)


def _image_volumes(pod: Item) -> list[Item]:
    return [item for item in pod.items("volumes") if item.value.get("image") is not None]


def _image_volume(item: Item) -> ImageVolume:
    name, source = item.text("name"), item.mapping("image")
    if not name:
        item.fail("a volume needs a name")
    source.check_spelling(_IMAGE_FIELDS)
    image = source.text("reference", "") or ""
    return ImageVolume(name, image, _policy(source, "pullPolicy", image))


def _container(item: Item, declared: set[str], images: set[str], runs: dict[str, float] | None = None) -> ContainerSpec:
    """Read a container; ``declared`` are the names of the pod's volumes, ``images`` those of its image volumes.

    ``runs``: seconds that each init container runs, by name; None: the container is a regular one.
    """
    item.check_spelling(_CONTAINER_FIELDS)
    name, image = item.text("name"), item.text("image")
    if not name:
        item.fail("a container needs a name")
    if image is None:
        item.fail("a container needs an image")
    policy = _policy(item, "imagePullPolicy", image)
    mounts = [(mount, mount.text("name") or "") for mount in item.items("volumeMounts")]
    for mount, volume in mounts:
        if volume not in declared:
            mount.fail(f"volume {shown(volume)} is not declared in the pod{did_you_mean(volume, declared)}", "name")
    sidecar = runs is not None and item.text("restartPolicy") == "Always"
    return ContainerSpec(
        name,
        image,
        policy,
        run=(runs or {}).get(name, 0.0),
        sidecar=sidecar,
        mounts=tuple(volume for _, volume in mounts if volume in images),
    )


def _policy(item: Item, key: str, image: str) -> str:
    policy = item.text(key) or default_pull_policy(image)
    if policy not in _POLICIES:
        item.fail(f"{key} {shown(policy)} is not one of {', '.join(_POLICIES)}", key)
    return policy


def _run_times(annotations: Item, names: list[str]) -> dict[str, float]:
    """Read from the annotation how many seconds each container runs: ``init=3s,other=10s``."""
    runs = {}
    for part in filter(None, (annotations.text(RUN_ANNOTATION) or "").split(",")):
        name, equals, duration = (piece.strip() for piece in part.partition("="))
        if not equals:
            annotations.fail(f"{shown(part)} is not NAME=DURATION, as in init=3s,other=10s", RUN_ANNOTATION)
        if name not in names:
            annotations.fail(
                f"there is no container {shown(name)} that ends by itself{did_you_mean(name, names)}", RUN_ANNOTATION
            )
        try:
            runs[name] = parse_duration(duration)
        except ValueError as error:
            annotations.fail(str(error), RUN_ANNOTATION)
    return runs
