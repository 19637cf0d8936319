"""Small clusters put together by hand, in which everything costs nothing unless it is given.

The kubelet's tests use the fixed runtime (`fixed`), the pipeline's tests containerd (`containerd`) behind a registry
(`registry`) that sends `RATE` bytes/s. A `layer` is made of the seconds that it takes: to fetch over a link of its own
at `RATE`, and to unpack on a core of its own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pullsim.cluster.cluster import Cluster
from pullsim.formats.kubernetes.kubelet_configuration import read_kubelet_configuration
from pullsim.oci.catalog import Catalog
from pullsim.oci.manifest import Layer, Manifest, synthetic_digest
from pullsim.oci.platform import Platform
from pullsim.releases.containerd import CONTAINERD
from pullsim.run import Result, ResultRecorder, simulate
from pullsim.spec.cadence import Interval, LoopSpec
from pullsim.spec.cluster import ClusterSpec, ContainerSpec, Node, NodeSpec, Pod, PodSpec
from pullsim.spec.hardware import CoresSpec, DiskSpec, FilesystemSpec, NicSpec
from pullsim.spec.pod import ImageVolume
from pullsim.spec.registry import RegistrySpec
from pullsim.spec.runtime import ContainerdSpec, CrioSpec, FixedFailure, FixedImage, FixedSpec, RuntimeSpec
from pullsim.spec.unpack import InflateSpec, UnpackSpec
from tests.support.outcome import pull

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pullsim.records import PullRecord
    from pullsim.releases.release import Written
    from pullsim.spec.runtime import RuntimeHandler

HOST = "registry.test"
RATE = 100e6  # bytes/s
UNIT = round(RATE)  # bytes of a second
FAST = 1e15  # bytes/s: never binds
AMD64, ARM64 = Platform.parse("linux/amd64"), Platform.parse("linux/arm64")

MINIMAL = LoopSpec(minimal=True, retry=Interval(10.0, 0.0), resync=Interval(60.0, 0.0))
#: The real loop without jitter: ticks at k + 0.7 s, relists at k + 0.3 s.
STEADY = LoopSpec(retry=Interval(10.0, 0.0), resync=Interval(60.0, 0.0), tick_phase=0.7, relist_phase=0.3)
REAL = LoopSpec()  # jitter and phases drawn

SERIAL: Mapping[str, Any] = {"serializeImagePulls": True, "registryPullQPS": 0}
UNLIMITED: Mapping[str, Any] = {"serializeImagePulls": False, "registryPullQPS": 0}


def parallel(limit: int) -> dict[str, Any]:
    return {"serializeImagePulls": False, "maxParallelImagePulls": limit, "registryPullQPS": 0}


# Pods


def container(
    image: str,
    name: str = "c",
    *,
    policy: str = "IfNotPresent",
    run: float = 0.0,
    sidecar: bool = False,
    mounts: Iterable[str] = (),
):
    return ContainerSpec(name, image, policy, run=run, sidecar=sidecar, mounts=tuple(mounts))


def volume(image: str, name: str = "v", *, policy: str = "IfNotPresent") -> ImageVolume:
    return ImageVolume(name, image, policy)


def pod(
    name: str,
    *containers: str | ContainerSpec,
    at: float = 0.0,
    policy: str = "IfNotPresent",
    init: Iterable[ContainerSpec] = (),
    node: str | None = None,
    pool: str | None = None,
    deadline: float | None = None,
    volumes: Iterable[ImageVolume] = (),
    handler: str = "",
    lives: float | None = None,
) -> Pod:
    """A pod; containers given by their image alone are c0, c1, …"""
    made = tuple(
        container(each, f"c{number}", policy=policy) if isinstance(each, str) else each
        for number, each in enumerate(containers)
    )
    spec = PodSpec(made, tuple(init), tuple(volumes), runtime_handler=handler)
    return Pod(name, "default", "workload", spec, created=at, node=node, pool=pool, deadline=deadline, lives=lives)


def with_secrets(of: Pod, *names: str) -> Pod:
    """The same pod with imagePullSecrets."""
    return replace(of, spec=replace(of.spec, pull_secrets=names))


def pods(count: int, image: str = "app{}:1", *, at: float = 0.0, every: float = 0.0, **given: Any) -> list[Pod]:
    """p0, p1, …, one container each; `{}` in the image is the pod's number."""
    return [pod(f"p{n}", image.format(n), at=at + every * n, **given) for n in range(count)]


