"""The section ``workloads`` of a scenario."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from pullsim.errors import shown
from pullsim.inputs.suggestion import did_you_mean
from pullsim.scenario.model.placement import Placed, PodField, PodFields, Requests
from pullsim.scenario.model.quantities import Count, DnsName, Duration, Frequency, Section
from pullsim.scenario.model.reads import Reads  # noqa: TC001  # pydantic reads it
from pullsim.scenario.model.startup import Startup

#: A number of pods, or a percentage of them.
Share = Annotated[
    str,
    BeforeValidator(lambda value: str(value) if type(value) is int else value),
    Field(pattern=r"^[0-9]{1,9}%?$"),
    WithJsonSchema({"type": ["string", "integer"], "examples": ["25%"]}),
]
PullPolicy = Literal["Always", "IfNotPresent", "Never"]


class VolumeMount(Section):
    """A volume in a container."""

    name: DnsName = Field(description="Name of one of the pod's volumes.")
    mount_path: str = Field(default="", description="Where; it changes nothing.")


class Container(Section):
    """A container of a pod."""

    name: DnsName = Field(description="Name.")
    image: str = Field(description="Image.")
    image_pull_policy: PullPolicy | None = Field(
        default=None, description="By default as the API server sets it: Always for the tag latest, else IfNotPresent."
    )
    volume_mounts: list[VolumeMount] = Field(default=[], description="Volumes that it needs to start.")
    resources: PodField = Field(default={}, description="Requests and limits: {requests: {cpu: 500m, memory: 1Gi}}.")
    ports: PodFields = Field(default=[], description="Ports of its node that it takes: [{hostPort: 80}].")


class InitContainer(Container):
    """An init container."""

    run: Duration = Field(default=0.0, description="How long it runs.")
    restart_policy: Literal["Always"] | None = Field(
        default=None, description="Always makes it a sidecar: it never exits."
    )


class ImageSource(Section):
    """The image that a volume is."""

    reference: str = Field(description="Image.")
    pull_policy: PullPolicy | None = Field(default=None, description="As imagePullPolicy of a container.")


class Volume(Section):
    """A volume that is the content of an image (feature gate ImageVolume, on from 1.35)."""

    name: DnsName = Field(description="Name.")
    image: ImageSource = Field(description="The image.")


class Containers(Section):
    """The containers of a pod."""

    containers: Annotated[list[Container], Field(min_length=1)] = Field(description="Containers.")
    init_containers: list[InitContainer] = Field(default=[], description="Init containers, in order.")
    volumes: list[Volume] = Field(default=[], description="Volumes that are images, pulled before the containers.")
    image_pull_secrets: list[str] = Field(
        default=[], description="Secrets to pull with; without any, those of the service account."
    )
    service_account_name: DnsName = Field(default="default", description="ServiceAccount.")
    resources: PodField = Field(default={}, description="Requests and limits of all containers together.")
    overhead: PodField = Field(default={}, description="What a pod takes beside its containers: {memory: 120Mi}.")
    runtime_class_name: DnsName | None = Field(
        default=None, description="RuntimeClass, from `runtimeClasses` or a manifest: it decides the runtime handler."
    )

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names = [container.name for container in (*self.init_containers, *self.containers)]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"two containers are named {twice[0]}")
        volumes = [volume.name for volume in self.volumes]
        if twice := [name for name in volumes if volumes.count(name) > 1]:
            raise ValueError(f"two volumes are named {twice[0]}")
        for container in (*self.init_containers, *self.containers):
            if missing := [mount.name for mount in container.volume_mounts if mount.name not in volumes]:
                hint = did_you_mean(missing[0], volumes)
                raise ValueError(f"{container.name} mounts the volume {shown(missing[0])}, which there is not{hint}")
        return self


class PodTemplate(Placed, Containers):
    """A pod written out."""


class OneContainer(Section):
    """A pod of one container."""

    image: str = Field(description="Image.")
    count: Count | None = Field(default=None, description="How many; 1, or as many as the arrivals list has times.")
    image_pull_policy: PullPolicy | None = Field(default=None, description="As in a container.")
    runtime_class_name: DnsName | None = Field(default=None, description="As in a pod.")
    image_pull_secrets: list[str] = Field(default=[], description="As in a pod.")
    requests: Requests = Field(default={}, description="What the container requests: {cpu: 500m, memory: 1GiB}.")


class Pods(Placed, OneContainer):
    """Pods of one container, in short."""


class Arrivals(Section):
    """When the pods of a workload are created, from its `at` on. Exactly one key."""

    poisson: Frequency | None = Field(default=None, description="A Poisson process of this rate.")
    every: Duration | None = Field(default=None, description="At equal distances, the first at once.")
    at: list[Duration] | None = Field(default=None, description="At these times.")
    trace: str | None = Field(
        default=None, description="Path of a CSV file: its column t, or its first, has seconds or durations."
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if sum(kind is not None for kind in (self.poisson, self.every, self.at, self.trace)) != 1:
            raise ValueError("arrivals have exactly one of poisson, every, at and trace")
        if self.poisson == 0:
            raise ValueError("a Poisson process of rate 0 never brings a pod")
        return self


class On(Section):
    """Where pods go: one pool, or one node."""

    pool: str | None = Field(default=None, description="Name of a pool.")
    node: str | None = Field(default=None, description="Name of a node: workers-0003.")

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.pool is None) == (self.node is None):
            raise ValueError("give a pool or a node")
        return self


class Update(Section):
    """A rolling update of a Deployment, StatefulSet, DaemonSet, or of `pods` or `pod`, as if a Deployment made them.

    With the arithmetic of their controllers: of a Deployment percentages of surge round up and of unavailable pods
    down; a StatefulSet replaces one pod after the other from the highest ordinal down; a DaemonSet one node after the
    other, percentages rounded up. The image policy of the container stays what it was.
    """

    at: Duration = Field(description="When it begins.")
    image: Annotated[str, Field(min_length=1)] | None = Field(
        default=None, description="The new image; without one the pods are replaced as `kubectl rollout restart` does."
    )
    container: str | None = Field(default=None, description="Container that it is for; by default the first.")
    object: str | None = Field(
        default=None, description="Which object of a manifest with several: web, or Deployment/web."
    )
    max_unavailable: Share | None = Field(
        default=None,
        description="Pods, or a percentage; by default what the object says, else 25% of a Deployment, 1 of others.",
    )
    max_surge: Share | None = Field(
        default=None, description="Pods, or a percentage; by default what the object says, else 25% of a Deployment."
    )


class Prepull(Section):
    """A job that pulls images ahead: a pod a node, with a container an image, which is gone when all are there.

    The pods pull as all pods do, through the kubelet, and take a place on their node; nodes that join later get theirs
    too. They are no pods of the summary: see `prepulls` there.
    """

    images: Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1)] = Field(description="Images.")
    parallelism: Count = Field(default=1, description="Nodes at a time.")
    image_pull_policy: Literal["Always", "IfNotPresent"] = Field(default="IfNotPresent", description="As in a pod.")
    image_pull_secrets: list[str] = Field(default=[], description="As in a pod.")
    timeout: Duration = Field(default=600.0, gt=0, description="Time after which a node is given up, its pod deleted.")
    back_off_limit: Annotated[int, Field(ge=0, le=1000)] | None = Field(
        default=None,
        description="Failed pulls of an image after which a node is given up, beyond the first; by default as many as "
        "the timeout lets. OpenKruise has 3.",
    )
    priority: Annotated[int, Field(ge=-(2**31), lt=2**31)] | None = Field(
        default=None,
        description="Priority of its pods: with the pull policy `priority` a negative one lets it pull when nobody "
        "else does. By default 0.",
    )


class Workload(Section):
    """Pods to start: exactly one of manifest, trace, pods, pod and prepull."""

    name: DnsName | None = Field(default=None, description="Name; by default w and the workload's index.")
    namespace: DnsName = Field(default="default", description="Namespace; objects of a manifest may have their own.")
    manifest: str | None = Field(default=None, description="Path of Kubernetes objects, YAML or JSON.")
    trace: str | None = Field(
        default=None, description="Path of a trace of SimKube (.sktrace), whose objects come and go as recorded."
    )
    pods: Pods | None = Field(default=None, description="Pods of one container.")
    pod: PodTemplate | None = Field(default=None, description="A pod written out.")
    prepull: Prepull | None = Field(default=None, description="Images to pull ahead.")
    count: Count | None = Field(default=None, description="Number of pods of `pod`; 1, or as many as arrivals list.")
    at: Duration = Field(default=0.0, description="When the workload is created.")
    arrivals: Arrivals | None = Field(default=None, description="When its pods are created; by default all at once.")
    on: On | None = Field(default=None, description="Where its pods go; by default anywhere.")
    update: Update | None = Field(default=None, description="A rolling update.")
    lives: Duration | None = Field(
        default=None,
        gt=0,
        description="Time from a pod's creation to its deletion, which frees its place and its images and is not made "
        "up for by another pod, nor is an evicted one; by default for ever.",
    )
    deadline: Duration | None = Field(
        default=None, description="A pod not started by then, ready or not, counts as missed."
    )
    startup: Startup = Field(default_factory=Startup, description="What starting its pods takes beside their pulls.")
    reads: Reads | None = Field(
        default=None, description="What its pods' process reads of its image before it is ready, where that takes time."
    )

    @property
    def file_key(self) -> str:
        """The key that names the file with the workload's objects; only where there is one."""
        return "manifest" if self.trace is None else "trace"

    @property
    def file(self) -> str | None:
        """The path of the file with the workload's objects; None: they are written in the scenario."""
        return self.manifest if self.trace is None else self.trace

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = (self.manifest, self.trace, self.pods, self.pod, self.prepull)
        if sum(kind is not None for kind in kinds) != 1:
            raise ValueError("a workload has exactly one of manifest, trace, pods, pod and prepull")
        if self.count is not None and self.pod is None:
            where = " (for pods write pods: {image: …, count: …})" if self.pods else ""
            raise ValueError(f"count goes with pod{where}")
        if self.arrivals is not None and self.pods is None and self.pod is None:
            raise ValueError("arrivals go with pods or pod")
        if self.prepull is not None and (self.lives is not None or self.deadline is not None):
            raise ValueError(f"{'deadline' if self.lives is None else 'lives'} does not go with prepull")
        if self.prepull is not None and self.reads is not None:
            raise ValueError("reads do not go with prepull: its pods read nothing")
        if self.prepull is not None and self.startup.model_fields_set:
            raise ValueError("startup does not go with prepull: its pods take what their nodes' startup has")
        if self.trace is not None and (self.lives is not None or self.update is not None):
            raise ValueError(f"{'update' if self.lives is None else 'lives'} does not go with trace, which has its own")
        if self.update is not None and (self.prepull is not None or self.arrivals is not None):
            raise ValueError(f"an update does not go with {'prepull' if self.prepull else 'arrivals'}")
        if self.update is not None and self.update.object is not None and self.manifest is None:
            raise ValueError("object goes with a manifest")
        return self
