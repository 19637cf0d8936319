"""Pods as a kubelet gets them from the API server."""

from __future__ import annotations

from pullsim.frozen import dataclass
from pullsim.reads import Reads
from pullsim.spec.scheduling import ANYWHERE, Scheduling
from pullsim.spec.startup import AT_ONCE, Startup


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """A container of a pod, after API defaulting."""

    name: str
    image: str  # as the pod writes it, not normalised
    policy: str  # Always | IfNotPresent | Never
    run: float = 0.0  # seconds that an init container, or one that completes, runs; other containers never exit
    sidecar: bool = False  # an init container with restartPolicy Always: does not exit, does not block
    mounts: tuple[str, ...] = ()  # the image volumes that it mounts, by name
    completes: bool = False  # a regular container that exits by itself, successfully

    @property
    def key(self) -> str:
        """A name that is unique among the pod's containers and image volumes."""
        return self.name


@dataclass(frozen=True, slots=True)
class ImageVolume:
    """A volume of a pod that is the content of an image (`volumes[].image`), after API defaulting."""

    name: str
    image: str  # as `reference` writes it, not normalised
    policy: str  # Always | IfNotPresent | Never

    @property
    def key(self) -> str:
        """A name that is unique among the pod's containers and image volumes; containers have no slash in theirs."""
        return f"volumes/{self.name}"


@dataclass(frozen=True, slots=True)
class PodSpec:
    """What a pod consists of, without its node and its time of creation."""

    containers: tuple[ContainerSpec, ...]
    init_containers: tuple[ContainerSpec, ...] = ()
    image_volumes: tuple[ImageVolume, ...] = ()
    pull_secrets: tuple[str, ...] = ()  # imagePullSecrets, names of secrets in the pod's namespace
    service_account: str = "default"
    runtime_handler: str = ""  # the handler that the pod's RuntimeClass names; "": the runtime's default
    scheduling: Scheduling = ANYWHERE
    startup: Startup = AT_ONCE
    reads: Reads | None = None  # what its process reads of its image at the start; None: nothing that takes time

    @property
    def wants(self) -> tuple[ContainerSpec | ImageVolume, ...]:
        """All parts of the pod that need an image: init containers, containers, image volumes."""
        return (*self.init_containers, *self.containers, *self.image_volumes)

    @property
    def completes(self) -> bool:
        """Whether all regular containers exit by themselves, so that the pod completes."""
        return all(container.completes for container in self.containers)


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod to be started. `node` or `pool` restrict where it is scheduled; both None: on any node."""

    name: str
    namespace: str
    workload: str
    spec: PodSpec
    created: float = 0.0  # seconds
    node: str | None = None
    pool: str | None = None
    deadline: float | None = None  # seconds after creation
    lives: float | None = None  # seconds from its creation to its deletion; None: it is never deleted
    follows: str | None = None  # the pod of its namespace that must be ready first (StatefulSet, OrderedReady)
    owner: int | None = None  # index of its owner in `ClusterSpec.owners`; None: no controller replaces it
    prepull: bool = False  # whether it belongs to a prepull job, which pulls images ahead for the pods of workloads