# Runtimes


def fixed(images: Mapping[str, FixedImage | float]) -> FixedSpec:
    """The fixed runtime; a number is the seconds of a pull."""
    return FixedSpec({name: i if isinstance(i, FixedImage) else FixedImage(i) for name, i in images.items()})


def failing(after: float = 1.0, *, pull: float = 1.0, times: int = -1, pattern: str | None = None, error: str = "boom"):
    return FixedImage(pull, fail=FixedFailure(after, error, times, pattern))


#: An image that comes in 3 s, and one that never does.
APP = fixed({"app:1": 3.0, "bad:1": failing(1.0)})


def containerd(
    version: Written = (2, 1),
    downloads: int = 3,
    *,
    metadata_write: float = 0.0,
    collect_after: float = 0.245,
    **unpack: float,
) -> ContainerdSpec:
    costs = {"gzip": RATE, "zstd": RATE, "stored": RATE, "per_file": 0.0, "per_layer": 0.0, "while_downloading": 1.0}
    return ContainerdSpec(
        CONTAINERD.resolve(version),
        downloads,
        metadata_write,
        UnpackSpec(**{**costs, **unpack}),
        collect_after=collect_after,
    )


def crio(
    version: tuple[int, int] = (1, 36), *, inflate: float = FAST, metadata_write: float = 0.0, **unpack: float
) -> CrioSpec:
    """CRI-O that inflates at ``inflate`` bytes/s while it downloads; unpacking costs as in `containerd`."""
    costs = containerd(**unpack).unpack
    return CrioSpec(version, metadata_write, costs, InflateSpec(inflate, inflate, inflate, 0.0))


# Registries and images


def registry(host: str = HOST, **given: Any) -> RegistrySpec:
    """A registry that sends RATE and otherwise costs no time."""
    free = {"egress": RATE, "round_trip": 0.0, "first_byte": 0.0, "head": 0.0, "goodput": 1.0, "tls": False}
    return RegistrySpec(host, **{**free, **given})


def layer(name: str, fetch: float = 1.0, unpack: float = 0.0, *, diff_id: str | None = None, files: int = 0) -> Layer:
    return Layer.of(
        synthetic_digest("layer", name),
        round(fetch * RATE),
        unpacked=round(unpack * RATE),
        files=files,
        diff_id=diff_id,
    )


def image(*layers: Layer, documents: tuple[int, int] = (0, 0)) -> Manifest:
    """An image of which manifest and config have the bytes of `documents`."""
    return Manifest.of(layers, size=documents[0], config_size=documents[1])


def catalog(images: Mapping[str, Manifest]) -> Catalog:
    """A catalogue of images by repository and tag on HOST, unless the name has a host."""
    made = Catalog()
    for name, content in images.items():
        made.add(named(name), content)
    return made


def named(name: str) -> str:
    return name if "/" in name else f"{HOST}/{name}"


NAME = named("a:1")


# Clusters


