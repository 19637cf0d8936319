"""The reference workloads for the full model: kubelet, containerd, registry, disk, records.

What W, F and J mean here, beyond `workload.py`: containerd 2.0 with three downloads a pull; kubelet 1.35 with four
parallel pulls, no QPS limit, its own loop; one registry (egress as given, 1 ms round trip, 3.5 ms for a HEAD and 3.7 ms
to the first byte of a GET, plain HTTP, no authentication, goodput 1, windows of 14,480 B to 3 MB); a NIC as given; one
core that unpacks 200 MB/s (ratio 1, nothing per file or layer, not slowed by downloads); a disk that writes 1 GB/s;
2.1 ms a metadata write, one at a time. Manifest and config have their typical sizes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.workloads.workload import DISK, DOWNLOADS, PULLS
from pullsim.formats.kubernetes.kubelet_configuration import read_kubelet_configuration
from pullsim.oci.catalog import Catalog
from pullsim.oci.manifest import Layer, Manifest, synthetic_digest
from pullsim.oci.platform import Platform
from pullsim.releases.containerd import CONTAINERD
from pullsim.spec.cluster import ClusterSpec, ContainerSpec, Node, NodeSpec, Pod, PodSpec
from pullsim.spec.hardware import CoresSpec, DiskSpec, NicSpec
from pullsim.spec.registry import RegistrySpec
from pullsim.spec.runtime import ContainerdSpec
from pullsim.spec.unpack import UnpackSpec

if TYPE_CHECKING:
    from benchmarks.workloads.workload import Workload

HOST = "registry.example.com"
WRITE = 1e9  # of a node's disk, bytes/s


def cluster(workload: Workload) -> ClusterSpec:
    """Return the workload as the input of the simulation."""
    layers = [
        Layer.of(synthetic_digest("layer", str(number)), size, unpacked=size, files=0)
        for number, size in enumerate(workload.sizes)
    ]
    catalog = Catalog()
    for number, image in enumerate(workload.images):
        catalog.add(_image(number), Manifest.of([layers[layer] for layer in image]))
    spec = NodeSpec(
        "workers",
        Platform.parse("linux/amd64"),
        nic=NicSpec(workload.nic),
        disk=DiskSpec(write=WRITE),
        cores=CoresSpec(count=1, efficiency=1.0),
        kubelet=read_kubelet_configuration({"maxParallelImagePulls": PULLS, "registryPullQPS": 0}),
        runtime=ContainerdSpec(
            version=CONTAINERD.resolve((2, 0)),
            max_concurrent_downloads=DOWNLOADS,
            unpack=UnpackSpec(gzip=DISK, stored=DISK, per_file=0.0, per_layer=0.0, while_downloading=1.0),
        ),
    )
    nodes = tuple(Node(f"workers-{number:04}", spec) for number in range(workload.nodes))
    templates = [
        PodSpec((ContainerSpec("main", _image(number), "IfNotPresent"),)) for number in range(len(workload.images))
    ]
    pods = [
        Pod(f"{node.name}-{number:02}", "default", "workload", templates[image], arrival, node=node.name)
        for node, placed in zip(nodes, workload.pods, strict=True)
        for number, (arrival, image) in enumerate(placed)
    ]
    registry = RegistrySpec(HOST, egress=workload.egress, round_trip=1e-3, goodput=1.0, tls=False)
    return ClusterSpec(
        nodes,
        tuple(sorted(pods, key=lambda pod: pod.created)),
        registries=(registry,),
        catalog=catalog,
        placement="given",
        seed=1,
    )


def _image(number: int) -> str:
    return f"{HOST}/app{number}:1"