def node(
    runtime: RuntimeSpec,
    *,
    pool: str = "n",
    kubelet: Mapping[str, Any] = UNLIMITED,
    version: tuple[int, int] = (1, 35),
    loop: LoopSpec = MINIMAL,
    nic: float = FAST,
    cores: int = 64,
    efficiency: float = 1.0,
    write: float | None = None,
    size: int | None = None,
    used: int = 0,
    fsync: float = 0.0,
    cached: Iterable[str] = (),
    max_pods: int = 110,
    platform: Platform = AMD64,
    handlers: Iterable[RuntimeHandler] = (),
) -> NodeSpec:
    return NodeSpec(
        pool,
        platform,
        max_pods=max_pods,
        nic=NicSpec(nic),
        disk=DiskSpec(write, fsync),
        filesystem=None if size is None else FilesystemSpec(size, used),
        cores=CoresSpec(cores, efficiency),
        kubelet=read_kubelet_configuration(
            {k: v for k, v in kubelet.items() if k != "maxParallelImagePulls" or version >= (1, 27)}, version
        ),
        kubelet_version=version,
        loop=loop,
        runtime=runtime,
        runtime_handlers=tuple(handlers),
        cached=tuple(cached),
    )


def run(
    wanted: Iterable[Pod],
    spec: NodeSpec | Iterable[Node],
    *,
    nodes: int = 1,
    registries: Iterable[RegistrySpec] = (),
    images: Mapping[str, Manifest] | Catalog | None = None,
    status: bool = False,
    **cluster: Any,
) -> Result:
    """Run the pods on nodes n-0, n-1, … of one spec (or on the given nodes)."""
    content = images if isinstance(images, Catalog) else catalog(images or {})
    return simulate(
        ClusterSpec(
            tuple(Node(f"{spec.pool}-{n}", spec) for n in range(nodes)) if isinstance(spec, NodeSpec) else tuple(spec),
            tuple(sorted(wanted, key=lambda each: each.created)),
            registries=tuple(registries),
            catalog=content,
            **cluster,
        ),
        status=status,
    )


def opened(spec: ClusterSpec) -> tuple[Cluster, Result]:
    """A cluster to look into while it runs and afterwards, and the result that it fills."""
    pools = {each.name: each.spec.pool for each in spec.nodes}
    result = Result("", 0, "", 0.0, "", tuple(pools), pools, "layers")
    return Cluster(spec, ResultRecorder(result)), result


def run_fixed(
    wanted: Iterable[Pod],
    images: Mapping[str, FixedImage | float],
    *,
    kubelet: Mapping[str, Any] = UNLIMITED,
    loop: LoopSpec = MINIMAL,
    version: tuple[int, int] = (1, 35),
    handlers: Iterable[RuntimeHandler] = (),
    **cluster: Any,
) -> Result:
    """Run on one node with the fixed runtime."""
    spec = node(fixed(images), kubelet=kubelet, loop=loop, version=version, handlers=handlers)
    return run(wanted, spec, **cluster)


#: A round trip of 1 s and no slow start.
FAR: Mapping[str, Any] = {"round_trip": 1.0, "initial_window": 10**15, "max_window": 10**15}
OLD, NEW = (2, 0), (2, 1)  # releases of containerd: slots of each pull; slots of the node
EVERY = ((1, 6), (1, 7), OLD, NEW, (2, 2))
BOTH = pytest.mark.parametrize("version", [OLD, NEW], ids=["2.0", "2.1"])
ALL = pytest.mark.parametrize("version", EVERY, ids=str)


def run_containerd(
    images: Mapping[str, Manifest] | Catalog,
    wanted: Iterable[Pod] | None = None,
    *,
    spec: NodeSpec | None = None,
    source: RegistrySpec | None = None,
    **cluster: Any,
) -> Result:
    """Run pods a, b, … of images a:1, b:1, … of one registry, on nodes with containerd."""
    if wanted is None:
        wanted = [pod(name.split(":")[0], named(name)) for name in images]
    return run(wanted, spec or node(containerd()), registries=[source or registry()], images=images, **cluster)


def pull_alone(*content: Layer, **given: Any) -> tuple[Result, PullRecord]:
    """Pull an image of these layers, on an empty node."""
    result = run_containerd({"a:1": image(*content)}, **given)
    return result, pull(result, "a")


def unresolved(name: str, version: Written = NEW) -> str:
    """What a containerd says first of a name that it could not resolve."""
    what = "image" if version >= NEW else f'reference "{name}"'
    return f'failed to pull and unpack image "{name}": failed to resolve {what}: '
